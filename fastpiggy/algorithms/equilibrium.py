"""Forward-backward and Peaceman-Rachford splitting for ``z = prox_g(W z + c)``, many c at once.

With I - W strongly monotone the solution of each row is unique: ``0 in (I - W) z - c + dg(z)``.
Source: Winston, Kolter, "Monotone operator equilibrium networks", 2006.08591, section 3; tangents
as in Bolte, Pauwels, Vaiter, 2206.00457.
"""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.algorithms.protocol import Algorithm, Directions, Move, Problem, State
from fastpiggy.compile import fortran, helper, kernel, record, routine
from fastpiggy.compile.lapack import product_nt

_dtrsm = fortran("scipy.linalg.cython_blas", "dtrsm", "cccciidpipi")

_L, _U, _N, _T = ord("L"), ord("U"), ord("N"), ord("T")


@record(Problem)
class Layer(NamedTuple):
    """N equations ``z_i = prox_g(W z_i + c_i)``; W stands in the algorithms.

    Parameters
    ----------
    c : ndarray of shape (N, n)
    activation : record
        g, of the role :class:`~fastpiggy.penalties.Penalty`.
    steps : ndarray of shape (n,)
        The algorithm's step, n times.
    selection : ndarray of shape (N, n)
        The number q of each entry.
    """

    c: np.ndarray
    activation: Any
    steps: np.ndarray
    selection: np.ndarray


@record(Directions)
class LayerDirections(NamedTuple):
    """m directions of c and W.

    Parameters
    ----------
    c : ndarray of shape (N, m, n)
    W : ndarray of shape (m, n, n)
        No rows where W is held.
    activation : record
        Zeros, of the activation's own class.
    """

    c: np.ndarray
    W: np.ndarray
    activation: Any


@record(State)
class Splitting(NamedTuple):
    """The iterates by rows, with m tangents each; :func:`splitting` makes the arrays."""

    x: np.ndarray  # (N n,) Z
    J: np.ndarray  # (m, N n) T
    Z: np.ndarray  # (N, n) the iterate
    U: np.ndarray  # (N, n) what Peaceman-Rachford carries: Z is its prox
    V: np.ndarray  # (N, n) the argument of the prox
    Y: np.ndarray  # (N, n) the prox
    H: np.ndarray  # (N, n) work
    T: np.ndarray  # (N, m, n) tangents of Z, and so on
    dU: np.ndarray
    dV: np.ndarray
    dY: np.ndarray
    dH: np.ndarray


def splitting(Z: np.ndarray, m: int) -> Splitting:
    """The state at Z with m tangents of zero."""
    N, n = Z.shape
    Z = Z.copy()
    work = [np.zeros((N, n)) for _ in range(4)]
    tangents = [np.zeros((N, m, n)) for _ in range(5)]
    return Splitting(Z.reshape(-1), np.zeros((m, N * n)), Z, *work, *tangents)


@routine
def _moves(c, W, Z, work, E):
    """``E = dc + dW z`` along all directions."""
    N, m, n = E.shape
    for i in range(N):
        for k in range(m):
            for j in range(n):
                E[i, k, j] = c[i, k, j]
    for k in range(W.shape[0]):
        product_nt(Z, W[k], work)
        for i in range(N):
            for j in range(n):
                E[i, k, j] += work[i, j]


@helper
def _land(problem, d, state, m, moving):
    """``z = prox(v)`` row by row with its tangents."""
    Z, V, Y, T, dV, dY, J = state.Z, state.V, state.Y, state.T, state.dV, state.dY, state.J
    N, n = Z.shape
    steps, q = problem.steps, problem.selection
    change, tangent_change, tangent_size, residual, moved = 0.0, 0.0, 0.0, 0.0, 0
    for i in range(N):
        problem.activation.prox_all(V[i], steps, Y[i], dV[i], dY[i], d.activation, m, q[i])
        for j in range(n):
            delta = Y[i, j] - Z[i, j]
            change += delta * delta
            # NaN compares false both ways: the negation lets it through.
            if not abs(delta) <= residual * steps[0]:
                residual = abs(delta) / steps[0]
            if (Y[i, j] == 0.0) != (Z[i, j] == 0.0):
                moved += 1
            if moving:
                Z[i, j] = Y[i, j]
        for k in range(m):
            for j in range(n):
                delta = dY[i, k, j] - T[i, k, j]
                tangent_change += delta * delta
                tangent_size += dY[i, k, j] * dY[i, k, j]
                T[i, k, j] = dY[i, k, j]
                J[k, i * n + j] = dY[i, k, j]
    return Move(change, tangent_change, tangent_size, residual, moved)


@record(Algorithm)
class EquilibriumForwardBackward(NamedTuple):
    """``z+ = prox_{a g}((1 - a) z + a (W z + c))``.

    Parameters
    ----------
    gamma : float
        a, below ``2 m / L^2`` with m the strong monotonicity and L the norm of I - W.
    M : ndarray of shape (n, n)
        ``(1 - a) I + a W``.
    """

    gamma: float
    M: np.ndarray

    def step(self, problem, d, state, m, moving):
        a, Z, V, dV, dH = self.gamma, state.Z, state.V, state.dV, state.dH
        N, n = Z.shape
        product_nt(Z, self.M, V)
        for i in range(N):
            for j in range(n):
                V[i, j] += a * problem.c[i, j]
        if m > 0:
            _moves(d.c, d.W, Z, state.H, dH)
            product_nt(state.T.reshape(N * m, n), self.M, dV.reshape(N * m, n))
            for i in range(N):
                for k in range(m):
                    for j in range(n):
                        dV[i, k, j] += a * dH[i, k, j]
        return _land(problem, d, state, m, moving)


@record(Algorithm)
class PeacemanRachford(NamedTuple):
    """Reflected resolvents in turn, with ``R = (I + a (I - W))^-1``::

        h = 2 z - u        y = R (h + a c)        u+ = 2 y - h        z+ = prox_{a g}(u+)

    It converges for every a > 0; the bound of its rate is best at 1/L.

    Parameters
    ----------
    gamma : float
        a, positive.
    R : ndarray of shape (n, n)
    reflected : ndarray of shape (n, n)
        ``2 R - I``.
    shift : ndarray of shape (N, n)
        ``2 a R c``, by rows.
    """

    gamma: float
    R: np.ndarray
    reflected: np.ndarray
    shift: np.ndarray

    def step(self, problem, d, state, m, moving):
        a, Z, U, V, H = self.gamma, state.Z, state.U, state.V, state.H
        T, dU, dV, dH, Y = state.T, state.dU, state.dV, state.dH, state.Y
        N, n = Z.shape
        for i in range(N):
            for j in range(n):
                H[i, j] = 2.0 * Z[i, j] - U[i, j]
        product_nt(H, self.reflected, V)
        apart = 0.0
        for i in range(N):
            for j in range(n):
                V[i, j] += self.shift[i, j]
                # The negation lets NaN through.
                if not abs(V[i, j] - U[i, j]) <= apart:
                    apart = abs(V[i, j] - U[i, j])
        if m > 0:
            for i in range(N):
                for j in range(n):
                    Y[i, j] = 0.5 * (V[i, j] + H[i, j])
            _moves(d.c, d.W, Y, H, dV)
            for i in range(N):
                for k in range(m):
                    for j in range(n):
                        dU[i, k, j] = 2.0 * T[i, k, j] - dU[i, k, j]
                        dH[i, k, j] = dU[i, k, j] + a * dV[i, k, j]
            product_nt(dH.reshape(N * m, n), self.R, dV.reshape(N * m, n))
            for i in range(N):
                for k in range(m):
                    for j in range(n):
                        dV[i, k, j] = 2.0 * dV[i, k, j] - dU[i, k, j]
                        dU[i, k, j] = dV[i, k, j]
        found = _land(problem, d, state, m, moving)
        if moving:
            for i in range(N):
                for j in range(n):
                    U[i, j] = V[i, j]
        residual = max(found.residual, 0.5 * apart / a)
        return Move(found.change, found.tangent_change, found.tangent_size, residual, found.moved)


@kernel
def slopes(activation, V, Z, D, selection, d):
    """``Z = prox_g(V)`` and the diagonals of its derivative, for a sum over coordinates."""
    for i in range(V.shape[0]):
        for j in range(V.shape[1]):
            z = activation.prox(j, V[i, j], 1.0)
            Z[i, j] = z
            D[i, j] = activation.prox_tangent(j, V[i, j], 1.0, z, 1.0, d, 0, selection[i, j])


@helper
def _less_four(row, a, b, c, d, u, v, w, x):
    """``row -= u a + v b + w c + x d``."""
    for j in range(row.size):
        row[j] -= u * a[j] + v * b[j] + w * c[j] + x * d[j]


@routine
def _eliminate(A):
    """LU factors in place, without pivoting, four rows at a time.

    K is D times a matrix whose symmetric part is at least m, and so is what is left of it after
    each step: no pivot vanishes, and entries grow by about ``L/m`` at the most (Golub and Van
    Loan, "Unsymmetric positive definite linear systems", 1979).
    """
    s, k = A.shape[0], 0
    while k < s:
        e = min(k + 4, s)
        for p in range(k, e):
            upper = A[p, p + 1 :]
            for i in range(p + 1, e):
                c = A[i, p] / A[p, p]
                A[i, p] = c
                row = A[i, p + 1 :]
                for j in range(row.size):
                    row[j] -= c * upper[j]
        if e < s:
            a, b, c, d = A[k, e:], A[k + 1, e:], A[k + 2, e:], A[k + 3, e:]
            for i in range(e, s):
                u = A[i, k] / A[k, k]
                v = (A[i, k + 1] - u * A[k, k + 1]) / A[k + 1, k + 1]
                w = (A[i, k + 2] - u * A[k, k + 2] - v * A[k + 1, k + 2]) / A[k + 2, k + 2]
                x = A[i, k + 3] - u * A[k, k + 3] - v * A[k + 1, k + 3] - w * A[k + 2, k + 3]
                x /= A[k + 3, k + 3]
                A[i, k], A[i, k + 1], A[i, k + 2], A[i, k + 3] = u, v, w, x
                _less_four(A[i, e:], a, b, c, d, u, v, w, x)
        k = e


@helper
def _solve_one(A, b, transposed):
    """``L U x = b``, or ``(L U)' x = b``, in place."""
    s = b.size
    for t in range(s):
        total = b[t]
        if transposed:
            total /= A[t, t]
            for j in range(t + 1, s):
                b[j] -= total * A[t, j]
        else:
            for j in range(t):
                total -= A[t, j] * b[j]
        b[t] = total
    for t in range(s - 1, -1, -1):
        total = b[t]
        if transposed:
            for j in range(t):
                b[j] -= total * A[t, j]
        else:
            for j in range(t + 1, s):
                total -= A[t, j] * b[j]
            b[t] = total / A[t, t]


@helper
def _solve_many(A, B, s, m, transposed):
    """The same for m right-hand sides, one after the other in B."""
    # Fortran sees the transpose: what it calls lower is U', what it calls upper is L'.
    a, b = A.ctypes.data, B.ctypes.data
    if transposed:
        _dtrsm(_L, _L, _N, _N, s, m, 1.0, a, s, b, s)
        _dtrsm(_L, _U, _N, _U, s, m, 1.0, a, s, b, s)
    else:
        _dtrsm(_L, _U, _T, _U, s, m, 1.0, a, s, b, s)
        _dtrsm(_L, _L, _T, _N, s, m, 1.0, a, s, b, s)


@kernel
def factor(W, D, sizes, lu):
    """LU factors of ``I - D W`` on the rows and columns where D is not zero, for each row of D.

    Returns how many times as large the entries have become.
    """
    start, growth = 0, 0.0
    at = np.empty(D.shape[1], dtype=np.int64)
    for i in range(D.shape[0]):
        s = 0
        for j in range(D.shape[1]):
            if D[i, j] != 0.0:
                at[s] = j
                s += 1
        sizes[i] = s
        A = lu[start : start + s * s].reshape(s, s)
        before, after = 0.0, 0.0
        for r in range(s):
            slope, w, a = D[i, at[r]], W[at[r]], A[r]
            for t in range(s):
                a[t] = -slope * w[at[t]]
            a[r] += 1.0
            for t in range(s):
                before = max(before, abs(a[t]))
        _eliminate(A)
        for r in range(s):
            for t in range(r, s):
                after = max(after, abs(A[r, t]))
        if s > 0:
            growth = max(growth, after / before)
        start += s * s
    return growth


@kernel
def substitute(W, D, sizes, lu, R, transposed):
    """Solve ``(I - D W) y = r`` in place for all right-hand sides r of each row.

    Transposed: ``g = D (I - W' D)^-1 r``, what an adjoint multiplies the tangent of c by.
    """
    start = 0
    m, n = R.shape[1], R.shape[2]
    at, room = np.empty(n, dtype=np.int64), np.empty(m * n)
    for i in range(R.shape[0]):
        s = 0
        for j in range(n):
            if D[i, j] != 0.0:
                at[s] = j
                s += 1
        A = lu[start : start + s * s].reshape(s, s)
        for k in range(m):
            b = room[k * s : k * s + s]
            for t in range(s):
                b[t] = R[i, k, at[t]]
            if not transposed:
                for j in range(n):
                    r = R[i, k, j]
                    if D[i, j] == 0.0 and r != 0.0:
                        for t in range(s):
                            b[t] += D[i, at[t]] * W[at[t], j] * r
        if m == 1:
            _solve_one(A, room[:s], transposed)
        elif s > 0:
            _solve_many(A, room, s, m, transposed)
        for k in range(m):
            if transposed:
                for j in range(n):
                    R[i, k, j] = 0.0
            for t in range(s):
                scale = D[i, at[t]] if transposed else 1.0
                R[i, k, at[t]] = scale * room[k * s + t]
        start += s * s
