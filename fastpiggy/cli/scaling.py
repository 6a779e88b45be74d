"""Standardise the columns, and take coefficients back to the units of the file."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fastpiggy.cli.errors import CommandError
from fastpiggy.cli.table import Table

# A column whose standard deviation is below this part of its largest entry is constant: what is
# left is rounding.
CONSTANT = 1e-10


@dataclass(frozen=True, eq=False)
class Scaling:
    """``X_used = (X - center) / scale``, on the columns that were kept.

    Attributes
    ----------
    center, scale : ndarray of shape (p,)
        Zeros and ones where nothing was done.
    label : str
        What was done, for the report.
    """

    center: np.ndarray
    scale: np.ndarray
    label: str

    def unscale(self, x: np.ndarray, intercept: float) -> tuple[np.ndarray, float]:
        """Give coefficients and intercept for the columns as they are in the file."""
        coefficients = x / self.scale
        return coefficients, float(intercept - coefficients @ self.center)


def standardise(table: Table, *, intercept: bool) -> tuple[Table, Scaling]:
    """Give every column standard deviation 1, and mean 0 where that keeps the storage.

    Parameters
    ----------
    table : Table
        As read; not changed.
    intercept : bool
        Whether the model has an intercept. Without one, columns are scaled and not centred, since
        a shift of the columns would bring in the constant that the user left out.

    Returns
    -------
    table : Table
        Without constant columns.
    scaling : Scaling
        What was done.
    """
    mean, spread, largest = _moments(table)
    kept = np.flatnonzero(spread > CONSTANT * largest)
    if not kept.size:
        raise CommandError(f"{table.source}: every feature column is constant: nothing to fit")
    table = _keep(table, kept, [table.names[j] for j in np.setdiff1d(range(mean.size), kept)])
    scale = spread[kept]
    if table.is_sparse or not intercept:
        reason = "sparse data" if table.is_sparse else "no intercept"
        label = f"scaled to standard deviation 1, not centred ({reason})"
        return _rescale(table, np.zeros_like(scale), scale), Scaling(0 * scale, scale, label)
    scaling = Scaling(mean[kept], scale, "standardised (mean 0, standard deviation 1)")
    return _rescale(table, scaling.center, scale), scaling


def as_given(table: Table) -> tuple[Table, Scaling]:
    """Leave the columns as they are."""
    p = table.X.shape[1]
    return table, Scaling(np.zeros(p), np.ones(p), "as in the file (not standardised)")


def _moments(table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give mean, standard deviation and largest size of each column, in float64."""
    n = table.X.shape[0]
    if not table.is_sparse:
        mean = table.X.mean(axis=0, dtype=np.float64)
        spread = table.X.std(axis=0, dtype=np.float64)
        return mean, spread, np.abs(table.X).max(axis=0)
    X = table.X
    mean = np.asarray(X.sum(axis=0)).ravel() / n
    largest = np.asarray(abs(X).max(axis=0).todense()).ravel()
    filled = np.diff(X.indptr)
    deviations = X.copy()
    deviations.data -= np.repeat(mean, filled)
    squares = np.asarray(deviations.multiply(deviations).sum(axis=0)).ravel()
    # The zeros that are not stored deviate by the mean.
    return mean, np.sqrt((squares + (n - filled) * mean**2) / n), largest


def _keep(table: Table, kept: np.ndarray, constant: list[str]) -> Table:
    if not constant:
        return table
    shown = ", ".join(repr(name) for name in constant[:5]) + (", ..." if constant[5:] else "")
    table = table.with_note(f"constant columns were left out: {shown} ({len(constant)} in all)")
    names = tuple(table.names[j] for j in kept)
    return replace(table, X=table.X[:, kept], names=names)


def _rescale(table: Table, center: np.ndarray, scale: np.ndarray) -> Table:
    if table.is_sparse:
        X = table.X.copy()
        X.data /= np.repeat(scale, np.diff(X.indptr))
    else:
        X = np.empty(table.X.shape, dtype=table.X.dtype)
        np.subtract(table.X, center, out=X, casting="same_kind")
        np.divide(X, scale, out=X, casting="same_kind")
    return replace(table, X=X)
