"""Degree 0 where no jump stands on a kink: the solution and its derivative by segments, in O(n).

Between two jumps x is the weighted mean of y, moved by the bounds that u has at the two ends, so
that on a segment b of total weight W_b, with signs s of the jumps at its ends,

    J_b = (sum_b r + dalpha (s_right - s_left)) / W_b,    r = W dy + dw (y - x).
"""

from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.problems import directions as wrt
from fastpiggy.structured.quadratic import Movement, margin, movement, objective, units
from fastpiggy.structured.trend_filter.dynamic_programming import segments, total_variation
from fastpiggy.structured.trend_filter.knots import dual_scale, gradient_scale
from fastpiggy.structured.trend_filter.projection import NEAR

_EPS = float(np.finfo(float).eps)


class Segments:
    """The solution of a total variation problem.

    Parameters
    ----------
    problem : TrendFilter
        Of degree 0, alpha positive.
    """

    singular = stuck = False
    kinks = np.zeros(0, dtype=np.int64)

    def __init__(self, problem: Any) -> None:
        self.problem, n = problem, problem.y.size
        self.x, self.u = np.empty(n), np.empty(n - 1)
        rows, starts = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
        signs, weights = np.empty(n), np.empty(n)
        y, w, alpha = problem.y, problem.sample_weight, problem.alpha
        total_variation(y, w, alpha, self.x)
        found = segments(y, w, alpha, self.x, rows, signs, starts, weights, self.u)
        jumps, wrong, excess, defect, self._smallest, self._nearest = found
        self.rows, self.signs = rows[:jumps], signs[:jumps]
        self.starts, self.weights = starts[: jumps + 1], weights[: jumps + 1]
        scale = gradient_scale(problem)
        largest = float(w.max())
        self._reach = self._smallest * largest / scale
        self.optimality = max(excess / dual_scale(problem), wrong * largest / scale, defect / scale)

    @cached_property
    def sizes(self) -> np.ndarray:
        """Points of each segment."""
        return np.diff(self.starts, append=self.problem.y.size)

    @cached_property
    def floor(self) -> float:
        """About what rounding leaves: of y - x, and of its sums along the longest segment."""
        p = self.problem
        noise = 4 * _EPS * float((p.sample_weight * (np.abs(p.y) + np.abs(self.x))).max())
        h = float(self.sizes.max())
        return noise * max(1 / gradient_scale(p), h**0.5 / dual_scale(p))

    @property
    def plain(self) -> bool:
        """No jump near a kink, no segment without weight: what this class is made for."""
        near = max(NEAR, self.floor, min(2 * self.optimality, 1e-3))
        off = self._nearest > near * dual_scale(self.problem)
        return bool(off and self._reach > near and self.weights.min() > 0.0)

    @property
    def degrees_of_freedom(self) -> float:
        """Number of segments."""
        return float(self.starts.size)

    def objective(self) -> float:
        """Loss plus penalty."""
        return objective(self.problem, self.x)

    @property
    def units(self) -> dict[str, float]:
        return units(self.problem, self.x, 1.0)

    def movement(self, directions: list[wrt.Direction]) -> Movement:
        """See :func:`fastpiggy.structured.quadratic.movement`."""
        return movement(self.problem, self.x, directions)

    def by_side(self, directions: list[wrt.Direction]) -> Any:
        """Both sides of the derivative: off kinks they are one."""
        return lambda move, side: self.solve(move) * side

    @cached_property
    def _tension(self) -> np.ndarray:
        """``s_right - s_left`` by segment."""
        return np.diff(self.signs, prepend=0.0, append=0.0)

    def _sums(self, values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values, self.starts, axis=0)

    def _values(self, move: Movement) -> np.ndarray:
        pulled = self._sums(move.r) + np.outer(self._tension, move.alpha)
        return pulled / self.weights[:, None]

    def solve(self, move: Movement) -> np.ndarray:
        """J of shape (n, m)."""
        return np.repeat(self._values(move), self.sizes, axis=0)

    def residual(self, J: np.ndarray, move: Movement) -> np.ndarray:
        """``J+ - J``, J+ what a Newton step on the segments makes of J: its map has A = 0."""
        return self.solve(move) - J

    def distance(self, J: np.ndarray, move: Movement) -> tuple[float, bool]:
        """Frobenius norm of J less the derivative, a bound: the sums are known up to rounding."""
        size = self._sums(np.abs(move.r)) + np.outer(np.abs(self._tension), np.abs(move.alpha))
        error = _EPS * (self.sizes + 4.0)[:, None] * size / self.weights[:, None]
        rounding = float(np.sqrt((self.sizes[:, None] * error**2).sum()))
        return float(np.linalg.norm(self.residual(J, move))) + rounding, True

    def adjoint(self, v: np.ndarray, names: list[str]) -> dict[str, Any]:
        """``v'J`` by parameter."""
        p = self.problem
        c = self._sums(v) / self.weights
        e = np.repeat(c, self.sizes)
        found = {
            "alpha": float(self._tension @ c),
            "y": p.sample_weight * e,
            "sample_weight": (p.y - self.x) * e,
        }
        return {name: found[name] for name in names}

    def margin(self) -> tuple[float, float]:
        """How far alpha can go down and up before a jump comes or goes, to first order.

        Within a segment u moves along a straight line in the sums of weights, between the bounds
        at its ends.
        """
        p = self.problem
        slope = self._tension / self.weights
        du = np.cumsum(p.sample_weight * np.repeat(slope, self.sizes))[:-1]
        off = np.ones(p.rows, dtype=bool)
        off[self.rows] = False
        u, du = self.u[off], du[off]
        z, dz = np.diff(self.x[self.starts]), np.diff(slope)
        return margin(p.alpha, z, dz, u, du)
