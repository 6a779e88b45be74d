"""Folds: made once, as pairs of row indices."""

from typing import Any

import numpy as np


def make_splits(
    cv: Any, n: int, labels: Any = None, classes: Any = None, y: Any = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs (train, test) of row indices for a number of folds, a splitter, or given pairs.

    With `classes` the labels, -1 and +1, are spread over the folds; `y` is what a splitter sees.
    """
    if isinstance(cv, bool | np.bool_):
        raise TypeError(f"cv must be an integer, a splitter or index pairs, got {cv!r}")
    if isinstance(cv, int | np.integer):
        if not 2 <= cv <= n:
            raise ValueError(f"cv must be between 2 and the number of rows {n}, got {cv}")
        pairs = _folds(n, int(cv), labels if classes is not None else None)
    elif hasattr(cv, "split"):
        # A splitter looks at shapes and labels only: X itself need not be made.
        pairs = list(cv.split(np.zeros((n, 1)), y))
    else:
        try:
            pairs = [(train, test) for train, test in cv]
        except (TypeError, ValueError):
            raise TypeError(
                f"cv must be an integer, a splitter with split(X, y), or (train, test) index "
                f"pairs, got {cv!r}"
            ) from None
    found = [(_indices(train, n, "train"), _indices(test, n, "test")) for train, test in pairs]
    if not found:
        raise ValueError("cv must give at least one (train, test) pair, got none")
    if classes is not None:
        _check_classes(labels, found)
    return found


def _folds(n: int, k: int, label: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    if label is None:
        tests = np.array_split(np.arange(n), k)
    else:
        fold = np.empty(n, dtype=np.int64)
        # Rows of each class are dealt out in turn, the second class going on where the first ends.
        order = np.concatenate([np.flatnonzero(label == side) for side in (-1.0, 1.0)])
        fold[order] = np.arange(n) % k
        tests = [np.flatnonzero(fold == i) for i in range(k)]
    everything = np.arange(n)
    return [(np.setdiff1d(everything, test, assume_unique=True), test) for test in tests]


def _indices(members: Any, n: int, part: str) -> np.ndarray:
    found = np.asarray(members)
    if found.dtype == bool:
        if found.shape != (n,):
            raise ValueError(
                f"a boolean {part} part of cv must have shape ({n},), got {found.shape}"
            )
        found = np.flatnonzero(found)
    if found.ndim != 1 or not np.issubdtype(found.dtype, np.integer) or not found.size:
        raise ValueError(f"each {part} part of cv must be a non-empty vector of row indices")
    if found.min() < -n or found.max() >= n:
        raise ValueError(f"the {part} parts of cv must be row indices below {n}, got {found.max()}")
    return found % n


def _check_classes(labels: Any, splits: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for k, (train, _) in enumerate(splits):
        if np.unique(labels[train]).size < 2:
            raise ValueError(f"cv must leave both classes in every train part; fold {k} has one")
