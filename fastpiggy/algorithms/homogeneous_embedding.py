"""Douglas-Rachford splitting for the homogeneous self-dual embedding of a cone program."""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.algorithms.protocol import Algorithm, Directions, Move, Problem, State
from fastpiggy.compile import helper, kernel, record, routine
from fastpiggy.compile.lapack import product, product_nt
from fastpiggy.penalties.cone_product import project_triangle
from fastpiggy.penalties.cones import project_second_order
from fastpiggy.penalties.exponential_cone import project_exponential


@record(Problem)
class Conic(NamedTuple):
    """``min c'x, A x + s = b, s in K``, with the factor of the resolvent of its embedding.

    Parameters
    ----------
    A : ndarray of shape (m, n)
    b : ndarray of shape (m,)
    c : ndarray of shape (n,)
    cone : ConeProduct
        K; the multipliers lie in its dual.
    selection : ndarray of shape (m,)
        The number q of each row, of the projection on K.
    metric : ndarray of shape (n + m + 1,)
        The diagonal R, constant on each cone.
    inverse : ndarray of shape (n, n)
        ``inv(R_x + A' inv(R_y) A)``.
    g : ndarray of shape (n + m,)
        ``inv(R + [[0, A'], [-A, 0]]) (c, b)``.
    units : ndarray of shape (n + 2 m,)
        What x, y, s are multiplied with to leave the scaling.
    """

    A: np.ndarray
    b: np.ndarray
    c: np.ndarray
    cone: Any
    selection: np.ndarray
    metric: np.ndarray
    inverse: np.ndarray
    g: np.ndarray
    units: np.ndarray


@record(Directions)
class ConicDirections(NamedTuple):
    """k directions of the data.

    Parameters
    ----------
    A : ndarray of shape (k, m, n)
    b : ndarray of shape (k, m)
    c : ndarray of shape (k, n)
    """

    A: np.ndarray
    b: np.ndarray
    c: np.ndarray


@record(State)
class Embedded(NamedTuple):
    """The state z = (x, v, w) of the embedding; row 0 of each is the iterate, tangents follow."""

    x: np.ndarray  # (n + 2 m,) x, y, s over w
    J: np.ndarray  # (k, n + 2 m) their tangents
    Z: np.ndarray  # (1 + k, n + m + 1) the state
    U: np.ndarray  # (1 + k, n + m + 1) its projection
    V: np.ndarray  # (1 + k, n + m + 1) the resolvent of 2 U - Z
    W: np.ndarray  # (1 + k, n + m + 1) right-hand sides
    P: np.ndarray  # (1 + k, n) work
    H: np.ndarray  # (1 + k, n) work
    B: np.ndarray  # (1 + k, m) work
    u: np.ndarray  # (m,) the negated v
    du: np.ndarray  # (k, m) its tangents
    p: np.ndarray  # (m,) its projection on K
    dp: np.ndarray  # (k, m) its tangents
    steps: np.ndarray  # (m,) ones


def embedded(n: int, m: int, k: int) -> Embedded:
    """A state of zeros, but for w = 1, for n variables, m rows and k tangents."""
    size = n + m + 1
    Z = np.zeros((1 + k, size))
    Z[0, -1] = 1.0
    return Embedded(
        np.zeros(n + 2 * m), np.zeros((k, n + 2 * m)), Z, *(np.zeros((1 + k, size)) for _ in "UVW"),
        np.zeros((1 + k, n)), np.zeros((1 + k, n)), np.zeros((1 + k, m)), np.zeros(m),
        np.zeros((k, m)), np.zeros(m), np.zeros((k, m)), np.ones(m),
    )  # fmt: skip


@helper
def _resolve(problem, d, state, first, last):
    """Rows of V: ``inv(R + Q) (W - dQ V[0])``, by the n by n inverse."""
    A, c, b, R, g = problem.A, problem.c, problem.b, problem.metric, problem.g
    (m, n), W, V, H, P, B = A.shape, state.W, state.V, state.H, state.P, state.B
    at = V[0]
    for k in range(first, last):
        if k > 0:
            # The tangent of Q at the resolvent itself.
            dA, db, dc = d.A[k - 1], d.b[k - 1], d.c[k - 1]
            for j in range(n):
                W[k, j] -= dc[j] * at[n + m]
                W[k, n + m] += dc[j] * at[j]
            for i in range(m):
                along = 0.0
                for j in range(n):
                    along += dA[i, j] * at[j]
                    W[k, j] -= dA[i, j] * at[n + i]
                W[k, n + i] += along - db[i] * at[n + m]
                W[k, n + m] += db[i] * at[n + i]
        for i in range(m):
            B[k, i] = W[k, n + i] / R[n + i]
    product(B[first:last], A, H[first:last])
    for k in range(first, last):
        for j in range(n):
            H[k, j] = W[k, j] - H[k, j]
    product(H[first:last], problem.inverse, P[first:last])
    product_nt(P[first:last], A, B[first:last])
    along = R[n + m]
    for j in range(n):
        along += c[j] * g[j]
    for i in range(m):
        along += b[i] * g[n + i]
    for k in range(first, last):
        w = W[k, n + m]
        for j in range(n):
            V[k, j] = P[k, j]
            w += c[j] * V[k, j]
        for i in range(m):
            V[k, n + i] = (W[k, n + i] + B[k, i]) / R[n + i]
            w += b[i] * V[k, n + i]
        w /= along
        for j in range(n + m):
            V[k, j] -= w * g[j]
        V[k, n + m] = w


@helper
def _project(problem, state, m):
    """``U = (x, v + P(-v), max(w, 0))`` with its tangents; returns how many rows changed side."""
    Z, U, n, rows = state.Z, state.U, problem.c.size, problem.b.size
    u, du, p, dp = state.u, state.du[:m], state.p, state.dp[:m]
    for i in range(rows):
        u[i] = -Z[0, n + i]
        for k in range(m):
            du[k, i] = -Z[1 + k, n + i]
    problem.cone.prox_all(u, state.steps, p, du, dp, problem.cone, m, problem.selection)
    moved = 0
    for k in range(m + 1):
        for j in range(n):
            U[k, j] = Z[k, j]
        for i in range(rows):
            new = Z[k, n + i] + (p[i] if k == 0 else dp[k - 1, i])
            if k == 0:
                moved += (new == 0.0) != (U[0, n + i] == 0.0)
            U[k, n + i] = new
        w = Z[k, n + rows]
        U[k, n + rows] = w if Z[0, n + rows] > 0.0 else 0.0
    return moved


@helper
def _read(problem, state, k, out):
    """``(x, y, s) / w`` of the resolvent, or their tangent, out of the scaling."""
    n, m, R, V = problem.c.size, problem.b.size, problem.metric, state.V
    Z, U = state.Z, state.U
    w = V[0, n + m] if V[0, n + m] > 1e-12 else 1.0
    change, size = 0.0, 0.0
    for j in range(n + 2 * m):
        i = j if j < n + m else j - m
        # The row of Q V that is s, from R V + Q V = R (2 U - Z), its tangent alike.
        value = V[k, i] if j < n + m else R[i] * (2.0 * U[k, i] - Z[k, i] - V[k, i])
        if k > 0:
            here = V[0, i] if j < n + m else R[i] * (2.0 * U[0, i] - Z[0, i] - V[0, i])
            value -= here / w * V[k, n + m]
        value *= problem.units[j] / w
        change += (value - out[j]) ** 2
        size += value * value
        out[j] = value
    return change, size


@record(Algorithm)
class EmbeddingDouglasRachford(NamedTuple):
    """Douglas-Rachford for a root of ``N(z) = (Q - I) Pi z + z``, with its tangent::

        u  = Pi z                              du  = DPi(z) dz
        v  = inv(R + Q) R (2 u - z)            dv  = inv(R + Q) (R (2 du - dz) - dQ v)
        z+ = z + r (v - u)                     dz+ = dz + r (dv - du)

    with ``Q = [[0, A', c], [-A, 0, b], [-c', -b', 0]]``, ``Pi = (I, P_{K*}, max(., 0))``, and z in
    the metric R: its y part is ``y - inv(R) s`` (O'Donoghue, Chu, Parikh and Boyd 2016;
    Bolte, Le, Pauwels and Silveti-Falls, 2106.04350, for N).  The map has the eigenvalue 1 along z
    itself, which ``dx = (dv_x - x dv_w)/w`` does not see.

    The residual is the largest entry of ``v - u`` over w.

    Parameters
    ----------
    relaxation : float
        r, in (0, 2).
    """

    relaxation: float

    def step(self, problem, d, state, m, moving):
        Z, U, V, W, R = state.Z, state.U, state.V, state.W, problem.metric
        size = R.size
        moved = _project(problem, state, m)
        for k in range(m + 1):
            for j in range(size):
                W[k, j] = R[j] * (2.0 * U[k, j] - Z[k, j])
        _resolve(problem, d, state, 0, 1)
        if m > 0:
            _resolve(problem, d, state, 1, m + 1)
        change = _read(problem, state, 0, state.x)[0]
        tangent_change, tangent_size = 0.0, 0.0
        for k in range(1, m + 1):
            moves, length = _read(problem, state, k, state.J[k - 1])
            tangent_change += moves
            tangent_size += length
        largest = 0.0
        for j in range(size):
            apart = abs(V[0, j] - U[0, j])
            # The negation lets NaN through.
            if not apart <= largest:
                largest = apart
        for k in range(m + 1):
            if k > 0 or moving:
                for j in range(size):
                    Z[k, j] += self.relaxation * (V[k, j] - U[k, j])
        return Move(
            change, tangent_change, tangent_size, largest / max(V[0, size - 1], 1e-9), moved
        )


@routine
def _block(kind, side, u, p, du, dp, m, q):
    if kind == 0:
        project_second_order(u, p, du, dp, m, q)
    elif kind == 1:
        project_triangle(side, u, p, du, dp, m, q)
    else:
        project_exponential(u, p, du, dp, m, q)


@kernel
def dual_projection(cone, v, y, D, selection, jacobian):
    """``y = P_{K*}(v)``, and its Jacobian ``D = I - DP_K(-v)`` block by block where wanted."""
    m = v.size
    if jacobian:
        for i in range(m):
            for j in range(m):
                D[i, j] = 0.0
    lo = cone.zero + cone.nonnegative
    for j in range(lo):
        free = j < cone.zero
        y[j] = v[j] if free else max(v[j], 0.0)
        if jacobian:
            D[j, j] = 1.0 if free or v[j] > 0.0 else 1.0 - selection[j] if v[j] == 0.0 else 0.0
    many, matrices = cone.second_order.size, cone.semidefinite.size
    for k in range(many + matrices + cone.exponential + cone.dual_exponential):
        kind, side, size, sign = 0, 0, 3, -1.0
        if k < many:
            size = cone.second_order[k]
        elif k < many + matrices:
            kind, side = 1, cone.semidefinite[k - many]
            size = side * (side + 1) // 2
        else:
            # The dual of the dual exponential cone is the exponential cone itself.
            kind = 2
            sign = -1.0 if k < many + matrices + cone.exponential else 1.0
        t = size if jacobian else 0
        u, p, du, dp = np.empty(size), np.empty(size), np.zeros((t, size)), np.empty((t, size))
        for i in range(size):
            u[i] = sign * v[lo + i]
            if jacobian:
                du[i, i] = 1.0
        _block(kind, side, u, p, du, dp, t, selection[lo])
        for i in range(size):
            y[lo + i] = v[lo + i] + p[i] if sign < 0.0 else p[i]
            for j in range(t):
                along = dp[j, i]
                if sign < 0.0:
                    along = (1.0 if i == j else 0.0) - along
                D[lo + i, lo + j] = along
        lo += size
