"""Least squares on discrete splines in one compiled pass: what an exchange of knots repeats."""

import numpy as np

from fastpiggy.compile import helper, kernel


@helper
def _basis(order, positions, at, z, index, values, first):
    """The `order` B-splines at every point, and the first of them; as ``DiscreteSpline.basis``.

    `z` are the positions of the knots, `index` their points, both with `order` more at each end.
    """
    n = first.size
    new = np.empty(order + 1)
    last = order
    for x in range(n):
        while index[last + 1] < x:
            last += 1
        first[x] = last - 2 * order + 1
        values[x, 0] = 1.0
        for p in range(1, order):
            for r in range(p + 1):
                new[r] = 0.0
            here = positions[at + x + p - 1]
            for r in range(p):
                j = last - (p - 1) + r
                share = values[x, r] / (z[j + p] - z[j])
                new[r + 1] += (here - z[j]) * share
                new[r] += (z[j + p] - here) * share
            for r in range(p + 1):
                values[x, r] = new[r]


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
def fit(order, positions, at, z, index, y, w, pulled, values, first, bands, c, x):
    """Fill x and c with the minimiser of ``norm_W(x - y)^2 / 2 + pulled'c``, ``x = N c``.

    Values, bands and `first` are work.  Solved twice, so that what is left of y is orthogonal to
    the splines to rounding.  Returns False where the system is singular to rounding.
    """
    n, size = y.size, c.size
    _basis(order, positions, at, z, index, values, first)
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
