"""The simplex."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import helper, record, routine
from fastpiggy.penalties.protocol import Penalty


@routine
def threshold(v, radius):
    """tau with ``sum max(v - tau, 0) = radius``, by Michelot's algorithm: what lies below the
    threshold of the rest is dropped until nothing does.

    v is at most 0 and its largest entry is 0, which always stays: no threshold is lost to rounding
    where the entries were much larger than the radius.
    """
    p = v.size
    tau, count, before = -np.inf, p, p + 1
    while count < before:
        before = count
        total, count = 0.0, 0
        for j in range(p):
            if v[j] > tau:
                total += v[j]
                count += 1
        tau = (total - radius) / count if count > 0 else np.nan
        count = 0
        for j in range(p):
            if v[j] > tau:
                count += 1
    return tau


@helper
def _projected(v, level, du, dradius, k, out):
    """Tangent of the projection for the support ``{v > level}``."""
    total, count = 0.0, 0
    for j in range(v.size):
        if v[j] > level:
            total += du[k, j]
            count += 1
    mean = (dradius - total) / count if count > 0 else np.nan
    for j in range(v.size):
        out[j] = du[k, j] + mean if v[j] > level else 0.0


@record(Penalty)
class Simplex(NamedTuple):
    """Zero on ``{x >= 0, sum x = radius}``, infinite elsewhere; the prox is the projection.

    On the support S it is ``u - tau``, with Jacobian ``I - 1 1'/card(S)`` in u and ``1/card(S)`` in
    the radius.  Where ``u_j == tau`` the support may take j in or not: q blends the two tangents,
    q = 0 leaves it out.  One selection serves all coordinates, the first entry's.

    Parameters
    ----------
    radius : float
        Positive.
    """

    radius: float

    def value_all(self, x):
        total, least = 0.0, 0.0
        for j in range(x.size):
            total += x[j]
            least = min(least, x[j])
        close = abs(total - self.radius) <= 1e-9 * self.radius and least >= -1e-9 * self.radius
        return 0.0 if close else np.inf

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        p = u.size
        top = -np.inf
        for j in range(p):
            if u[j] > top:
                top = u[j]
        # The differences are stored, or the compiler would add up the two shifts first.
        v = np.empty(p)
        for j in range(p):
            v[j] = u[j] - top
        tau = threshold(v, self.radius)
        for j in range(p):
            # A NaN must come through, so the comparison is with what is dropped.
            z[j] = 0.0 if v[j] <= tau else v[j] - tau
        # Rounding of u hides a kink, but never takes the largest entry out of the support.
        slack = min(1e-14 * (abs(top + tau) + self.radius), -0.5 * tau)
        extra = np.empty(p)
        for k in range(m):
            _projected(v, tau + slack, du, d.radius[k], k, dz[k])
            if q[0] > 0.0:
                _projected(v, tau - slack, du, d.radius[k], k, extra)
                for j in range(p):
                    dz[k, j] = (1.0 - q[0]) * dz[k, j] + q[0] * extra[j]
