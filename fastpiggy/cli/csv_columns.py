"""Which columns of a CSV file are features, and which is the target."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fastpiggy.cli.errors import CommandError

# How many names a message lists before it breaks off.
SHOWN = 12


def choose_columns(
    header: list[str], target: str | None, drop: Sequence[str], path: Path
) -> tuple[int, list[int]]:
    """Give the index of the target and those of the features.

    Parameters
    ----------
    header : list of str
        Names of all columns.
    target : str or None
        Name or number (from 1) of the target.
    drop : sequence of str
        Names or numbers of the columns to leave out.
    path : Path
        For messages.

    Returns
    -------
    target : int
        Index of the target.
    features : list of int
        Indices of the rest, in order.
    """
    if target is None:
        raise CommandError(
            f"{path}: say which column is the target with --target; columns: {_listing(header)}"
        )
    column = _find(header, target, path)
    dropped = {_find(header, name, path) for name in drop}
    if column in dropped:
        raise CommandError(f"{path}: column {header[column]!r} is both the target and dropped")
    features = [j for j in range(len(header)) if j != column and j not in dropped]
    if not features:
        raise CommandError(f"{path}: no column is left beside the target {header[column]!r}")
    return column, features


def keep_columns(header: list[str], drop: Sequence[str], path: Path) -> list[int]:
    """Give the indices of all columns but those to leave out, by name or number."""
    dropped = {_find(header, name, path) for name in drop}
    kept = [j for j in range(len(header)) if j not in dropped]
    if not kept:
        raise CommandError(f"{path}: every column is dropped")
    return kept


def _find(header: list[str], name: str, path: Path) -> int:
    matches = [j for j, column in enumerate(header) if column == name]
    if len(matches) > 1:
        numbers = ", ".join(str(j + 1) for j in matches)
        raise CommandError(
            f"{path}: {len(matches)} columns are called {name!r}; give its number, one of {numbers}"
        )
    if matches:
        return matches[0]
    if name.isdecimal() and 1 <= int(name) <= len(header):
        return int(name) - 1
    raise CommandError(f"{path}: no column {name!r}; columns: {_listing(header)}")


def _listing(header: list[str]) -> str:
    names = [repr(name) for name in header[:SHOWN]]
    return ", ".join(names) + (f" and {len(header) - SHOWN} more" if len(header) > SHOWN else "")


def drop_row_counter(
    X: np.ndarray, names: tuple[str, ...]
) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
    """Leave out a first column without a name that only counts the rows.

    Data frames written with their index have one; as a feature it would be the row's position.
    """
    counts = len(names) > 1 and names[0] == "" and X.shape[0] > 1
    if not counts or not (np.diff(X[:, 0]) == 1).all():
        return X, names, ()
    note = "the first column has no name and counts the rows: left out"
    return np.ascontiguousarray(X[:, 1:]), names[1:], (note,)
