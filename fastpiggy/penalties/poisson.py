"""The Poisson likelihood as a penalty."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.penalties.protocol import CoordinatePenalty


@record(CoordinatePenalty)
class Poisson(NamedTuple):
    """``alpha sum_j weights_j (x_j - counts_j log(x_j))`` on x >= 0, infinite elsewhere.

    With ``t = step alpha w_j`` and ``root = sqrt((u - t)^2 + 4 t counts_j)`` the prox is
    ``z = (u - t + root)/2``, with derivative ``z/root`` in u, ``(counts_j - z)/root`` in t and
    ``t/root`` in the count.  Where the count is 0 this is the soft threshold on x >= 0, with its
    kink at ``u == t``: ``(q, -q)`` in (u, t); in a count of 0 the derivative there is infinite.

    Parameters
    ----------
    alpha : float
        Not negative.
    counts : ndarray of shape (p,)
        Not negative.
    weights : ndarray of shape (p,)
        Not negative.

    References
    ----------
    Combettes and Pesquet (2011), Proximal splitting methods in signal processing, table 2.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import Poisson, prox
    >>> z, dz = prox(Poisson(1.0, np.array([4.0, 0.0]), np.ones(2)), [1.0, 3.0], wrt="alpha")
    >>> z.round(4), dz.round(4)
    (array([2., 2.]), array([ 0.5, -1. ]))
    """

    alpha: float
    counts: np.ndarray
    weights: np.ndarray

    def value(self, j, x):
        a, y = self.alpha * self.weights[j], self.counts[j]
        if x < 0.0 or (x == 0.0 and a * y > 0.0):
            return np.inf
        return a * (x - y * np.log(x)) if a * y > 0.0 else a * x

    def prox(self, j, u, step):
        t, y = step * self.alpha * self.weights[j], self.counts[j]
        gap = u - t
        root = np.sqrt(gap * gap + 4.0 * t * y)
        # The other form of the root where this one cancels.
        return 2.0 * t * y / (root - gap) if gap < 0.0 else 0.5 * (gap + root)

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        t, y = step * self.alpha * self.weights[j], self.counts[j]
        dt = step * (d.alpha[k] * self.weights[j] + self.alpha * d.weights[k, j])
        root = np.sqrt((u - t) * (u - t) + 4.0 * t * y)
        if root > 0.0:
            return (z * du + (y - z) * dt + t * d.counts[k, j]) / root
        return q * (du - dt) if t == 0.0 or d.counts[k, j] == 0.0 else np.inf * d.counts[k, j]

    def check(self, p):
        if self.counts.shape != (p,) or self.counts.min(initial=0.0) < 0.0:
            raise ValueError(
                f"penalty.counts must have shape ({p},) for this X and no negative entry, got "
                f"shape {self.counts.shape} and smallest entry {self.counts.min(initial=np.inf)}"
            )
