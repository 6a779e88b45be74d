"""The l1 norm with weights, and the same on nonnegative coefficients."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.penalties.protocol import CoordinatePenalty
from fastpiggy.penalties.threshold import largest_ratio


@record(CoordinatePenalty)
class L1(NamedTuple):
    """``alpha sum_j weights_j abs(x_j)``; the prox is the soft threshold at ``t = step alpha w_j``.

    At ``abs(u) == t > 0`` Clarke's set in (u, t) is ``(q, -q sign(u))``, q in [0, 1].  At t = 0
    the prox is the identity, also at u = 0.

    Parameters
    ----------
    alpha : float
        Not negative.
    weights : ndarray of shape (p,)
        Not negative; zero leaves a coordinate unpenalised.
    """

    alpha: float
    weights: np.ndarray

    def value(self, j, x):
        return self.alpha * self.weights[j] * abs(x)

    def prox(self, j, u, step):
        t = step * self.alpha * self.weights[j]
        # The comparison comes first so that NaN stays NaN.
        return 0.0 if t > 0.0 and abs(u) <= t else u - np.copysign(t, u)

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        t = step * self.alpha * self.weights[j]
        side = 1.0 if abs(u) > t or t == 0.0 else q if abs(u) == t else 0.0
        dt = step * (d.alpha[k] * self.weights[j] + self.alpha * d.weights[k, j])
        return side * (du - dt * np.sign(u))

    def flat(self, j, u, step, q):
        t = step * self.alpha * self.weights[j]
        return t > 0.0 and (abs(u) < t or (abs(u) == t and q == 0.0))

    def alpha_max(self, g):
        """The smallest alpha at which x = 0 is a solution where the loss has gradient g there."""
        return largest_ratio(np.abs(g), self.weights)

    def thresholds(self):
        """Of each coordinate, over alpha: it is zero while its gradient is below."""
        return self.weights


@record(CoordinatePenalty)
class NonnegativeL1(NamedTuple):
    """``alpha sum_j weights_j x_j`` on x >= 0, infinite elsewhere.

    The prox is ``max(u - t, 0)``; at ``u == t`` Clarke's set in (u, t) is ``(q, -q)``.

    Parameters
    ----------
    alpha : float
        Not negative.
    weights : ndarray of shape (p,)
        Not negative.
    """

    alpha: float
    weights: np.ndarray

    def value(self, j, x):
        return self.alpha * self.weights[j] * x if x >= 0.0 else np.inf

    def prox(self, j, u, step):
        t = step * self.alpha * self.weights[j]
        return 0.0 if u <= t else u - t

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        t = step * self.alpha * self.weights[j]
        side = 1.0 if u > t else q if u == t else 0.0
        dt = step * (d.alpha[k] * self.weights[j] + self.alpha * d.weights[k, j])
        return side * (du - dt)

    def flat(self, j, u, step, q):
        t = step * self.alpha * self.weights[j]
        return u < t or (u == t and q == 0.0)

    def alpha_max(self, g):
        """The smallest alpha at which x = 0 is a solution where the loss has gradient g there."""
        return largest_ratio(np.maximum(-g, 0.0), self.weights)
