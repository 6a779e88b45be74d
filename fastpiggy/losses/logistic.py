"""Logistic loss for two classes."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import helper, record
from fastpiggy.losses.protocol import Loss


@helper
def sigmoid(t):
    """``1 / (1 + exp(-t))`` without overflow on either side."""
    e = np.exp(-abs(t))
    return 1.0 / (1.0 + e) if t >= 0.0 else e / (1.0 + e)


@record(Loss)
class Logistic(NamedTuple):
    """``sum_i s_i log(1 + exp(-y_i X_i x))``; the state is the linear predictor ``X_i x``.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels -1.0 and +1.0.  They are no parameters: there is no derivative along them.
    sample_weight : ndarray of shape (n,)
        The weights s_i.
    """

    y: np.ndarray
    sample_weight: np.ndarray
    held = ("y",)  # no parameters

    def start(self, i):
        return 0.0

    def start_tangent(self, i, d, k):
        return 0.0

    def value(self, i, z):
        t = -self.y[i] * z
        return self.sample_weight[i] * (max(t, 0.0) + np.log1p(np.exp(-abs(t))))

    def slope(self, i, z):
        return -self.sample_weight[i] * self.y[i] * sigmoid(-self.y[i] * z)

    def curvature(self, i, z):
        return self.sample_weight[i] * sigmoid(z) * sigmoid(-z)

    def slope_tangent(self, i, z, d, k):
        return -d.sample_weight[k, i] * self.y[i] * sigmoid(-self.y[i] * z)

    def bound(self, i):
        return 0.25 * self.sample_weight[i]

    def roughness(self):
        """Lipschitz constant of ``log f_i''``: that of ``log(p (1 - p))`` is 1."""
        return 1.0
