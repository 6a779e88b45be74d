"""A Cholesky factor ``K = R'R`` that follows the rows and columns of K as they come and go.

R is upper triangular in the leading k rows and columns of a larger array in C order, so that every
inner loop runs along a row.
"""

import numpy as np

from fastpiggy.compile import routine


@routine
def forward(R, k, t):
    """Solve ``R' t = t`` in place, four rows at a time."""
    whole = k - k % 4
    for i in range(0, whole, 4):
        a, b, c, e = R[i], R[i + 1], R[i + 2], R[i + 3]
        x = t[i] / a[i]
        y = (t[i + 1] - x * a[i + 1]) / b[i + 1]
        z = (t[i + 2] - x * a[i + 2] - y * b[i + 2]) / c[i + 2]
        u = (t[i + 3] - x * a[i + 3] - y * b[i + 3] - z * c[i + 3]) / e[i + 3]
        t[i], t[i + 1], t[i + 2], t[i + 3] = x, y, z, u
        for j in range(i + 4, k):
            t[j] -= x * a[j] + y * b[j] + z * c[j] + u * e[j]
    for i in range(whole, k):
        row = R[i]
        t[i] /= row[i]
        x = t[i]
        for j in range(i + 1, k):
            t[j] -= x * row[j]


@routine
def backward(R, k, v, d):
    """Solve ``R d = v``, four rows at a time."""
    whole = k - k % 4
    for i in range(k - 1, whole - 1, -1):
        row, total = R[i], 0.0
        for j in range(i + 1, k):
            total += row[j] * d[j]
        d[i] = (v[i] - total) / row[i]
    for i in range(whole - 4, -1, -4):
        a, b, c, e = R[i], R[i + 1], R[i + 2], R[i + 3]
        p, q, r, s = 0.0, 0.0, 0.0, 0.0
        for j in range(i + 4, k):
            x = d[j]
            p += a[j] * x
            q += b[j] * x
            r += c[j] * x
            s += e[j] * x
        u = (v[i + 3] - s) / e[i + 3]
        z = (v[i + 2] - r - c[i + 3] * u) / c[i + 2]
        y = (v[i + 1] - q - b[i + 2] * z - b[i + 3] * u) / b[i + 1]
        d[i] = (v[i] - p - a[i + 1] * y - a[i + 2] * z - a[i + 3] * u) / a[i]
        d[i + 1], d[i + 2], d[i + 3] = y, z, u


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
