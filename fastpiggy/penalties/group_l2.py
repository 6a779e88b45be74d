"""The group norm."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import helper, record
from fastpiggy.penalties.protocol import BlockPenalty
from fastpiggy.penalties.threshold import largest_ratio


@helper
def _norm(u):
    total = 0.0
    for i in range(u.size):
        total += u[i] * u[i]
    return np.sqrt(total)


@record(BlockPenalty)
class GroupL2(NamedTuple):
    """``alpha sum_g weights_g norm2(x_g)``; the prox is ``(1 - t/norm(u))_+ u`` by group.

    With ``r = norm(u) > t`` and ``v = u/r`` the Jacobian is ``(1 - t/r) I + (t/r) v v'`` in u and
    ``-v`` in t.  At r = t Clarke's set is ``(q v v', -q v)``, q in [0, 1].

    Parameters
    ----------
    alpha : float
        Not negative.
    weights : ndarray of shape (groups,)
        Not negative.
    offsets : ndarray of shape (groups + 1,), int
        Group g holds the coordinates ``order[offsets[g]:offsets[g + 1]]``.
    order : ndarray of shape (p,), int
        Coordinates sorted by group.
    """

    alpha: float
    weights: np.ndarray
    offsets: np.ndarray
    order: np.ndarray
    held = ("offsets", "order")  # no parameters

    def blocks(self, p):
        return self.weights.size

    def block(self, b):
        return self.offsets[b], self.offsets[b + 1]

    def member(self, i):
        return self.order[i]

    def value_block(self, b, x):
        return self.alpha * self.weights[b] * _norm(x)

    def prox_block(self, b, u, step, z, du, dz, d, m, q):
        t = step * self.alpha * self.weights[b]
        r = _norm(u)
        inside = t > 0.0 and r <= t
        keep = 0.0 if inside else 1.0 - t / r if r > 0.0 else 1.0
        for i in range(u.size):
            z[i] = keep * u[i]
        side = 1.0 if not inside else q if r == t else 0.0
        for k in range(m):
            dt = step * (d.alpha[k] * self.weights[b] + self.alpha * d.weights[k, b])
            along = 0.0
            for i in range(u.size):
                along += u[i] * du[k, i]
            # (t/r) v v'du - v dt, both along u; at r = 0 = t the prox is the identity.
            c = (t * along / (r * r) - dt) / r if r > 0.0 else 0.0
            for i in range(u.size):
                dz[k, i] = side * (keep * du[k, i] + c * u[i])

    def flat_block(self, b, u, step, q):
        t, r = step * self.alpha * self.weights[b], _norm(u)
        return t > 0.0 and (r < t or (r == t and q == 0.0))

    def alpha_max(self, g):
        """The smallest alpha at which x = 0 is a solution where the loss has gradient g there."""
        squares = np.add.reduceat(g[self.order] ** 2, self.offsets[:-1])
        return largest_ratio(np.sqrt(squares), self.weights)
