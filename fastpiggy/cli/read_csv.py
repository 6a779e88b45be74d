"""Read a CSV file: one row an observation, one column the target."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from fastpiggy.cli.csv_cells import MISSING, CellErrors, is_number
from fastpiggy.cli.csv_columns import choose_columns, drop_row_counter, keep_columns
from fastpiggy.cli.errors import CommandError
from fastpiggy.cli.table import Table

DELIMITERS = ",;\t|"
# Rows are converted this many at a time: text takes several times the memory of its numbers.
CHUNK = 2048

Row = tuple[int, list[str]]


def read_csv(
    path: Path,
    target: str | None,
    *,
    drop: Sequence[str] = (),
    drop_missing: bool = False,
    labels: bool = False,
) -> Table:
    """Read a CSV file.

    Parameters
    ----------
    path : Path
        The file, UTF-8, separated by commas, semicolons, tabs or bars, with or without a header.
    target : str or None
        Name of the target's column, or its number from 1.
    drop : sequence of str
        Columns to leave out, by name or number.
    drop_missing : bool, default=False
        Leave out rows in which a value is missing.
    labels : bool, default=False
        Whether the target may be text.

    Returns
    -------
    Table
        float64.
    """
    return _read(
        path, lambda rows: _read_rows(rows, path, target, drop, drop_missing, labels)
    )  # fmt: skip


def read_columns(path: Path, drop: Sequence[str] = ()) -> Table:
    """Read a CSV file of which every column is a number, and none the target.

    Parameters
    ----------
    path : Path
        As in `read_csv`.
    drop : sequence of str
        Columns to leave out, by name or number.

    Returns
    -------
    Table
        float64, with zeros as its target.
    """
    return _read(path, lambda rows: _read_all(rows, path, drop))


def _read(path: Path, use: Callable[[Iterator[Row]], Table]) -> Table:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            stream.seek(0)
            return use(_rows(csv.reader(stream, delimiter=_delimiter(first), strict=True), path))
    except UnicodeDecodeError as error:
        raise CommandError(f"{path}: is not UTF-8 text ({error.reason}); convert it") from error


def _read_all(rows: Iterator[Row], path: Path, drop: Sequence[str]) -> Table:
    header, rows, notes = _header(rows, path)
    columns = keep_columns(header, drop, path)
    errors = CellErrors(header, False, None)
    blocks = []
    while chunk := list(itertools.islice(rows, CHUNK)):
        blocks.append(_convert(chunk, columns, columns[0], errors)[0])
    errors.raise_if_any(path)
    X = np.concatenate(blocks) if blocks else np.empty((0, len(columns)))
    X, names, note = drop_row_counter(X, tuple(header[j] for j in columns))
    return Table(X, np.zeros(len(X)), names, str(path), (*notes, *note))


def _delimiter(first_line: str) -> str:
    """Take the separator that is seen most in the first line, outside quotes."""
    outside = "".join(first_line.split('"')[::2])
    return max(DELIMITERS, key=outside.count)


def _rows(reader: Iterator[list[str]], path: Path) -> Iterator[Row]:
    """Give (line number, fields) of each line that is not blank, all of one length."""
    width = None
    try:
        for fields in reader:
            if not fields or (len(fields) == 1 and not fields[0].strip()):
                continue
            if width is None:
                width = len(fields)
            elif len(fields) != width:
                raise CommandError(
                    f"{path}, line {reader.line_num}: {len(fields)} fields where the first line "
                    f"has {width}; the line is damaged, or the file was cut off there"
                )
            yield reader.line_num, fields
    except csv.Error as error:
        raise CommandError(
            f"{path}, line {reader.line_num}: {error}; the line is damaged, or the file was cut off"
        ) from error


def _read_rows(
    rows: Iterator[Row],
    path: Path,
    target: str | None,
    drop: Sequence[str],
    drop_missing: bool,
    labels: bool,
) -> Table:
    header, rows, notes = _header(rows, path)
    column, features = choose_columns(header, target, drop, path)
    errors = CellErrors(header, drop_missing, column if labels else None)
    blocks, targets = [], []
    while chunk := list(itertools.islice(rows, CHUNK)):
        block, answers = _convert(chunk, features, column, errors)
        blocks.append(block)
        targets.extend(answers)
    errors.raise_if_any(path)
    X = np.concatenate(blocks) if blocks else np.empty((0, len(features)))
    names = tuple(header[j] for j in features)
    if errors.rows_with_missing:
        notes.append(f"{errors.rows_with_missing} rows with missing values were left out")
    X, names, note = drop_row_counter(X, names)
    return Table(X, _target(targets), names, str(path), (*notes, *note))


def _header(rows: Iterator[Row], path: Path) -> tuple[list[str], Iterator[Row], list[str]]:
    """Split off the names; a first line of numbers is data, and its columns are numbered."""
    try:
        line, fields = next(rows)
    except StopIteration:
        raise CommandError(f"{path}: the file holds no line of data") from None
    if all(is_number(field) for field in fields):
        note = "the first line holds numbers: no header, so columns are called by their number"
        names = [str(j + 1) for j in range(len(fields))]
        return names, itertools.chain([(line, fields)], rows), [note]
    numbers = sum(map(is_number, fields))
    notes = [f"the first line was taken for names, though {numbers} of them are numbers"]
    return [field.strip() for field in fields], rows, notes if numbers else []


def _convert(
    chunk: list[Row], features: list[int], column: int, errors: CellErrors
) -> tuple[np.ndarray, list[str]]:
    """Turn lines into numbers; on failure, let `errors` note every cell that is not one."""
    try:
        block = np.array([[fields[j] for j in features] for _, fields in chunk], dtype=np.float64)
        answers = [fields[column].strip() for _, fields in chunk]
        clean = np.isfinite(block).all() and not any(a.lower() in MISSING for a in answers)
        if clean and (errors.label_column == column or all(map(is_number, answers))):
            return block, answers
    except ValueError:
        pass
    kept = [fields for line, fields in chunk if errors.accept(line, fields, [*features, column])]
    answers = [fields[column].strip() for fields in kept]
    if errors.any:
        return np.empty((0, len(features))), answers
    block = np.array([[fields[j] for j in features] for fields in kept], dtype=np.float64)
    return block.reshape(len(kept), len(features)), answers


def _target(answers: list[str]) -> np.ndarray:
    try:
        return np.array(answers, dtype=np.float64)
    except ValueError:
        return np.array(answers)
