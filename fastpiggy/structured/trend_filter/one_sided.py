"""One-sided derivatives of a trend filter: the complementarity problem on its kinks."""

from typing import Any

import numpy as np

from fastpiggy.problems import directions as wrt
from fastpiggy.solving.complementarity import complementary
from fastpiggy.structured.trend_filter.discrete_spline import Gram


def by_side(point: Any, directions: list[wrt.Direction]) -> Any:
    """The function of a movement and a side that gives d at a :class:`Projection`.

    Differences on a kink keep their sign or stay zero.  With N the splines of all knots and kinks
    and E the jumps at kinks with their signs, ``c = inv(G)(rhs + E'v)`` has ``E c >= 0``,
    ``v >= 0`` and ``v'E c = 0``.
    """
    problem, knots, kinks = point.problem, point.knots, point.kinks
    if point.singular or knots.gram.singular:
        raise np.linalg.LinAlgError(
            "singular_active_set: points of weight zero leave the solution undetermined between "
            "the knots, and with it its derivative; give them a positive sample_weight"
        )
    open_ = knots.rows[knots.signs == 0]
    if problem.alpha == 0.0 and open_.size and any(d.name == "alpha" for d in directions):
        raise ValueError(
            f"one_sided('alpha') at alpha = 0 does not cover differences of zero (rows "
            f"{', '.join(map(str, open_[:5]))}); move alpha away from 0"
        )
    if not kinks.size:
        return lambda move, side: point.solve(move) * side
    sign = np.zeros(problem.rows)
    sign[knots.rows] = knots.signs
    sign[kinks] = np.sign(knots.u[kinks])
    at = np.flatnonzero(sign)
    spline = problem.spline(at)
    gram = Gram(spline, problem.sample_weight)
    own, J = np.searchsorted(at, kinks), spline.table.jumps
    E = np.zeros((kinks.size, spline.size))
    for r in range(problem.order + 1):
        E[np.arange(kinks.size), own + r] = sign[kinks] * J[own, r]
    E /= np.sqrt((E * gram.solve(E.T).T).sum(axis=1))[:, None]
    V = gram.solve(E.T)
    M = E @ V

    def derivative(move: Any, side: float) -> np.ndarray:
        rhs = spline.collect(move.r) - np.outer(spline.pull(sign[at]), move.alpha)
        c = gram.solve(side * rhs)
        v = [complementary(M, None, column) for column in (E @ c).T]
        return spline.expand(c + V @ np.maximum(np.column_stack(v), 0.0))

    return derivative
