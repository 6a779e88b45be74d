"""One target by :func:`fastpiggy.tune`, in the numbers that blocks of targets have."""

import warnings
from typing import Any

import numpy as np

from fastpiggy.certificate import FastpiggyWarning
from fastpiggy.criteria.held_out import CrossVal
from fastpiggy.tuning.result import SearchStatus


def one_target(plan: Any, y: np.ndarray) -> tuple[np.ndarray, str, np.ndarray]:
    """Numbers as :data:`fastpiggy.tuning.target_blocks.NUMBERS` has them, status, coefficients."""
    from fastpiggy.solving import solve
    from fastpiggy.tuning import tune

    problem = plan.problem.replace(y=y)
    criterion = CrossVal(problem, plan.splits, tol=plan.tol)
    bounds = None if plan.bounds is None else {"alpha": plan.bounds}
    with warnings.catch_warnings():
        # They are counted at the end.
        warnings.simplefilter("ignore", FastpiggyWarning)
        try:
            top = problem.alpha_max()
        except ValueError:
            top = np.nan  # a ridge has none
        if _constant(problem, y) or top == 0.0:
            # No alpha changes anything: the null model, and nothing to tune.
            null = problem.replace(alpha=max(top, 1.0))
            solution = solve(null, tol=plan.tol)
            value = criterion.along({"alpha": null.parameters["alpha"]}, ()).value
            numbers = [np.nan, value, 0.0, solution.intercept, 0.0, np.nan,
                       solution.certificate.optimality]  # fmt: skip
            return np.array(numbers), str(SearchStatus.FLAT), solution.x
        found = tune(criterion, "alpha", bounds=bounds)
        if found.status is SearchStatus.INTERRUPTED:
            raise KeyboardInterrupt
        alpha = found.params["alpha"]
        solution = found.solution or solve(problem.replace(alpha=alpha), tol=plan.tol)
    visited = min(e.params["alpha"] for e in found.history)
    visited = float(found.curve.knots[-1]) if found.curve is not None else visited
    numbers = [alpha, found.value, found.gradient["alpha"], solution.intercept, top, visited,
               solution.certificate.optimality]  # fmt: skip
    return np.array(numbers, dtype=float), str(found.status), solution.x


def _constant(problem: Any, y: np.ndarray) -> bool:
    """Whether the intercept alone fits, up to rounding."""
    return bool(problem.fit_intercept and np.ptp(y) <= 1e-14 * np.abs(y).max())
