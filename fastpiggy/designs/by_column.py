"""Designs stored by columns: dense in Fortran order, and sparse (CSC)."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import helper, record
from fastpiggy.designs.protocol import Columns
from fastpiggy.losses.protocol import moves, slope_tangent


@helper
def refresh(loss, d, m, s, r, S, R):
    """Slopes and their tangents from the states, on all rows."""
    for i in range(s.size):
        r[i] = loss.slope(i, s[i])
    for k in range(m):
        for i in range(s.size):
            R[k, i] = loss.curvature(i, s[i]) * S[k, i] + slope_tangent(loss, d, i, s[i], k)


@helper
def _advance_slopes(column, shift, c, C, m, loss, r, R):
    """Slopes of a quadratic loss and their tangents, without the states: half the traffic."""
    if m == 0:
        for i in range(r.size):
            r[i] += c * loss.curvature(i, 0.0) * (column[i] - shift)
        return
    # The iterate goes with the first tangent; locals, so that no store can alias what is read.
    C0, R0 = C[0], R[0]
    for i in range(r.size):
        pull = loss.curvature(i, 0.0) * (column[i] - shift)
        r[i] += c * pull
        R0[i] += C0 * pull
    for k in range(1, m):
        Ck, Rk = C[k], R[k]
        for i in range(r.size):
            Rk[i] += Ck * loss.curvature(i, 0.0) * (column[i] - shift)


@helper
def lift_slopes(c, scale, C, m, loss, r, R):
    """The same for a column of ones, times c for the iterate and ``scale C_k`` for tangents."""
    for i in range(r.size):
        r[i] += c * loss.curvature(i, 0.0)
    for k in range(m):
        for i in range(r.size):
            R[k, i] += scale * C[k] * loss.curvature(i, 0.0)


@helper
def _dots(X, j, shift, r):
    """Four columns of X from column j against one vector, which is read once for all of them."""
    A, B, C, D = X[:, j], X[:, j + 1], X[:, j + 2], X[:, j + 3]
    a, b, c, d = shift[j], shift[j + 1], shift[j + 2], shift[j + 3]
    t0 = t1 = t2 = t3 = 0.0
    for i in range(r.size):
        t0 += (A[i] - a) * r[i]
        t1 += (B[i] - b) * r[i]
        t2 += (C[i] - c) * r[i]
        t3 += (D[i] - d) * r[i]
    return t0, t1, t2, t3


@record(Columns)
class Dense(NamedTuple):
    """A dense matrix in Fortran order.

    Parameters
    ----------
    X : ndarray of shape (n, p), Fortran order, float64 or float32
        All sums are kept in float64.
    """

    X: np.ndarray

    def gradient(self, loss, d, dX, x, J, m, s, r, S, R, g, G):
        n, p = self.X.shape
        for j in range(p):
            column = self.X[:, j]
            if x[j] != 0.0:
                for i in range(n):
                    s[i] += x[j] * column[i]
            for k in range(m):
                if J[k, j] != 0.0:
                    for i in range(n):
                        S[k, i] += J[k, j] * column[i]
        for k in range(m):
            for i in range(n):
                S[k, i] += dX.predict(k, i, x)
        refresh(loss, d, m, s, r, S, R)
        for j in range(p):
            g[j] = self.dot(j, 0.0, r)
            for k in range(m):
                G[k, j] = self.dot(j, 0.0, R[k]) + dX.dot(k, j, r)

    def dot(self, j, shift, r):
        column = self.X[:, j]
        total = 0.0
        for i in range(r.size):
            total += (column[i] - shift) * r[i]
        return total

    def column(self, j, out):
        column = self.X[:, j]
        for i in range(out.size):
            out[i] = column[i]

    def correlate(self, shift, r, c):
        p = shift.size
        whole = p - p % 4
        for j in range(0, whole, 4):
            c[j], c[j + 1], c[j + 2], c[j + 3] = _dots(self.X, j, shift, r)
        for j in range(whole, p):
            c[j] = self.dot(j, shift[j], r)

    def advance(self, j, shift, c, C, m, loss, d, dX, s, r, S, R):
        column = self.X[:, j]
        if loss.quadratic() and not moves(d) and not dX.moves():
            _advance_slopes(column, shift, c, C, m, loss, r, R)
            return
        for i in range(s.size):
            s[i] += c * (column[i] - shift)
            r[i] = loss.slope(i, s[i])
        for k in range(m):
            # Locals, so that stores to S and R cannot alias what is read.
            Ck, Sk, Rk = C[k], S[k], R[k]
            dX.axpy(k, j, c, Sk)
            for i in range(s.size):
                Sk[i] += Ck * (column[i] - shift)
                Rk[i] = loss.curvature(i, s[i]) * Sk[i] + slope_tangent(loss, d, i, s[i], k)


@record(Columns)
class Sparse(NamedTuple):
    """A sparse matrix in compressed columns (CSC).

    A shift costs a pass over all rows here: problems with an intercept leave sparse columns where
    they are.

    Parameters
    ----------
    data, indices, indptr : ndarray
        As in :class:`scipy.sparse.csc_array`, with sorted indices and without duplicates.
    rows : int
        Number of rows.
    """

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    rows: int

    def gradient(self, loss, d, dX, x, J, m, s, r, S, R, g, G):
        p = self.indptr.size - 1
        for j in range(p):
            if x[j] != 0.0:
                for e in range(self.indptr[j], self.indptr[j + 1]):
                    s[self.indices[e]] += x[j] * self.data[e]
            for k in range(m):
                if J[k, j] != 0.0:
                    for e in range(self.indptr[j], self.indptr[j + 1]):
                        S[k, self.indices[e]] += J[k, j] * self.data[e]
        for k in range(m):
            for i in range(s.size):
                S[k, i] += dX.predict(k, i, x)
        refresh(loss, d, m, s, r, S, R)
        for j in range(p):
            g[j] = self.dot(j, 0.0, r)
            for k in range(m):
                G[k, j] = self.dot(j, 0.0, R[k]) + dX.dot(k, j, r)

    def dot(self, j, shift, r):
        total = 0.0
        for e in range(self.indptr[j], self.indptr[j + 1]):
            total += self.data[e] * r[self.indices[e]]
        if shift != 0.0:
            for i in range(r.size):
                total -= shift * r[i]
        return total

    def column(self, j, out):
        for i in range(out.size):
            out[i] = 0.0
        for e in range(self.indptr[j], self.indptr[j + 1]):
            out[self.indices[e]] = self.data[e]

    def correlate(self, shift, r, c):
        for j in range(shift.size):
            c[j] = self.dot(j, shift[j], r)

    def advance(self, j, shift, c, C, m, loss, d, dX, s, r, S, R):
        start, stop = self.indptr[j], self.indptr[j + 1]
        if loss.quadratic() and not moves(d) and not dX.moves():
            for e in range(start, stop):
                i = self.indices[e]
                pull = loss.curvature(i, 0.0) * self.data[e]
                r[i] += c * pull
                for k in range(m):
                    R[k, i] += C[k] * pull
            if shift != 0.0:
                lift_slopes(-shift * c, -shift, C, m, loss, r, R)
            return
        for e in range(start, stop):
            i = self.indices[e]
            s[i] += c * self.data[e]
            r[i] = loss.slope(i, s[i])
        for k in range(m):
            for e in range(start, stop):
                i = self.indices[e]
                S[k, i] += C[k] * self.data[e]
                R[k, i] = loss.curvature(i, s[i]) * S[k, i] + slope_tangent(loss, d, i, s[i], k)
        if shift != 0.0:
            for i in range(s.size):
                s[i] -= c * shift
            for k in range(m):
                for i in range(s.size):
                    S[k, i] -= C[k] * shift
            refresh(loss, d, m, s, r, S, R)
        if dX.moves():
            for k in range(m):
                dX.axpy(k, j, c, S[k])
            refresh(loss, d, m, s, r, S, R)
