"""The inverse of a Gram matrix that follows its rows and columns as they come and go."""

import numpy as np
from scipy import linalg

#: A pivot below this, over the diagonal entry, counts as zero.
PIVOT = 1e-10


def of(G: np.ndarray, S: np.ndarray) -> np.ndarray | None:
    """``inv(G_SS)``; None where G_SS is singular to rounding."""
    if not S.size:
        return np.zeros((0, 0))
    K = G[np.ix_(S, S)]
    diagonal = np.diagonal(K)
    if not np.all(diagonal > 0):
        return None
    scale = 1.0 / np.sqrt(diagonal)
    factor, info = linalg.lapack.dpotrf(K * scale[:, None] * scale, lower=1, overwrite_a=1)
    if info or np.min(np.diagonal(factor)) ** 2 < PIVOT:
        return None
    half = np.tril(linalg.lapack.dpotri(factor, lower=1)[0])
    return (half + np.tril(half, -1).T) * scale[:, None] * scale


def with_(M: np.ndarray, column: np.ndarray, diagonal: float) -> np.ndarray | None:
    """The inverse with one more row and column at the end; None where it becomes singular."""
    v = M @ column
    pivot = diagonal - column @ v
    if not pivot > PIVOT * diagonal:
        return None
    k = len(M)
    new = np.empty((k + 1, k + 1))
    new[:k, :k] = M + np.outer(v, v / pivot)
    new[k, :k] = new[:k, k] = -v / pivot
    new[k, k] = 1.0 / pivot
    return new


def without(M: np.ndarray, k: int) -> np.ndarray:
    """The inverse without row and column k."""
    rest = np.delete(np.arange(len(M)), k)
    column = M[rest, k]
    return M[np.ix_(rest, rest)] - np.outer(column, column / M[k, k])
