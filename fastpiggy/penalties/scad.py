"""The smoothly clipped absolute deviation."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.penalties.protocol import CoordinatePenalty
from fastpiggy.penalties.threshold import largest_ratio


@record(CoordinatePenalty)
class SCAD(NamedTuple):
    """``sum_j g_j(x_j)``: ``a_j abs(x_j)`` up to a_j, then bent until it is flat at ``gamma a_j``.

    Here ``a_j = alpha weights_j``.  In between, ``g_j(x) = a_j abs(x) - (abs(x) - a_j)^2 / (2
    (gamma - 1))``; beyond, ``(gamma + 1) a_j^2 / 2`` (Fan and Li, "Variable selection via
    nonconcave penalized likelihood", 2001).  For a step below ``gamma - 1`` the prox is 0 up to
    ``step a``, the soft threshold up to ``(1 + step) a``, of slope ``(gamma - 1)/(gamma - 1 -
    step)`` up to ``gamma a``, then the identity.  The penalty is not convex, and its prox not
    nonexpansive: what is found is a stationary point, a local minimum where the loss is curved
    enough.

    Parameters
    ----------
    alpha : float
        Not negative.
    gamma : float
        Where the penalty levels off, over a; above 1, customarily 3.7.  Every step must stay below
        ``gamma - 1``.
    weights : ndarray of shape (p,)
        Not negative.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> X, y = np.eye(4), np.array([8.0, 4.0, 2.4, 0.8])
    >>> loss = fp.losses.LeastSquares(y, np.ones(4))
    >>> problem = fp.Problem(loss, fp.penalties.SCAD(1.5, 3.7, np.ones(4)), X)
    >>> sol = fp.solve(problem, wrt="alpha")
    >>> sol.x.round(4), sol.jacobian["alpha"].round(4)
    (array([8.    , 3.0882, 0.9   , 0.    ]), array([ 0.    , -2.1765, -1.    ,  0.    ]))
    """

    alpha: float
    gamma: float
    weights: np.ndarray

    def value(self, j, x):
        a = self.alpha * self.weights[j]
        size = min(abs(x), self.gamma * a)
        bent = max(size - a, 0.0)
        return a * size - 0.5 * bent * bent / (self.gamma - 1.0)

    def prox(self, j, u, step):
        a, size = self.alpha * self.weights[j], abs(u)
        if a > 0.0 and size <= step * a:
            return 0.0
        if size <= (1.0 + step) * a:
            return u - np.copysign(step * a, u)
        if size <= self.gamma * a:
            # The quotient of three terms as a step from u, which has no large ones to cancel.
            room = self.gamma - 1.0 - step
            return u - np.copysign(step * (self.gamma * a - size) / room, u)
        return u

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        a, size = self.alpha * self.weights[j], abs(u)
        if a == 0.0 or size > self.gamma * a:
            return du
        da = d.alpha[k] * self.weights[j] + self.alpha * d.weights[k, j]
        soft = du - step * da * np.sign(u)
        if size < (1.0 + step) * a:
            return soft if size > step * a else q * soft if size == step * a else 0.0
        room = self.gamma - 1.0 - step
        bent = du + step * (du - (d.gamma[k] * a + self.gamma * da) * np.sign(u)) / room
        bent += step * d.gamma[k] * (self.gamma * a - size) * np.sign(u) / (room * room)
        if size == (1.0 + step) * a:
            return q * bent + (1.0 - q) * soft
        return q * bent + (1.0 - q) * du if size == self.gamma * a else bent

    def flat(self, j, u, step, q):
        t = step * self.alpha * self.weights[j]
        return t > 0.0 and (abs(u) < t or (abs(u) == t and q == 0.0))

    def alpha_max(self, g):
        """The smallest alpha at which x = 0 is stationary where the loss has gradient g there."""
        return largest_ratio(np.abs(g), self.weights)

    def largest_step(self):
        """Steps must stay below this: beyond it the prox is set-valued."""
        return self.gamma - 1.0
