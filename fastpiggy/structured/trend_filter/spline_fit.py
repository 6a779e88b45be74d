"""Compiled: discrete splines and least squares on them."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import helper, kernel, routine
from fastpiggy.structured.trend_filter.bands import cholesky, solve
from fastpiggy.structured.trend_filter.divided import jumps, spans


class Table(NamedTuple):
    """The B-splines of one set of knots, and room for fits; of capacity for so many knots.

    Knots stand at the points `index`, with twice the order more at each end; their q is zero at
    the positions from `zero` on.
    """

    index: np.ndarray  # (knots + 4 order,) int
    zero: np.ndarray  # (knots + 4 order,) int
    zeros: np.ndarray  # (knots + 4 order, degree)
    spans: np.ndarray  # (degree, knots + 4 order), see `divided`
    centres: np.ndarray  # (knots + 4 order,)
    share: np.ndarray  # (knots + 4 order, degree) work
    work: np.ndarray  # (knots + 4 order, order + 1)
    jumps: np.ndarray  # (knots, order + 1), see `divided.jumps`
    values: np.ndarray  # (4, n) the B-splines at every point, zero from the order on
    first: np.ndarray  # (n,) int: the first of them
    gram: np.ndarray  # (order, knots + order) bands of N'WN: entry (d, j) is G[j + d, j]
    factor: np.ndarray  # (order, knots + order) of its Cholesky factor
    step: np.ndarray  # (knots + order,) work
    c: np.ndarray  # (knots + order,) coefficients of a fit
    z: np.ndarray  # (knots,) its differences at the knots
    x: np.ndarray  # (n,) the fit


def table(n: int, order: int, knots: int) -> Table:
    """A table to be filled."""
    d, more = order - 1, knots + 4 * order
    whole, bands = np.empty((2, more), dtype=np.int64), np.empty((2, order, knots + order))
    return Table(
        whole[0], whole[1], np.empty((more, d)), np.empty((d, more)), np.empty(more),
        np.empty((more, d)), np.empty((more, order + 1)), np.empty((knots, order + 1)),
        np.zeros((4, n)), np.empty(n, dtype=np.int64), bands[0], bands[1],
        np.empty(knots + order), np.empty(knots + order), np.empty(knots), np.empty(n),
    )  # fmt: skip


@routine
def _tabulate(order, positions, n, rows, count, s):
    d, more, knots = order - 1, 3 * order, count + 4 * order
    for a in range(knots):
        # A difference in row i is a knot at point i + d.
        point = a - order - 1
        if a >= 2 * order:
            point = rows[a - 2 * order] + d if a < 2 * order + count else a - 2 * order - count
            point += n - 1 if a >= 2 * order + count else 0
        s.index[a], s.zero[a] = point, point - order + 2 + more
        for j in range(d):
            s.zeros[a, j] = positions[s.zero[a] + j]
    spans(s.zeros, knots, d, s.spans, s.centres, s.share)
    jumps(s.spans, knots, d, count, s.work, s.jumps)


@helper
def _cell(s, last, i, n):
    """The knot before point i, and the point after the last that lies before the next."""
    while s.index[last + 1] < i:
        last += 1
    return last, min(s.index[last + 1] + 1, n)


@routine
def _basis(order, positions, n, s):
    """The `order` B-splines at every point, and the first of them.

    See ``divided``: between knots a and a + 1, T is 1 below a - d, 0 above a, and ``T^d_a`` and
    ``1 - T^d_(a-d+1)`` are multiples of the two q, without cancellation.
    """
    d, last, i = order - 1, order, 0
    here, v = positions[3 * order : 3 * order + n], s.values
    while i < n:
        last, stop = _cell(s, last, i, n)
        up, down = 1.0, 1.0
        for p in range(d):
            up /= s.spans[p, last]
            down /= s.spans[p, last - p]
        a, b = s.zeros[last], s.zeros[last + 1]
        for x in range(i, stop):
            s.first[x] = last - 2 * order + 1
        if d == 0:
            for x in range(i, stop):
                v[0, x] = 1.0
        elif d == 1:
            for x in range(i, stop):
                v[0, x], v[1, x] = down * (b[0] - here[x]), up * (here[x] - a[0])
        elif d == 2:
            for x in range(i, stop):
                low = down * (b[0] - here[x]) * (b[1] - here[x])
                high = up * (here[x] - a[0]) * (here[x] - a[1])
                v[0, x], v[1, x], v[2, x] = low, max(1.0 - high - low, 0.0), high
        else:
            centre, before, after = s.centres[last - 1], s.spans[2, last - 2], s.spans[2, last]
            scale = 1.0 / s.spans[2, last - 1]
            for x in range(i, stop):
                low = down * (b[0] - here[x]) * (b[1] - here[x]) * (b[2] - here[x])
                high = up * (here[x] - a[0]) * (here[x] - a[1]) * (here[x] - a[2])
                middle = scale * (here[x] - centre + low * before - high * after)
                v[0, x], v[3, x] = low, high
                v[1, x], v[2, x] = max(1.0 - low - middle, 0.0), max(middle - high, 0.0)
        i = stop


@routine
def _gram(order, w, size, s):
    """The lower bands of ``N'WN``."""
    for d in range(order):
        for j in range(size):
            s.gram[d, j] = 0.0
    last, i, n, v, sums = order, 0, w.size, s.values, np.empty((4, 4))
    while i < n:
        last, stop = _cell(s, last, i, n)
        a00, a01, a02, a03, a11, a12, a13, a22, a23, a33 = (0.0,) * 10
        for x in range(i, stop):
            v0, v1, v2, v3 = v[0, x], v[1, x], v[2, x], v[3, x]
            w0, w1, w2 = w[x] * v0, w[x] * v1, w[x] * v2
            a00, a01, a02, a03 = a00 + w0 * v0, a01 + w0 * v1, a02 + w0 * v2, a03 + w0 * v3
            a11, a12, a13 = a11 + w1 * v1, a12 + w1 * v2, a13 + w1 * v3
            a22, a23, a33 = a22 + w2 * v2, a23 + w2 * v3, a33 + w[x] * v3 * v3
        sums[0, 0], sums[1, 0], sums[2, 0], sums[3, 0] = a00, a01, a02, a03
        sums[0, 1], sums[1, 1], sums[2, 1] = a11, a12, a13
        sums[0, 2], sums[1, 2], sums[0, 3] = a22, a23, a33
        first = last - 2 * order + 1
        for r in range(max(-first, 0), min(order, size - first)):
            for e in range(min(order - r, size - first - r)):
                s.gram[e, first + r] += sums[e, r]
        i = stop


@routine
def _sweep(order, y, w, size, s):
    """Fill x with ``N c``, and take ``N'W (y - x)`` up in `step`."""
    last, i, n, v, x, c = order, 0, w.size, s.values, s.x, np.zeros(4)
    while i < n:
        last, stop = _cell(s, last, i, n)
        first = last - 2 * order + 1
        for r in range(order):
            c[r] = s.c[first + r] if 0 <= first + r < size else 0.0
        c0, c1, c2, c3 = c[0], c[1], c[2], c[3]
        b0, b1, b2, b3 = 0.0, 0.0, 0.0, 0.0
        for j in range(i, stop):
            v0, v1, v2, v3 = v[0, j], v[1, j], v[2, j], v[3, j]
            x[j] = c0 * v0 + c1 * v1 + c2 * v2 + c3 * v3
            g = w[j] * (y[j] - x[j])
            b0, b1, b2, b3 = b0 + g * v0, b1 + g * v1, b2 + g * v2, b3 + g * v3
        c[0], c[1], c[2], c[3] = b0, b1, b2, b3
        for r in range(max(-first, 0), min(order, size - first)):
            s.step[first + r] += c[r]
        i = stop


@helper
def _factor(order, w, size, s):
    """Of ``N'WN``; of a matrix a little larger where weights of zero leave splines free, which stay
    near zero then: False."""
    _gram(order, w, size, s)
    lift, largest = 0.0, 0.0
    for j in range(size):
        largest = max(largest, s.gram[0, j])
    for _ in range(2):
        for d in range(order):
            for j in range(size):
                s.factor[d, j] = s.gram[d, j] + (lift if d == 0 else 0.0)
        if cholesky(s.factor, size):
            break
        lift = 1e-10 * max(largest, 1e-300)
    return lift == 0.0


@routine
def fit(order, positions, y, w, alpha, rows, signs, count, passes, last, s):
    """Fill c, x, z with the minimiser of ``norm_W(x - y)^2 / 2 + alpha signs'z``, ``x = N c``.

    With two passes it is solved for twice, so that what is left of y is orthogonal to the splines
    to rounding.  x is left out unless `last`.  Returns False where weights of zero leave the
    minimiser open.
    """
    n, size = y.size, count + order
    _tabulate(order, positions, n, rows, count, s)
    _basis(order, positions, n, s)
    regular = _factor(order, w, size, s)
    for j in range(size):
        s.c[j] = 0.0
    turns = passes if regular else passes + 2
    for turn in range(turns + 1):
        for j in range(size):
            s.step[j] = 0.0
        for a in range(count):
            for r in range(order + 1):
                s.step[a + r] -= alpha * signs[a] * s.jumps[a, r]
        if turn < turns or last:
            _sweep(order, y, w, size, s)
        if turn < turns:
            solve(s.factor, size, s.step)
            for j in range(size):
                s.c[j] += s.step[j]
    for a in range(count):
        s.z[a] = 0.0
        for r in range(order + 1):
            s.z[a] += s.jumps[a, r] * s.c[a + r]
    return regular


@kernel
def spline_fit(order, positions, y, w, alpha, rows, signs, s):
    """See :func:`fit`, on all rows and with two passes.

    Returns how far x may be from the minimiser by what is left of the system, and the largest of
    ``w (abs(y) + abs(x))``.
    """
    fit(order, positions, y, w, alpha, rows, signs, rows.size, 2, True, s)
    # The last sweep left it in `step`; the B-splines add up to one.
    solve(s.factor, s.step.size, s.step)
    away, size = 0.0, 0.0
    for j in range(s.step.size):
        away = max(away, abs(s.step[j]))
    for i in range(y.size):
        size = max(size, w[i] * (abs(y[i]) + abs(s.x[i])))
    return away, size


@kernel
def spline_basis(order, positions, w, rows, s):
    """Fill all of a table but for what a fit leaves there."""
    _tabulate(order, positions, w.size, rows, rows.size, s)
    _basis(order, positions, w.size, s)
    _gram(order, w, rows.size + order, s)


@kernel
def expand(order, values, first, c, out):
    """``out = N c`` for c of shape (size, m)."""
    for i in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[i, k] = 0.0
        for r in range(order):
            j = first[i] + r
            if 0 <= j < c.shape[0]:
                for k in range(out.shape[1]):
                    out[i, k] += values[r, i] * c[j, k]


@kernel
def collect(order, values, first, v, out):
    """``out = N'v`` for v of shape (n, m)."""
    for j in range(out.shape[0]):
        for k in range(out.shape[1]):
            out[j, k] = 0.0
    for i in range(v.shape[0]):
        for r in range(order):
            j = first[i] + r
            if 0 <= j < out.shape[0]:
                for k in range(out.shape[1]):
                    out[j, k] += values[r, i] * v[i, k]
