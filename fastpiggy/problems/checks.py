"""Checks of what a user hands in: done before any work, in words that name the argument."""

from collections.abc import Collection, Iterable
from numbers import Real
from typing import Any

import numpy as np


def matrix(X: Any, name: str = "X") -> Any:
    """X as a float array in C or Fortran order, or as a CSC array with sorted indices.

    float64 and float32 are kept, integers and booleans become float64, nothing of the caller's is
    changed.  Only NaN and inf are left for :func:`finite`, which costs a pass.
    """
    if hasattr(X, "tocsc"):
        return _sparse(X, name)
    if hasattr(X, "to_numpy"):
        X = X.to_numpy()
    X = array(X, name, keep_single=True)
    if X.ndim != 2:
        raise ValueError(
            f"{name} must have two dimensions (rows, columns), got shape {X.shape}"
            + ("; use X.reshape(-1, 1) for a single column" if X.ndim == 1 else "")
        )
    if 0 in X.shape:
        raise ValueError(f"{name} must have at least one row and one column, got shape {X.shape}")
    if not (X.flags.c_contiguous or X.flags.f_contiguous):
        # Rows cut from a matrix stored by columns are copied as columns.
        X = np.array(X, order="F" if abs(X.strides[0]) < abs(X.strides[1]) else "C")
    return X


def _sparse(X: Any, name: str) -> Any:
    from scipy.sparse import csc_array

    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(
            f"{name} must have two dimensions and at least one row and one column, got {X.shape}"
        )
    dtype = _dtype(np.dtype(X.dtype), name, keep_single=True)
    found = csc_array(X, dtype=dtype)
    if not (found.has_canonical_format and found.has_sorted_indices):
        found = found.copy()
        found.sum_duplicates()
    # One index type for all sizes that fit: it is part of a kernel's signature.
    small = found.shape[0] < 2**31 and found.nnz < 2**31
    index = np.int32 if small else np.int64
    parts = (
        found.data,
        found.indices.astype(index, copy=False),
        found.indptr.astype(index, copy=False),
    )
    return csc_array(parts, shape=found.shape)


def _dtype(dtype: np.dtype, name: str, keep_single: bool) -> type:
    if dtype.kind == "c":
        raise TypeError(f"{name} must be real, got complex numbers ({dtype})")
    if dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold numbers, got dtype {dtype}; encode text and dates first")
    return np.float32 if keep_single and dtype.newbyteorder("=") == np.float32 else np.float64


def array(value: Any, name: str, keep_single: bool = False) -> np.ndarray:
    """Anything array-like as a float array in native byte order."""
    if type(value) is np.ndarray and value.dtype == np.float64:
        return value
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name} has masked entries; fill or drop them first")
    try:
        found = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a rectangular array of numbers: {error}") from None
    if found.dtype.kind == "O":
        try:
            found = found.astype(float)
        except (TypeError, ValueError):
            raise TypeError(
                f"{name} must hold numbers, got {_first_object(found)}; encode text and missing "
                "values first"
            ) from None
    return np.asarray(found, dtype=_dtype(found.dtype, name, keep_single))


def _first_object(found: np.ndarray) -> str:
    """The first entry that is no number, and where it stands."""
    for at, value in np.ndenumerate(found):
        try:
            float(value)
        except (TypeError, ValueError):
            place = f"row {at[0]}, column {at[1]}" if len(at) == 2 else f"index {at[0]}"
            return f"{value!r} at {place}" if at else repr(value)
    return "objects"


def _labels(value: Any, name: str, size: int, what: str) -> tuple[np.ndarray, np.ndarray]:
    """The sorted unique ones of labels of any one kind, and the index of each."""
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(f"{name} has masked entries; fill or drop them first")
    found = np.asarray(value)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.shape != (size,):
        raise ValueError(f"{name} must have shape ({size},), one label a {what}, got {found.shape}")
    if found.dtype.kind == "c":
        raise TypeError(f"{name} must hold labels, got complex numbers")
    # Only NaN, NaT and their like differ from themselves.
    try:
        missing = np.flatnonzero((found != found) | (found == np.array(None)))
        unique, inverse = np.unique(found, return_inverse=True)
    except TypeError:
        raise TypeError(
            f"{name} must hold labels of one kind, none missing, got {_kinds(found)}"
        ) from None
    if missing.size or (found.dtype.kind == "f" and not np.all(np.isfinite(found))):
        at = int(missing[0]) if missing.size else int(np.argmin(np.isfinite(found)))
        raise ValueError(f"{name} must hold finite labels, got {found[at]} at index {at}")
    return unique, inverse.reshape(size)


def _kinds(found: np.ndarray) -> str:
    return ", ".join(sorted({type(value).__name__ for value in found}))


def vector(value: Any, name: str, size: int, what: str) -> np.ndarray:
    """A finite float64 vector of a known size."""
    found = array(value, name)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.shape != (size,):
        raise ValueError(f"{name} must have shape ({size},), one entry a {what}, got {found.shape}")
    good = np.isfinite(found)
    # Half the time of good.all().
    if np.count_nonzero(good) < size:
        bad = int(np.argmin(good))
        raise ValueError(f"{name} must be finite, got {found[bad]} at index {bad}")
    return np.ascontiguousarray(found)


def shaped(value: Any, name: str, shape: tuple[int, ...], what: str) -> np.ndarray:
    """A finite float64 array of a known shape."""
    if len(shape) == 1:
        return vector(value, name, shape[0], what)
    found = array(value, name)
    if found.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, one entry a {what}, got {found.shape}")
    bad = np.argwhere(~np.isfinite(found))
    if bad.size:
        at = tuple(map(int, bad[0]))
        raise ValueError(f"{name} must be finite, got {found[at]} at index {at}")
    return np.ascontiguousarray(found)


def weights(value: Any, name: str, size: int, what: str) -> np.ndarray:
    """A vector of numbers that are not negative; ones where none is given."""
    if value is None:
        return np.ones(size)
    found = vector(value, name, size, what)
    bad = np.flatnonzero(found < 0)
    if bad.size:
        raise ValueError(f"{name} must not be negative, got {found[bad[0]]} at index {bad[0]}")
    return found


def sample_weight(value: Any, size: int) -> tuple[np.ndarray, float]:
    """Normalised sample weights and the sum of the raw ones."""
    if value is None:
        return np.full(size, 1.0 / size), float(size)
    raw = weights(value, "sample_weight", size, "row of X")
    total = float(raw.sum())
    if not total > 0:
        raise ValueError("sample_weight must have at least one positive entry, got only zeros")
    return raw / total, total


def number(
    value: Any, name: str, low: float = 0.0, high: float = np.inf, open_low: bool = False
) -> float:
    """A finite real number in a range."""
    if type(value) is float and low <= value <= high and value < np.inf:
        # Only what is to be refused goes on from here.
        if value > low or not (open_low or low == -np.inf):
            return value
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real | np.ndarray):
        raise TypeError(
            f"{name} must be a real number, got {value!r} of type {type(value).__name__}"
        )
    if isinstance(value, np.ndarray):
        if value.ndim or value.dtype.kind not in "fiu":
            raise TypeError(f"{name} must be a real number, got an array of shape {value.shape}")
        value = value.item()
    found = float(value)
    inside = low < found <= high if open_low else low <= found <= high
    if not (np.isfinite(found) and inside):
        bracket = "(" if open_low or low == -np.inf else "["
        close = ")" if high == np.inf else "]"
        raise ValueError(
            f"{name} must be a finite number in {bracket}{low:g}, {high:g}{close}, got {found}"
        )
    return found


def finite(X: Any, product: np.ndarray, name: str = "X") -> None:
    """Raise where X is not finite, given a product ``X'v`` with a finite v.

    NaN and inf survive a product, so that a finite one proves X finite without a pass of its own;
    one that is not may also be an overflow of finite numbers, and then X is scanned.
    """
    if np.count_nonzero(np.isfinite(product)) == product.size:
        return
    dense = isinstance(X, np.ndarray)
    bad = np.argwhere(~np.isfinite(X)) if dense else np.flatnonzero(~np.isfinite(X.data))[:, None]
    if not bad.size:
        raise ValueError(
            f"{name} is finite but its products overflow (largest entry {abs(X).max():g}); scale "
            "its columns"
        )
    if dense:
        row, column = bad[0]
        value = X[row, column]
    else:
        at = int(bad[0, 0])
        row, column = X.indices[at], np.searchsorted(X.indptr, at, side="right") - 1
        value = X.data[at]
    raise ValueError(
        f"{name} must be finite, got {value} at row {row}, column {column} "
        f"({bad.shape[0]} such entries); impute or drop them first"
    )


def groups(labels: Any, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unique labels, offsets and the order of the coordinates, sorted by group."""
    unique, inverse = _labels(labels, "groups", size, "column of X")
    order = np.argsort(inverse, kind="stable").astype(np.int64)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(inverse))]).astype(np.int64)
    return unique, offsets, order


def two_classes(y: Any, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels of any kind as -1 and +1, the larger one +1, and the two labels."""
    if type(y) is np.ndarray and y.shape == (size,) and y.dtype.kind in "fiub":
        # Numbers are told apart without sorting; NaN equals neither end.
        low, high = y.min(), y.max()
        upper = y == high
        both = np.count_nonzero(upper) + np.count_nonzero(y == low) == size
        if both and low < high and np.isfinite(high) and np.isfinite(low):
            return np.where(upper, 1.0, -1.0), np.array([low, high])
    classes, inverse = _labels(y, "y", size, "row of X")
    if classes.size != 2:
        shown = ", ".join(repr(c) for c in classes[:5].tolist())
        raise ValueError(f"y must hold exactly two labels, got {classes.size}: {shown}")
    return np.where(inverse == 1, 1.0, -1.0), classes


def parameters(names: Iterable[str], known: Collection[str]) -> None:
    """That a problem has parameters of these names."""
    for name in names:
        if name not in known:
            shown = ", ".join(map(repr, known))
            raise ValueError(f"{name!r} is no parameter of this problem; it has {shown}")


def targets(Y: Any, n: int) -> np.ndarray:
    """Y as an array of numbers of shape (n, q), one column a target, all finite."""
    found = np.asarray(Y.to_numpy() if hasattr(Y, "to_numpy") else Y)
    if found.ndim != 2 or found.shape[0] != n or found.shape[1] == 0:
        raise ValueError(
            f"Y must have shape ({n}, q), one row a row of X and one column a target, got "
            f"{found.shape}"
        )
    if found.dtype.kind not in "fiub":
        raise TypeError(f"Y must hold numbers, got dtype {found.dtype}")
    # Sums of columns are finite unless something in them is not, or is too large.
    with np.errstate(invalid="ignore", over="ignore"):
        good = np.isfinite(found.sum(axis=0, dtype=float))
    if not good.all():
        column = int(np.argmin(good))
        rows = np.flatnonzero(~np.isfinite(found[:, column].astype(float)))
        where = f"row {rows[0]}" if rows.size else "the sum"
        raise ValueError(f"Y must be finite, got a value that is not in column {column}, {where}")
    return found
