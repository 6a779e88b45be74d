"""Products with whole designs from Python, by BLAS and SciPy, for what is done once a solve."""

from typing import Any

import numpy as np

from fastpiggy.designs.by_column import Dense, Sparse
from fastpiggy.designs.intercept import Intercept, InterceptColumns
from fastpiggy.designs.rows import Rows

#: Below one nonzero coefficient in so many, copying their columns is cheaper than a pass over all.
_SPARSE = 4


def shape(design: Any) -> tuple[int, int]:
    """Rows and coordinates of a design, the intercept counted."""
    if isinstance(design, Intercept | InterceptColumns):
        n, p = shape(design.design)
        return n, p + 1
    if isinstance(design, Sparse):
        return design.rows, design.indptr.size - 1
    return design.X.shape


def stored(design: Any) -> Any:
    """The matrix of a design as NumPy or SciPy has it."""
    if isinstance(design, Sparse):
        from scipy.sparse import csc_array

        return csc_array((design.data, design.indices, design.indptr), shape=shape(design))
    return design.X


def predict(design: Any, x: np.ndarray) -> np.ndarray:
    """``X x`` for x of shape (p,) or (p, m)."""
    if isinstance(design, Intercept | InterceptColumns):
        offset = x[-1] - design.mean @ x[:-1]
        return predict(design.design, x[:-1]) + offset
    X = stored(design)
    if isinstance(design, Dense):
        support = np.flatnonzero(x if x.ndim == 1 else x.any(axis=1))
        if _SPARSE * support.size < len(x):
            return X[:, support].astype(float, copy=False) @ x[support]
    if X.dtype == np.float32 and isinstance(X, np.ndarray):
        return np.concatenate([X[rows].astype(float) @ x for rows in _slabs(X)])
    return np.asarray(X @ x, dtype=float)


def scatter(design: Any, r: np.ndarray) -> np.ndarray:
    """``X' r`` for r of shape (n,) or (n, m)."""
    if isinstance(design, Intercept | InterceptColumns):
        total = r.sum(axis=0, keepdims=True)
        inner = scatter(design.design, r)
        return np.concatenate([inner - np.multiply.outer(design.mean, total[0]), total])
    X = stored(design)
    if X.dtype == np.float32 and isinstance(X, np.ndarray):
        return sum(X[rows].T.astype(float) @ r[rows] for rows in _slabs(X))
    return np.asarray(X.T @ r, dtype=float)


def block(design: Any, members: np.ndarray) -> np.ndarray:
    """The columns `members`, dense, in float64 and Fortran order."""
    if isinstance(design, Intercept | InterceptColumns):
        p = design.mean.size
        inner = members[members < p]
        out = np.ones((shape(design)[0], members.size), order="F")
        out[:, members < p] = block(design.design, inner) - design.mean[inner]
        return out
    found = stored(design)[:, members]
    found = found.toarray() if isinstance(design, Sparse) else found
    return np.asfortranarray(found, dtype=float)


def squares(design: Any, h: np.ndarray) -> np.ndarray:
    """``sum_i h_i X_ij^2`` of every column, centred where the design is."""
    if isinstance(design, Intercept | InterceptColumns):
        inner = _squares(design.design, h, design.mean)
        return np.concatenate([inner, [h.sum()]])
    return _squares(design, h, np.zeros(shape(design)[1]))


def _squares(design: Any, h: np.ndarray, mean: np.ndarray) -> np.ndarray:
    X = stored(design)
    if isinstance(design, Sparse):
        # (x - m)^2 = x (x - 2m) + m^2, the first part on what is stored.
        column = np.repeat(np.arange(mean.size), np.diff(design.indptr))
        terms = h[design.indices] * design.data * (design.data - 2.0 * mean[column])
        return np.bincount(column, terms, mean.size) + h.sum() * mean**2
    if X.flags.f_contiguous:
        return np.concatenate([h @ _square(X[:, part] - mean[part]) for part in _slabs(X.T)])
    total = np.zeros(mean.size)
    for part in _slabs(X):
        total += h[part] @ _square(X[part] - mean)
    return total


def _square(part: np.ndarray) -> np.ndarray:
    """In place: a second slab for each made the whole eight times as slow at 10000x500."""
    return np.square(part, out=part)


def means(design: Any, s: np.ndarray) -> np.ndarray:
    """Column means under the weights s, 0 where the storage should not be centred."""
    if isinstance(design, Sparse) or s.sum() == 0:
        return np.zeros(shape(design)[1])
    return scatter(design, s) / s.sum()


def by_column(design: Any) -> Any:
    """The same design stored by columns; a dense matrix in C order is copied."""
    if isinstance(design, Rows):
        return Dense(np.asfortranarray(design.X))
    return design


def with_intercept(design: Any, mean: np.ndarray) -> Any:
    """The design with an intercept as its last coordinate."""
    wrapper = InterceptColumns if isinstance(design, Dense | Sparse) else Intercept
    return wrapper(design, mean)


def as_design(X: Any) -> Any:
    """The record for a checked matrix: by rows, by columns, or sparse."""
    if isinstance(X, np.ndarray):
        # One row or column is contiguous both ways; columns serve every algorithm.
        return Dense(X) if X.flags.f_contiguous else Rows(X)
    return Sparse(X.data, X.indices, X.indptr, X.shape[0])


def _slabs(X: np.ndarray) -> list[slice]:
    """Slices of rows of about a megabyte: NumPy would copy all of a float32 matrix to float64."""
    n, p = X.shape
    rows = max(1, 2**17 // p)
    return [slice(i, i + rows) for i in range(0, n, rows)]
