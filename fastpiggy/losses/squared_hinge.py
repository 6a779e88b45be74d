"""Squared hinge loss for two classes."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.losses.protocol import Loss


@record(Loss)
class SquaredHinge(NamedTuple):
    """``sum_i s_i max(0, 1 - y_i X_i x)^2``; the state is the linear predictor ``X_i x``.

    Without a half, as in LIBLINEAR and scikit-learn's ``LinearSVC``.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels -1.0 and +1.0.  They are no parameters: there is no derivative along them.
    sample_weight : ndarray of shape (n,)
        The weights s_i.
    selection : float, default=0.0
        The share of the curvature 2 s_i that is taken at ``y_i X_i x == 1``, where Clarke's set is
        ``[0, 2 s_i]``.
    """

    y: np.ndarray
    sample_weight: np.ndarray
    selection: float = 0.0
    held = ("y", "selection")  # no parameters

    def start(self, i):
        return 0.0

    def start_tangent(self, i, d, k):
        return 0.0

    def value(self, i, z):
        gap = 1.0 - self.y[i] * z
        return 0.0 if gap <= 0.0 else self.sample_weight[i] * gap * gap

    def slope(self, i, z):
        gap = 1.0 - self.y[i] * z
        return 0.0 if gap <= 0.0 else -2.0 * self.sample_weight[i] * self.y[i] * gap

    def curvature(self, i, z):
        gap = 1.0 - self.y[i] * z
        inside = 1.0 if gap > 0.0 else self.selection if gap == 0.0 else 0.0
        return 2.0 * self.sample_weight[i] * inside

    def slope_tangent(self, i, z, d, k):
        gap = 1.0 - self.y[i] * z
        return 0.0 if gap <= 0.0 else -2.0 * d.sample_weight[k, i] * self.y[i] * gap

    def bound(self, i):
        return 2.0 * self.sample_weight[i]
