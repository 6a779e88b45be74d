"""The elastic net, and the same on nonnegative coefficients."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.penalties.protocol import CoordinatePenalty
from fastpiggy.penalties.threshold import largest_ratio


@record(CoordinatePenalty)
class ElasticNet(NamedTuple):
    """``alpha l1_ratio sum_j weights_j abs(x_j) + alpha (1 - l1_ratio)/2 norm(x)^2``.

    The prox is the soft threshold at ``t = step alpha l1_ratio w_j`` over
    ``1 + step alpha (1 - l1_ratio)``; kinks are those of the soft threshold.

    Parameters
    ----------
    alpha : float
        Not negative.
    l1_ratio : float
        In [0, 1].
    weights : ndarray of shape (p,)
        Of the l1 part; not negative.
    """

    alpha: float
    l1_ratio: float
    weights: np.ndarray

    def value(self, j, x):
        l1 = self.l1_ratio * self.weights[j] * abs(x)
        return self.alpha * (l1 + 0.5 * (1.0 - self.l1_ratio) * x * x)

    def prox(self, j, u, step):
        t = step * self.alpha * self.l1_ratio * self.weights[j]
        shrunk = 0.0 if t > 0.0 and abs(u) <= t else u - np.copysign(t, u)
        return shrunk / (1.0 + step * self.alpha * (1.0 - self.l1_ratio))

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        w = self.weights[j]
        t = step * self.alpha * self.l1_ratio * w
        side = 1.0 if abs(u) > t or t == 0.0 else q if abs(u) == t else 0.0
        dt = d.alpha[k] * self.l1_ratio * w + self.alpha * d.l1_ratio[k] * w
        dt += self.alpha * self.l1_ratio * d.weights[k, j]
        dridge = d.alpha[k] * (1.0 - self.l1_ratio) - self.alpha * d.l1_ratio[k]
        moved = side * (du - step * dt * np.sign(u)) - step * dridge * z
        return moved / (1.0 + step * self.alpha * (1.0 - self.l1_ratio))

    def flat(self, j, u, step, q):
        t = step * self.alpha * self.l1_ratio * self.weights[j]
        return t > 0.0 and (abs(u) < t or (abs(u) == t and q == 0.0))

    def alpha_max(self, g):
        """The smallest alpha at which x = 0 is a solution where the loss has gradient g there."""
        return _alpha_max(np.abs(g), self.weights, self.l1_ratio)

    def thresholds(self):
        """Of each coordinate, over alpha: it is zero while its gradient is below."""
        return self.l1_ratio * self.weights


@record(CoordinatePenalty)
class NonnegativeElasticNet(NamedTuple):
    """:class:`ElasticNet` on x >= 0, infinite elsewhere.

    The prox is ``max(u - t, 0)`` with ``t = step alpha l1_ratio w_j``, over
    ``1 + step alpha (1 - l1_ratio)``; at ``u == t`` Clarke's set in (u, t) is ``(q, -q)`` over the
    same.

    Parameters
    ----------
    alpha : float
        Not negative.
    l1_ratio : float
        In [0, 1]; 1 is :class:`NonnegativeL1`.
    weights : ndarray of shape (p,)
        Of the l1 part; not negative.
    """

    alpha: float
    l1_ratio: float
    weights: np.ndarray

    def value(self, j, x):
        l1 = self.l1_ratio * self.weights[j] * x
        return self.alpha * (l1 + 0.5 * (1.0 - self.l1_ratio) * x * x) if x >= 0.0 else np.inf

    def prox(self, j, u, step):
        t = step * self.alpha * self.l1_ratio * self.weights[j]
        shrunk = 0.0 if u <= t else u - t
        return shrunk / (1.0 + step * self.alpha * (1.0 - self.l1_ratio))

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        w = self.weights[j]
        t = step * self.alpha * self.l1_ratio * w
        side = 1.0 if u > t else q if u == t else 0.0
        dt = d.alpha[k] * self.l1_ratio * w + self.alpha * d.l1_ratio[k] * w
        dt += self.alpha * self.l1_ratio * d.weights[k, j]
        dridge = d.alpha[k] * (1.0 - self.l1_ratio) - self.alpha * d.l1_ratio[k]
        moved = side * (du - step * dt) - step * dridge * z
        return moved / (1.0 + step * self.alpha * (1.0 - self.l1_ratio))

    def flat(self, j, u, step, q):
        t = step * self.alpha * self.l1_ratio * self.weights[j]
        return u < t or (u == t and q == 0.0)

    def alpha_max(self, g):
        """The smallest alpha at which x = 0 is a solution where the loss has gradient g there."""
        return _alpha_max(np.maximum(-g, 0.0), self.weights, self.l1_ratio)


def _alpha_max(pulls, weights, l1_ratio):
    if l1_ratio == 0.0:
        raise ValueError(
            "alpha_max does not exist at l1_ratio = 0: a squared l2 penalty sets no "
            "coefficient to zero at any alpha"
        )
    return largest_ratio(pulls, weights) / l1_ratio
