"""Every design: storages, centred or not, in both precisions."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from scipy.sparse import csc_array

from fastpiggy.designs import Dense, Rows, Sparse, matrix


def _sparse(X):
    found = csc_array(X)
    return Sparse(
        found.data, found.indices.astype(np.int32), found.indptr.astype(np.int32), X.shape[0]
    )


STORAGES: dict[str, Callable[..., Any]] = {
    "rows": lambda X: Rows(np.ascontiguousarray(X)),
    "dense": lambda X: Dense(np.asfortranarray(X)),
    "sparse": _sparse,
}
#: Names of designs: "centred" has an intercept and means that are not zero, "32" is float32.
DESIGNS = [a + s + b for a, s, b in product(["", "centred "], STORAGES, ["", "32"])]


def make_design(name: str, X: np.ndarray, mean: np.ndarray | None = None) -> Any:
    """The design of that name, of X or of what float32 makes of it."""
    storage = name.removeprefix("centred ").removesuffix("32")
    found = STORAGES[storage](X.astype(np.float32 if name.endswith("32") else float))
    if not name.startswith("centred"):
        return found
    return matrix.with_intercept(
        found, np.linspace(-0.5, 0.7, X.shape[1]) if mean is None else mean
    )


def dense(design: Any) -> np.ndarray:
    """The whole matrix of a design in float64, centred and with the intercept's ones."""
    if hasattr(design, "mean"):
        X = dense(design.design)
        return np.column_stack([X - design.mean, np.ones(len(X))])
    if isinstance(design, Sparse):
        shape = design.rows, design.indptr.size - 1
        return (
            csc_array((design.data, design.indices, design.indptr), shape).toarray().astype(float)
        )
    return design.X.astype(float)
