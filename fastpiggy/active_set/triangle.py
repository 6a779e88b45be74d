"""A Cholesky factor ``K = R'R`` that follows the rows and columns of K as they come and go.

R is upper triangular in the leading k rows and columns of a larger array in C order, so that every
inner loop runs along a row.
"""

import numpy as np

from fastpiggy.compile import routine


@routine
def forward(R, k, t):
    """Solve ``R' t = t`` in place."""
    for i in range(k):
        t[i] /= R[i, i]
        c, row = t[i], R[i]
        for j in range(i + 1, k):
            t[j] -= c * row[j]


@routine
def backward(R, k, v, d):
    """Solve ``R d = v``."""
    for i in range(k - 1, -1, -1):
        row, total = R[i], 0.0
        for j in range(i + 1, k):
            total += row[j] * d[j]
        d[i] = (v[i] - total) / R[i, i]


@routine
def append(R, k, t, diagonal, least):
    """One more row and column of K: `t` above the diagonal, overwritten by the new column of R.

    Returns the square of the new pivot; R is left alone where that is not above `least`.
    """
    forward(R, k, t)
    pivot = diagonal
    for i in range(k):
        pivot -= t[i] * t[i]
    if pivot > least:
        for i in range(k):
            R[i, k] = t[i]
        R[k, k] = np.sqrt(pivot)
    return pivot


@routine
def remove(R, k, a, v):
    """Take row and column `a` out of K; `v`, which holds ``inv(R') b``, follows."""
    for i in range(a):
        row = R[i]
        for j in range(a + 1, k):
            row[j - 1] = row[j]
    for i in range(a, k - 1):
        upper, lower = R[i], R[i + 1]
        x, y = upper[i + 1], lower[i + 1]
        length = np.sqrt(x * x + y * y)
        c, s = x / length, y / length
        for j in range(i + 1, k):
            x, y = upper[j], lower[j]
            upper[j - 1] = c * x + s * y
            lower[j] = c * y - s * x
        x, y = v[i], v[i + 1]
        v[i], v[i + 1] = c * x + s * y, c * y - s * x
