"""Cones: zero, the nonnegative orthant, the second-order cone."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record, routine
from fastpiggy.penalties.protocol import CoordinatePenalty, Penalty
from fastpiggy.penalties.spoiled import check_size, spoiled


@record(CoordinatePenalty)
class ZeroCone(NamedTuple):
    """Zero at x = 0, infinite elsewhere; the prox is 0.

    It has no parameters and no kinks.

    Parameters
    ----------
    size : int
        Number of coefficients.

    References
    ----------
    O'Donoghue, Chu, Parikh and Boyd (2016), Conic optimization via operator splitting and
    homogeneous self-dual embedding (SCS).

    Examples
    --------
    >>> import fastpiggy as fp
    >>> fp.penalties.ZeroCone(1).prox(0, 2.0, 1.0)
    0.0
    """

    size: int
    held = ("size",)  # no parameter

    def value(self, j, x):
        return 0.0 if x == 0.0 else np.inf

    def prox(self, j, u, step):
        return 0.0 * u

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        return 0.0

    def flat(self, j, u, step, q):
        return True

    def check(self, p):
        check_size(self.size, p)


@record(CoordinatePenalty)
class NonnegativeOrthant(NamedTuple):
    """Zero on x >= 0, infinite elsewhere; the prox is ``max(u, 0)``.

    At u = 0 Clarke's set is q in [0, 1]; q = 0 is zero.  It has no parameters.

    Parameters
    ----------
    size : int
        Number of coefficients.

    References
    ----------
    Parikh and Boyd (2014), Proximal algorithms, section 6.3.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import NonnegativeOrthant, prox
    >>> prox(NonnegativeOrthant(2), [3.0, -2.0]).round(4)
    array([3., 0.])
    """

    size: int
    held = ("size",)  # no parameter

    def value(self, j, x):
        return 0.0 if x >= 0.0 else np.inf

    def prox(self, j, u, step):
        return 0.0 if u <= 0.0 else u

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        return du if u > 0.0 else q * du if u == 0.0 else 0.0

    def flat(self, j, u, step, q):
        return u < 0.0 or (u == 0.0 and q == 0.0)

    def check(self, p):
        check_size(self.size, p)


@routine
def project_second_order(u, z, du, dz, m, q):
    """Projection on ``{(t, v): norm2(v) <= t}`` and its tangents."""
    p, t, top, r = u.size, u[0], 0.0, 0.0
    for j in range(1, p):
        top = max(top, abs(u[j]))
    for j in range(1, p):
        r += (u[j] / top) * (u[j] / top) if top > 0.0 else 0.0
    r = top * np.sqrt(r)
    slack = 1e-14 * r
    if r <= abs(t):
        for j in range(p):
            z[j] = u[j] if t >= 0.0 else 0.0
    else:
        z[0] = 0.5 * (t + r)
        for j in range(1, p):
            z[j] = z[0] * (u[j] / r)
    # How much of the formula, and of the identity, is in the selection; c = t/r.
    formula, identity, c = 0.0, 1.0 if t > 0.0 else 0.0, 0.0
    if r == 0.0 and t == 0.0:
        identity = 1.0 - q
    elif r > abs(t) + slack:
        formula, identity, c = 1.0, 0.0, t / r
    elif r >= abs(t) - slack:
        formula, c = q, 1.0 if t > 0.0 else -1.0
        identity *= 1.0 - q
    for k in range(m):
        along = 0.0
        if formula > 0.0:
            for j in range(1, p):
                along += (u[j] / r) * du[k, j]
        dt = du[k, 0]
        dz[k, 0] = formula * 0.5 * (dt + along) + identity * dt
        for j in range(1, p):
            keep = 0.5 * (1.0 + c) * formula + identity
            turn = formula * 0.5 * (dt - c * along) * (u[j] / r) if formula > 0.0 else 0.0
            dz[k, j] = keep * du[k, j] + turn


@record(Penalty)
class SecondOrderCone(NamedTuple):
    """Zero on ``{(t, v): norm2(v) <= t}``, t the first entry, infinite elsewhere.

    The prox is the projection: I inside, 0 in the polar cone, else, with ``w = v/norm(v)`` and
    ``c = t/norm(v)``, the Jacobian is ``1/2 [[1, w'], [w, (1 + c) I - c w w']]``.  At ``t =
    norm(v) > 0`` q blends I, q = 0, with that formula; at ``t = -norm(v) < 0`` 0 with it; at the
    origin I, q = 0, with 0.  One selection serves all coordinates, the first entry's.  It has no
    parameters.

    Parameters
    ----------
    size : int
        Number of coefficients.

    References
    ----------
    Fukushima, Luo and Tseng (2001), Smoothing functions for second-order-cone complementarity
    problems; Ali, Wong and Kolter (2017), A semismooth Newton method for fast, generic convex
    programming, for the Jacobian.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import SecondOrderCone, prox
    >>> prox(SecondOrderCone(3), [0.0, 3.0, 4.0]).round(4)
    array([2.5, 1.5, 2. ])
    """

    size: int
    held = ("size",)  # no parameter

    def value_all(self, x):
        squares = 0.0
        for j in range(1, x.size):
            squares += x[j] * x[j]
        r = np.sqrt(squares)
        return 0.0 if r - x[0] <= 1e-9 * (r + abs(x[0])) else np.inf

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if not spoiled(u, z, dz, m):
            project_second_order(u, z, du, dz, m, q[0])

    def check(self, p):
        check_size(self.size, p)
