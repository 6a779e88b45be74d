"""Folds: made once, as pairs of row indices."""

from typing import Any

import numpy as np


def make_splits(problem: Any, cv: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs (train, test) of row indices for a number of folds, a splitter, or given pairs."""
    n = problem.shape[0]
    if isinstance(cv, bool | np.bool_):
        raise TypeError(f"cv must be an integer, a splitter or index pairs, got {cv!r}")
    if isinstance(cv, int | np.integer):
        if not 2 <= cv <= n:
            raise ValueError(f"cv must be between 2 and the number of rows {n}, got {cv}")
        pairs = _folds(problem, int(cv))
    elif hasattr(cv, "split"):
        # A splitter looks at shapes and labels only: X itself need not be made.
        labels = problem.parameters.get("y", problem.loss.y)
        pairs = list(cv.split(np.zeros((n, 1)), labels))
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
    if problem.classes is not None:
        _check_classes(problem, found)
    return found


def _folds(problem: Any, k: int) -> list[tuple[np.ndarray, np.ndarray]]:
    n = problem.shape[0]
    if problem.classes is None:
        tests = np.array_split(np.arange(n), k)
    else:
        label = problem.loss.y
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


def _check_classes(problem: Any, splits: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for k, (train, _) in enumerate(splits):
        if np.unique(problem.loss.y[train]).size < 2:
            raise ValueError(f"cv must leave both classes in every train part; fold {k} has one")
