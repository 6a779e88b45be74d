"""The hinge as a penalty."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.penalties.protocol import CoordinatePenalty


@record(CoordinatePenalty)
class Hinge(NamedTuple):
    """``alpha sum_j weights_j max(0, 1 - x_j)``: what margins below one cost.

    With ``t = step alpha w_j`` the prox moves u up by t where that stays below 1, holds it at 1
    where it does not, and leaves u beyond 1 alone.  At ``u == 1`` Clarke's set is q in u, at
    ``u == 1 - t`` it is ``(q, q)`` in (u, t); q = 0 is held at 1.

    Parameters
    ----------
    alpha : float
        Not negative.
    weights : ndarray of shape (p,)
        Not negative.

    References
    ----------
    Parikh and Boyd (2014), Proximal algorithms, section 6 (separable functions).

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import Hinge, prox
    >>> prox(Hinge(0.5, np.ones(3)), [-1.0, 0.8, 2.0], wrt="alpha")
    (array([-0.5,  1. ,  2. ]), array([1., 0., 0.]))
    """

    alpha: float
    weights: np.ndarray

    def value(self, j, x):
        return self.alpha * self.weights[j] * max(0.0, 1.0 - x)

    def prox(self, j, u, step):
        t = step * self.alpha * self.weights[j]
        if u < 1.0 - t:
            return u + t
        return 1.0 if u < 1.0 else u

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        t = step * self.alpha * self.weights[j]
        dt = step * (d.alpha[k] * self.weights[j] + self.alpha * d.weights[k, j])
        if u > 1.0 or (u == 1.0 and t == 0.0):
            return du
        if u < 1.0 - t:
            return du + dt
        return q * (du + dt) if u == 1.0 - t else q * du if u == 1.0 else 0.0
