"""The minimax concave penalty."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.penalties.protocol import CoordinatePenalty
from fastpiggy.penalties.threshold import largest_ratio


@record(CoordinatePenalty)
class MCP(NamedTuple):
    """``sum_j a_j abs(x_j) - x_j^2/(2 gamma)`` up to ``gamma a_j``, constant beyond.

    Here ``a_j = alpha weights_j``.  For a step below gamma the prox is the firm threshold: 0 up to
    ``step a``, slope ``1/(1 - step/gamma)`` up to ``gamma a``, then the identity.  The penalty is
    not convex, and its prox not nonexpansive: what is found is a stationary point, a local minimum
    where the loss is curved enough.

    Parameters
    ----------
    alpha : float
        Not negative.
    gamma : float
        Where the penalty levels off, over a; every step must stay below it.
    weights : ndarray of shape (p,)
        Not negative.
    """

    alpha: float
    gamma: float
    weights: np.ndarray

    def value(self, j, x):
        a = self.alpha * self.weights[j]
        inside = min(abs(x), self.gamma * a)
        return inside * (a - 0.5 * inside / self.gamma)

    def prox(self, j, u, step):
        a = self.alpha * self.weights[j]
        if a > 0.0 and abs(u) <= step * a:
            return 0.0
        if abs(u) <= self.gamma * a:
            return (u - np.copysign(step * a, u)) / (1.0 - step / self.gamma)
        return u

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        a, size = self.alpha * self.weights[j], abs(u)
        da = d.alpha[k] * self.weights[j] + self.alpha * d.weights[k, j]
        middle = (du - step * da * np.sign(u)) / (1.0 - step / self.gamma)
        middle -= z * step * d.gamma[k] / (self.gamma * (self.gamma - step))
        if size > self.gamma * a or a == 0.0:
            return du
        if size == self.gamma * a:
            return q * middle + (1.0 - q) * du
        return middle if size > step * a else q * middle if size == step * a else 0.0

    def flat(self, j, u, step, q):
        t = step * self.alpha * self.weights[j]
        return t > 0.0 and (abs(u) < t or (abs(u) == t and q == 0.0))

    def alpha_max(self, g):
        """The smallest alpha at which x = 0 is stationary where the loss has gradient g there."""
        return largest_ratio(np.abs(g), self.weights)

    def largest_step(self):
        """Steps must stay below this: beyond it the prox is set-valued."""
        return self.gamma
