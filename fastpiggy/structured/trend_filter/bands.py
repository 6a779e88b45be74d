"""Compiled: symmetric matrices by their lower bands, entry (d, j) of which is ``G[j + d, j]``."""

import numpy as np

from fastpiggy.compile import helper, kernel


@helper
def cholesky(bands, size):
    """``G = L L'`` in place; False where a pivot is not positive."""
    width = bands.shape[0]
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
def solve(bands, size, c):
    width = bands.shape[0]
    for j in range(size):
        for d in range(1, min(width, j + 1)):
            c[j] -= bands[d, j - d] * c[j - d]
        c[j] /= bands[0, j]
    for j in range(size - 1, -1, -1):
        for d in range(1, min(width, size - j)):
            c[j] -= bands[d, j] * c[j + d]
        c[j] /= bands[0, j]


@kernel
def factor_bands(bands):
    """See :func:`cholesky`."""
    return cholesky(bands, bands.shape[1])


@kernel
def solve_bands(bands, factor, rhs, out):
    """``out = inv(G) rhs`` for rhs of shape (size, m), corrected once."""
    size, width = rhs.shape[0], bands.shape[0]
    c, left = np.empty(size), np.empty(size)
    for k in range(rhs.shape[1]):
        for j in range(size):
            c[j] = rhs[j, k]
        solve(factor, size, c)
        for j in range(size):
            left[j] = rhs[j, k] - bands[0, j] * c[j]
        for d in range(1, width):
            for j in range(size - d):
                left[j + d] -= bands[d, j] * c[j]
                left[j] -= bands[d, j] * c[j + d]
        solve(factor, size, left)
        for j in range(size):
            out[j, k] = c[j] + left[j]
