"""The exponential cone and its dual."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record, routine
from fastpiggy.penalties.protocol import Penalty
from fastpiggy.penalties.spoiled import check_size, spoiled

#: Rounding of an argument whose largest entry is 1.
_SLACK = 1e-14


@routine
def _excess(r, s, t):
    """How far r is above what the cone ``s exp(r/s) <= t`` allows; inf where nothing is."""
    if s <= 0.0:
        return max(r, 0.0) if s == 0.0 and t >= 0.0 else np.inf
    return r - s * np.log(t / s) if t > 0.0 else np.inf


@routine
def _polar_excess(r, s, t):
    """The same for s and the polar cone ``t <= -r exp(s/r - 1)``, r >= 0."""
    if r <= 0.0:
        return max(s, 0.0) if r == 0.0 and t <= 0.0 else np.inf
    return s - r * (1.0 + np.log(-t / r)) if t < 0.0 else np.inf


@routine
def _residual(r, s, t, rho):
    """Friberg's function h of the ratio rho = r/s at the projection, and its slope; scaled by
    ``exp(-abs(rho))`` so that nothing overflows."""
    small = np.exp(-abs(rho))
    up, down = (1.0, small * small) if rho >= 0.0 else (small * small, 1.0)
    primal, dual, square = (rho - 1.0) * r + s, r - rho * s, rho * (rho - 1.0) + 1.0
    h = primal * up - dual * down - square * small * t
    slope = (r + primal) * up + (s + dual) * down - (2.0 * rho - 1.0) * small * t
    # The slope of h itself, less what the scaling takes.
    return h, slope - h if rho >= 0.0 else slope + h


@routine
def _ratio(r, s, t):
    """The root rho of h, for a point outside of both cones with r or s positive.

    Between the ends where the primal and the dual part vanish h is monotone (Friberg, theorem 1):
    Newton's method there, and bisection where it leaves the bracket or is slow.
    """
    low, high = -np.inf, np.inf
    if r > 0.0:
        low = 1.0 - s / r
    elif r < 0.0:
        high = 1.0 - s / r
    if s > 0.0:
        high = min(high, r / s)
    elif s < 0.0:
        low = max(low, r / s)
    width = 1.0
    if low == -np.inf:
        low = high - width
        while _residual(r, s, t, low)[0] > 0.0:
            width *= 2.0
            low = high - width
    if high == np.inf:
        high = low + width
        while _residual(r, s, t, high)[0] < 0.0:
            width *= 2.0
            high = low + width
    rho, before = 0.5 * (low + high), high - low
    for _ in range(300):
        h, slope = _residual(r, s, t, rho)
        if h > 0.0:
            high = rho
        else:
            low = rho
        new = rho - h / slope if slope > 0.0 else np.inf
        if not low < new < high or 2.0 * abs(new - rho) > before:
            new = 0.5 * (low + high)
        before = abs(new - rho)
        rho = new
        if before <= 2e-16 * max(abs(rho), 1e-3):
            break
    return rho


@routine
def _parts(r, s, t, rho):
    """``sigma, l``: the projection is ``sigma (rho, 1, exp(rho))``, and the rest, in the polar
    cone, ``l (1, 1 - rho, -exp(-rho))``.  Each is taken from what does not cancel."""
    square = rho * (rho - 1.0) + 1.0
    if rho > 0.0:
        small, l = np.exp(-rho), max(r - rho * s, 0.0) / square
        return max(t + small * l, 0.0) * small, l
    small, sigma = np.exp(rho), max((rho - 1.0) * r + s, 0.0) / square
    return sigma, max(small * sigma - t, 0.0) * small


@routine
def _fill_diagonal(D, a, b, c):
    for i in range(3):
        for j in range(3):
            D[i, j] = 0.0
    D[0, 0], D[1, 1], D[2, 2] = a, b, c


@routine
def _curved(rho, sigma, l, D):
    """The Jacobian on the curved part: ``b b' + g e e'``, b along the ray of the projection, e
    the other tangent of the surface, n its normal, ``1/g = 1 + (l/sigma) norm(b)^2/norm(n)^2``."""
    # Rays and normals over exp(rho) where that is large.
    small = np.exp(-abs(rho))
    if rho > 0.0:
        b0, b1, b2 = rho * small, small, 1.0
        n0, n1, n2 = -1.0, rho - 1.0, small
    else:
        b0, b1, b2 = rho, 1.0, small
        n0, n1, n2 = -small, small * (rho - 1.0), 1.0
    bb, nn = b0 * b0 + b1 * b1 + b2 * b2, n0 * n0 + n1 * n1 + n2 * n2
    g = sigma / (sigma + l * (bb / nn)) if sigma > 0.0 else 0.0
    e0, e1, e2 = n1 * b2 - n2 * b1, n2 * b0 - n0 * b2, n0 * b1 - n1 * b0
    g /= bb * nn
    b, e = (b0, b1, b2), (e0, e1, e2)
    for i in range(3):
        for j in range(3):
            D[i, j] = b[i] * b[j] / bb + g * e[i] * e[j]


@routine
def _one_side(r, s, t, outer, D):
    """The Jacobian of the projection at a point whose largest entry is 1 in magnitude.

    On a kink: that of the closed region, or where `outer` says so that of the other side.
    """
    slack = -_SLACK if outer else _SLACK
    out, away = _excess(r, s, t), _polar_excess(r, s, t)
    if out <= slack or (s > 0.0 and t > 0.0 and s * np.exp(min(r / s, 700.0)) - t <= slack):
        return _fill_diagonal(D, 1.0, 1.0, 1.0)
    if away <= slack or (r > 0.0 and t < 0.0 and t + r * np.exp(min(s / r, 700.0) - 1.0) <= slack):
        return _fill_diagonal(D, 0.0, 0.0, 0.0)
    if r <= slack and s <= slack:
        return _fill_diagonal(D, 1.0, 0.0, 1.0 if t >= -slack else 0.0)
    if r <= _SLACK and s <= _SLACK:
        # Beyond the edges of the face, on its three sides.
        if s >= -_SLACK and t < -_SLACK and r < -_SLACK:
            return _fill_diagonal(D, 1.0, 1.0, 0.0)
        if r >= -_SLACK and t > _SLACK and s < -_SLACK:
            return _fill_diagonal(D, 0.0, 0.0, 1.0)
        return _fill_diagonal(D, 1.0, 0.0, 1.0 if t > _SLACK else 0.0)
    if out <= _SLACK and s > 0.0:
        return _curved(r / s, s, 0.0, D)
    if away <= _SLACK and r > 0.0:
        return _curved(1.0 - s / r, 0.0, r, D)
    rho = _ratio(r, s, t)
    sigma, l = _parts(r, s, t, rho)
    _curved(rho, sigma, l, D)


@routine
def project_exponential(u, z, du, dz, m, q):
    """Projection of one triple (r, s, t), and its tangents."""
    size = max(abs(u[0]), abs(u[1]), abs(u[2]))
    D = np.empty((3, 3))
    if size == 0.0:
        z[0], z[1], z[2] = u[0], u[1], u[2]
        _fill_diagonal(D, 1.0 - q, 1.0 - q, 1.0 - q)
    else:
        r, s, t = u[0] / size, u[1] / size, u[2] / size
        if _excess(r, s, t) <= 0.0:
            z[0], z[1], z[2] = u[0], u[1], u[2]
        elif _polar_excess(r, s, t) <= 0.0:
            z[0], z[1], z[2] = 0.0, 0.0, 0.0
        elif r <= 0.0 and s <= 0.0:
            z[0], z[1], z[2] = u[0], 0.0, max(u[2], 0.0)
        else:
            rho = _ratio(r, s, t)
            sigma, l = _parts(r, s, t, rho)
            z[0], z[1] = size * (rho * sigma), size * sigma
            # exp(rho) sigma, from the polar part where that is smaller.
            high = max(t + np.exp(-rho) * l, 0.0) if rho > 0.0 else np.exp(rho) * sigma
            z[2] = size * high
        _one_side(r, s, t, False, D)
        if q > 0.0:
            other = np.empty((3, 3))
            _one_side(r, s, t, True, other)
            for i in range(3):
                for j in range(3):
                    D[i, j] = (1.0 - q) * D[i, j] + q * other[i, j]
    for k in range(m):
        for i in range(3):
            dz[k, i] = D[i, 0] * du[k, 0] + D[i, 1] * du[k, 1] + D[i, 2] * du[k, 2]


@routine
def project_triples(u, z, du, dz, m, q, dual):
    """Projection of each consecutive triple on the cone, or on its dual by Moreau's identity:
    ``u + proj(-u)``."""
    at, out, along, moved = np.empty(3), np.empty(3), np.empty((m, 3)), np.empty((m, 3))
    sign = -1.0 if dual else 1.0
    for lo in range(0, u.size, 3):
        for i in range(3):
            at[i] = sign * u[lo + i]
            for k in range(m):
                along[k, i] = du[k, lo + i]
        project_exponential(at, out, along, moved, m, q)
        for i in range(3):
            z[lo + i] = u[lo + i] + out[i] if dual else out[i]
            for k in range(m):
                dz[k, lo + i] = along[k, i] - moved[k, i] if dual else moved[k, i]


@record(Penalty)
class ExponentialCone(NamedTuple):
    """Zero where every triple (r, s, t) has ``s exp(r/s) <= t``, s > 0, or is a limit of such.

    The limits are ``r <= 0, s = 0, t >= 0``.  The prox projects each consecutive triple: the ratio
    rho = r/s of the projection is the root of a monotone function of one variable.  Inside the
    Jacobian is I, in the polar cone 0, ``diag(1, 0, 1[t >= 0])`` for r, s < 0; elsewhere it has
    rank two, with the eigenvalue 1 along the ray of the projection and one below 1 along the
    surface.  On the borders q blends the closed region's Jacobian, q = 0, with the one beyond; at
    the origin I with 0.  One selection serves all coordinates, the first entry's.  It has no
    parameters.

    Parameters
    ----------
    triples : int
        Number of cones.

    References
    ----------
    Friberg (2023), Projection onto the exponential cone: a univariate root-finding problem;
    Agrawal, Barratt, Boyd, Busseti and Moursi (2019), Differentiating through a cone program
    (diffcp), whose inverse of a 4 by 4 matrix is the same Jacobian.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import ExponentialCone, prox
    >>> prox(ExponentialCone(1), [1.0, 1.0, 1.0]).round(4)
    array([0.4263, 0.7517, 1.3254])
    """

    triples: int
    held = ("triples",)  # no parameter

    def value_all(self, x):
        return _triples_value(x, 1.0)

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if not spoiled(u, z, dz, m):
            project_triples(u, z, du, dz, m, q[0], False)

    def check(self, p):
        check_size(self.triples, p, "triples", 3)


@record(Penalty)
class DualExponentialCone(NamedTuple):
    """Zero where every triple (r, s, t) has ``-r exp(s/r - 1) <= t``, r < 0, or is a limit of such.

    The limits are ``r = 0, s >= 0, t >= 0``.  The prox is ``u + P(-u)``, P the projection on
    :class:`ExponentialCone`, and its Jacobian ``I - DP(-u)`` with the same selection.  It has no
    parameters.

    Parameters
    ----------
    triples : int
        Number of cones.

    References
    ----------
    Friberg (2023), Projection onto the exponential cone: a univariate root-finding problem.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import DualExponentialCone, prox
    >>> prox(DualExponentialCone(1), [-1.0, -1.0, -1.0]).round(4)
    array([-0.5737, -0.2483,  0.3254])
    """

    triples: int
    held = ("triples",)  # no parameter

    def value_all(self, x):
        return _triples_value(x, -1.0)

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if not spoiled(u, z, dz, m):
            project_triples(u, z, du, dz, m, q[0], True)

    def check(self, p):
        check_size(self.triples, p, "triples", 3)


@routine
def _triples_value(x, sign):
    """Zero where every triple is as near to its cone as rounding allows; by its projection."""
    p, none, q = x.size, np.zeros((0, x.size)), 0.0
    z = np.empty(p)
    project_triples(x, z, none, none, 0, q, sign < 0.0)
    for lo in range(0, p, 3):
        size, gap = 0.0, 0.0
        for i in range(lo, lo + 3):
            size = max(size, abs(x[i]))
            gap = max(gap, abs(x[i] - z[i]))
        if gap > 1e-9 * size:
            return np.inf
    return 0.0
