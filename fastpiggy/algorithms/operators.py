"""Matrices D of ADMM in their storage, and factors of ``M = W + rho D'D``."""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.compile import protocol, record


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


@record(Factor)
class BandedFactor(NamedTuple):
    """``M = L diag(1/bands[0]) L'`` with a unit lower triangle ``L[i, i - j] = bands[j, i]``.

    Parameters
    ----------
    bands : ndarray of shape (k + 1, n)
    """

    bands: np.ndarray

    def solve(self, B, first, last):
        # All rows along: their recurrences overlap.
        bands, n = self.bands, B.shape[1]
        width = bands.shape[0]
        for i in range(n):
            for k in range(first, last):
                b = B[k, i]
                for j in range(min(width - 1, i), 0, -1):
                    b -= bands[j, i] * B[k, i - j]
                B[k, i] = b
        for i in range(n - 1, -1, -1):
            for k in range(first, last):
                b = B[k, i] * bands[0, i]
                for j in range(min(width - 1, n - 1 - i), 0, -1):
                    b -= bands[j, i + j] * B[k, i + j]
                B[k, i] = b


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
        return _banded(operator.diagonals, weights, rho)
    return _sparse(operator, weights, rho)


def _banded(operator: np.ndarray, weights: np.ndarray, rho: float) -> BandedFactor:
    from scipy.linalg import cholesky_banded

    k, n = len(operator) - 1, weights.size
    bands = np.zeros((k + 1, n))
    bands[0] = weights
    for band in range(k + 1):
        for j in range(k + 1 - band):
            # Row i of D adds D[i, i + j] D[i, i + j + band].
            bands[band, j : j + n - k] += rho * operator[j] * operator[j + band]
    lower = cholesky_banded(bands, lower=True)
    found = np.zeros((k + 1, n))
    found[0] = lower[0] ** -2
    for j in range(1, k + 1):
        found[j, j:] = lower[j, : n - j] / lower[0, : n - j]
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
