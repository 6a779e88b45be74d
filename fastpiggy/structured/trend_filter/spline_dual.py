"""Compiled: the dual variable u of a trend filter, from sums between its knots."""

import numpy as np

from fastpiggy.compile import helper, kernel, routine


@helper
def _row(order, n, rows, count, e):
    """Row e of the knots, with `order` rows at which u is zero beyond each end."""
    if e < order:
        return e - order
    return rows[e - order] if e < order + count else n - order + e - order - count


@helper
def _shape(order, positions, i, origin, b):
    """What a polynomial of degree below the order makes of u: the coefficient at row i, its value
    at the points within the row's difference by its polar form."""
    b[0] = 1.0
    at = 3 * order + i
    if order == 2:
        b[1] = positions[at + 1] - origin
    elif order > 2:
        p, q = positions[at + 1] - origin, positions[at + 2] - origin
        if order == 3:
            b[1], b[2] = p + q, p * q
        else:
            r = positions[at + 3] - origin
            b[1], b[2], b[3] = p + q + r, p * q + (p + q) * r, p * q * r


@routine
def _through(order, A, c):
    """Solve ``A c = `` its last column, the columns scaled."""
    for q in range(order):
        largest = 0.0
        for r in range(order):
            largest = max(largest, abs(A[r, q]))
        c[q] = largest
        for r in range(order):
            A[r, q] /= largest
    for q in range(order):
        best = q
        for r in range(q + 1, order):
            if abs(A[r, q]) > abs(A[best, q]):
                best = r
        for j in range(q, order + 1):
            A[q, j], A[best, j] = A[best, j], A[q, j]
        for r in range(q + 1, order):
            factor = A[r, q] / A[q, q]
            for j in range(q, order + 1):
                A[r, j] -= factor * A[q, j]
    for q in range(order - 1, -1, -1):
        value = A[q, order]
        for j in range(q + 1, order):
            value -= A[q, j] * A[j, order]
        A[q, order] = value / A[q, q]
    for q in range(order):
        c[q] = A[q, order] / c[q]


@helper
def _summed(order, positions, g, u):
    """Sums from the left into u; returns those of the `order` rows beyond."""
    n, more = g.size, 3 * order
    v0, v1, v2, v3 = 0.0, 0.0, 0.0, 0.0
    beyond = np.zeros(4)
    for i in range(n):
        here = positions[more + i]
        v0 += g[i] if order % 2 == 0 else -g[i]
        value = v0
        if order > 1:
            v1 += (positions[more + i + 1] - here) * v0
            value = v1
        if order > 2:
            v2 += (positions[more + i + 2] - here) / 2.0 * v1
            value = v2
        if order > 3:
            v3 += (positions[more + i + 3] - here) / 3.0 * v2
            value = v3
        if i < n - order:
            u[i] = value
        else:
            beyond[i - n + order] = value
    return beyond


@routine
def between(order, positions, g, rows, targets, count, u):
    """Fill u with ``D'u = g`` and ``u[rows] = targets``, for a g to which that u exists but for
    rounding.

    Sums over n points carry rounding along: what they miss the targets by, and zero beyond the
    ends, is taken out between two knots by what ``D'`` maps to zero, a polynomial of degree below
    the order, right at the `order` nearest.  So only the rounding between few knots stays.
    """
    n, m, b, c = g.size, order - 1, np.empty(4), np.zeros(4)
    A, missed = np.empty((order, order + 1)), np.zeros(count + 2 * order)
    beyond = _summed(order, positions, g, u)
    for a in range(count):
        missed[order + a] = targets[a] - u[rows[a]]
    for a in range(order):
        missed[order + count + a] = -beyond[a]
    for e in range(m, order + count):
        left, right = _row(order, n, rows, count, e), _row(order, n, rows, count, e + 1)
        if right == left + 1:
            continue
        node, origin = e - m // 2, positions[3 * order + left]
        for a in range(order):
            _shape(order, positions, _row(order, n, rows, count, node + a), origin, b)
            for q in range(order):
                A[a, q] = b[q]
            A[a, order] = missed[node + a]
        _through(order, A, c)
        for i in range(left + 1, right):
            _shape(order, positions, i, origin, b)
            for q in range(order):
                u[i] += c[q] * b[q]
    for a in range(count):
        u[rows[a]] = targets[a]


@kernel
def spline_dual(order, positions, g, rows, targets, u):
    """See :func:`between`, on all rows."""
    between(order, positions, g, rows, targets, rows.size, u)
