"""How well an estimate explains other rows: what criteria take the mean of."""

from typing import Any

import numpy as np

from fastpiggy.solving import solve
from fastpiggy.structured.sparse_inverse_covariance.newton import inverse
from fastpiggy.structured.sparse_inverse_covariance.problem import (
    SparseInverseCovariance,
    rows_of,
    sparse_inverse_covariance,
)


class LikelihoodPart:
    """A problem to fit, and rows on which its estimate is judged.

    The number is ``-logdet P + <C, P>``, twice the mean negative log-likelihood but for a constant,
    with C the second moments of the rows about the mean of those that were fitted.

    Parameters
    ----------
    problem : SparseInverseCovariance
    rows : ndarray of shape (k, p)
    """

    def __init__(self, problem: SparseInverseCovariance, rows: np.ndarray) -> None:
        self.problem = problem
        fitted = rows if problem.data is None else problem.data
        centred = rows - fitted.mean(axis=0)
        self.moments = centred.T @ centred / len(rows)

    def evaluate(
        self, params: dict[str, Any], names: tuple[str, ...], warm: Any, tol: float
    ) -> tuple[float, dict[str, Any], Any]:
        """Value, gradient and solution."""
        solution = solve(self.problem.replace(**params), x0=warm, tol=tol)
        held = inverse(solution.x)
        assert held is not None
        W, logdet = held
        value = float((self.moments * solution.x).sum()) - logdet
        return value, solution.vjp(self.moments - W, wrt=names), solution


def held_out(problem: SparseInverseCovariance, data: Any) -> LikelihoodPart:
    """The part of :class:`fastpiggy.HeldOut`."""
    return LikelihoodPart(problem, rows_of(data, len(problem.S), "X_val"))


def fold(problem: SparseInverseCovariance, train: np.ndarray, test: np.ndarray) -> LikelihoodPart:
    """One part of :class:`fastpiggy.CrossVal`."""
    assert problem.data is not None
    fitted = sparse_inverse_covariance(
        None, problem.alpha, data=problem.data[train], correlation=problem.correlation
    )
    return LikelihoodPart(fitted, problem.data[test])
