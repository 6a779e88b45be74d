"""One problem to fit, and the rows its solution is judged on."""

from typing import Any

import numpy as np

from fastpiggy.algorithms.composite import rows, starts
from fastpiggy.criteria.metrics import Metric
from fastpiggy.designs import matrix
from fastpiggy.losses import LeastSquares
from fastpiggy.problems import Problem
from fastpiggy.solving import solve


class RowsPart:
    """One problem to fit, and the rows its solution is judged on.

    Parameters
    ----------
    problem : Problem
        What is fitted.
    loss : Loss
        On the judging rows, its sample weights normalised there.
    design : Design or None
        Rows to judge on; None for those of the problem itself, all in the same order.
    metric : callable, optional
        What judges, see :mod:`fastpiggy.criteria.metrics`; by default the loss itself.
    """

    def __init__(
        self, problem: Problem, loss: Any, design: Any = None, metric: Metric | None = None
    ) -> None:
        self.problem, self.loss, self.design, self.metric = problem, loss, design, metric
        # The mean squared error has no half.
        self.factor = 2.0 if isinstance(loss, LeastSquares) else 1.0

    def evaluate(
        self, params: dict[str, Any], names: tuple[str, ...], warm: Any, tol: float
    ) -> tuple[float, dict[str, Any], Any]:
        """Value, gradient and solution."""
        problem = self.problem.replace(**params)
        design = problem.design if self.design is None else self.design
        few = all(np.ndim(problem.parameters[name]) == 0 for name in names)
        # Few numbers: their tangents and one product with X; a vector of weights: one adjoint.
        solution = solve(problem, names if few else None, x0=warm, tol=tol)
        along = solution.jacobian if few and solution.jacobian else {}
        x = np.column_stack([solution.x, *along.values()])
        b = np.array([solution.intercept, *(solution.intercept_jacobian[name] for name in along)])
        Z = matrix.predict(design, x) + b
        value, r = self._judge(Z[:, 0])
        if few:
            return value, dict(zip(along, map(float, r @ Z[:, 1:]), strict=True)), solution
        return value, solution.vjp(matrix.scatter(design, r), float(r.sum()), names), solution

    def _judge(self, prediction: np.ndarray) -> tuple[float, np.ndarray]:
        """The mean loss of predictions, and its slopes in them."""
        if self.metric is not None:
            s = self.loss.sample_weight
            on = s > 0.0
            value, slope = self.metric(self.loss.y[on], prediction[on])
            r = np.zeros_like(prediction)
            r[on] = s[on] * slope
            return float(s[on] @ value), r
        z, r = np.empty_like(prediction), np.empty_like(prediction)
        starts(self.loss, z, np.empty_like(z))
        value = rows(self.loss, z + prediction, r, np.empty_like(z))
        return self.factor * value, self.factor * r

    @property
    def squared(self) -> bool:
        """Whether what judges is the mean squared error."""
        return self.metric is None and isinstance(self.loss, LeastSquares)
