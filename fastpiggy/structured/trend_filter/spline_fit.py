"""Least squares on discrete splines in one compiled pass: what an exchange of knots repeats."""

import numpy as np

from fastpiggy.compile import helper, kernel


@helper
def _basis(order, positions, at, index, zero, spans, centres, values, first):
    """The `order` B-splines at every point, and the first of them.

    Knots stand at the points `index`, with `order` more at each end; their q is zero at positions
    from `zero` on.  See ``divided``: between knots a and a + 1, T is 1 below a - d, 0 above a, and
    ``T^d_a`` and ``1 - T^d_(a-d+1)`` are multiples of the two q, without cancellation.
    """
    d, last = order - 1, order
    for x in range(first.size):
        while index[last + 1] < x:
            last += 1
        first[x] = last - 2 * order + 1
        here, up, down = positions[at + x], 1.0, 1.0
        for j in range(d):
            up *= here - positions[zero[last] + j]
            down *= positions[zero[last + 1] + j] - here
        for p in range(d):
            up /= spans[p, last]
            down /= spans[p, last - p]
        values[x, 0], values[x, d] = down, up
        if d == 2:
            values[x, 1] = max(1.0 - up - down, 0.0)
        elif d == 3:
            middle = here - centres[last - 1] + down * spans[2, last - 2] - up * spans[2, last]
            middle /= spans[2, last - 1]
            values[x, 1] = max(1.0 - down - middle, 0.0)
            values[x, 2] = max(middle - up, 0.0)


@kernel
def spline_basis(order, positions, at, index, zero, spans, centres, values, first):
    """Fill values with the B-splines at every point, and first with the first of them."""
    _basis(order, positions, at, index, zero, spans, centres, values, first)


@helper
def _cholesky(bands):
    """``G = L L'`` in place, ``bands[d, j] = G[j + d, j]``; False where a pivot is not positive."""
    width, size = bands.shape
    for j in range(size):
        pivot = bands[0, j]
        for d in range(1, min(width, j + 1)):
            pivot -= bands[d, j - d] * bands[d, j - d]
        if not pivot > 1e-14 * bands[0, j]:
            return False
        root = np.sqrt(pivot)
        bands[0, j] = root
        for d in range(1, min(width, size - j)):
            total = bands[d, j]
            for e in range(1, min(width - d, j + 1)):
                total -= bands[d + e, j - e] * bands[e, j - e]
            bands[d, j] = total / root
    return True


@helper
def _solve(bands, c):
    width, size = bands.shape
    for j in range(size):
        for d in range(1, min(width, j + 1)):
            c[j] -= bands[d, j - d] * c[j - d]
        c[j] /= bands[0, j]
    for j in range(size - 1, -1, -1):
        for d in range(1, min(width, size - j)):
            c[j] -= bands[d, j] * c[j + d]
        c[j] /= bands[0, j]


@kernel
def fit(
    order, positions, at, index, zero, spans, centres, y, w, pulled, values, first, bands, c, x
):
    """Fill x and c with the minimiser of ``norm_W(x - y)^2 / 2 + pulled'c``, ``x = N c``.

    Values, bands and `first` are work.  Solved twice, so that what is left of y is orthogonal to
    the splines to rounding.  Returns False where the system is singular to rounding.
    """
    n, size = y.size, c.size
    _basis(order, positions, at, index, zero, spans, centres, values, first)
    for d in range(order):
        for j in range(size):
            bands[d, j] = 0.0
    for i in range(n):
        for r in range(order):
            j = first[i] + r
            if 0 <= j < size:
                for e in range(min(order - r, size - j)):
                    bands[e, j] += w[i] * values[i, r] * values[i, r + e]
    if not _cholesky(bands):
        return False
    step = np.empty(size)
    for j in range(size):
        c[j] = 0.0
    for i in range(n):
        x[i] = 0.0
    for _ in range(2):
        for j in range(size):
            step[j] = -pulled[j]
        for i in range(n):
            g = w[i] * (y[i] - x[i])
            for r in range(order):
                j = first[i] + r
                if 0 <= j < size:
                    step[j] += g * values[i, r]
        _solve(bands, step)
        for j in range(size):
            c[j] += step[j]
        for i in range(n):
            total = 0.0
            for r in range(order):
                j = first[i] + r
                if 0 <= j < size:
                    total += c[j] * values[i, r]
            x[i] = total
    return True
