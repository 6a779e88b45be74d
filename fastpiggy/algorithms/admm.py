"""The alternating direction method of multipliers for ``norm_W(x - y)^2 / 2 + penalty(D x)``."""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.algorithms.operators import factor
from fastpiggy.algorithms.protocol import Algorithm, Directions, Move, Problem, State
from fastpiggy.compile import helper, record


@record(Problem)
class Fused(NamedTuple):
    """``sum_i weights_i (x_i - y_i)^2 / 2 + penalty(D x)``.

    Parameters
    ----------
    operator : Operator
        D, a record of that role.
    y, weights : ndarray of shape (n,)
    penalty : Penalty
        A record of that role, on vectors of `rows` entries.
    selection : ndarray of shape (rows,)
        The number q of each row.
    """

    operator: Any
    y: np.ndarray
    weights: np.ndarray
    penalty: Any
    selection: np.ndarray


@record(Directions)
class FusedDirections(NamedTuple):
    """m directions of everything in a :class:`Fused`, and of the penalty parameter.

    Parameters
    ----------
    y : ndarray of shape (m, n)
    weights : ndarray of shape (m, n)
        Not read unless `coupled`.
    penalty : record
        Of the penalty's own class.
    step : ndarray of shape (m,)
        Directions of ``rho``.
    coupled : int
        1 where a direction moves the weights or rho: the tangents' right-hand sides then need x.
    """

    y: np.ndarray
    weights: np.ndarray
    penalty: Any
    step: np.ndarray
    coupled: int


@record(State)
class Splitting(NamedTuple):
    """The state v of ADMM with its shadow x: row 0 of V, Z, X is the iterate, m tangents follow."""

    x: np.ndarray  # (n,) X[0]
    J: np.ndarray  # (m, n) X[1:]
    X: np.ndarray  # (1 + m, n) the shadow
    v: np.ndarray  # (rows,) V[0]
    dv: np.ndarray  # (m, rows) V[1:]
    V: np.ndarray  # (1 + m, rows) the state, D x + s with the scaled dual s
    z: np.ndarray  # (rows,) Z[0]
    dz: np.ndarray  # (m, rows) Z[1:]
    Z: np.ndarray  # (1 + m, rows) the prox at the state from which X was made
    B: np.ndarray  # (1 + m, n) right-hand sides, then solutions
    r: np.ndarray  # (rows,) work


def splitting(n: int, rows: int, m: int) -> Splitting:
    """A state of zeros for n points, `rows` rows of D and m tangents."""
    X, B = np.zeros((1 + m, n)), np.zeros((1 + m, n))
    V, Z = np.zeros((1 + m, rows)), np.zeros((1 + m, rows))
    return Splitting(X[0], X[1:], X, V[0], V[1:], V, Z[0], Z[1:], Z, B, np.zeros(rows))


@helper
def _right_hand_sides(operator, y, dy, w, V, Z, B, r, rho, first, last):
    """``W y + rho D'(z - s)``, with its tangents along y and the state, into rows of B."""
    for k in range(first, last):
        for i in range(B.shape[1]):
            B[k, i] = w[i] * (y[i] if k == 0 else dy[k - 1, i])
        for i in range(r.size):
            # z - s = 2 z - v
            r[i] = 2.0 * Z[k, i] - V[k, i]
        operator.pull(rho, r, B[k])


@helper
def _shift(y, w, dw, dstep, x, B, rho, m):
    """What moving weights and rho add to the tangents' right-hand sides.

    ``dM x`` goes to the right, and ``drho D'(z - s - D x) = (drho/rho) W (x - y)`` by the equation
    for x.
    """
    for k in range(m):
        for i in range(x.size):
            B[1 + k, i] += (dw[k, i] - dstep[k] / rho * w[i]) * (y[i] - x[i])


@helper
def _advance(operator, B, V, Z, r, first, last):
    """``v + D x+ - z`` in rows of V; r keeps ``D x+ - z`` of the first."""
    for k in range(last - 1, first - 1, -1):
        for i in range(r.size):
            r[i] = -Z[k, i]
        operator.push(B[k], r)
        for i in range(r.size):
            V[k, i] += r[i]


@helper
def _gradient_size(operator, r, g):
    """Largest entry of ``D'r``; g is overwritten."""
    for i in range(g.size):
        g[i] = 0.0
    operator.pull(1.0, r, g)
    largest = 0.0
    for i in range(g.size):
        # NaN compares false both ways: the negation lets it through.
        if not abs(g[i]) <= largest:
            largest = abs(g[i])
    return largest


@helper
def _stretch(v, z, dv, dstep, scale, m):
    """A rho that moves acts on the prox like a shift of its argument by ``(drho/rho) (v - z)``,
    since ``prox_{step + dstep}(v)`` is to first order ``prox_step(v - (dstep/step) (v - z))``."""
    for k in range(m):
        for i in range(v.size):
            dv[k, i] += scale * dstep[k] * (v[i] - z[i])


@helper
def _shrink(penalty, q, d_penalty, dstep, coupled, v, z, dv, dz, r, rho, steps, m):
    """z, the prox at v, with its tangents; returns the number of rows that changed side."""
    for i in range(r.size):
        r[i] = z[i]
    # A rho that moves needs z first, then stretches, and takes the stretch out again.  (One place
    # in the code for each: what is called is inlined there.)
    for stage in range(1 - coupled, 2 + coupled):
        if coupled == 1 and stage > 0:
            _stretch(v, z, dv, dstep, 1.0 / rho if stage == 1 else -1.0 / rho, m)
        if stage < 2:
            penalty.prox_all(v, steps, z, dv, dz, d_penalty, m if stage == 1 else 0, q)
    moved = 0
    for i in range(r.size):
        if (r[i] == 0.0) != (z[i] == 0.0):
            moved += 1
    return moved


@record(Algorithm)
class ADMM(NamedTuple):
    """ADMM with its tangent, on the state ``v = D x + s``, s the scaled dual::

        z = prox_{penalty/rho}(v),   s = v - z,   x = inv(M) (W y + rho D'(z - s)),   v+ = D x + s

    with ``M = W + rho D'D``.  All but the prox is linear, so that the iterate and its tangents go
    through the same loops; ``Z = P_v V + P_theta`` with [P_v, P_theta] one selection of the prox.
    It is Douglas-Rachford on the dual, and contracts where D has full row rank and W is positive
    (Bolte, Pauwels, Vaiter, 2206.00457).  The tangent kept is the shadow's, that of x.

    The residual is the largest entry of ``rho D'(D x - z)``, which is that of the gradient
    ``W (x - y) + rho D's``.

    Parameters
    ----------
    rho : float
        The penalty parameter; positive.
    steps : ndarray of shape (rows,)
        ``1/rho``, for the prox.
    factor : Factor
        Of M, a record of that role.
    """

    rho: float
    steps: np.ndarray
    factor: Any

    def step(self, problem, d, state, m, moving):
        rho, operator, y, w = self.rho, problem.operator, problem.y, problem.weights
        X, V, Z, B, r = state.X, state.V, state.Z, state.B, state.r
        moved = _shrink(
            problem.penalty, problem.selection, d.penalty, d.step, d.coupled, state.v, state.z,
            state.dv, state.dz, r, rho, self.steps, m,
        )  # fmt: skip
        first = 0 if moving else 1
        _right_hand_sides(operator, y, d.y, w, V, Z, B, r, rho, first, m + 1)
        # Where the tangents need x, the iterate is solved for alone.
        lo, hi = first, m + 1
        if d.coupled == 1 and moving:
            hi = 1
        while lo < m + 1:
            if lo == 1 and d.coupled == 1:
                _shift(y, w, d.weights, d.step, B[0] if moving else X[0], B, rho, m)
            self.factor.solve(B, lo, hi)
            lo, hi = hi, m + 1
        change, tangent_change, tangent_size = 0.0, 0.0, 0.0
        for k in range(first, m + 1):
            for i in range(X.shape[1]):
                delta = B[k, i] - X[k, i]
                X[k, i] = B[k, i]
                if k == 0:
                    change += delta * delta
                else:
                    tangent_change += delta * delta
                    tangent_size += X[k, i] * X[k, i]
        _advance(operator, B, V, Z, r, first, m + 1)
        residual = rho * _gradient_size(operator, r, B[0]) if moving else 0.0
        return Move(change, tangent_change, tangent_size, residual, moved)


def admm(operator: Any, weights: np.ndarray, rows: int, rho: float) -> ADMM:
    """The algorithm for a :class:`Fused` problem with an operator of so many rows: factors M.

    Raises
    ------
    numpy.linalg.LinAlgError
        If M is singular to rounding.
    """
    return ADMM(rho, np.full(rows, 1.0 / rho), factor(operator, weights, rho))
