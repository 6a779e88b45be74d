"""ADMM, the alternating direction method of multipliers, for quadratic programs."""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.algorithms.protocol import Algorithm, Directions, Move, Problem
from fastpiggy.compile import helper, record


@record(Problem)
class BoundedRows(NamedTuple):
    """A quadratic program; P is only in the algorithm's factor.

    Parameters
    ----------
    operator : Operator
        C, a record of that role.
    linear : ndarray of shape (n,)
        q.
    lower, upper : ndarray of shape (rows,)
        Equal for equalities; lower is -inf for inequalities.
    selection : ndarray of shape (rows,)
        The number q of each row.
    """

    operator: Any
    linear: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    selection: np.ndarray


@record(Directions)
class BoundedRowsDirections(NamedTuple):
    """m directions.

    Parameters
    ----------
    linear : ndarray of shape (m, n)
    upper : ndarray of shape (m, rows)
        Of the bounds: where lower is finite it moves along.
    curvature, matrix : ndarray of shape (m, n, n) and (m, rows, n)
        Of P and C; not read unless `coupled`.
    coupled : int
        1 where a direction moves P or C: right-hand sides of tangents then need x.
    """

    linear: np.ndarray
    upper: np.ndarray
    curvature: np.ndarray
    matrix: np.ndarray
    coupled: int


@helper
def _project(lower, upper, q, d_upper, v, z, dv, dz, m):
    """z, the projection at v, with its tangents; returns how many rows changed side."""
    moved = 0
    for i in range(v.size):
        was = z[i] == upper[i]
        z[i] = min(max(v[i], lower[i]), upper[i])
        if (z[i] == upper[i]) != was:
            moved += 1
        # The part of v that goes through: all inside, none outside, 1 - q on the bound.
        through = 1.0 if v[i] < upper[i] else 0.0
        if lower[i] == upper[i]:
            through = 0.0
        elif v[i] == upper[i]:
            through = 1.0 - q[i]
        for k in range(m):
            dz[k, i] = through * dv[k, i] + (1.0 - through) * d_upper[k, i]
    return moved


@helper
def _coupled(operator, dP, dC, x, z, v, rho, B, work):
    """``B += rho dC'(2 z - v - C x) - dP x - rho C'(dC x)``: what moving P and C adds for one
    tangent."""
    rows, n = dC.shape
    for i in range(rows):
        work[i] = 0.0
    operator.push(x, work)
    for i in range(rows):
        c = rho * (2.0 * z[i] - v[i] - work[i])
        along = 0.0
        for j in range(n):
            B[j] += c * dC[i, j]
            along += dC[i, j] * x[j]
        work[i] = along
    operator.pull(-rho, work, B)
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += dP[i, j] * x[j]
        B[i] -= total


@record(Algorithm)
class QuadraticADMM(NamedTuple):
    """ADMM with its tangent, on the states x and ``v = C x + s``, s the scaled dual::

        z = clip(v),   s = v - z,   x+ = inv(M) (sigma x - q + rho C'(z - s)),   v+ = C x+ + s

    with ``M = P + sigma I + rho C'C`` (Stellato et al., "OSQP", 2020, without over-relaxation).
    The multipliers are ``rho s``.  All but the clipping is linear in iterate and tangents.

    Parameters
    ----------
    rho, sigma : float
        Positive.
    factor : Factor
        Of M, a record of that role.
    """

    rho: float
    sigma: float
    factor: Any

    def step(self, problem, d, state, m, moving):
        rho, operator, q = self.rho, problem.operator, problem.linear
        X, V, Z, B, r = state.X, state.V, state.Z, state.B, state.r
        moved = _project(problem.lower, problem.upper, problem.selection, d.upper, state.v, state.z,
                         state.dv, state.dz, m)  # fmt: skip
        first = 0 if moving else 1
        for k in range(first, m + 1):
            for i in range(q.size):
                B[k, i] = self.sigma * X[k, i] - (q[i] if k == 0 else d.linear[k - 1, i])
            for i in range(r.size):
                r[i] = 2.0 * Z[k, i] - V[k, i]
            operator.pull(rho, r, B[k])
            if d.coupled == 1 and k == 0:
                self.factor.solve(B, 0, 1)
            if d.coupled == 1 and k > 0:
                x = B[0] if moving else X[0]
                _coupled(operator, d.curvature[k - 1], d.matrix[k - 1], x, Z[0], V[0], rho, B[k], r)
        self.factor.solve(B, 1 if d.coupled == 1 else first, m + 1)
        change, tangent_change, tangent_size, residual = 0.0, 0.0, 0.0, 0.0
        for k in range(first, m + 1):
            for i in range(q.size):
                delta = B[k, i] - X[k, i]
                X[k, i] = B[k, i]
                if k == 0:
                    change += delta * delta
                    # NaN compares false both ways: the negation lets it through.
                    if not self.sigma * abs(delta) <= residual:
                        residual = self.sigma * abs(delta)
                else:
                    tangent_change += delta * delta
                    tangent_size += X[k, i] * X[k, i]
        for k in range(m, first - 1, -1):
            for i in range(r.size):
                r[i] = -Z[k, i]
                if d.coupled == 1 and k > 0:
                    for j in range(q.size):
                        r[i] += d.matrix[k - 1, i, j] * X[0, j]
            operator.push(X[k], r)
            for i in range(r.size):
                V[k, i] += r[i]
        if moving:
            for i in range(q.size):
                B[0, i] = 0.0
            operator.pull(rho, r, B[0])
            for i in range(q.size):
                if not abs(B[0, i]) <= residual:
                    residual = abs(B[0, i])
            residual = _missed(r, rho, residual)
        return Move(change, tangent_change, tangent_size, residual, moved)


@helper
def _missed(r, rho, residual):
    """At least ``rho`` times the largest entry of ``C x - z``, which C' may hide."""
    for i in range(r.size):
        if not rho * abs(r[i]) <= residual:
            residual = rho * abs(r[i])
    return residual
