"""Balls of the l1, l2 and l-infinity norms, and the norm that goes with the first."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record, routine
from fastpiggy.penalties.protocol import CoordinatePenalty, Penalty
from fastpiggy.penalties.simplex import threshold
from fastpiggy.penalties.spoiled import spoiled


@routine
def _shifted(u, v):
    """Magnitudes less the largest, into v; the largest, and the sum of all."""
    top, total = 0.0, 0.0
    for j in range(u.size):
        top = max(top, abs(u[j]))
        total += abs(u[j])
    for j in range(u.size):
        v[j] = abs(u[j]) - top
    return top, total


@routine
def _on_face(u, v, tau, du, dradius, k, out):
    """Tangent of the projection on the face of the l1 ball where the support is ``{v > tau}``."""
    total, count = 0.0, 0
    for j in range(u.size):
        if v[j] > tau:
            total += np.sign(u[j]) * du[k, j]
            count += 1
    mean = (dradius - total) / max(count, 1)
    for j in range(u.size):
        out[j] = du[k, j] + np.sign(u[j]) * mean if v[j] > tau else 0.0


@routine
def _tangents(u, v, tau, top, total, radius, du, dradius, dz, m, q):
    """Tangents of the projection on the l1 ball, and the blend of both sides at a kink."""
    p = u.size
    slack, extra = 1e-14 * (top + radius), np.empty(p)
    inside = total <= radius + p * slack and total <= 2.0 * radius
    if inside:
        # The other side of the sphere: all that is not zero.
        share, tau = q if total >= radius - p * slack else 0.0, -top
    else:
        share, slack = q, min(slack, -0.5 * tau)
    for k in range(m):
        if inside:
            for j in range(p):
                dz[k, j] = du[k, j]
        else:
            _on_face(u, v, tau + slack, du, dradius[k], k, dz[k])
        if share > 0.0:
            _on_face(u, v, tau + slack if inside else tau - slack, du, dradius[k], k, extra)
            for j in range(p):
                dz[k, j] = (1.0 - share) * dz[k, j] + share * extra[j]


@record(Penalty)
class L1Ball(NamedTuple):
    """Zero on ``norm1(x) <= radius``, infinite elsewhere; the prox is the projection.

    Outside it is the soft threshold whose threshold tau leaves the radius: with S the support of
    the projection and s its signs the Jacobian is ``I_S - s s'/card(S)`` in u and ``s/card(S)`` in
    the radius; inside it is I, and 0.  On the sphere q = 0 is the inside and q = 1 the outside;
    where ``abs(u_j) == tau``, q = 0 leaves j out of the support and q = 1 takes it in.  One
    selection serves all coordinates, the first entry's.

    Parameters
    ----------
    radius : float
        Positive.

    References
    ----------
    Duchi, Shalev-Shwartz, Singer and Chandra (2008), Efficient projections onto the l1-ball;
    Michelot (1986) for the algorithm.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import L1Ball, prox
    >>> z, dz = prox(L1Ball(3.0), [3.0, -2.0, 0.5], wrt="radius")
    >>> z.round(4), dz.round(4)
    (array([ 2., -1.,  0.]), array([ 0.5, -0.5,  0. ]))
    """

    radius: float

    def value_all(self, x):
        total = 0.0
        for j in range(x.size):
            total += abs(x[j])
        return 0.0 if total <= self.radius * (1.0 + 1e-9) else np.inf

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if spoiled(u, z, dz, m):
            return
        v = np.empty(u.size)
        top, total = _shifted(u, v)
        tau = threshold(v, self.radius) if total > self.radius else -top
        for j in range(u.size):
            z[j] = np.sign(u[j]) * max(v[j] - tau, 0.0) if total > self.radius else u[j]
        _tangents(u, v, tau, top, total, self.radius, du, d.radius, dz, m, q[0])


@record(Penalty)
class LInf(NamedTuple):
    """``alpha max_j abs(x_j)``; the prox is u less its projection on the l1 ball of radius t.

    Here ``t = step alpha``.  The largest magnitudes are cut to one level, so that t is taken off
    their sum: on them, S with signs s, the Jacobian is ``s s'/card(S)`` in u and ``-s/card(S)`` in
    t; the others stay.  Kinks are those of :class:`L1Ball`: q = 0 takes a magnitude that just
    touches the level as not cut, and the zero that just becomes one as zero.

    Parameters
    ----------
    alpha : float
        Not negative.

    References
    ----------
    Parikh and Boyd (2014), Proximal algorithms, section 6.5.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import LInf, prox
    >>> z, dz = prox(LInf(2.0), [3.0, -2.0, 0.5], wrt="alpha")
    >>> z.round(4), dz.round(4)
    (array([ 1.5, -1.5,  0.5]), array([-0.5,  0.5,  0. ]))
    """

    alpha: float

    def value_all(self, x):
        top = 0.0
        for j in range(x.size):
            top = max(top, abs(x[j]))
        return self.alpha * top

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if spoiled(u, z, dz, m):
            return
        p, t = u.size, steps[0] * self.alpha
        v, count = np.empty(p), 0
        top, total = _shifted(u, v)
        # tau is at most 0, and -top inside the ball: then z is zero.
        tau = -top if total <= t else threshold(v, t) if t > 0.0 else 0.0
        for j in range(p):
            count += v[j] == 0.0
            z[j] = u[j] if v[j] <= tau else np.copysign(max(top + tau, 0.0), u[j])
            z[j] = 0.0 if total <= t and t > 0.0 else z[j]
        dt = np.empty(m)
        for k in range(m):
            dt[k] = steps[0] * d.alpha[k]
        if t > 0.0:
            _tangents(u, v, tau, top, total, t, du, dt, dz, m, q[0])
        for k in range(m):
            for j in range(p):
                # At t = 0 the prox is the identity; alpha can only grow.
                cut = dz[k, j] if t > 0.0 else dt[k] * np.sign(u[j]) / count
                if t == 0.0 and v[j] < 0.0:
                    cut = 0.0
                dz[k, j] = du[k, j] - cut

    def alpha_max(self, g):
        """The smallest alpha at which x = 0 is a solution where the loss has gradient g there."""
        return float(np.abs(g).sum())


@record(Penalty)
class L2Ball(NamedTuple):
    """Zero on ``norm2(x) <= radius``, infinite elsewhere; the prox is the projection.

    Outside, with ``r = norm2(u)`` and ``v = u/r``, the Jacobian is ``(radius/r)(I - v v')`` in u
    and v in the radius; inside it is I, and 0.  On the sphere Clarke's set is ``(I - q v v', q
    v)``; q = 0 is the inside.  One selection serves all coordinates, the first entry's.

    Parameters
    ----------
    radius : float
        Positive.

    References
    ----------
    Parikh and Boyd (2014), Proximal algorithms, section 6.5.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import L2Ball, prox
    >>> z, dz = prox(L2Ball(1.0), [3.0, 4.0], wrt="radius")
    >>> z.round(4), dz.round(4)
    (array([0.6, 0.8]), array([0.6, 0.8]))
    """

    radius: float

    def value_all(self, x):
        return 0.0 if _norm(x) <= self.radius * (1.0 + 1e-9) else np.inf

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if spoiled(u, z, dz, m):
            return
        r = _norm(u)
        keep = min(1.0, self.radius / r) if r > 0.0 else 1.0
        for j in range(u.size):
            z[j] = keep * u[j]
        side = 0.0 if r < self.radius * (1.0 - 1e-14) else 1.0
        if side == 1.0 and r <= self.radius * (1.0 + 1e-14):
            side = q[0]
        for k in range(m):
            along = 0.0
            for j in range(u.size):
                along += u[j] * du[k, j]
            # side (radius/r) (I - v v') + (1 - side) I, on the sphere and off it.
            c = side * (d.radius[k] - keep * along / r) / r if r > 0.0 else 0.0
            for j in range(u.size):
                dz[k, j] = keep * du[k, j] + c * u[j]


@routine
def _norm(u):
    """The l2 norm, scaled so that squares neither overflow nor vanish."""
    top, total = 0.0, 0.0
    for j in range(u.size):
        top = max(top, abs(u[j]))
    if top == 0.0:
        return 0.0
    for j in range(u.size):
        total += (u[j] / top) * (u[j] / top)
    return top * np.sqrt(total)


@record(CoordinatePenalty)
class LInfBall(NamedTuple):
    """Zero on ``max_j abs(x_j) <= radius``, infinite elsewhere; the prox is the clip.

    On the sphere Clarke's set of a coordinate with sign s is ``(q, (1 - q) s)`` in u and the
    radius; q = 0 is held by the bound, as for :class:`Box`.

    Parameters
    ----------
    radius : float
        Positive.

    References
    ----------
    Parikh and Boyd (2014), Proximal algorithms, section 6.5.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import LInfBall, prox
    >>> z, dz = prox(LInfBall(1.0), [3.0, -0.5, -2.0], wrt="radius")
    >>> z.round(4), dz.round(4)
    (array([ 1. , -0.5, -1. ]), array([ 1.,  0., -1.]))
    """

    radius: float

    def value(self, j, x):
        return 0.0 if abs(x) <= self.radius * (1.0 + 1e-9) else np.inf

    def prox(self, j, u, step):
        return np.copysign(self.radius, u) if abs(u) > self.radius else u

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        free = 1.0 if abs(u) < self.radius else q if abs(u) == self.radius else 0.0
        return free * du + (1.0 - free) * d.radius[k] * np.sign(u)
