"""Read SVMLight (libsvm) files: ``target index:value index:value ... # comment``."""

from __future__ import annotations

from array import array
from pathlib import Path

import numpy as np

from fastpiggy.cli.errors import CommandError
from fastpiggy.cli.table import Table


def read_svmlight(path: Path) -> Table:
    """Read a SVMLight file.

    Parameters
    ----------
    path : Path
        The file. Indices start at 1, or at 0 if an index 0 occurs; ``qid:`` entries are skipped.

    Returns
    -------
    Table
        With `X` in compressed columns, float64.
    """
    from scipy.sparse import csr_array

    values, indices, starts, targets = array("d"), array("q"), array("q", [0]), array("d")
    for number, line in enumerate(_lines(path), start=1):
        fields = line.split("#", 1)[0].split()
        if fields:
            _parse_line(fields, values, indices, targets, path, number)
            starts.append(len(indices))
    if not targets:
        raise CommandError(f"{path}: no line holds data")
    columns = np.array(indices, dtype=np.int64)
    first = 0 if columns.size and columns.min() == 0 else 1
    n, p = len(targets), int(columns.max()) + 1 - first if columns.size else 0
    rows = csr_array((np.array(values), columns - first, np.array(starts)), shape=(n, p))
    X = rows.tocsc()
    X.sort_indices()
    names = tuple(str(j + first) for j in range(p))
    return Table(X, np.array(targets), names, str(path))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise CommandError(f"{path}: is not a text file ({error.reason})") from error


def _parse_line(
    fields: list[str], values: array, indices: array, targets: array, path: Path, number: int
) -> None:
    """Append one line to the three arrays, or say what is wrong in it."""
    seen = set()
    try:
        targets.append(_number(fields[0]))
        for field in fields[1:]:
            index, colon, value = field.partition(":")
            if index == "qid":
                continue
            if not colon or not value:
                raise ValueError(f"{field!r} is not index:value")
            column = int(index)
            if column < 0 or column in seen:
                raise ValueError(f"index {column} is {'negative' if column < 0 else 'given twice'}")
            seen.add(column)
            indices.append(column)
            values.append(_number(value))
    except ValueError as error:
        raise CommandError(
            f"{path}, line {number}: {error}; a line is 'target index:value index:value ...' "
            "(a last line like this means that the file was cut off)"
        ) from error


def _number(text: str) -> float:
    value = float(text)
    if not np.isfinite(value):
        raise ValueError(f"{text!r} is not a finite number")
    return value
