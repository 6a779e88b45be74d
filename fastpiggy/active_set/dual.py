"""The dual active-set method for ``x'P x / 2 + q'x`` with ``C_e x = d_e``, ``C_i x <= d_i``.

Goldfarb and Idnani (1983), in Gram space.  With ``P = R'R`` and ``V = C inv(R)``, so that
``H = V V' = C inv(P) C'``, multipliers u move x to ``x0 - inv(P) C'u`` and what is violated to
``r = C x0 - d - H u``.  Rows join one at a time, the most violated first; the triangle of ``H`` on
the working set is all that is kept, and gives the derivative by one more solve.
"""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set.blas import cholesky
from fastpiggy.active_set.triangle import backward, forward, remove
from fastpiggy.compile import helper, kernel, routine
from fastpiggy.compile.fortran import fortran
from fastpiggy.compile.lapack import product_nt

_dtrsm = fortran("scipy.linalg.cython_blas", "dtrsm", "cccciidpipi")

_L, _N = ord("L"), ord("N")

#: How a program ended.
SOLVED, INFEASIBLE, UNFINISHED, NOT_DEFINITE = range(4)

#: A row whose distance from the span of the working set is below this, over its own length
#: (squared), depends on it.
_DEPENDENT = 1e-13
#: Violations below this, over the size of what a row compares, are rounding.
_VIOLATED = 1e-13
#: Pivots of P below this, over its largest diagonal entry, are rounding.
_DEFINITE = 1e-13


class Programs(NamedTuple):
    """B programs of one size, with room for what is found; :func:`programs` makes them.

    Parameters
    ----------
    P : ndarray of shape (B or 1, n, n)
        Symmetric; one for all where the leading axis is 1.
    q : ndarray of shape (B, n)
    C : ndarray of shape (B or 1, rows, n)
        Equalities first.
    d : ndarray of shape (B, rows)
    x, u : ndarray of shape (B, n) and (B, rows)
        Filled: solutions and multipliers; where a program is infeasible u proves it,
        ``C'u = 0`` with ``d'u < 0``.
    code : ndarray of shape (B,), int
        Filled: SOLVED, INFEASIBLE, UNFINISHED, NOT_DEFINITE.
    working : ndarray of shape (B, n), int
        Filled: rows of the working set, ``count`` of them.
    count : ndarray of shape (B,), int
    R, V, T : ndarray of shape (B or 1, n, n), (B or 1, rows, n), (B, n, n)
        Filled: the triangle of P, ``C inv(R)``, and the triangle of H on the working set.
    """

    P: np.ndarray
    q: np.ndarray
    C: np.ndarray
    d: np.ndarray
    x: np.ndarray
    u: np.ndarray
    code: np.ndarray
    working: np.ndarray
    count: np.ndarray
    R: np.ndarray
    V: np.ndarray
    T: np.ndarray


def programs(P: np.ndarray, q: np.ndarray, C: np.ndarray, d: np.ndarray) -> Programs:
    """Room for the programs; P and C with a leading axis of B or 1."""
    (B, n), rows = q.shape, d.shape[1]
    many = max(len(P), len(C))
    return Programs(
        P, q, C, d, np.zeros((B, n)), np.zeros((B, rows)), np.zeros(B, dtype=np.int64),
        np.zeros((B, n), dtype=np.int64), np.zeros(B, dtype=np.int64),
        np.zeros(P.shape), np.zeros((many, rows, n)), np.zeros((B, n, n)),
    )  # fmt: skip


@routine
def _triangle(P, R):
    """The upper triangle of P into R; False where P is not positive definite."""
    n, top = P.shape[0], 0.0
    for i in range(n):
        top = max(top, abs(P[i, i]))
        for j in range(n):
            R[i, j] = P[i, j] if j >= i else 0.0
    if not cholesky(R, n):
        return False
    least = top
    for i in range(n):
        least = min(least, R[i, i] * R[i, i])
    return least > _DEFINITE * top


@routine
def _whiten(C, R, V):
    """``V = C inv(R)``."""
    n, rows = R.shape[0], C.shape[0]
    for i in range(rows):
        for j in range(n):
            V[i, j] = C[i, j]
    # Fortran sees the transposed: R' V' = C' with a lower triangle.
    _dtrsm(_L, _L, _N, _N, n, rows, 1.0, R.ctypes.data, n, V.ctypes.data, n)


@helper
def _most_violated(r, scale, state, equalities):
    """The row violated most, for its scale; -1 where none is.  Equalities come first."""
    best, found = _VIOLATED, -1
    for i in range(r.size):
        if state[i] == 0:
            if i < equalities:
                return i
            if r[i] > best * scale[i]:
                best, found = r[i] / scale[i] if scale[i] > 0.0 else np.inf, i
    return found


@helper
def _blocking(u, w, working, sign, equalities, k):
    """The longest step that keeps multipliers of inequalities, and the place that ends it."""
    step, out = np.inf, -1
    for a in range(k):
        if working[a] >= equalities and sign * w[a] > 1e-14:
            t = max(u[a], 0.0) / (sign * w[a])
            if t < step:
                step, out = t, a
    return step, out


@helper
def _move(H, r, u, w, working, i, k, t, free):
    """Multiplier i grows by t, the others follow so that the working set stays met."""
    for a in range(k):
        u[a] -= t * w[a]
    if free:
        for j in range(r.size):
            r[j] -= t * H[i, j]
        for a in range(k):
            c = t * w[a]
            row = H[working[a]]
            for j in range(r.size):
                r[j] += c * row[j]


@routine
def _search(H, r, scale, equalities, T, working, u, w, state):
    """Working set, its multipliers u and their number, from none; see the module.

    Where the program is infeasible, w holds what proves it and the row comes back too.  `state`
    is 1 for rows that are in or depend on those that are.
    """
    k, rows, n = 0, r.size, T.shape[0]
    i, gained, sign = -1, 0.0, 1.0
    for _ in range(50 * (rows + 10)):
        if i < 0:
            i, gained = _most_violated(r, scale, state, equalities), 0.0
            if i < 0:
                return SOLVED, k, -1
            sign = -1.0 if r[i] < 0.0 else 1.0
        for a in range(k):
            w[a] = H[i, working[a]]
        rest = H[i, i]
        forward(T, k, w)
        for a in range(k):
            rest -= w[a] * w[a]
        free = rest > _DEPENDENT * H[i, i] and k < n
        if free:
            for a in range(k):
                T[a, k] = w[a]
            T[k, k] = np.sqrt(rest)
        backward(T, k, w, w)
        step, out = _blocking(u, w, working, sign, equalities, k)
        if not free and abs(r[i]) <= 1e-10 * scale[i]:
            state[i] = 1
            i = -1
        elif not free and out < 0:
            return INFEASIBLE, k, i
        elif free and abs(r[i]) <= step * rest:
            t = r[i] / rest
            _move(H, r, u, w, working, i, k, t, free)
            working[k], u[k] = i, gained + t
            state[i] = 1
            k += 1
            i = -1
        else:
            t = sign * step
            gained += t
            _move(H, r, u, w, working, i, k, t, free)
            state[working[out]] = 0
            for a in range(out, k - 1):
                u[a] = u[a + 1]
            remove(T, k, out, w)
            for a in range(out, k - 1):
                working[a] = working[a + 1]
            k -= 1
    return UNFINISHED, k, -1


@routine
def _condensed(R, V, T, working, k, g, e):
    """Solve ``[P C_K'; C_K 0] [a; w] = [g; e]`` in place: a in g, w in e."""
    n = g.size
    forward(R, n, g)
    for a in range(k):
        row, total = V[working[a]], -e[a]
        for j in range(n):
            total += row[j] * g[j]
        e[a] = total
    forward(T, k, e)
    backward(T, k, e, e)
    for a in range(k):
        row, c = V[working[a]], e[a]
        for j in range(n):
            g[j] -= c * row[j]
    backward(R, n, g, g)


@routine
def _refine(P, q, C, d, R, V, T, working, k, x, u, g, e):
    """A Newton step on the working set: what rounding has left is taken out."""
    n = x.size
    for i in range(n):
        row, total = P[i], q[i]
        for j in range(n):
            total += row[j] * x[j]
        g[i] = total
    for a in range(k):
        row, c, total = C[working[a]], u[a], -d[working[a]]
        for j in range(n):
            g[j] += c * row[j]
            total += row[j] * x[j]
        e[a] = total
    _condensed(R, V, T, working, k, g, e)
    for i in range(n):
        x[i] -= g[i]
    for a in range(k):
        u[a] -= e[a]


@routine
def _solve(P, q, C, d, equalities, R, V, H, T, working, x, multipliers):
    """One program whose P, C are known as R, V, H; returns code and size of the working set."""
    n, rows = x.size, d.size
    y, r, scale = -q, np.empty(rows), np.empty(rows)
    u, w, state = np.zeros(n + 1), np.zeros(n + 1), np.zeros(rows, dtype=np.int64)
    forward(R, n, y)
    size = np.sqrt(y @ y)
    for i in range(rows):
        r[i] = V[i] @ y - d[i]
        scale[i] = abs(d[i]) + np.sqrt(H[i, i]) * size
    code, k, at = _search(H, r, scale, equalities, T, working, u, w, state)
    for j in range(n):
        x[j] = y[j]
    for a in range(k):
        row, c = V[working[a]], u[a]
        for j in range(n):
            x[j] -= c * row[j]
    backward(R, n, x, x)
    if code == INFEASIBLE:
        sign = -1.0 if r[at] < 0.0 else 1.0
        multipliers[at] = sign
        for a in range(k):
            multipliers[working[a]] = -sign * w[a]
        return code, k
    for _ in range(2):
        _refine(P, q, C, d, R, V, T, working, k, x, u, y, w)
    for a in range(k):
        multipliers[working[a]] = u[a]
    return code, k


@kernel
def solve_programs(p, equalities):
    """Fill the programs with what they ask; `equalities` is the number of rows that are such."""
    rows = p.d.shape[1]
    H, good = np.empty((rows, rows)), True
    for b in range(p.q.shape[0]):
        at_P, at_C = b if p.P.shape[0] > 1 else 0, b if p.C.shape[0] > 1 else 0
        at_V = b if p.V.shape[0] > 1 else 0
        if b == 0 or p.P.shape[0] > 1:
            good = _triangle(p.P[at_P], p.R[at_P])
        if good and (b == 0 or p.V.shape[0] > 1):
            if rows > 0:
                _whiten(p.C[at_C], p.R[at_P], p.V[at_V])
                product_nt(p.V[at_V], p.V[at_V], H)
        if good:
            p.code[b], p.count[b] = _solve(
                p.P[at_P], p.q[b], p.C[at_C], p.d[b], equalities, p.R[at_P], p.V[at_V], H, p.T[b],
                p.working[b], p.x[b], p.u[b],
            )  # fmt: skip
        else:
            p.code[b] = NOT_DEFINITE


@kernel
def solve_working(p, g, e):
    """Solve ``[P C_K'; C_K 0] [a; w] = [g; e]`` in place for every program; e is (B, rows).

    Entries of e outside the working sets become zero.
    """
    small = np.empty(g.shape[1])
    for b in range(g.shape[0]):
        at_P, at_V = b if p.P.shape[0] > 1 else 0, b if p.V.shape[0] > 1 else 0
        k = p.count[b]
        for a in range(k):
            small[a] = e[b, p.working[b, a]]
        _condensed(p.R[at_P], p.V[at_V], p.T[b], p.working[b], k, g[b], small)
        for i in range(e.shape[1]):
            e[b, i] = 0.0
        for a in range(k):
            e[b, p.working[b, a]] = small[a]
