"""Read a data file by the ending of its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fastpiggy.cli.errors import CommandError
from fastpiggy.cli.read_csv import read_csv
from fastpiggy.cli.read_npz import read_npz
from fastpiggy.cli.read_svmlight import read_svmlight
from fastpiggy.cli.table import Table, check_table

CSV = (".csv", ".tsv", ".txt")
SVMLIGHT = (".svm", ".svmlight", ".libsvm")


def read_table(
    path: str | Path,
    target: str | None = None,
    *,
    design: str | None = None,
    drop: Sequence[str] = (),
    drop_missing: bool = False,
    labels: bool = False,
) -> Table:
    """Read features and target from a file.

    Parameters
    ----------
    path : str or Path
        A CSV, ``.npz`` or SVMLight file.
    target : str, optional
        Column of the CSV file (its name or number), or name of the array in the ``.npz`` file.
    design : str, optional
        Name of the array of features in the ``.npz`` file, ``"X"`` if not given.
    drop : sequence of str
        Columns of the CSV file to leave out.
    drop_missing : bool, default=False
        Leave out the rows of the CSV file in which a value is missing.
    labels : bool, default=False
        Whether the target may be text.

    Returns
    -------
    Table
        Checked: finite, not empty.

    Raises
    ------
    CommandError
        If the file cannot be read, with what to do about it.
    """
    path = Path(path)
    _check_readable(path)
    ending = path.suffix.lower()
    if ending not in CSV and (drop or drop_missing):
        raise CommandError(f"{path}: --drop and --drop-missing are for CSV files")
    if ending != ".npz" and design is not None:
        raise CommandError(f"{path}: --design names an array of a .npz file")
    if ending in CSV:
        table = read_csv(path, target, drop=drop, drop_missing=drop_missing, labels=labels)
    elif ending == ".npz":
        table = read_npz(path, target or "y", design or "X", labels=labels)
    elif ending in SVMLIGHT:
        if target is not None:
            raise CommandError(
                f"{path}: in a SVMLight file the target is the first number of each line; "
                "leave --target out"
            )
        table = read_svmlight(path)
    else:
        known = ", ".join([*CSV, ".npz", *SVMLIGHT])
        raise CommandError(f"{path}: unknown kind of file; the name should end in one of {known}")
    return check_table(table)


def _check_readable(path: Path) -> None:
    try:
        if path.is_dir():
            raise CommandError(f"{path}: is a folder, not a file")
        with path.open("rb") as stream:
            if not stream.read(1):
                raise CommandError(f"{path}: the file is empty")
    except OSError as error:
        raise CommandError(f"{path}: cannot be read: {error.strerror or error}") from error
