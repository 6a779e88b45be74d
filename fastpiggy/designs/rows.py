"""Dense designs stored by rows."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import helper, record
from fastpiggy.designs.protocol import Design
from fastpiggy.losses.protocol import slope_tangent


@helper
def _dots(X, i, a):
    """Four rows of X from row i against one vector."""
    t0 = t1 = t2 = t3 = 0.0
    A, B, C, D = X[i], X[i + 1], X[i + 2], X[i + 3]
    for j in range(A.size):
        t0 += A[j] * a[j]
        t1 += B[j] * a[j]
        t2 += C[j] * a[j]
        t3 += D[j] * a[j]
    return t0, t1, t2, t3


@helper
def _dots_pair(X, i, a, b):
    """Four rows of X from row i against two vectors: each entry of X is loaded once for both."""
    t0 = t1 = t2 = t3 = 0.0
    v0 = v1 = v2 = v3 = 0.0
    A, B, C, D = X[i], X[i + 1], X[i + 2], X[i + 3]
    for j in range(A.size):
        t0 += A[j] * a[j]
        t1 += B[j] * a[j]
        t2 += C[j] * a[j]
        t3 += D[j] * a[j]
        v0 += A[j] * b[j]
        v1 += B[j] * b[j]
        v2 += C[j] * b[j]
        v3 += D[j] * b[j]
    return t0, t1, t2, t3, v0, v1, v2, v3


@helper
def _scatter(X, i, r, g):
    """``g += X[i:i+4]' r[i:i+4]`` while the rows are in cache."""
    r0, r1, r2, r3 = r[i], r[i + 1], r[i + 2], r[i + 3]
    A, B, C, D = X[i], X[i + 1], X[i + 2], X[i + 3]
    for j in range(A.size):
        g[j] += r0 * A[j] + r1 * B[j] + r2 * C[j] + r3 * D[j]


@helper
def _scatter_pair(X, i, r, g, w, h):
    """The same for two vectors."""
    r0, r1, r2, r3 = r[i], r[i + 1], r[i + 2], r[i + 3]
    w0, w1, w2, w3 = w[i], w[i + 1], w[i + 2], w[i + 3]
    A, B, C, D = X[i], X[i + 1], X[i + 2], X[i + 3]
    for j in range(A.size):
        g[j] += r0 * A[j] + r1 * B[j] + r2 * C[j] + r3 * D[j]
        h[j] += w0 * A[j] + w1 * B[j] + w2 * C[j] + w3 * D[j]


@helper
def _predict(X, i, a, s):
    t = _dots(X, i, a)
    s[i] += t[0]
    s[i + 1] += t[1]
    s[i + 2] += t[2]
    s[i + 3] += t[3]


@helper
def _predict_pair(X, i, a, s, b, S):
    t = _dots_pair(X, i, a, b)
    s[i] += t[0]
    s[i + 1] += t[1]
    s[i + 2] += t[2]
    s[i + 3] += t[3]
    S[i] += t[4]
    S[i + 1] += t[5]
    S[i + 2] += t[6]
    S[i + 3] += t[7]


@helper
def _slopes(loss, d, dX, x, i, m, s, r, S, R):
    """Slope of row i and its tangents, the directions of X included."""
    r[i] = loss.slope(i, s[i])
    if m > 0:
        h = loss.curvature(i, s[i])
        for k in range(m):
            S[k, i] += dX.predict(k, i, x)
            R[k, i] = h * S[k, i] + slope_tangent(loss, d, i, s[i], k)


@record(Design)
class Rows(NamedTuple):
    """A dense matrix in C order.

    Four rows at a time are dotted with x and its tangents and, while they are in cache, scattered
    into the gradients: X is read from memory once, where two BLAS calls read it twice.

    Parameters
    ----------
    X : ndarray of shape (n, p), C order, float64 or float32
        All sums are kept in float64.
    """

    X: np.ndarray

    def gradient(self, loss, d, dX, x, J, m, s, r, S, R, g, G):
        n, p = self.X.shape
        for j in range(p):
            g[j] = 0.0
        for k in range(m):
            for j in range(p):
                G[k, j] = 0.0
        i = 0
        while i + 4 <= n:
            # Two vectors at a time, the iterate with the first tangent; an odd one is left over.
            k = -1
            while k < m:
                a = x if k < 0 else J[k]
                if k + 1 < m:
                    _predict_pair(self.X, i, a, s if k < 0 else S[k], J[k + 1], S[k + 1])
                else:
                    _predict(self.X, i, a, s if k < 0 else S[k])
                k += 2
            for row in range(i, i + 4):
                _slopes(loss, d, dX, x, row, m, s, r, S, R)
            k = -1
            while k < m:
                a = r if k < 0 else R[k]
                if k + 1 < m:
                    _scatter_pair(self.X, i, a, g if k < 0 else G[k], R[k + 1], G[k + 1])
                else:
                    _scatter(self.X, i, a, g if k < 0 else G[k])
                k += 2
            i += 4
        for row in range(i, n):
            self_row = self.X[row]
            for j in range(p):
                s[row] += self_row[j] * x[j]
            for k in range(m):
                for j in range(p):
                    S[k, row] += self_row[j] * J[k, j]
            _slopes(loss, d, dX, x, row, m, s, r, S, R)
            for j in range(p):
                g[j] += r[row] * self_row[j]
            for k in range(m):
                for j in range(p):
                    G[k, j] += R[k, row] * self_row[j]
        for k in range(m):
            for row in range(n):
                dX.scatter(k, row, r[row], G[k])
