"""What every loader returns."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table, its target and what its columns are.

    Attributes
    ----------
    X : ndarray of shape (n, p)
        One row an observation, C order, float64.
    y : ndarray of shape (n,)
        The target.
    feature_names : tuple of str
        One name a column of `X`.
    description : str
        What was measured, by whom, and under which licence it is shipped.
    """

    X: np.ndarray
    y: np.ndarray
    feature_names: tuple[str, ...]
    description: str

    def __repr__(self) -> str:
        n, p = self.X.shape
        title = self.description.splitlines()[0]
        return f"Dataset({n} rows, {p} columns: {title})"
