"""Warm starts from a solution of the same problem with another alpha."""

from typing import Any

import numpy as np

#: The ratio of two alphas up to which the first order says where the second solution is.
_NEAR = 2.0


def same_data(problem: Any, other: Any) -> bool:
    """Whether two problems share X, y, the weights of the rows, and the intercept."""
    return (
        problem.family == getattr(other, "family", None)
        and problem.design is other.design
        and problem.loss is other.loss
        and problem.fit_intercept == other.fit_intercept
        and type(problem.penalty) is type(other.penalty)
    )


def predicted(problem: Any, before: Any) -> tuple[np.ndarray, float]:
    """``x + J (alpha - alpha_0)`` where a solution knows J, and all but alpha is the same.

    Coefficients that would change their sign stop at zero.
    """
    x, intercept = before.x, before.intercept
    J, penalty = before.jacobian.get("alpha"), problem.penalty
    if J is None or np.shape(J) != np.shape(x) or not _only_alpha(problem, before.problem):
        return x, intercept
    change = penalty.alpha - before.problem.penalty.alpha
    if not 1.0 / _NEAR <= penalty.alpha / before.problem.penalty.alpha <= _NEAR:
        return x, intercept
    new = x + change * J
    if not np.all(np.isfinite(new)):
        return x, intercept
    held = penalty.thresholds() > 0.0
    new[held & (new * x <= 0.0)] = 0.0
    return new, float(intercept + change * before.intercept_jacobian["alpha"])


def _only_alpha(problem: Any, other: Any) -> bool:
    """Whether alpha alone tells the problems apart, and thresholds say where signs hold."""
    penalty, old = problem.penalty, other.penalty
    if not same_data(problem, other) or not hasattr(penalty, "thresholds"):
        return False
    rest = [name for name in penalty._fields if name != "alpha"]
    same = all(np.array_equal(getattr(penalty, name), getattr(old, name)) for name in rest)
    return bool(same and penalty.alpha > 0.0 and old.alpha > 0.0)
