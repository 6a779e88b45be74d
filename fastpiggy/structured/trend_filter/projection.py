"""The derivative of a trend filter's solution: the projection on the splines that its knots allow.

At fixed knots and signs the solution is linear in y, and

    J = N inv(G) (N'r - dalpha (D_K N)'s),    r = W dy + dw (y - x),

N the discrete B-splines and ``G = N'WN``: ``-P D_K's`` along alpha with P the projector on
null(D_I), and P along y.  At a kink, where ``abs(u_i) = alpha`` and ``(D x)_i = 0``, the selection
q decides: q = 0 leaves row i out of K, q = 1 takes it in.  In between, the fixed point of ADMM's
tangent recursion is the same system with ``rho (1 - q)/q (D_i N)'(D_i N)`` added to G.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.problems import directions as wrt
from fastpiggy.structured.quadratic import Movement, margin, movement, objective, units
from fastpiggy.structured.trend_filter.discrete_spline import DiscreteSpline, Gram
from fastpiggy.structured.trend_filter.knots import Knots, gradient_scale

_EPS = float(np.finfo(float).eps)


def iterate_floor(problem: Any, rho: float) -> float:
    """What rounding leaves of the optimality of ADMM's iterates: the condition of M decides."""
    size = float(np.abs(problem.y).max()) / gradient_scale(problem)
    return 4 * _EPS * size * (float(problem.sample_weight.max()) + rho * problem.largest**2)


class Projection:
    """A point and the derivative there.

    Parameters
    ----------
    knots : Knots
    selection : ndarray of shape (rows,)
    rho : float, or callable that returns it
        The penalty parameter of the ADMM whose selection q is meant.
    x : ndarray of shape (n,), optional
        An iterate of ADMM; by default the solution for the knots.
    residual : float, optional
        The iterate's own, over the scale of gradients.
    """

    def __init__(
        self, knots: Knots, selection: np.ndarray, rho: float | Callable[[], float],
        x: np.ndarray | None = None, residual: float = np.inf,
    ) -> None:  # fmt: skip
        self.problem, self.knots = knots.problem, knots
        self.q, self._rho = selection, rho
        self.iterate, self._residual = x, residual
        self.x = knots.x if x is None else x
        self._last: Any = None

    @cached_property
    def rho(self) -> float:
        """The penalty parameter; most points have no use for it."""
        return self._rho() if callable(self._rho) else self._rho

    @cached_property
    def _apart(self) -> float:
        """How far an iterate is from the solution for its knots, in gradients."""
        moved = self.problem.sample_weight * (self.x - self.knots.x)
        return float(np.abs(moved).max()) / gradient_scale(self.problem)

    @property
    def optimality(self) -> float:
        """That of the knots, or how far x is from their solution if that is more.

        Where the knots leave the solution open (points of weight zero), an iterate's own residual
        stands for it.
        """
        if self.iterate is not None and self.knots.gram.singular:
            return self._residual
        return max(self.knots.optimality, self._apart)

    @property
    def floor(self) -> float:
        """What rounding leaves; for an iterate also what the condition of ADMM's M does."""
        if self.iterate is None:
            return self.knots.floor
        return max(self.knots.floor, iterate_floor(self.problem, self.rho))

    def objective(self) -> float:
        """Loss plus penalty at x."""
        if self.iterate is None:
            return self.knots.objective()
        return objective(self.problem, self.x)

    @cached_property
    def kinks(self) -> np.ndarray:
        """Rows of D where the selection is not unique, to a tolerance."""
        alpha, knots = self.problem.alpha, self.knots
        if alpha == 0.0:
            return np.zeros(0, dtype=np.int64)
        of_x, of_u = knots.near
        touching = np.flatnonzero(np.abs(knots.u) >= alpha - of_u)
        near = np.abs(knots.reach) <= of_x
        # u is at its bound in the rows of all knots.
        if touching.size == knots.rows.size and not near.any():
            return np.zeros(0, dtype=np.int64)
        return np.setdiff1d(touching, knots.rows[~near], assume_unique=True)

    @cached_property
    def active(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows that the selection takes in, their signs, and ``rho (1 - q)/q`` at kinks."""
        knots, kinks = self.knots, self.kinks
        if not kinks.size:
            return knots.rows, knots.signs, np.zeros(knots.rows.size)
        sign, share = np.zeros(self.problem.rows), np.zeros(self.problem.rows)
        sign[knots.rows], share[knots.rows] = knots.signs, 1.0
        sign[kinks], share[kinks] = np.sign(knots.u[kinks]), self.q[kinks]
        rows = np.flatnonzero(share)
        return rows, sign[rows], self.rho * (1.0 - share[rows]) / share[rows]

    @property
    def pieces(self) -> np.ndarray:
        """By row of D: the sign where it is taken in, else 0."""
        found = np.zeros(self.problem.rows)
        found[self.active[0]] = self.active[1]
        return found

    @cached_property
    def _system(self) -> tuple[DiscreteSpline, Gram]:
        rows, _, curb = self.active
        if rows is self.knots.rows:
            return self.knots.spline, self.knots.gram
        spline = self.problem.spline(rows)
        return spline, Gram(spline, self.problem.sample_weight, curb)

    @property
    def degrees_of_freedom(self) -> float:
        """Knots + degree + 1, the rank of the projection; a row on a kink counts by its q.

        Weights of zero take their splines out of it.
        """
        gram, full = self._system[1], float(self._system[0].size)
        if self.kinks.size:
            full += float((self.q[self.kinks] - (self.q[self.kinks] > 0)).sum())
        return full if not self.singular else float(gram.rank)

    @cached_property
    def singular(self) -> bool:
        """Whether weights of zero leave the system singular on the knots and kinks together."""
        if np.all(self.problem.sample_weight > 0):
            return False
        rows = np.union1d(self.knots.rows, self.kinks)
        spline = self.problem.spline(rows)
        return Gram(spline, self.problem.sample_weight).singular

    @property
    def stuck(self) -> bool:
        """The map has the eigenvalue 1 where the system is singular."""
        return self.singular

    @property
    def units(self) -> dict[str, float]:
        return units(self.problem, self.x, None if self.iterate is None else self.rho)

    def by_side(self, directions: list[wrt.Direction]) -> Any:
        """See :func:`fastpiggy.structured.trend_filter.one_sided.by_side`."""
        from fastpiggy.structured.trend_filter.one_sided import by_side

        return by_side(self, directions)

    def movement(self, directions: list[wrt.Direction]) -> Movement:
        """See :func:`movement`."""
        return movement(self.problem, self.knots.x, directions)

    def _coefficients(self, move: Movement) -> tuple[np.ndarray, np.ndarray]:
        """c and the right-hand side of ``G c``, kept for the movement that was last asked for."""
        if self._last is None or self._last[0] is not move:
            spline, gram = self._system
            rhs = spline.collect(move.r) - np.outer(spline.pull(self.active[1]), move.alpha)
            self._last = move, gram.solve(rhs), rhs
        return self._last[1:]

    def solve(self, move: Movement) -> np.ndarray:
        """J of shape (n, m)."""
        return self._system[0].expand(self._coefficients(move)[0])

    def adjoint(self, v: np.ndarray, names: list[str]) -> dict[str, Any]:
        """``v'J = e'r + a dalpha`` for every movement, by parameter."""
        spline, gram = self._system
        c = gram.solve(spline.collect(v[:, None]))
        e, p = spline.expand(c)[:, 0], self.problem
        found = {
            "alpha": -float(spline.pull(self.active[1]) @ c[:, 0]),
            "y": p.sample_weight * e,
            "sample_weight": (p.y - self.knots.x) * e,
        }
        return {name: found[name] for name in names}

    def residual(self, J: np.ndarray, move: Movement) -> np.ndarray:
        """``J+ - J``, J+ what one Newton step on the knots makes of J.

        The step projects J and corrects what is left of the system; its map has A = 0.
        """
        spline, gram = self._system
        if np.any(self.active[2]):
            return self.solve(move) - J
        held = spline.collect(self.problem.sample_weight[:, None] * J)
        rhs = self._coefficients(move)[1]
        return spline.expand(gram.solve(held) + gram.solve(rhs - held)) - J

    def distance(self, J: np.ndarray, move: Movement) -> tuple[float, bool]:
        """Frobenius norm of J less the derivative, a bound; inf where there is none.

        ``J+ = N c`` of one step misses the derivative by N e with ``G e`` what is left of the
        system.  With ``G >= tau diag(G)`` and B-splines that add up to one, ``norm(N e)^2`` is at
        most ``max_j (N'1)_j / G_jj`` times ``e' diag(G) e``, which is at most
        ``norm(diag(G)^-1/2 G e)^2 / tau^2``.
        """
        spline, gram = self._system
        tau = gram.least_eigenvalue
        if not tau > 0:
            return np.inf, False
        c, rhs = self._coefficients(move)
        left = rhs - gram.times(c)
        # The right-hand side and its product with G are themselves rounded.
        size = np.abs(rhs) + gram.times(np.abs(c), np.abs(gram.bands))
        left = np.abs(left) + 4 * _EPS * (size + spline.collect(np.abs(move.r)))
        scale = np.sqrt(gram.diagonal)[:, None]
        sums = spline.collect(np.ones((spline.n, 1)))[:, 0]
        spread = np.sqrt((sums / gram.diagonal).max())
        error = spread * float(np.linalg.norm(left / scale)) / tau
        return float(np.linalg.norm(spline.expand(c) - J)) + error, True

    def margin(self) -> tuple[float, float] | None:
        """How far alpha can go down and up before a knot comes or goes, to first order.

        The difference at a knot reaches zero at ``z + h dz = 0``, another row becomes a knot where
        ``abs(u + h du) = alpha + h``.
        """
        p, knots = self.problem, self.knots
        if self.kinks.size:
            return 0.0, 0.0
        c = knots.gram.solve(-knots.spline.pull(knots.signs))
        dz = knots.spline.across(c)
        g = -p.sample_weight * knots.spline.expand(c[:, None])[:, 0]
        du = p.dual(g, knots.rows, knots.signs)
        off = np.ones(p.rows, dtype=bool)
        off[knots.rows] = False
        return margin(p.alpha, knots.z, dz, knots.u[off], du[off])
