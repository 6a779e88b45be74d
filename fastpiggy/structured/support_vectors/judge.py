"""How well support vectors predict other rows: what criteria take the mean of."""

from typing import Any

import numpy as np

from fastpiggy.problems import checks
from fastpiggy.solving import solve
from fastpiggy.structured.support_vectors.problem import SupportVectors


class Judged:
    """A problem to fit, and rows on which its predictions are judged.

    By the mean of ``log(1 + exp(-y f))`` for labels, by the mean squared error for targets.

    Parameters
    ----------
    problem : SupportVectors
    X : ndarray of shape (k, p)
    y : ndarray of shape (k,)
    """

    def __init__(self, problem: SupportVectors, X: np.ndarray, y: np.ndarray) -> None:
        self.problem, self.X, self.y = problem, X, y

    def evaluate(
        self, params: dict[str, Any], names: tuple[str, ...], warm: Any, tol: float
    ) -> tuple[float, dict[str, Any], Any]:
        """Value, gradient and solution."""
        problem = self.problem.replace(**params)
        solution = solve(problem, list(names), tol=tol)
        K, in_width = problem.kernel(self.X)
        found = K @ solution.x + solution.intercept
        value, slope = self._loss(found)
        gradient = {}
        for name in names:
            move = K @ solution.jacobian[name] + solution.intercept_jacobian[name]
            move = move + in_width @ solution.x if name == "width" else move
            gradient[name] = float(slope @ move)
        return value, gradient, solution

    def _loss(self, f: np.ndarray) -> tuple[float, np.ndarray]:
        if self.problem.epsilon is not None:
            away = f - self.y
            return float(away @ away / f.size), 2.0 * away / f.size
        from scipy.special import expit

        margin = self.y * f
        return float(np.logaddexp(0.0, -margin).mean()), -self.y * expit(-margin) / f.size


def targets(problem: SupportVectors, y: Any, size: int) -> np.ndarray:
    """Targets of rows to judge on; labels as -1 and +1."""
    if problem.classes is None:
        return checks.vector(y, "y_val", size, "row of X_val")
    found = np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y)
    if found.shape != (size,) or not np.all(np.isin(found, problem.classes)):
        raise ValueError(
            f"y_val must hold {size} of the problem's labels {problem.classes.tolist()}, got "
            f"{found!r}"
        )
    return np.where(found == problem.classes[1], 1.0, -1.0)
