"""A trend filter's solution for given knots and signs, its dual variable, and what they violate.

With ``D x = 0`` but in the rows K (the knots), where u = alpha s with signs s, the conditions of
optimality are those of least squares on splines,

    x = N c,    N'W N c = N'W y - alpha (D_K N)'s,

N the discrete B-splines: a banded system of the size of K that stays well conditioned however far
apart the knots are.  The dual ``D'u = W (y - x)`` follows by sums.
"""

from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.structured.trend_filter.discrete_spline import Gram

#: How near to a kink counts as on it, relative to alpha or to the signal's scale.  At a distance of
#: h points to the next knot, abs(u) beside a knot is within about ``1/h^2`` of alpha.
NEAR = 1e-11

_EPS = float(np.finfo(float).eps)


class Knots:
    """See the module's docstring.

    Parameters
    ----------
    problem : TrendFilter
    rows : ndarray of int
        Ascending.
    signs : ndarray
        Of the differences there.
    """

    def __init__(self, problem: Any, rows: np.ndarray, signs: np.ndarray) -> None:
        self.problem, self.rows, self.signs = problem, rows, signs
        self.spline = problem.spline(rows)
        self.x, self.z, away, self._size = self.spline.fit(
            problem.y, problem.sample_weight, problem.alpha, signs
        )
        # Of gradients.  By that much W (y - x) misses all D'u with u at its bounds in the rows.
        self._away = problem.heaviest * away

    @cached_property
    def gram(self) -> Gram:
        """The Gram matrix of the splines, factored."""
        return Gram(self.spline, self.problem.sample_weight)

    @cached_property
    def u(self) -> np.ndarray:
        """The dual variable; ``alpha signs`` in the rows of the knots."""
        p = self.problem
        g = p.sample_weight * (p.y - self.x)
        return p.dual(g, self.rows, p.alpha * self.signs)

    @cached_property
    def excess(self) -> float:
        """The largest ``(abs(u) - alpha)_+`` over ``max(alpha, 1e-3 alpha_max)``."""
        over = float(np.abs(self.u).max()) - self.problem.alpha
        return max(over, 0.0) / dual_scale(self.problem)

    @cached_property
    def reach(self) -> np.ndarray:
        """By knot: about how far x moves when its difference goes to zero, signed, in gradients."""
        w = self.problem.heaviest
        return self.signs * self.z * self.spline.spans * w / gradient_scale(self.problem)

    @cached_property
    def wrong(self) -> np.ndarray:
        """By knot: `reach` where the difference has the wrong sign, else 0."""
        return np.maximum(-self.reach, 0.0) if self.problem.alpha > 0 else 0.0 * self.reach

    @cached_property
    def optimality(self) -> float:
        """The largest violation of the conditions, in shares of what they are measured by.

        abs(u) <= alpha over ``max(alpha, 1e-3 alpha_max)``; the signs at the knots and what
        ``D'u = W (y - x)`` leaves of x over the gradient at the polynomial of least squares.  x is
        the solution for a y that differs by about this share.
        """
        defect = self._away / gradient_scale(self.problem)
        return float(max(self.excess, self.wrong.max(initial=0.0), defect))

    @cached_property
    def floors(self) -> tuple[float, float]:
        """About what rounding leaves of gradients and of the dual variable, in their measures.

        Rounding of y - x, and its sums between two knots, of which h points are the most: they
        grow as ``h^(order - 1/2)``, at positions t as the extent to the power of the degree.
        """
        p = self.problem
        noise = 4 * _EPS * self._size
        ends = np.concatenate([[-1], self.rows, [p.rows]])
        h = float(np.diff(ends).max())
        extent = float(np.diff(self.spline.positions(ends)).max())
        return noise / gradient_scale(p), noise * h**0.5 * extent**p.degree / dual_scale(p)

    @property
    def floor(self) -> float:
        """About what rounding leaves of the optimality."""
        return max(self.floors)

    @cached_property
    def near(self) -> tuple[float, float]:
        """How near to a kink counts as on it: by `reach`, and by ``alpha - abs(u)``.

        What optimality leaves open is on it too.
        """
        of_x, of_u = self.floors
        off = max(self.wrong.max(initial=0.0), self._away / gradient_scale(self.problem))
        alpha, dual = self.problem.alpha, dual_scale(self.problem)
        return (
            max(NEAR, of_x, min(2 * off, 1e-3)),
            max(NEAR * alpha, of_u * dual, min(2 * self.excess, 1e-3) * dual),
        )

    def objective(self) -> float:
        p = self.problem
        loss = 0.5 * float((p.sample_weight * (self.x - p.y) ** 2).sum())
        return loss + p.alpha * float(np.abs(self.z).sum())


def dual_scale(problem: Any) -> float:
    """What the dual variable is measured against."""
    return max(problem.alpha, 1e-3 * problem.alpha_max()) or 1.0


def gradient_scale(problem: Any) -> float:
    """What gradients are measured against: the gradient at the polynomial of least squares.

    The scale of alpha would not do: alpha grows as a power of the distance between knots.
    """
    return problem.scales[0] or float(np.abs(problem.y).max()) or 1.0


def at_zero(problem: Any) -> Knots:
    """The solution for alpha = 0, y itself: every row is a knot."""
    signs = np.sign(problem.differences(problem.y))
    return Knots(problem, np.arange(problem.rows), signs)
