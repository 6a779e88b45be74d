"""Cells that are not numbers: find all of them, then say it once."""

from __future__ import annotations

import math
from pathlib import Path

from fastpiggy.cli.errors import CommandError

MISSING = frozenset({"", "na", "nan", "n/a", "#n/a", "null", "none", "?", ".", "-"})
# How many columns a message names before it only counts.
SHOWN = 5


def is_number(text: str) -> bool:
    """Whether a cell holds a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


class CellErrors:
    """What was found in cells that hold no number, column by column.

    Parameters
    ----------
    header : list of str
        Names of all columns.
    drop_missing : bool
        Whether rows with missing values are left out instead of refused.
    label_column : int or None
        A column in which text is allowed.
    """

    def __init__(self, header: list[str], drop_missing: bool, label_column: int | None) -> None:
        self.header = header
        self.drop_missing = drop_missing
        self.label_column = label_column
        self.rows_with_missing = 0
        self._text: dict[int, tuple[int, str]] = {}
        self._missing: dict[int, tuple[int, int]] = {}

    @property
    def any(self) -> bool:
        """Whether a cell was seen that makes the file unusable."""
        return bool(self._text) or (bool(self._missing) and not self.drop_missing)

    def accept(self, line: int, fields: list[str], columns: list[int]) -> bool:
        """Note what is wrong in one row, and tell whether the row is to be kept."""
        missing = [j for j in columns if fields[j].strip().lower() in MISSING]
        for j in missing:
            first, count = self._missing.get(j, (line, 0))
            self._missing[j] = (first, count + 1)
        for j in columns:
            if j not in missing and j != self.label_column and not is_number(fields[j]):
                self._text.setdefault(j, (line, fields[j].strip()))
        self.rows_with_missing += bool(missing)
        return not missing

    def raise_if_any(self, path: Path) -> None:
        """Raise one error that names the columns, the first line of each, and the way out."""
        if self._text:
            raise CommandError(f"{path}: {self._text_message()}")
        if self._missing and not self.drop_missing:
            raise CommandError(f"{path}: {self._missing_message()}")

    def _text_message(self) -> str:
        found = [
            f"  column {self.header[j]!r}: {value!r} in line {line}"
            for j, (line, value) in sorted(self._text.items())
        ]
        advice = (
            "Leave a column out with --drop NAME, or write it as numbers (0/1 columns for the "
            "levels of a category)."
        )
        if all(is_number(value.replace(",", ".", 1)) for _, value in self._text.values()):
            advice = "These look like decimal commas: write the numbers with a point."
        return "\n".join(["text where numbers are needed:", *_shorten(found), advice])

    def _missing_message(self) -> str:
        found = [
            f"  column {self.header[j]!r}: {count} missing, the first in line {line}"
            for j, (line, count) in sorted(self._missing.items())
        ]
        advice = (
            f"Leave out the {self.rows_with_missing} rows concerned with --drop-missing, leave a "
            "column out with --drop NAME, or fill the values in first."
        )
        return "\n".join(["missing values:", *_shorten(found), advice])


def _shorten(lines: list[str]) -> list[str]:
    if len(lines) <= SHOWN + 1:
        return lines
    return [*lines[:SHOWN], f"  and {len(lines) - SHOWN} more columns"]
