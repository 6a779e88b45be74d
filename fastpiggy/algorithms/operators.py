"""Matrices D of ADMM in their storage, and factors of ``M = W + rho D'D``."""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.compile import helper, protocol, record


@protocol
class Operator:
    """A matrix D."""

    def pull(self, c, v, g):
        """``g += c D'v``."""

    def push(self, x, v):
        """``v += D x``."""


@protocol
class Factor:
    """A factorisation of M."""

    def solve(self, B, first, last):
        """Solve with M in rows first, ..., last - 1 of B, in place."""


@record(Operator)
class Banded(NamedTuple):
    """D by diagonals: ``D[i, i + j] = diagonals[j, i]``.

    Parameters
    ----------
    diagonals : ndarray of shape (k + 1, rows)
    """

    diagonals: np.ndarray

    def pull(self, c, v, g):
        D = self.diagonals
        for j in range(D.shape[0]):
            for i in range(D.shape[1]):
                g[i + j] += c * D[j, i] * v[i]

    def push(self, x, v):
        D = self.diagonals
        for j in range(D.shape[0]):
            for i in range(D.shape[1]):
                v[i] += D[j, i] * x[i + j]


@record(Operator)
class CompressedRows(NamedTuple):
    """D by rows, compressed (CSR)."""

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray

    def pull(self, c, v, g):
        for i in range(self.indptr.size - 1):
            for e in range(self.indptr[i], self.indptr[i + 1]):
                g[self.indices[e]] += c * self.data[e] * v[i]

    def push(self, x, v):
        for i in range(self.indptr.size - 1):
            total = 0.0
            for e in range(self.indptr[i], self.indptr[i + 1]):
                total += self.data[e] * x[self.indices[e]]
            v[i] += total


@helper
def _sweep(bands, x, y):
    """Solve for two right-hand sides at once, in place; they may be one.

    Each point waits for the one before, so that the second side comes along for nothing.  What a
    point leaves of the next four is carried in registers: the way from one to the next is one
    multiplication, in whatever order sums are taken.
    """
    n = x.size
    x1 = x2 = x3 = x4 = y1 = y2 = y3 = y4 = 0.0
    for i in range(-4, n):
        u, v, s, t = x1, y1, 0.0, 0.0
        if i + 4 < n:
            s, t = x[i + 4], y[i + 4]
        f, g, h, k = bands[1, i + 5], bands[2, i + 6], bands[3, i + 7], bands[4, i + 8]
        x1, x2, x3, x4 = x2 - f * u, x3 - g * u, x4 - h * u, s - k * u
        y1, y2, y3, y4 = y2 - f * v, y3 - g * v, y4 - h * v, t - k * v
        if i >= 0:
            x[i], y[i] = u, v
    x1 = x2 = x3 = x4 = y1 = y2 = y3 = y4 = 0.0
    for i in range(n + 3, -1, -1):
        u, v, s, t = x1, y1, 0.0, 0.0
        if i >= 4:
            e = bands[0, i]
            s, t = e * x[i - 4], e * y[i - 4]
        f, g, h, k = bands[1, i + 4], bands[2, i + 4], bands[3, i + 4], bands[4, i + 4]
        x1, x2, x3, x4 = x2 - f * u, x3 - g * u, x4 - h * u, s - k * u
        y1, y2, y3, y4 = y2 - f * v, y3 - g * v, y4 - h * v, t - k * v
        if i < n:
            x[i], y[i] = u, v


@record(Factor)
class BandedFactor(NamedTuple):
    """``M = L diag(1/bands[0]) L'`` with a unit lower triangle ``L[i, i - j] = bands[j, i + 4]``;
    ``bands[0, i + 4]`` is that of point i.

    Parameters
    ----------
    bands : ndarray of shape (5, n + 8)
        Zero in the first and last four columns, and where L has no such band: see :func:`banded`.
    """

    bands: np.ndarray

    def solve(self, B, first, last):
        for k in range(first, last, 2):
            _sweep(self.bands, B[k], B[min(k + 1, last - 1)])


@record(Factor)
class Triangles(NamedTuple):
    """``M = P' L U Q'`` with sparse triangles by columns, as SuperLU leaves them.

    L has ones on its diagonal, which are not stored; column j of U ends with its diagonal.
    `into` and `out` are P and Q: entry i goes to place ``into[i]`` and comes from ``out[i]``.
    """

    lower: np.ndarray
    lower_rows: np.ndarray
    lower_starts: np.ndarray
    upper: np.ndarray
    upper_rows: np.ndarray
    upper_starts: np.ndarray
    into: np.ndarray
    out: np.ndarray

    def solve(self, B, first, last):
        n = B.shape[1]
        t = np.empty(n)
        for k in range(first, last):
            for i in range(n):
                t[self.into[i]] = B[k, i]
            for j in range(n):
                for e in range(self.lower_starts[j], self.lower_starts[j + 1]):
                    t[self.lower_rows[e]] -= self.lower[e] * t[j]
            for j in range(n - 1, -1, -1):
                end = self.upper_starts[j + 1] - 1
                t[j] /= self.upper[end]
                for e in range(self.upper_starts[j], end):
                    t[self.upper_rows[e]] -= self.upper[e] * t[j]
            for i in range(n):
                B[k, i] = t[self.out[i]]


def factor(operator: Any, weights: np.ndarray, rho: float) -> Any:
    """The factor of ``M = W + rho D'D`` that suits the storage of D.

    Raises
    ------
    numpy.linalg.LinAlgError
        If M is singular to rounding.
    """
    if isinstance(operator, Banded):
        return banded(operator.diagonals, weights, rho)
    return _sparse(operator, weights, rho)


def banded(operator: np.ndarray, weights: np.ndarray, rho: float) -> BandedFactor:
    """The factor for an operator by diagonals, up to five of them."""
    from scipy.linalg import cholesky_banded

    k, n = len(operator) - 1, weights.size
    bands = np.zeros((k + 1, n))
    bands[0] = weights
    for band in range(k + 1):
        for j in range(k + 1 - band):
            # Row i of D adds D[i, i + j] D[i, i + j + band].
            bands[band, j : j + n - k] += rho * operator[j] * operator[j + band]
    lower = cholesky_banded(bands, lower=True)
    found = np.zeros((5, n + 8))
    found[0, 4 : n + 4] = lower[0] ** -2
    for j in range(1, k + 1):
        found[j, j + 4 : n + 4] = lower[j, : n - j] / lower[0, : n - j]
    return BandedFactor(found)


def _sparse(operator: CompressedRows, weights: np.ndarray, rho: float) -> Triangles:
    from scipy.sparse import csr_array, diags_array

    n, rows = weights.size, operator.indptr.size - 1
    D = csr_array((operator.data, operator.indices, operator.indptr), shape=(rows, n))
    return triangles((diags_array(weights) + rho * (D.T @ D)).tocsc())


def triangles(M: Any) -> Triangles:
    """The factor of a sparse M, which is symmetric and positive: pivots from the diagonal.

    Raises
    ------
    numpy.linalg.LinAlgError
        If M is singular to rounding.
    """
    from scipy.sparse import eye_array
    from scipy.sparse.linalg import splu

    try:
        found = splu(
            M, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )
    except RuntimeError as error:
        raise np.linalg.LinAlgError(str(error)) from None
    pivots = np.abs(found.U.diagonal())
    if not pivots.min() > 1e-14 * pivots.max():
        raise np.linalg.LinAlgError("singular to rounding")
    L, U = (found.L - eye_array(M.shape[0])).tocsc(), found.U.tocsc()
    L.eliminate_zeros()
    U.sort_indices()
    return Triangles(
        L.data, L.indices.astype(np.int64), L.indptr.astype(np.int64),
        U.data, U.indices.astype(np.int64), U.indptr.astype(np.int64),
        found.perm_r.astype(np.int64), found.perm_c.astype(np.int64),
    )  # fmt: skip
