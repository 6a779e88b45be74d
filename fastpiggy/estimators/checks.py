"""What estimators check beside what the problems check themselves."""

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, check_consistent_length


def sample_weight(value: Any, X: Any) -> np.ndarray | None:
    """Weights of the rows, one a row; a number stands for as many."""
    if value is None:
        return None
    if isinstance(value, Real):
        return np.full(X.shape[0], float(value))
    found = check_array(value, ensure_2d=False, dtype=np.float64, input_name="sample_weight")
    if found.ndim != 1:
        raise ValueError(f"sample_weight must have one dimension, got shape {found.shape}")
    check_consistent_length(found, X)
    return found


def total_weight(X: Any, weight: np.ndarray | None) -> float:
    """What turns a penalty beside a sum of losses into one beside their mean."""
    total = float(X.shape[0]) if weight is None else float(weight.sum())
    if not total > 0:
        raise ValueError("sample_weight must have at least one positive entry, got only zeros")
    return total


def per_target(value: Any, name: str, targets: int) -> list[Any]:
    """One value a target; a single one stands for all."""
    if np.ndim(value) == 0:
        return [value] * targets
    found = np.asarray(value, dtype=float)
    if found.shape != (targets,):
        raise ValueError(
            f"{name} must be a number or have shape ({targets},), one a target, got {found.shape}"
        )
    return found.tolist()


def no_effect(precompute: Any, selection: Any = "cyclic") -> None:
    """scikit-learn's switches of its own algorithm: allowed values change nothing here."""
    if isinstance(precompute, np.ndarray | list):
        raise ValueError(
            "precompute must be True, False or 'auto': a Gram matrix is made where it pays, one "
            "of the caller's is not used"
        )
    if precompute not in (True, False, "auto"):
        raise ValueError(f"precompute must be True, False or 'auto', got {precompute!r}")
    if selection not in ("cyclic", "random"):
        raise ValueError(f"selection must be 'cyclic' or 'random', got {selection!r}")
