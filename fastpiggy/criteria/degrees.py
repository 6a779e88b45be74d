"""Degrees of freedom of linear models: the trace of the derivative of the fit in the targets.

With K the system of the derivative on the active set, ``K = Q'X' diag(h) X Q + C`` with the
curvature C of the penalty there, the fit ``X w`` moves with y by ``X Q inv(K) Q'X' diag(h)``, whose
trace is ``trace(inv(K) (K - C))``: the factor of K gives it at once.
"""

import warnings
from typing import Any

import numpy as np

from fastpiggy.certificate import FastpiggyWarning
from fastpiggy.designs import matrix
from fastpiggy.losses import LeastSquares, Logistic
from fastpiggy.penalties import L1, ElasticNet, SquaredL2
from fastpiggy.problems.fit_statistics import FitStatistics
from fastpiggy.solving import adjoint_of
from fastpiggy.solving.binding import bind
from fastpiggy.solving.linearisation import Linearisation

#: Step of the central difference along a tangent, relative to the parameter.
_STEP = 1e-5


def normal_or_two_classes(problem: Any) -> bool:
    """Whether the targets have a likelihood that is known here."""
    return type(getattr(problem, "loss", None)) in (LeastSquares, Logistic)


def fit_statistics(solution: Any, names: tuple[str, ...]) -> FitStatistics:
    """How well and how freely a solution fits its data, with derivatives by the names.

    Raises
    ------
    ValueError
        If the active set is too large for its factor.
    """
    problem = solution.problem
    own = getattr(problem, "fit_statistics", None)
    if own is not None:
        return own(solution, names)
    adjoint: Any = solution.adjoint or adjoint_of(solution)
    point = adjoint.point
    n = int(np.count_nonzero(problem.loss.sample_weight))
    steps = isinstance(problem.penalty, L1)
    scale = 2.0 * n
    g, b = scale * matrix.scatter(problem.design, point.slopes), scale * float(point.slopes.sum())
    deviance, degrees = {}, {}
    vectors = [name for name in names if np.ndim(problem.parameters[name])]
    if vectors:
        deviance = solution.vjp(g, b, vectors)
        degrees = {name: _held(problem, name) for name in vectors}
    for name in names:
        if name not in vectors:
            J = solution.jacobian[name]
            deviance[name] = float(g @ J + b * solution.intercept_jacobian[name])
            degrees[name] = _slope(solution, point, name)
    return FitStatistics(
        scale * point.loss, _trace(point), n, problem.shape[1],
        isinstance(problem.loss, LeastSquares), steps,
        {name: deviance[name] for name in names}, {name: degrees[name] for name in names},
    )  # fmt: skip


def _trace(point: Linearisation) -> float:
    """``trace(inv(K) (K - C))``; the rank of K where it is singular and C is zero."""
    curb, factor = point.active[2], point.factor
    if not factor.formed:
        raise ValueError(
            f"degrees of freedom need the factor of {curb.size} active columns, which is too large "
            "to form; restrict the range of alpha by bounds="
        )
    return factor.trace(curb)


def _held(problem: Any, name: str) -> np.ndarray:
    """Zeros: weights of an l1 part do not move the factor while the active set holds."""
    if not isinstance(problem.penalty, L1 | ElasticNet):
        raise ValueError(
            f"the degrees of freedom have no derivative in {name} for the penalty "
            f"{type(problem.penalty).__name__}; tune its numbers"
        )
    return np.zeros_like(problem.parameters[name])


def _slope(solution: Any, point: Linearisation, name: str) -> float:
    """Derivative of the trace: closed where only a squared l2 part moves, else by differences.

    ``d trace = -trace(inv(K) dC) + trace(inv(K) dC inv(K) C)`` where the curvatures h are held.
    Else the central difference of the trace along the tangent of the solution: no new solve.
    """
    problem, penalty = solution.problem, solution.problem.penalty
    if isinstance(problem.loss, LeastSquares):
        if isinstance(penalty, L1):
            return 0.0
        if isinstance(penalty, ElasticNet | SquaredL2):
            members, _, curb = point.active
            moves = np.where(members < problem.shape[1], _l2_slope(penalty, name), 0.0)
            return point.factor.trace_slope(curb, moves)
    value = problem.parameters[name]
    h = _STEP * (abs(value) or 1.0)
    sides = []
    for side in (h, -h):
        moved = problem.replace(**{name: value + side})
        binding = bind(moved, True, point.binding.composite.selection[: problem.shape[1]])
        x = binding.inward(
            solution.x + side * solution.jacobian[name],
            solution.intercept + side * solution.intercept_jacobian[name],
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FastpiggyWarning)
            sides.append(_trace(Linearisation(binding, x)))
    return (sides[0] - sides[1]) / (2.0 * h)


def _l2_slope(penalty: Any, name: str) -> float:
    if isinstance(penalty, SquaredL2):
        return 1.0
    return 1.0 - penalty.l1_ratio if name == "alpha" else -penalty.alpha
