"""Bounds on every coordinate."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.penalties.protocol import CoordinatePenalty


@record(CoordinatePenalty)
class Box(NamedTuple):
    """Zero on ``lower <= x <= upper``, infinite elsewhere; the prox is the clip.

    At a bound Clarke's set is q for u and 1 - q for the bound, q in [0, 1].

    Parameters
    ----------
    lower, upper : ndarray of shape (p,)
        Bounds, ``lower <= upper``; -inf and inf leave a side open.
    """

    lower: np.ndarray
    upper: np.ndarray

    def value(self, j, x):
        return 0.0 if self.lower[j] <= x <= self.upper[j] else np.inf

    def prox(self, j, u, step):
        return self.lower[j] if u < self.lower[j] else self.upper[j] if u > self.upper[j] else u

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        if u < self.lower[j] or self.lower[j] == self.upper[j]:
            return d.lower[k, j]
        if u > self.upper[j]:
            return d.upper[k, j]
        if u == self.lower[j]:
            return q * du + (1.0 - q) * d.lower[k, j]
        if u == self.upper[j]:
            return q * du + (1.0 - q) * d.upper[k, j]
        return du
