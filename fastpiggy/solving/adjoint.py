"""Products with the transposed Jacobian: one adjoint solve for all parameters."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from fastpiggy.algorithms.composite import row_tangents
from fastpiggy.designs import matrix
from fastpiggy.losses import Constant
from fastpiggy.problems import checks
from fastpiggy.problems import directions as directed
from fastpiggy.problems.directions import named
from fastpiggy.solving.linearisation import Linearisation


class Adjoint:
    """``v'J`` at a linearised solution.

    ``v'J = e'C - w'r`` for every movement of the map: each parameter needs its (C, r) along one
    direction, all its entries moving together, since the loss is a sum over rows and the penalty
    one over coordinates or groups.
    """

    def __init__(self, point: Linearisation) -> None:
        self.point = point

    def __call__(
        self, v: Any, intercept: float = 0.0, wrt: str | Iterable[str] | None = None
    ) -> dict[str, Any]:
        """See :meth:`fastpiggy.Solution.vjp`."""
        problem, binding = self.point.binding.problem, self.point.binding
        names = named(wrt, problem.parameters, "X")
        v = checks.vector(v, "v", problem.shape[1], "coefficient")
        if problem.fit_intercept:
            v = np.append(v - intercept * binding.design.mean, intercept)
        e, w = self.point.adjoint(v)
        return {name: self._of(name, e, w) for name in names}

    def _of(self, name: str, e: np.ndarray, w: np.ndarray) -> Any:
        point, problem = self.point, self.point.binding.problem
        if name == "X":
            p = problem.shape[1]
            Xw = matrix.predict(point.binding.design, w) * point.curvatures
            return -(np.outer(Xw, point.x[:p]) + np.outer(point.slopes, w[:p]))
        value = problem.parameters[name]
        if problem.block_of(name) == "loss":
            return self._of_loss(name, value, w)
        if np.ndim(value) == 0:
            direction = directed.Direction(name, np.ones(1), ())
            return float(e @ point.movement([direction]).C[:, 0])
        return self._of_penalty_vector(name, value, e)

    def _of_penalty_vector(self, name: str, value: np.ndarray, e: np.ndarray) -> np.ndarray:
        """Entry by coordinate or by group from one direction of ones; one by one else."""
        point, binding = self.point, self.point.binding
        blocks = binding.blocks if binding.kind == "BlockPenalty" else []
        # As many blocks as coordinates, in another order: the size does not tell whose the entries
        # are.
        apart = binding.kind == "CoordinatePenalty" or len(blocks) != binding.penalised
        if apart and binding.kind in ("CoordinatePenalty", "BlockPenalty"):
            direction = directed.Direction(name, np.ones((1, value.size)), value.shape)
            terms = e * point.movement([direction]).C[:, 0]
            if value.size == binding.penalised:
                return terms[: value.size]
            if value.size == len(blocks):
                return np.array([terms[members].sum() for members in blocks])
        direction = directed.Direction(name, np.eye(value.size), value.shape)
        return e @ point.movement([direction]).C

    def _of_loss(self, name: str, value: Any, w: np.ndarray) -> Any:
        point, problem = self.point, self.point.binding.problem
        direction = directed.Direction(name, np.ones((1, *np.shape(value))), np.shape(value))
        loss = directed.as_records(_raw(problem), [direction]).loss
        assert not isinstance(loss, Constant)
        n = point.states.size
        starts, tangents = np.zeros((1, n)), np.zeros((1, n))
        row_tangents(point.binding.composite.loss, loss, point.states, starts, tangents, 1)
        by_row = starts[0] * point.curvatures + tangents[0]
        terms = -matrix.predict(point.binding.design, w) * by_row
        if np.ndim(value) == 0:
            return float(terms.sum())
        if name == "sample_weight" and problem.total_weight is not None:
            s = problem.loss.sample_weight
            return (terms - s @ terms) / problem.total_weight
        return terms


def _raw(problem: Any) -> Any:
    """The problem with its sample weights taken as they stand in the loss."""
    return replace(problem, total_weight=None)
