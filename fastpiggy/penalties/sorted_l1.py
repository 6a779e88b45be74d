"""The sorted l1 norm (SLOPE)."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record, routine
from fastpiggy.penalties.isotonic import pool
from fastpiggy.penalties.protocol import Penalty
from fastpiggy.penalties.sorting import order_rising
from fastpiggy.penalties.spoiled import spoiled


@routine
def _average(u, order, w, lo, hi, share, du, dt, dweights, t, k, out):
    """Add `share` of a cluster's tangent: the ranks lo to hi move by the mean of what they gain."""
    total = 0.0
    for i in range(lo, hi):
        j = order[i]
        total += np.copysign(1.0, u[j]) * du[k, j] - dt * w[i] - t * dweights[k, i]
    for i in range(lo, hi):
        out[k, order[i]] += share * np.copysign(1.0, u[order[i]]) * total / (hi - lo)


@record(Penalty)
class SortedL1(NamedTuple):
    """``alpha sum_i weights_i abs(x)_(i)``, the magnitudes sorted from the largest: SLOPE.

    With ``t = step alpha`` the prox takes ``t weights_i`` off the i-th largest magnitude, pools
    what then rises, and cuts at zero: O(p log p).  On a cluster C of equal magnitudes with signs
    s the Jacobian is ``s_C s_C'/card(C)`` in u and ``-t s_C/card(C)`` in the weights of the ranks
    that C takes; what is zero stays so.  Where a cluster just reaches zero, q = 0 is zero; where
    two just meet, q = 0 is one cluster and q = 1 two; between, the tangents are blended.  One
    selection serves all coordinates, the first entry's.  OSCAR has ``weights_i = l1 + l2 (p -
    i)``.

    Parameters
    ----------
    alpha : float
        Not negative.
    weights : ndarray of shape (p,)
        By rank, not by coordinate: not negative, and not rising.

    References
    ----------
    Bogdan, van den Berg, Sabatti, Su and Candès (2015), SLOPE: adaptive variable selection via
    convex optimization, algorithm 4.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import SortedL1, prox
    >>> z, dz = prox(SortedL1(1.0, np.array([2.0, 1.0, 1.0])), [3.0, -2.8, 0.5], wrt="alpha")
    >>> z.round(4), dz.round(4)
    (array([ 1.4, -1.4,  0. ]), array([-1.5,  1.5,  0. ]))
    """

    alpha: float
    weights: np.ndarray

    def value_all(self, x):
        p, total = x.size, 0.0
        size, order = np.empty(p), np.empty(p, dtype=np.int64)
        for j in range(p):
            size[j] = -abs(x[j])
        order_rising(size, order)
        for i in range(p):
            total -= self.weights[i] * size[order[i]]
        return self.alpha * total

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if spoiled(u, z, dz, m):
            return
        p, t, w = u.size, steps[0] * self.alpha, self.weights
        less, order = np.empty(p), np.empty(p, dtype=np.int64)
        for j in range(p):
            less[j] = -abs(u[j])
        order_rising(less, order)
        ends, means, falling = np.empty(p, dtype=np.int64), np.empty(p), np.empty(p)
        scale = 0.0
        for i in range(p):
            # Upside down: what is pooled must rise.
            falling[i] = less[order[i]] + t * w[i]
            scale = max(scale, -less[order[i]] + t * w[i])
        blocks = pool(falling, ends, means)
        for k in range(m):
            for j in range(p):
                dz[k, j] = 0.0
        slack, start, lo = 1e-14 * scale, 0, 0
        for b in range(blocks):
            hi, taken = ends[b], 0.0
            for i in range(lo, hi):
                taken += t * w[i]
                z[order[i]] = np.copysign(max(-means[b], 0.0), u[order[i]])
            # On the brink of zero, unless nothing is taken off: the prox is then the identity.
            zero = 1.0 if means[b] < -slack or taken == 0.0 else q[0] if means[b] <= slack else 0.0
            last = hi == p or means[b + 1] - means[b] > slack
            # Equal magnitudes side by side have equal weights too: no more one than two.
            last = last or (less[order[hi - 1]] == less[order[hi]] and hi - lo == 1)
            for k in range(m):
                dt = steps[0] * d.alpha[k]
                if zero > 0.0:
                    _average(u, order, w, lo, hi, zero * q[0], du, dt, d.weights, t, k, dz)
                    if last:
                        _average(
                            u, order, w, start, hi, zero * (1.0 - q[0]), du, dt, d.weights, t, k, dz
                        )
            lo = hi
            if last:
                start = hi
        for j in range(p):
            # Where nothing is taken the prox is the identity, to the last bit.
            z[j] = u[j] if t == 0.0 else z[j]

    def alpha_max(self, g):
        """The smallest alpha at which x = 0 is a solution where the loss has gradient g there."""
        size, weights = np.cumsum(np.sort(np.abs(g))[::-1]), np.cumsum(self.weights)
        return float(np.max(size[weights > 0] / weights[weights > 0], initial=0.0))

    def check(self, p):
        if self.weights.shape != (p,) or np.any(np.diff(self.weights) > 0):
            raise ValueError(
                f"penalty.weights must have shape ({p},) for this X and not rise: the first is "
                "that of the largest coefficient; sort them"
            )
