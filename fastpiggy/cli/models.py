"""The models of ``--model``, as problems of the library."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastpiggy.cli.errors import CommandError

# What --l1-ratio is where it is not given; models that are not here do not have it.
L1_RATIO = {"elastic-net": 0.5, "huber": 1.0, "logistic": 1.0, "squared-hinge": 1.0}

# Models whose target is one of two labels.
LABELS = ("logistic", "squared-hinge")

TITLE = {
    "lasso": "Lasso",
    "elastic-net": "Elastic net",
    "ridge": "Ridge regression",
    "huber": "Huber regression",
    "logistic": "Sparse logistic regression",
    "squared-hinge": "Sparse squared-hinge classifier",
}


def l1_ratio_of(model: str, given: float | None) -> float | None:
    """Give the share of the l1 norm, or refuse one for a model that has none."""
    if model in L1_RATIO:
        return L1_RATIO[model] if given is None else given
    if given is not None:
        raise CommandError(f"--l1-ratio is for --model {', '.join(L1_RATIO)}, not {model}")
    return None


def delta_of(model: str, given: float | None, y: np.ndarray) -> float | None:
    """Give the knee of Huber's loss, or refuse one for a model that has none."""
    if model != "huber":
        if given is not None:
            raise CommandError(f"--delta is for --model huber, not {model}")
        return None
    if given is not None:
        return given
    # 1.345 standard deviations lose 5 % of the efficiency of least squares on normal noise; the
    # median absolute deviation times 1.4826 estimates one that outliers do not move.
    spread = 1.4826 * float(np.median(np.abs(y - np.median(y)))) or float(np.std(y))
    if not spread > 0:
        raise CommandError("the target is constant: give --delta")
    return 1.345 * spread


def build_problem(
    model: str,
    X: Any,
    y: np.ndarray,
    *,
    l1_ratio: float | None,
    fit_intercept: bool,
    delta: float | None = None,
) -> Any:
    """Bind data to a model.

    Parameters
    ----------
    model : str
        One of ``--model``.
    X : ndarray or sparse array of shape (n, p)
        The features.
    y : ndarray of shape (n,)
        The target, or two labels.
    l1_ratio : float or None
        As `l1_ratio_of` gives it.
    fit_intercept : bool
        Whether the model has an intercept.
    delta : float, optional
        As `delta_of` gives it.

    Returns
    -------
    Problem
        At alpha 1; the search sets its own.
    """
    import fastpiggy as fp

    options: dict[str, Any] = {"alpha": 1.0, "fit_intercept": fit_intercept}
    if l1_ratio is not None:
        options["l1_ratio"] = l1_ratio
    if delta is not None:
        options["delta"] = delta
    make = getattr(fp, model.replace("-", "_"))
    try:
        return make(X, y, **options)
    except (ValueError, TypeError) as error:
        raise CommandError(str(error)) from error


def build_criterion(problem: Any, folds: int, tol: float | None) -> Any:
    """Make the cross-validation criterion; too many folds for the rows is an error of the user."""
    import fastpiggy as fp

    options = {} if tol is None else {"tol": tol}
    try:
        return fp.CrossVal(problem, cv=folds, **options)
    except (ValueError, TypeError) as error:
        raise CommandError(str(error)) from error
