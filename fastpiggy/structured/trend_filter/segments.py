"""Degree 0 where no jump stands on a kink: the solution and its derivative by segments, in O(n).

Between two jumps x is the weighted mean of y, moved by the bounds that u has at the two ends, so
that on a segment b of total weight W_b, with signs s of the jumps at its ends,

    J_b = (sum_b r + dalpha (s_right - s_left)) / W_b,    r = W dy + dw (y - x).
"""

import math
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.problems import directions as wrt
from fastpiggy.structured.quadratic import Movement, margin, movement, objective
from fastpiggy.structured.trend_filter.dynamic_programming import minimise
from fastpiggy.structured.trend_filter.knots import NEAR, gradient_scale
from fastpiggy.structured.trend_filter.taut_string import total_variation

_EPS = float(np.finfo(float).eps)

#: The r of a movement that leaves y and the weights alone.
_NOTHING = np.zeros((0, 0))


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
        self.x = np.empty(n)
        self._slope: np.ndarray | None = np.empty(n)
        arguments = problem.y, problem.sample_weight, problem.alpha, self.x, self._slope
        found = total_variation(*arguments, False)
        if found[0] < 0:
            minimise(*arguments[:4])
            found = total_variation(*arguments, True)
        (
            self._jumps, longest, defect, smallest, peak, size, self._away, self._spread, lightest,
            gradient, top,
        ) = found  # fmt: skip
        gradient, top = problem.take_scales(gradient, size, top)
        scale, dual = gradient or gradient_scale(problem), max(problem.alpha, 1e-3 * top)
        self._largest = problem.heaviest
        reach, gap = smallest * self._largest / scale, problem.alpha - peak
        self.optimality = max(-gap / dual, -reach, defect / scale)
        # About what rounding leaves: of y - x, and of its sums along the longest segment.
        self.floor = 4 * _EPS * size * max(1 / scale, longest**0.5 / dual)
        near = max(NEAR, self.floor, min(2 * self.optimality, 1e-3))
        #: No jump near a kink, no segment without weight: what this class is made for.
        self.plain = gap > near * dual and reach > near and lightest > 0.0
        self._made: Any = None

    @cached_property
    def u(self) -> np.ndarray:
        """The dual variable, ``alpha signs`` in the rows of the jumps."""
        p = self.problem
        u = np.cumsum(p.sample_weight * (self.x - p.y))[:-1]
        u[self.rows] = p.alpha * self.signs
        return u

    @cached_property
    def starts(self) -> np.ndarray:
        """First points of the segments."""
        return np.concatenate([[0], self.rows + 1])

    @cached_property
    def rows(self) -> np.ndarray:
        """Rows of the jumps."""
        return np.flatnonzero(np.diff(self.x))

    @cached_property
    def signs(self) -> np.ndarray:
        """Of the jumps."""
        return np.sign(self.x[self.rows + 1] - self.x[self.rows])

    @cached_property
    def weights(self) -> np.ndarray:
        """Sums of the weights by segment."""
        return self._sums(self.problem.sample_weight)

    @cached_property
    def sizes(self) -> np.ndarray:
        """Points of each segment."""
        return np.diff(self.starts, append=self.problem.y.size)

    @property
    def degrees_of_freedom(self) -> float:
        """Number of segments."""
        return float(self._jumps + 1)

    def objective(self) -> float:
        """Loss plus penalty."""
        return objective(self.problem, self.x)

    @property
    def units(self) -> dict[str, float]:
        # The penalty parameter does not move a solution.
        away = self._away
        return {
            "alpha": away / self.problem.alpha,
            "sample_weight": away / self._largest,
            "step": 0.0,
        }

    def movement(self, directions: list[wrt.Direction]) -> Movement:
        """See :func:`fastpiggy.structured.quadratic.movement`."""
        if len(directions) == 1 and directions[0].name == "alpha":
            # Nothing but alpha moves: no table of the signal's size.
            return Movement(_NOTHING, directions[0].values)
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

    def solve(self, move: Movement) -> np.ndarray:
        """J of shape (n, m)."""
        if self._made is None or self._made[0] is not move:
            self._made = move, self._derivative(move)
        return self._made[1]  # type: ignore[no-any-return]

    def _derivative(self, move: Movement) -> np.ndarray:
        slope, self._slope = self._slope, None
        if slope is not None and move.r is _NOTHING and move.alpha.tolist() == [1.0]:
            # The kernel's own: given away, so not to be read again.
            return slope[:, None]
        rise = (self._tension / self.weights)[:, None] * move.alpha
        if move.r is not _NOTHING:
            rise += self._sums(move.r) / self.weights[:, None]
        return np.repeat(rise, self.sizes, axis=0)

    def clean(self, J: np.ndarray | None, move: Movement | None) -> bool:
        """Whether J is the own one along alpha, and surely good: see :mod:`.structured`."""
        if not self.plain or move is None or move.r is not _NOTHING:
            return False
        own = self._made is not None and self._made[0] is move and self._made[1] is J
        return own and _EPS * self._spread * self.problem.alpha <= 1e-6 * self._away

    def residual(self, J: np.ndarray, move: Movement) -> np.ndarray:
        """``J+ - J``, J+ what a Newton step on the segments makes of J: its map has A = 0."""
        own = self.solve(move)
        return _NOTHING if own is J else own - J

    def distance(self, J: np.ndarray, move: Movement) -> tuple[float, bool]:
        """Frobenius norm of J less the derivative, a bound: the sums are known up to rounding."""
        rounding = self._spread * math.hypot(*move.alpha)
        if move.r is not _NOTHING:
            size = self._sums(np.abs(move.r))
            error = ((self.sizes + 4.0) / self.weights)[:, None] * size
            rounding += float(np.sqrt((self.sizes[:, None] * error**2).sum()))
        away = self.residual(J, move)
        return (float(np.linalg.norm(away)) if away.size else 0.0) + _EPS * rounding, True

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
