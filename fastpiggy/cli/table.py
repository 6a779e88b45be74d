"""What every reader returns, and the checks that hold for all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from fastpiggy.cli.errors import CommandError

if TYPE_CHECKING:
    import scipy.sparse


@dataclass(frozen=True, eq=False)
class Table:
    """Data as read: features, target, names, and what was noticed on the way.

    Attributes
    ----------
    X : ndarray or scipy.sparse.csc_array
        Shape (n, p).
    y : ndarray of shape (n,)
        Numbers, or text labels.
    names : tuple of str
        One a column of `X`.
    source : str
        Where it came from, for the report.
    notes : tuple of str
        What was left out or taken for granted, one sentence each.
    """

    X: np.ndarray | scipy.sparse.csc_array
    y: np.ndarray
    names: tuple[str, ...]
    source: str
    notes: tuple[str, ...] = ()

    @property
    def is_sparse(self) -> bool:
        """Whether `X` is stored sparse."""
        return not isinstance(self.X, np.ndarray)

    def with_note(self, note: str) -> Table:
        """Give the same table with one more note."""
        return replace(self, notes=(*self.notes, note))


def check_table(table: Table) -> Table:
    """Refuse a table that no model can be fitted to.

    Parameters
    ----------
    table : Table
        As read.

    Returns
    -------
    Table
        The same.

    Raises
    ------
    CommandError
        If it has no rows or columns, X and y differ in length, or a value is not finite.
    """
    n, p = table.X.shape
    if n == 0 or p == 0:
        raise CommandError(f"{table.source}: {n} rows and {p} feature columns: nothing to fit")
    if table.y.shape != (n,):
        raise CommandError(
            f"{table.source}: X has {n} rows, but the target has shape {table.y.shape}"
        )
    values = table.X.data if table.is_sparse else table.X
    if not np.isfinite(values).all():
        row, column = _first_not_finite(table)
        raise CommandError(
            f"{table.source}: row {row + 1}, column {table.names[column]!r} is not a finite "
            "number; replace it, or remove the row"
        )
    if table.y.dtype.kind == "f" and not np.isfinite(table.y).all():
        row = int(np.argmin(np.isfinite(table.y)))
        raise CommandError(
            f"{table.source}: the target of row {row + 1} is not a finite number; "
            "replace it, or remove the row"
        )
    return table


def _first_not_finite(table: Table) -> tuple[int, int]:
    if table.is_sparse:
        entries = table.X.tocoo()
        bad = ~np.isfinite(entries.data)
        rows, columns = entries.row[bad], entries.col[bad]
    else:
        rows, columns = np.nonzero(~np.isfinite(table.X))
    first = np.lexsort((columns, rows))[0]
    return int(rows[first]), int(columns[first])
