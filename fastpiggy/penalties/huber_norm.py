"""Huber's function as a penalty."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.penalties.protocol import CoordinatePenalty


@record(CoordinatePenalty)
class HuberNorm(NamedTuple):
    """``alpha sum_j weights_j h(x_j)``, h the l1 norm rounded off: ``x^2/(2 delta)`` up to delta.

    Beyond, h is ``abs(x) - delta/2``.  With ``t = step alpha w_j`` the prox divides by ``1 +
    t/delta`` up to ``delta + t``, and takes t off beyond.  At ``abs(u) == delta + t`` Clarke's
    set lies between the two slopes: q = 0 is the smaller one, q = 1 the identity's.

    Parameters
    ----------
    alpha : float
        Not negative.
    delta : float
        The knee; positive.
    weights : ndarray of shape (p,)
        Not negative.

    References
    ----------
    Huber (1964), Robust estimation of a location parameter; Beck (2017), First-Order Methods in
    Optimization, example 6.66 (the prox of the Huber function).

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import HuberNorm, prox
    >>> prox(HuberNorm(1.0, 1.0, np.ones(2)), [3.0, 1.0], wrt="alpha")
    (array([2. , 0.5]), array([-1.  , -0.25]))
    """

    alpha: float
    delta: float
    weights: np.ndarray

    def value(self, j, x):
        size = abs(x)
        bent = 0.5 * size * size / self.delta if size <= self.delta else size - 0.5 * self.delta
        return self.alpha * self.weights[j] * bent

    def prox(self, j, u, step):
        t = step * self.alpha * self.weights[j]
        if abs(u) <= self.delta + t:
            return u * (self.delta / (self.delta + t))
        return u - np.copysign(t, u)

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        t, delta = step * self.alpha * self.weights[j], self.delta
        dt = step * (d.alpha[k] * self.weights[j] + self.alpha * d.weights[k, j])
        far = du - dt * np.sign(u)
        both = delta + t
        near = du * (delta / both) + (u / both) * ((d.delta[k] * t - delta * dt) / both)
        if abs(u) < both:
            return near
        return far if abs(u) > both else (1.0 - q) * near + q * far
