"""Penalties that bend down from an l1 penalty: weighted l1 problems that lie above, each exact.

MCP and SCAD are concave in ``abs(x_j)``, so at any x their tangents there are an upper bound: an l1
penalty whose weights are the slopes.  Its minimum lowers the objective, and where it is x itself x
is stationary (Zou and Li, "One-step sparse estimates in nonconcave penalized likelihood models",
2008).  Descent alone takes tens of thousands of sweeps where columns are so small that its steps
are held below what the penalty allows.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from fastpiggy import penalties
from fastpiggy.losses import LeastSquares
from fastpiggy.penalties import L1
from fastpiggy.solving import exact
from fastpiggy.solving.binding import bind
from fastpiggy.solving.linearisation import NONE, Linearisation
from fastpiggy.solving.newton import climbs, newton, objective

#: Weighted problems at the most, and their tolerance.
_ROUNDS, _TOL = 30, 1e-9

#: Weights on the level part, over the largest: without any, columns may depend on each other.
_LEAST = 1e-9

#: A round must lower the objective by this part of it, or nothing is left to gain.
_GAIN = 1e-9


def applies(binding: Any) -> bool:
    """Whether this is least squares with a penalty of the kind."""
    problem = binding.problem
    penalty = problem.penalty
    return (
        isinstance(penalty, penalties.MCP | penalties.SCAD)
        and type(problem.loss) is LeastSquares
        and penalty.alpha > 0.0
        and bool(penalty.weights.any())
    )


def finish(point: Linearisation) -> Linearisation | None:
    """Minima of weighted l1 problems from x, then Newton steps; None where nothing is gained."""
    binding, best, value = point.binding, point, objective(point)
    problem, p = binding.problem, binding.penalised
    for _ in range(_ROUNDS):
        weights = _slopes(problem.penalty, best.x[:p])
        above = replace(problem, penalty=L1(problem.penalty.alpha, weights))
        if not exact.applies(above):
            return None
        found = exact.run(bind(above, True, np.zeros(p)), NONE, _TOL, best.x)
        if not np.all(np.isfinite(found.x)):
            return None
        best = Linearisation(binding, binding.inward(found.x, found.intercept))
        before, value = value, objective(best)
        if not value < before * (1.0 - _GAIN):
            break
    best = newton(best, 0.0, damped=False)
    return None if climbs(point, best) else best


def _slopes(penalty: Any, x: np.ndarray) -> np.ndarray:
    """Slopes of the penalty in ``abs(x_j)``, over alpha."""
    a, size = penalty.alpha * penalty.weights, np.abs(x)
    if isinstance(penalty, penalties.MCP):
        slopes = np.maximum(a - size / penalty.gamma, 0.0)
    else:
        bent = np.maximum(penalty.gamma * a - size, 0.0) / (penalty.gamma - 1.0)
        slopes = np.where(size <= a, a, bent)
    return np.maximum(slopes, _LEAST * a) / penalty.alpha
