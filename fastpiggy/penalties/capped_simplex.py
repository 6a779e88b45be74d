"""The simplex with a cap on every entry."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record, routine
from fastpiggy.penalties.protocol import Penalty
from fastpiggy.penalties.sorting import order_rising
from fastpiggy.penalties.spoiled import spoiled


@routine
def _shift(v, radius, cap):
    """tau with ``sum clip(v - tau, 0, cap) = radius``: between two neighbours of the sorted
    breakpoints the sum is linear."""
    p = v.size
    ends, order = np.empty(2 * p), np.empty(2 * p, dtype=np.int64)
    for j in range(p):
        ends[j], ends[p + j] = v[j] - cap, v[j]
    order_rising(ends, order)
    low, high = 0, 2 * p - 1
    while high - low > 1:
        middle, total = (low + high) // 2, 0.0
        for j in range(p):
            total += min(max(v[j] - ends[order[middle]], 0.0), cap)
        if total >= radius:
            low = middle
        else:
            high = middle
    total, count = -radius, 0
    for j in range(p):
        if v[j] - cap >= ends[order[high]]:
            total += cap
        elif v[j] >= ends[order[high]]:
            total += v[j]
            count += 1
    return total / count


@routine
def _mark(v, tau, cap, slack, free):
    """0 at zero, 1 at the cap, 2 between them by more than the slack; how many are between."""
    count = 0
    for j in range(v.size):
        above = v[j] - tau
        free[j] = 0 if above <= slack else 1 if above >= cap - slack else 2
        count += free[j] == 2
    return count


@routine
def _along(free, count, du, dradius, dcap, k, out):
    """Tangent of the projection for a free set."""
    total = 0.0
    for j in range(free.size):
        total += du[k, j] if free[j] == 2 else dcap if free[j] == 1 else 0.0
    mean = (dradius - total) / count
    for j in range(free.size):
        out[j] = du[k, j] + mean if free[j] == 2 else dcap if free[j] == 1 else 0.0


@record(Penalty)
class CappedSimplex(NamedTuple):
    """Zero on ``{0 <= x <= cap, sum x = radius}``, infinite elsewhere; the prox is the projection.

    It is ``clip(u - tau, 0, cap)``, with Jacobian ``I - 1 1'/card(F)`` in u on the free set F, the
    entries between the bounds, and ``1/card(F)`` in the radius; entries at the cap move with it,
    and what they take is taken off the free ones.  Where an entry just touches a bound it may be
    free or not: q blends the two tangents, q = 0 leaves it at the bound.  Where no entry is between
    the bounds, the derivative is that of those which touch one.  One selection serves all
    coordinates, the first entry's.

    Parameters
    ----------
    radius : float
        Positive, and at most p times the cap.
    cap : float
        Positive.

    References
    ----------
    Wang and Lu (2015), Projection onto the capped simplex, arXiv:1503.01002.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import CappedSimplex, prox
    >>> z, dz = prox(CappedSimplex(1.6, 1.0), [2.0, 0.5, 0.3, -1.0], wrt="radius")
    >>> z.round(4), dz.round(4)
    (array([1. , 0.4, 0.2, 0. ]), array([0. , 0.5, 0.5, 0. ]))
    """

    radius: float
    cap: float

    def value_all(self, x):
        total, beyond = 0.0, 0.0
        for j in range(x.size):
            total += x[j]
            beyond = max(beyond, -x[j], x[j] - self.cap)
        close = abs(total - self.radius) <= 1e-9 * self.radius
        return 0.0 if close and beyond <= 1e-9 * min(self.radius, self.cap) else np.inf

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if spoiled(u, z, dz, m):
            return
        p, top = u.size, -np.inf
        for j in range(p):
            top = max(top, u[j])
        # As for the simplex: measured from the largest entry.
        v = np.empty(p)
        for j in range(p):
            v[j] = u[j] - top
        tau = _shift(v, self.radius, self.cap)
        for j in range(p):
            z[j] = min(max(v[j] - tau, 0.0), self.cap)
        if m == 0:
            return
        slack = 1e-14 * (abs(top) + abs(tau) + self.cap)
        strict, touching = np.empty(p, dtype=np.int64), np.empty(p, dtype=np.int64)
        inner, outer = (
            _mark(v, tau, self.cap, slack, strict), _mark(v, tau, self.cap, -slack, touching),
        )  # fmt: skip
        share = q[0] if inner > 0 else 1.0
        extra = np.empty(p)
        for k in range(m):
            if share < 1.0:
                _along(strict, inner, du, d.radius[k], d.cap[k], k, dz[k])
            if share > 0.0:
                _along(touching, outer, du, d.radius[k], d.cap[k], k, extra)
                for j in range(p):
                    kept = (1.0 - share) * dz[k, j] if share < 1.0 else 0.0
                    dz[k, j] = kept + share * extra[j]

    def check(self, p):
        if self.radius > p * self.cap:
            raise ValueError(
                f"penalty.radius must be at most {p} times penalty.cap, got {self.radius} and "
                f"{self.cap}: the set is empty"
            )
