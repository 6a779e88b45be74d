"""Least squares with soft thresholds on sparse matrices whose supports are too large to factor.

Coordinate descent finds the support; on it the correction of the coefficients and all tangents are
solved for together by conjugate gradients, which read each active column once an iteration for all
of them.
"""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import helper, kernel
from fastpiggy.designs.by_column import Sparse

#: Below this part of the level a column is clear of it: no kink, and no rounding, is near.
CLEAR = 0.9


class Large(NamedTuple):
    """The data of a problem; an intercept is its last coordinate, without a column of its own.

    Parameters
    ----------
    matrix : Sparse
        With unsigned indices: signed ones would be looked at for whether they count from the end,
        which takes as long as the products.
    even : float
        The sample weight, where all are equal, else 0.
    sample_weight, y : ndarray of shape (n,)
    thresholds, ridge, norms : ndarray of shape (p,) or (p + 1,)
        c, l2, and the weighted squared norms of the columns plus l2.
    """

    matrix: Sparse
    even: float
    sample_weight: np.ndarray
    y: np.ndarray
    thresholds: np.ndarray
    ridge: np.ndarray
    norms: np.ndarray


@helper
def _dot(matrix, j, r):
    if j == matrix.indptr.size - 1:
        total = 0.0
        for i in range(r.size):
            total += r[i]
        return total
    first, last = matrix.indptr[j], matrix.indptr[j + 1]
    whole, t, u, v, w = first + (last - first) // 4 * 4, 0.0, 0.0, 0.0, 0.0
    for e in range(first, whole, 4):
        t += matrix.data[e] * r[matrix.indices[e]]
        u += matrix.data[e + 1] * r[matrix.indices[e + 1]]
        v += matrix.data[e + 2] * r[matrix.indices[e + 2]]
        w += matrix.data[e + 3] * r[matrix.indices[e + 3]]
    for e in range(whole, last):
        t += matrix.data[e] * r[matrix.indices[e]]
    return t + u + v + w


@helper
def _add(problem, j, c, r):
    """``r += c s X_j``."""
    matrix, s = problem.matrix, problem.sample_weight
    if j == matrix.indptr.size - 1:
        for i in range(r.size):
            r[i] += c * s[i]
        return
    if problem.even > 0.0:
        c *= problem.even
        for e in range(matrix.indptr[j], matrix.indptr[j + 1]):
            r[matrix.indices[e]] += c * matrix.data[e]
        return
    for e in range(matrix.indptr[j], matrix.indptr[j + 1]):
        i = matrix.indices[e]
        r[i] += c * s[i] * matrix.data[e]


@kernel
def prepare(problem):
    """Fill the norms, which hold l2 alone when the call is made."""
    matrix, s, norms = problem.matrix, problem.sample_weight, problem.norms
    for j in range(norms.size):
        total = 0.0
        if j == matrix.indptr.size - 1:
            for i in range(s.size):
                total += s[i]
        else:
            for e in range(matrix.indptr[j], matrix.indptr[j + 1]):
                total += s[matrix.indices[e]] * matrix.data[e] * matrix.data[e]
        norms[j] = problem.ridge[j] + total


@kernel
def look(problem, x, r, g, lam, members, before, slack):
    """Slopes and gradient at x, and the columns that a sweep is to visit.

    A column is left alone where its entry of the gradient cannot have come near the level:
    ``|X_j'(r - before)| <= norm(S^(1/2) X_j) norm(S^(-1/2) (r - before))``.

    Parameters
    ----------
    before : ndarray of shape (n,)
        The slopes of the last look, written over.
    slack : ndarray of shape (p,) or (p + 1,)
        How far entries of g may have moved since they were computed, infinite for those that are
        not of a look; it follows.

    Returns
    -------
    count : int
        How many of `members` are filled: those not zero, not penalised, or beyond the level.
    violation : float
        Of the optimality conditions at the level, the largest, in units of the gradient.
    """
    matrix, s = problem.matrix, problem.sample_weight
    for i in range(r.size):
        r[i] = -s[i] * problem.y[i]
    for j in range(x.size):
        if x[j] != 0.0:
            _add(problem, j, x[j], r)
    count, worst, moved = 0, 0.0, 0.0
    for i in range(r.size):
        if s[i] > 0.0:
            moved += (r[i] - before[i]) ** 2 / s[i]
        before[i] = r[i]
    moved = np.sqrt(moved)
    for j in range(x.size):
        top = lam * problem.thresholds[j]
        if x[j] == 0.0:
            slack[j] += np.sqrt(problem.norms[j]) * moved
            if abs(g[j]) + slack[j] < CLEAR * top:
                continue
        # What x_j adds goes with it, should it come to zero.
        own = problem.ridge[j] * x[j]
        g[j], slack[j] = _dot(matrix, j, r) + own, abs(own)
        found = abs(g[j] + np.copysign(top, x[j])) if x[j] != 0.0 else max(abs(g[j]) - top, 0.0)
        if x[j] != 0.0 or top == 0.0 or found > 0.0:
            members[count] = j
            count += 1
        # The negation lets NaN through.
        if not found <= worst:
            worst = found
    return count, worst


@kernel
def gradient(problem, x, r, members, g):
    """The gradient at x on the members alone, from slopes that a sweep has left."""
    for j in members:
        g[j] = _dot(problem.matrix, j, r) + problem.ridge[j] * x[j]


@kernel
def sweep(problem, x, r, lam, members, count):
    """One sweep of coordinate descent; what has come to zero leaves the members.

    Returns
    -------
    count, turned : int
        Members that are left, and coefficients whose sign has changed.
    """
    matrix, turned, left = problem.matrix, 0, 0
    for k in range(count):
        j = members[k]
        norm, top = problem.norms[j], lam * problem.thresholds[j]
        if norm == 0.0:
            continue
        u = norm * x[j] - _dot(matrix, j, r) - problem.ridge[j] * x[j]
        new = 0.0 if abs(u) <= top and top > 0.0 else (u - np.copysign(top, u)) / norm
        change = new - x[j]
        if change != 0.0:
            if np.sign(new) != np.sign(x[j]):
                turned += 1
            x[j] = new
            _add(problem, j, change, r)
        if new != 0.0 or top == 0.0:
            members[left] = j
            left += 1
    return left, turned


@helper
def _by_rows(problem, members):
    """The members' entries row by row, times the roots of the sample weights.

    An iteration then reads them once: while a row is in cache it gives its product, and takes it.
    """
    matrix, s = problem.matrix, problem.sample_weight
    columns = members.size
    if columns > 0 and members[columns - 1] == matrix.indptr.size - 1:
        columns -= 1
    starts = np.zeros(s.size + 1, dtype=np.int64)
    for k in range(columns):
        for e in range(matrix.indptr[members[k]], matrix.indptr[members[k] + 1]):
            starts[matrix.indices[e] + 1] += 1
    for i in range(s.size):
        starts[i + 1] += starts[i]
    places, values = np.empty(starts[s.size], dtype=np.uint32), np.empty(starts[s.size])
    fill = starts.copy()
    for k in range(columns):
        for e in range(matrix.indptr[members[k]], matrix.indptr[members[k] + 1]):
            i = matrix.indices[e]
            places[fill[i]], values[fill[i]] = k, np.sqrt(s[i]) * matrix.data[e]
            fill[i] += 1
    return columns, starts, places, values


@helper
def _times_one(problem, rows, P, Q):
    columns, starts, places, values = rows
    for i in range(starts.size - 1):
        root = np.sqrt(problem.sample_weight[i])
        v = root * P[columns, 0] if columns < len(P) else 0.0
        for e in range(starts[i], starts[i + 1]):
            v += values[e] * P[places[e], 0]
        for e in range(starts[i], starts[i + 1]):
            Q[places[e], 0] += values[e] * v
        if columns < len(P):
            Q[columns, 0] += root * v


@helper
def _times_two(problem, rows, P, Q, c):
    """Columns c and c + 1 at once."""
    columns, starts, places, values = rows
    for i in range(starts.size - 1):
        root, v, w = np.sqrt(problem.sample_weight[i]), 0.0, 0.0
        if columns < len(P):
            v, w = root * P[columns, c], root * P[columns, c + 1]
        for e in range(starts[i], starts[i + 1]):
            value, k = values[e], places[e]
            v += value * P[k, c]
            w += value * P[k, c + 1]
        for e in range(starts[i], starts[i + 1]):
            value, k = values[e], places[e]
            Q[k, c] += value * v
            Q[k, c + 1] += value * w
        if columns < len(P):
            Q[columns, c] += root * v
            Q[columns, c + 1] += root * w


@helper
def _times(problem, members, rows, P, Q):
    """``Q = K P``."""
    for a in range(len(P)):
        for c in range(P.shape[1]):
            Q[a, c] = problem.ridge[members[a]] * P[a, c]
    if P.shape[1] == 1:
        _times_one(problem, rows, P, Q)
    for c in range(0, P.shape[1] - 1, 2):
        _times_two(problem, rows, P, Q, c)


@helper
def _along(P, Q, out):
    """``P_c' Q_c`` of every column c."""
    for c in range(out.size):
        total = 0.0
        for a in range(len(P)):
            total += P[a, c] * Q[a, c]
        out[c] = total


@helper
def _move(inverse, step, P, Q, D, B, new):
    """A step along P for each column, and the squares of the residuals that it leaves."""
    for c in range(step.size):
        length, total = step[c], 0.0
        for a in range(len(P)):
            D[a, c] += length * P[a, c]
            left = B[a, c] - length * Q[a, c]
            B[a, c] = left
            total += left * left * inverse[a]
        new[c] = total


@helper
def _turn(inverse, ratio, B, P):
    """The next directions."""
    for c in range(ratio.size):
        part = ratio[c]
        for a in range(len(P)):
            P[a, c] = B[a, c] * inverse[a] + part * P[a, c]


@kernel
def conjugate_gradients(problem, members, B, goals, D, ritz):
    """Solve ``K D = B``, K the Gram matrix of the members with l2, preconditioned by its diagonal.

    Parameters
    ----------
    problem : Large
    members : ndarray of shape (k,), int
    B : ndarray of shape (k, m)
        Right-hand sides, one or an even number; holds the residuals at the end.
    goals : ndarray of shape (m,)
        On the norms of the preconditioned residuals, one a column.
    D : ndarray of shape (k, m)
        Where to start; holds the solutions at the end.
    ritz : ndarray of shape (2, most)
        Filled with the steps and the ratios of the last column, whose tridiagonal matrix tells the
        eigenvalues; `most` bounds the iterations.

    Returns
    -------
    int
        Iterations.
    """
    k, m = B.shape
    P, Q, inverse = np.empty((k, m)), np.empty((k, m)), np.empty(k)
    rows = _by_rows(problem, members)
    size, new, curved, step = np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m)
    known = False
    for a in range(k):
        inverse[a] = 1.0 / problem.norms[members[a]]
        for c in range(m):
            known = known or D[a, c] != 0.0
    if known:
        _times(problem, members, rows, D, Q)
        for a in range(k):
            for c in range(m):
                B[a, c] -= Q[a, c]
    for a in range(k):
        for c in range(m):
            P[a, c] = B[a, c] * inverse[a]
            size[c] += B[a, c] * P[a, c]
    for turn in range(ritz.shape[1]):
        done = True
        for c in range(m):
            done = done and size[c] <= goals[c] * goals[c]
        if done:
            return turn
        _times(problem, members, rows, P, Q)
        _along(P, Q, curved)
        for c in range(m):
            step[c] = size[c] / curved[c] if curved[c] > 0.0 else 0.0
        _move(inverse, step, P, Q, D, B, new)
        ritz[0, turn] = step[m - 1]
        for c in range(m):
            step[c] = new[c] / size[c] if size[c] > 0.0 else 0.0
            size[c] = new[c]
        ritz[1, turn] = step[m - 1]
        _turn(inverse, step, B, P)
    return ritz.shape[1]
