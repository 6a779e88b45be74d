"""The models of ``--model``, as problems of the library."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastpiggy.cli.errors import CommandError

# What --l1-ratio is where it is not given; models that are not here do not have it.
L1_RATIO = {"elastic-net": 0.5, "logistic": 1.0}

TITLE = {
    "lasso": "Lasso",
    "elastic-net": "Elastic net",
    "ridge": "Ridge regression",
    "logistic": "Sparse logistic regression",
}


def l1_ratio_of(model: str, given: float | None) -> float | None:
    """Give the share of the l1 norm, or refuse one for a model that has none."""
    if model in L1_RATIO:
        return L1_RATIO[model] if given is None else given
    if given is not None:
        raise CommandError(f"--l1-ratio is for --model {' and '.join(L1_RATIO)}, not {model}")
    return None


def build_problem(
    model: str, X: Any, y: np.ndarray, *, l1_ratio: float | None, fit_intercept: bool
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

    Returns
    -------
    Problem
        At alpha 1; the search sets its own.
    """
    import fastpiggy as fp

    options: dict[str, Any] = {"alpha": 1.0, "fit_intercept": fit_intercept}
    if l1_ratio is not None:
        options["l1_ratio"] = l1_ratio
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
