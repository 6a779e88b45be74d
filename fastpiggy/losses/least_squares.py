"""Least squares."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.losses.protocol import Loss


@record(Loss)
class LeastSquares(NamedTuple):
    """``sum_i s_i (y_i - X_i x)^2 / 2``; the state is the residual ``X_i x - y_i``.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Targets.
    sample_weight : ndarray of shape (n,)
        The weights s_i, already normalised where they should be.
    """

    y: np.ndarray
    sample_weight: np.ndarray

    def start(self, i):
        return -self.y[i]

    def start_tangent(self, i, d, k):
        return -d.y[k, i]

    def value(self, i, z):
        return 0.5 * self.sample_weight[i] * z * z

    def slope(self, i, z):
        return self.sample_weight[i] * z

    def curvature(self, i, z):
        return self.sample_weight[i]

    def slope_tangent(self, i, z, d, k):
        return d.sample_weight[k, i] * z

    def bound(self, i):
        return self.sample_weight[i]

    def quadratic(self):
        return True

    def roughness(self):
        """Lipschitz constant of ``log f_i''`` in z: the curvature is constant."""
        return 0.0
