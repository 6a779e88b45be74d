"""Softplus as a penalty: the logistic loss of a margin."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import helper, record
from fastpiggy.penalties.protocol import CoordinatePenalty


@helper
def _falling(z):
    """``1/(1 + exp(z))``, for z of any size."""
    small = np.exp(-abs(z))
    return small / (1.0 + small) if z > 0.0 else 1.0 / (1.0 + small)


@record(CoordinatePenalty)
class Softplus(NamedTuple):
    """``alpha sum_j weights_j log(1 + exp(-x_j))``: softplus of -x, the smooth hinge.

    With ``t = step alpha w_j`` the prox solves ``z - u = t/(1 + exp(z))``, by Newton's method
    between u and u + t.  With ``s = 1/(1 + exp(z))`` and ``h = s (1 - s)`` its derivative is
    ``1/(1 + t h)`` in u and ``s/(1 + t h)`` in t; there are no kinks.

    Parameters
    ----------
    alpha : float
        Not negative.
    weights : ndarray of shape (p,)
        Not negative.

    References
    ----------
    Parikh and Boyd (2014), Proximal algorithms, section 6.1 (smooth scalar functions by Newton's
    method).

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import Softplus, prox
    >>> z, dz = prox(Softplus(1.0, np.array([0.0, 1.0])), [0.0, -0.5], wrt="alpha")
    >>> z.round(4), dz.round(4)
    (array([0., 0.]), array([0. , 0.4]))
    """

    alpha: float
    weights: np.ndarray

    def value(self, j, x):
        excess = np.log1p(np.exp(-abs(x))) + max(0.0, -x)
        return self.alpha * self.weights[j] * excess

    def prox(self, j, u, step):
        t = step * self.alpha * self.weights[j]
        low, high, z = u, u + t, u + t * _falling(u + 0.25 * t)
        for _ in range(100):
            s = _falling(z)
            gap = (z - u) - t * s
            if gap > 0.0:
                high = z
            else:
                low = z
            new = z - gap / (1.0 + t * s * (1.0 - s))
            if not low <= new <= high:
                new = low + 0.5 * (high - low)
            done = abs(new - z) <= 4e-16 * abs(new)
            z = new
            if done:
                break
        return z

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        t = step * self.alpha * self.weights[j]
        dt = step * (d.alpha[k] * self.weights[j] + self.alpha * d.weights[k, j])
        s = _falling(z)
        return (du + s * dt) / (1.0 + t * s * (1.0 - s))
