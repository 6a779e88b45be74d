"""Negative entropy as a penalty."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import helper, record
from fastpiggy.penalties.protocol import CoordinatePenalty


@helper
def _log_omega(c):
    """log of Wright's omega function: w with ``w + exp(w) = c``; Newton from below, monotone."""
    if c <= 1.0:
        # Convex and above its root at w = c.
        w = c
        for _ in range(50):
            e = np.exp(w)
            new = w - (w + e - c) / (1.0 + e)
            done = abs(new - w) <= 4e-16 * max(1.0, abs(new))
            w = new
            if done:
                break
        return w
    s = c - np.log(c)
    for _ in range(50):
        new = s * (1.0 + c - np.log(s)) / (1.0 + s)
        done = abs(new - s) <= 4e-16 * new
        s = new
        if done:
            break
    return np.log(s)


@record(CoordinatePenalty)
class Entropy(NamedTuple):
    """``alpha sum_j weights_j x_j log(x_j)`` on x >= 0, infinite elsewhere.

    With ``t = step alpha w_j`` the prox z solves ``z + t (1 + log z) = u``, that is z is t times
    Wright's omega function of ``u/t - 1 - log t``, found in the logarithm so that neither end of
    the range is lost.  The derivative is ``z/(z + t)`` in u and ``-z (1 + log z)/(z + t)`` in t.
    At t = 0 only the bound x >= 0 is left, with its kink at u = 0: q in u.

    Parameters
    ----------
    alpha : float
        Not negative.
    weights : ndarray of shape (p,)
        Not negative.

    References
    ----------
    Beck (2017), First-Order Methods in Optimization, section 6.9 (negative entropy); Corless and
    Jeffrey (2002), The Wright omega function.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import Entropy, prox
    >>> z, dz = prox(Entropy(1.0, np.ones(2)), [2.0, -3.0], wrt="alpha")
    >>> z.round(4), dz.round(4)
    (array([1.   , 0.018]), array([-0.5   ,  0.0533]))
    """

    alpha: float
    weights: np.ndarray

    def value(self, j, x):
        if x < 0.0:
            return np.inf
        return self.alpha * self.weights[j] * x * np.log(x) if x > 0.0 else 0.0 * x

    def prox(self, j, u, step):
        t = step * self.alpha * self.weights[j]
        if t == 0.0:
            return 0.0 if u <= 0.0 else u
        log_t = np.log(t)
        return np.exp(log_t + _log_omega(u / t - 1.0 - log_t))

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        t = step * self.alpha * self.weights[j]
        dt = step * (d.alpha[k] * self.weights[j] + self.alpha * d.weights[k, j])
        if z == 0.0:
            return q * du if t == 0.0 and u == 0.0 else 0.0
        return z * (du - (1.0 + np.log(z)) * dt) / (z + t)
