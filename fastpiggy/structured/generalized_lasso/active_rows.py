"""A generalized Lasso's solution for given active rows, its dual variable, and the derivative.

Where ``D x`` is zero in all rows but A, with signs s there, x is a projection on the null space of
the other rows, in the norm of the weights:

    x = P (W y - alpha D_A's),    J = P (r - dalpha D_A's),    r = W dy + dw (y - x),

``P = N N'`` with N from :class:`Subspace`.  At a kink, a zero row whose dual variable is at its
bound, the selection q decides: q = 0 leaves the row out of A, q = 1 takes it in; in between, the
fixed point of ADMM's tangent recursion adds ``rho (1 - q)/q (D_i N)'(D_i N)`` to ``N'W N = I``.
"""

from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.problems import directions as wrt
from fastpiggy.solving.complementarity import complementary
from fastpiggy.structured.generalized_lasso.problem import least_bound
from fastpiggy.structured.generalized_lasso.subspace import Subspace
from fastpiggy.structured.quadratic import Movement, margin, movement, objective, units

#: How near to a kink counts as on it, relative to alpha or to the signal's scale.
NEAR = 1e-10

_EPS = float(np.finfo(float).eps)


def gradient_scale(problem: Any) -> float:
    """What gradients are measured against: the gradient at the solution with ``D x = 0``."""
    return problem.null_model.gradient or float(np.abs(problem.y).max()) or 1.0


def dual_scale(problem: Any) -> float:
    """What the dual variable is measured against; a bound of alpha_max stands for that."""
    return max(problem.alpha, 1e-3 * float(np.abs(problem.null_model.u).max())) or 1.0


class ActiveRows:
    """See the module's docstring.

    Parameters
    ----------
    problem : GeneralizedLasso
    rows : ndarray of int
        Active rows of D, ascending.
    signs : ndarray
        Of ``D x`` there.
    u : ndarray of shape (rows,)
        A guess of the dual variable: it decides which one, where there are many.
    selection : ndarray of shape (rows,)
    rho : float
        The penalty parameter of the ADMM whose selection q is meant.
    iterate : ndarray of shape (n,), optional
        An iterate of ADMM, to stand for the solution.
    """

    def __init__(
        self, problem: Any, rows: np.ndarray, signs: np.ndarray, u: np.ndarray,
        selection: np.ndarray, rho: float, iterate: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self.problem, self.rows, self.signs, self.q, self.rho = problem, rows, signs, selection, rho
        w, y = problem.sample_weight, problem.y
        self.off = np.ones(problem.rows, dtype=bool)
        self.off[rows] = False
        self.space = Subspace(problem.D[self.off], w)
        pull = problem.alpha * (problem.D[rows].T @ signs)
        x = self.space.project(w * y - pull)
        # Once more: what is left is orthogonal to the null space to rounding.
        self.solution = x + self.space.project(w * (y - x) - pull)
        self.iterate = iterate
        self.x = self.solution if iterate is None else iterate
        self.u = np.clip(u, -problem.alpha, problem.alpha) if self.open else self._dual(u)

    @property
    def open(self) -> bool:
        """Weights of zero leave the solution open: an iterate stands for it, with its own dual."""
        return self.space.singular and self.iterate is not None

    def _dual(self, guess: np.ndarray) -> np.ndarray:
        """The dual variable next to the guess: at its bound in A, ``D'u = W (y - x)``."""
        p = self.problem
        u = np.clip(guess, -p.alpha, p.alpha)
        u[self.rows] = p.alpha * self.signs
        gradient = p.sample_weight * (p.y - self.solution)
        for _ in range(2):
            u[self.off] += self.space.lift(gradient - p.D.T @ u)
        return u

    def without_flat(self) -> "ActiveRows":
        """The same without the active rows where D x is zero, if that is as good.

        ADMM may leave such rows active, where others force their zero.
        """
        flat = np.abs(self.reach) <= max(NEAR, self.floor)
        if self.problem.alpha == 0.0 or self.open or not flat.any():
            return self
        found = ActiveRows(
            self.problem, self.rows[~flat], self.signs[~flat], self.u, self.q, self.rho,
            self.iterate,
        )  # fmt: skip
        return found if found.optimality <= max(2 * self.optimality, self.floor) else self

    @cached_property
    def _defect(self) -> float:
        p = self.problem
        x = self.x if self.open else self.solution
        left = p.sample_weight * (p.y - x) - p.D.T @ self.u
        return float(np.abs(left).max()) / gradient_scale(p)

    @cached_property
    def z(self) -> np.ndarray:
        """``D x`` in the active rows."""
        return self.problem.D[self.rows] @ self.solution

    @cached_property
    def reach(self) -> np.ndarray:
        """By active row: about how far x moves when its entry of D x goes to zero, in gradients."""
        p, D = self.problem, self.problem.D[self.rows]
        size = np.sqrt(np.asarray((D * D).sum(axis=1)).ravel())
        return self.signs * self.z / size * p.sample_weight.max() / gradient_scale(p)

    @cached_property
    def optimality(self) -> float:
        """The largest violation of the conditions, each in shares of its scale."""
        p = self.problem
        if self.open:
            return self._defect
        excess = float((np.abs(self.u) - p.alpha).max(initial=0.0)) / dual_scale(p)
        wrong = float((-self.reach).max(initial=0.0)) if p.alpha > 0 else 0.0
        away = np.abs(p.sample_weight * (self.x - self.solution)).max() / gradient_scale(p)
        return max(excess, wrong, self._defect, float(away))

    @cached_property
    def floor(self) -> float:
        """About what rounding leaves of the optimality."""
        p = self.problem
        noise = 16 * _EPS * float((p.sample_weight * (np.abs(p.y) + np.abs(self.x))).max())
        noise += 16 * _EPS * p.alpha * float(abs(p.D).sum(axis=0).max())
        return noise * max(1 / gradient_scale(p), 1 / dual_scale(p)) * np.sqrt(p.y.size)

    def objective(self) -> float:
        return objective(self.problem, self.x)

    @property
    def degrees_of_freedom(self) -> float:
        """Dimension of the null space of the inactive rows."""
        return float(self.space.basis.shape[1])

    @cached_property
    def kinks(self) -> np.ndarray:
        """Rows of D where the selection is not unique, to a tolerance.

        Where many duals fit, a row stands on a kink if its entry is at the bound in every one: a
        dual that stays inside, if there is one, proves that none does.
        """
        p = self.problem
        if p.alpha == 0.0:
            return np.zeros(0, dtype=np.int64)
        near = max(NEAR, self.floor, min(2 * self.optimality, 1e-3))
        touching = self.off & (np.abs(self.u) >= p.alpha - near * dual_scale(p))
        if touching.any() and not self.space.independent:
            pull = p.D.T @ np.where(self.off, self.u, 0.0)
            if least_bound(p.D[self.off], pull, p.alpha) < p.alpha - 1e3 * near * dual_scale(p):
                touching[:] = False
        touching[self.rows[np.abs(self.reach) <= near]] = True
        return np.flatnonzero(touching)

    @cached_property
    def _selected(self) -> tuple[Subspace, np.ndarray, Any]:
        """The null space that the selection allows, signs of the pull, and the curb of kinks."""
        p, kinks = self.problem, self.kinks
        sign = np.zeros(p.rows)
        sign[self.rows] = self.signs
        if not kinks.size:
            return self.space, sign, None
        q = self.q[kinks]
        sign[kinks] = np.where(q > 0, np.sign(self.u[kinks]), 0.0)
        space = Subspace(p.D[sign == 0], p.sample_weight)
        part = kinks[(q > 0) & (q < 1)]
        if not part.size:
            return space, sign, None
        E = (p.D[part] @ space.basis).toarray()
        inner = np.diag(self.q[part] / (self.rho * (1.0 - self.q[part]))) + E @ E.T
        return space, sign, (E, inner)

    def _coefficients(self, r: np.ndarray) -> np.ndarray:
        """``inv(I + curb) N'r``."""
        space, _, curb = self._selected
        c = space.basis.T @ r
        if curb is not None:
            E, inner = curb
            c = c - E.T @ np.linalg.solve(inner, E @ c)
        return c

    @property
    def singular(self) -> bool:
        """Whether weights of zero leave something of the null space free."""
        if np.all(self.problem.sample_weight > 0):
            return False
        touched = np.ones(self.problem.rows, dtype=bool)
        touched[self.rows] = touched[self.kinks] = False
        return Subspace(self.problem.D[touched], self.problem.sample_weight).singular

    @property
    def stuck(self) -> bool:
        """The map keeps a part of x where the solution is open."""
        return self.singular

    @property
    def units(self) -> dict[str, float]:
        return units(self.problem, self.x, self.rho)

    def movement(self, directions: list[wrt.Direction]) -> Movement:
        """See :func:`fastpiggy.structured.quadratic.movement`."""
        return movement(self.problem, self.solution, directions)

    def _right(self, move: Movement) -> np.ndarray:
        return move.r - np.outer(self.problem.D.T @ self._selected[1], move.alpha)

    def solve(self, move: Movement) -> np.ndarray:
        """J of shape (n, m)."""
        return self._selected[0].basis @ self._coefficients(self._right(move))

    def residual(self, J: np.ndarray, move: Movement) -> np.ndarray:
        """``J+ - J``, J+ what a Newton step on the active rows makes of J: its map has A = 0."""
        return self.solve(move) - J

    def distance(self, J: np.ndarray, move: Movement) -> tuple[float, bool]:
        """Frobenius norm of J less the derivative, a bound: the projection is orthonormal.

        N misses ``N'W N = I`` by e, and J by as much of itself; rounding of products adds to that.
        """
        N, w = self._selected[0].basis, self.problem.sample_weight
        if w.min() == 0.0 and self.singular:
            return np.inf, False
        found = self.solve(move)
        weighted = N.copy()
        weighted.data *= w[N.indices]
        gram = N.T @ weighted
        gram.setdiag(gram.diagonal() - 1.0)
        e = float(abs(gram).sum(axis=0).max()) if N.shape[1] else 0.0
        right = np.abs(self._right(move)).sum() / np.sqrt(w[w > 0].min())
        rounding = 8 * _EPS * right * np.sqrt(self.problem.y.size / w[w > 0].min())
        away = float(np.linalg.norm(found - J))
        return away + 2 * e * float(np.linalg.norm(found)) + float(rounding), True

    def adjoint(self, v: np.ndarray, names: list[str]) -> dict[str, Any]:
        """``v'J`` by parameter."""
        p = self.problem
        e = self._selected[0].basis @ self._coefficients(v)
        found = {
            "alpha": -float(e @ (p.D.T @ self._selected[1])),
            "y": p.sample_weight * e,
            "sample_weight": (p.y - self.solution) * e,
        }
        return {name: found[name] for name in names}

    def by_side(self, directions: list[wrt.Direction]) -> Any:
        """The function of a movement and a side that gives the one-sided derivative.

        Rows on a kink keep their sign or stay zero: with E their rows on the null space of the
        others, ``c = N'rhs + E'v`` has ``E c >= 0``, ``v >= 0`` and ``v'E c = 0``.
        """
        p, kinks = self.problem, self.kinks
        if self.singular:
            raise np.linalg.LinAlgError(
                "singular_active_set: points of weight zero leave the solution undetermined; give "
                "them a positive sample_weight"
            )
        if p.alpha == 0.0 and np.any(self.z == 0) and any(d.name == "alpha" for d in directions):
            raise ValueError(
                "one_sided('alpha') at alpha = 0 does not cover rows of D x that are zero; move "
                "alpha away from 0"
            )
        if not kinks.size:
            return lambda move, side: self.solve(move) * side
        sign = np.zeros(p.rows)
        sign[self.rows], sign[kinks] = self.signs, np.sign(self.u[kinks])
        N = Subspace(p.D[sign == 0], p.sample_weight).basis
        E = sign[kinks, None] * (p.D[kinks] @ N).toarray()
        E /= np.maximum(np.linalg.norm(E, axis=1), 1e-300)[:, None]

        def derivative(move: Movement, side: float) -> np.ndarray:
            c = side * (N.T @ (move.r - np.outer(p.D.T @ sign, move.alpha)))
            v = [complementary(E @ E.T, None, column) for column in (E @ c).T]
            return N @ (c + E.T @ np.maximum(np.column_stack(v), 0.0))

        return derivative

    def margin(self) -> tuple[float, float] | None:
        """How far alpha can go down and up before an active row comes or goes, to first order.

        None where the inactive rows are linearly dependent: the dual is not determined then.
        """
        p = self.problem
        if self.kinks.size:
            return 0.0, 0.0
        if not self.space.independent:
            return None
        one = Movement(np.zeros((p.y.size, 1)), np.ones(1))
        dx = self.solve(one)[:, 0]
        dz = p.D[self.rows] @ dx
        pull = p.D[self.rows].T @ self.signs
        du = self.space.lift(-p.sample_weight * dx - pull)
        u = self.u[self.off]
        return margin(p.alpha, self.z, dz, u, du)
