"""Huber's loss."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.losses.protocol import Loss


@record(Loss)
class Huber(NamedTuple):
    """``sum_i s_i h(X_i x - y_i)``, ``h(z) = z^2/2`` up to `delta` and linear beyond it.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Targets.
    sample_weight : ndarray of shape (n,)
        The weights s_i.
    delta : float
        Where the square turns into the line, in units of y.
    selection : float, default=0.0
        The curvature taken at ``abs(z) == delta``, where Clarke's set is [0, 1].
    """

    y: np.ndarray
    sample_weight: np.ndarray
    delta: float
    selection: float = 0.0
    held = ("selection",)  # no parameters

    def start(self, i):
        return -self.y[i]

    def start_tangent(self, i, d, k):
        return -d.y[k, i]

    def value(self, i, z):
        inside = min(abs(z), self.delta)
        return self.sample_weight[i] * inside * (abs(z) - 0.5 * inside)

    def slope(self, i, z):
        return self.sample_weight[i] * (np.copysign(self.delta, z) if abs(z) > self.delta else z)

    def curvature(self, i, z):
        size = abs(z)
        inside = 1.0 if size < self.delta else self.selection if size == self.delta else 0.0
        return self.sample_weight[i] * inside

    def slope_tangent(self, i, z, d, k):
        size = abs(z)
        outside = 0.0 if size < self.delta else 1.0
        if size == self.delta:
            outside = 1.0 - self.selection
        slope = np.copysign(self.delta, z) if size > self.delta else z
        moved = outside * d.delta[k] * np.copysign(1.0, z)
        return d.sample_weight[k, i] * slope + self.sample_weight[i] * moved

    def bound(self, i):
        return self.sample_weight[i]
