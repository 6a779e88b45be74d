"""The forward-backward map linearised at a point, and linear solves with I - A.

At x, with steps T, gradient g and Hessian H of the loss, the map's Jacobian is ``A = P (I - T H)``
and ``B = C - P T r`` along parameters that move the gradient by r and the prox by C.  With Q a
basis of the range of the symmetric P and L its eigenvalues there, ``J = A J + B`` is

    J = C + Q y,    K y = Q'(inv(T) C - H C - r),    K = Q'H Q + (inv(L) - I) inv(T),

a symmetric system on the active set, in which the steps cancel.  The same K gives a Newton step
(C = z - x, r = 0), the derivative along any parameter, and the adjoint.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.algorithms.composite import row_tangents, rows
from fastpiggy.designs import Fixed, matrix
from fastpiggy.losses import Constant
from fastpiggy.penalties import GroupL2
from fastpiggy.problems import directions as wrt
from fastpiggy.solving.active import NEAR, Selection, select
from fastpiggy.solving.factor import Factor

#: Rounding of the prox's argument, over what it leaves of the optimality.
_ROUNDING = 10.0

#: A jump of the curvature, over its bound, that makes a kink of a row.
_BEND = 1e-3

#: Directions that no parameter takes part in.
NONE: list[wrt.Direction] = []


def bent_rows(binding: Any, z: np.ndarray) -> np.ndarray:
    """Rows that stand on a kink of the loss's slope: they have a curvature on each side.

    A loss that bounds how its curvature moves (``roughness``) has none.
    """
    loss = binding.composite.loss
    if hasattr(loss, "roughness"):
        return np.zeros(0, dtype=np.int64)
    h = np.empty((2, z.size))
    for side, out in zip((-1.0, 1.0), h, strict=True):
        rows(loss, z + side * NEAR * np.abs(z).max(initial=0.0), np.empty_like(z), out)
    return np.flatnonzero(np.abs(h[1] - h[0]) > _BEND * binding.start[1])


@dataclass(frozen=True)
class Movement:
    """How parameters move the map at a held x, along m directions."""

    C: np.ndarray  # (p, m): the prox
    r: np.ndarray  # (p, m): the gradient


class Linearisation:
    """See the module's docstring.

    Parameters
    ----------
    binding : Binding
    x : ndarray of shape (p,)
        The point, the intercept last.
    steps : ndarray of shape (p,), optional
        Those of the map; by default ``binding.steps``.
    """

    def __init__(self, binding: Any, x: np.ndarray, steps: np.ndarray | None = None) -> None:
        self.binding, self.x = binding, x
        self.steps = binding.steps if steps is None else steps
        start, _ = binding.start
        self.states = start + matrix.predict(binding.design, x)
        self.slopes, self.curvatures = np.empty_like(start), np.empty_like(start)
        self.loss = rows(binding.composite.loss, self.states, self.slopes, self.curvatures)
        self.gradient = matrix.scatter(binding.design, self.slopes)
        self.u = x - self.steps * self.gradient
        self._known: tuple[Any, ...] | None = None

    def at(self, x: np.ndarray) -> "Linearisation":
        """The linearisation at another x, which has this one's factor where the system is the
        same: where curvatures do not move, as long as the active set does not."""
        found = Linearisation(self.binding, x, self.steps)
        if "factor" in self.__dict__ and self.active[1] is None:
            found._known = (self.factor, self.active[0], self.active[2], self.curvatures)
        return found

    def _select(
        self, directions: list[wrt.Direction], slack: np.ndarray | float,
        shift: np.ndarray | float = 0.0,
    ) -> Selection:  # fmt: skip
        problem, kind = self.binding.problem, self.binding.kind
        lead = 1
        if kind == "BlockPenalty":
            lead = max((len(members) for members in self.binding.blocks), default=0)
        elif kind == "Penalty":
            lead = self.binding.penalised
        d = wrt.as_records(problem, directions, lead).penalty
        slack = np.broadcast_to(np.asarray(slack, dtype=float), self.x.shape)
        return select(self.binding, self.u + shift, self.steps, slack, d, wrt.count(directions))

    def shifted(self, shift: np.ndarray, directions: list[wrt.Direction] = NONE) -> Selection:
        """The selection with the prox's argument moved."""
        return self._select(directions, 0.0, shift)

    @cached_property
    def selection(self) -> Selection:
        """The selection at x, kinks taken to within the residual."""
        first = self._select(NONE, 0.0)
        found = self._select(NONE, self._reach(first.z))
        if getattr(self.binding.composite.penalty, "alpha", 1.0) == 0.0:
            at_zero = self._at_zero(self._reach(first.z))
            found.kinks = np.union1d(found.kinks, np.flatnonzero(at_zero))
        return found

    def _at_zero(self, near: np.ndarray) -> np.ndarray:
        """Coordinates with ``u = 0``, or groups: kinks where alpha is zero.

        The slopes agree there on all sides, and only alpha's own part jumps.
        """
        penalty, p = self.binding.composite.penalty, self.binding.penalised
        found = np.zeros(self.x.size, dtype=bool)
        if hasattr(penalty, "thresholds"):
            found[:p] = (np.abs(self.u) <= near)[:p] & (penalty.thresholds() > 0)
        elif isinstance(penalty, GroupL2):
            for members, weight in zip(self.binding.blocks, penalty.weights, strict=True):
                norms = np.linalg.norm(self.u[members]), np.linalg.norm(near[members])
                found[members] = weight > 0 and norms[0] <= norms[1]
        return found

    def _reach(self, z: np.ndarray) -> np.ndarray:
        """How far x can still move, and what rounding leaves of it: so near counts as on a kink."""
        return 2.0 * np.abs(z - self.x) + _ROUNDING * self.rounding * self.steps

    @cached_property
    def bent(self) -> np.ndarray:
        """Rows of active columns that stand on a kink of the loss's slope, see `bent_rows`."""
        found, members = bent_rows(self.binding, self.states), self.active[0]
        if not found.size:
            return found
        return found[matrix.block(self.binding.design, members)[found].any(axis=1)]

    @property
    def residual(self) -> np.ndarray:
        """The prox residual ``(x - z)/step``: the violation of optimality by coordinate."""
        return (self.x - self.selection.z) / self.steps

    @cached_property
    def rounding(self) -> np.ndarray:
        """What rounding leaves of the violation: about epsilon times the sums it is made of.

        Each coordinate in the units of its own column.  Columns are centred on the way: sums of
        their own products are of the size of those that are not.
        """
        summed, own, whole, slopes = self._sums
        summed += float(np.linalg.norm(whole * self.x))
        return np.finfo(float).eps * (own * summed + whole * slopes)

    @cached_property
    def _sums(self) -> tuple[float, np.ndarray, np.ndarray, float]:
        """Norms of all that rows hold, of the columns centred and not, and of the slopes."""
        start, h = self.binding.start
        on = h > 0
        slopes = (self.slopes[on] ** 2 / h[on]).sum()
        states = h[on] @ (self.states[on] ** 2 + start[on] ** 2)
        own = np.sqrt(self.binding.lipschitz)
        whole = np.sqrt(self.binding.lipschitz + self.offsets)
        return float(np.sqrt(slopes + states)), own, whole, float(np.sqrt(slopes))

    @cached_property
    def offsets(self) -> np.ndarray:
        """What centring has taken out of the squares of the columns."""
        found = np.zeros(self.x.size)
        if self.x.size > self.binding.penalised:
            found[:-1] = self.binding.lipschitz[-1] * self.binding.design.mean**2
        return found

    @cached_property
    def force(self) -> tuple[np.ndarray, np.ndarray] | None:
        """K times Newton's step, and what rounding leaves of it; None where no formula gives it.

        It is ``(z - x)/step`` on the active set, of which the rounding of x/step is left next to a
        penalty that curves little.
        """
        members, Q, curb = self.active
        found, penalty = self.selection, self.binding.composite.penalty
        moves = self.x != found.z
        moves[members] = False
        if Q is not None or curb.ndim > 1 or found.curbs is None or found.kinks.size or moves.any():
            return None
        pull = np.zeros_like(self.x)
        if hasattr(penalty, "thresholds"):
            pull[: self.binding.penalised] = penalty.alpha * penalty.thresholds()
        pull, x = (pull * np.sign(found.z))[members], self.x[members]
        _, _, whole, slopes = self._sums
        terms = slopes * whole[members] + np.abs(pull) + curb * np.abs(x)
        return -(self.gradient[members] + pull + curb * x), np.finfo(float).eps * terms

    @cached_property
    def floor(self) -> float:
        """What rounding leaves of the optimality.

        Of what x and the columns make together it counts only each coordinate's own product, and
        what centring takes out: a longer floor would hide violations of shorter columns.
        """
        states, own, whole, slopes = self._sums
        out = float(np.linalg.norm((whole - own) * self.x))
        terms = own * (own * np.abs(self.x) + states + out) + whole * slopes
        return float(np.finfo(float).eps * terms.max()) / self.binding.scale

    @property
    def optimality(self) -> float:
        """The largest violation over the problem's scale."""
        return float(np.abs(self.residual).max()) / self.binding.scale

    @cached_property
    def active(self) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        return self.selection.range(self.steps)

    @cached_property
    def factor(self) -> Factor:
        members, Q, curb = self.active
        if Q is None and self._known is not None:
            system = (members, curb, self.curvatures)
            if all(map(np.array_equal, self._known[1:], system)):
                return self._known[0]  # type: ignore[no-any-return]
        return Factor.of(self.binding.design, members, Q, self.curvatures, curb)

    def times_hessian(self, V: np.ndarray) -> np.ndarray:
        """``H V``."""
        XV = matrix.predict(self.binding.design, V)
        return matrix.scatter(self.binding.design, (self.curvatures * XV.T).T)

    def _times_active(self, V: np.ndarray) -> np.ndarray:
        """``H V`` on the active coordinates: from K where V is zero off them."""
        members, Q, curb = self.active
        inner = V[members]
        K = self.factor.K
        if K is None or Q is not None or np.count_nonzero(V) > np.count_nonzero(inner):
            return self.times_hessian(V)[members]
        return K @ inner - (curb @ inner if curb.ndim > 1 else curb[:, None] * inner)

    def movement(self, directions: list[wrt.Direction]) -> Movement:
        """How the directions move the map here; starting point and step do not."""
        p, m = self.x.size, wrt.count(directions)
        # Kinks are decided as for the selection itself, so that P and C are of one element.
        found = self._select(directions, self._reach(self.selection.z))
        r = np.zeros((p, m))
        d = wrt.as_records(self.binding.problem, directions)
        if m and not (isinstance(d.loss, Constant) and isinstance(d.design, Fixed)):
            r = self._gradient_movement(d, m)
        return Movement(found.C, r)

    def _gradient_movement(self, d: Any, m: int) -> np.ndarray:
        n = self.states.size
        starts, tangents = np.zeros((m, n)), np.zeros((m, n))
        if not isinstance(d.loss, Constant):
            row_tangents(self.binding.composite.loss, d.loss, self.states, starts, tangents, m)
        extra = np.zeros((self.x.size, m))
        if not isinstance(d.design, Fixed):
            w = self.x[: d.design.values.shape[2]]
            starts += d.design.values @ w
            extra[: w.size] = np.einsum("kij,i->jk", d.design.values, self.slopes)
        slopes = (starts * self.curvatures + tangents).T
        return matrix.scatter(self.binding.design, slopes) + extra

    def solve(self, move: Movement) -> np.ndarray:
        """J of shape (p, m), the fixed point of ``J = A J + B``."""
        J = move.C.copy()
        members, Q, _ = self.active
        if members.size == 0:
            return J
        rhs = -move.r[members]
        if np.any(move.C):
            rhs += (move.C / self.steps[:, None])[members] - self._times_active(move.C)
        rhs = rhs if Q is None else Q.T @ rhs
        y = self.factor.solve(rhs)
        J[members] += y if Q is None else Q @ y
        return J + 0.0  # no negative zeros

    def newton(self) -> np.ndarray:
        """The next iterate of Newton's method on ``x = F(x)``, with this selection."""
        if self.force is not None:
            new = self.x.copy()
            new[self.active[0]] += self.factor.solve(self.force[0][:, None])[:, 0]
            return new
        gap = (self.selection.z - self.x)[:, None]
        new = self.x + self.solve(Movement(gap, np.zeros_like(gap)))[:, 0]
        # Off the active set x + (z - x) is z, but not to the last bit.
        held = np.ones(new.size, dtype=bool)
        held[self.active[0]] = False
        new[held] = self.selection.z[held]
        return new

    def adjoint(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``e, w`` with ``v'J = e'C - w'r`` for every movement (C, r)."""
        members, Q, _ = self.active
        w = np.zeros_like(v)
        if members.size:
            rhs = v[members] if Q is None else Q.T @ v[members]
            y = self.factor.solve(rhs[:, None])[:, 0]
            w[members] = y if Q is None else Q @ y
        return v + w / self.steps - self.times_hessian(w), w

    def step(self, J: np.ndarray, move: Movement) -> np.ndarray:
        """``A J + B``."""
        argument = J - self.steps[:, None] * (self.times_hessian(J) + move.r)
        return move.C + self.selection.apply(argument)

    def distance(self, gap: np.ndarray) -> float:
        """Bound of ``norm(J - J*)`` for ``gap = A J + B - J``, J* the fixed point; inf if none.

        The error is ``-gap + Q f`` with ``K f = -Q'(inv(T) - H) gap``: its norm is at most that of
        the gap plus that of the right-hand side over the smallest eigenvalue of K.
        """
        return self.outward_norm(gap) + self.farthest(self._pulled(gap))

    def farthest(self, pulled: np.ndarray) -> float:
        """A bound of ``norm(inv(K) v)`` for ``abs(v) <= abs(pulled)``, in the user's coordinates.

        Entry by entry, or by the norm: where rows are few the entries' bounds add up to more.
        """
        least = self.factor.least_eigenvalue
        if not least > 0:
            return np.inf
        spread, by_norm = self.factor.spread(pulled), float(np.linalg.norm(pulled)) / least
        if self.x.size == self.binding.penalised:
            return min(float(np.linalg.norm(spread)), by_norm)
        members, Q, _ = self.active
        entries, mean = np.zeros((self.x.size, pulled.shape[1])), self.binding.design.mean
        entries[members] = spread if Q is None else np.abs(Q) @ spread
        by_norm *= 1.0 + float(np.linalg.norm(mean[members[members < mean.size]]))
        return min(self.outward_norm(entries), by_norm)

    def outward_norm(self, V: np.ndarray) -> float:
        """A bound of the norm of V (p, m) in the user's coordinates, its signs unknown.

        There the intercept has what the centring of the columns has taken out.
        """
        if self.x.size == self.binding.penalised:
            return float(np.linalg.norm(V))
        V = np.abs(V)
        last = V[-1] + np.abs(self.binding.design.mean) @ V[:-1]
        return float(np.hypot(np.linalg.norm(V[:-1]), np.linalg.norm(last)))

    def reach(self) -> np.ndarray:
        """By coordinate, how far x can be from the solution that has its active set.

        The rounding v of the states moves it by ``inv(K) A'v``, an entry at most by the norm of v
        times the root of its place in the diagonal of inv(K).  A zero column has no part in it.
        """
        if self.force is not None and self.factor.least_eigenvalue > 0:
            summed, _, whole, _ = self._sums
            rows = np.finfo(float).eps * (summed + float(whole @ np.abs(self.x)))
            members, _, curb = self.active
            force, terms = self.force
            most = self.factor.spread((np.abs(force) + terms)[:, None])[:, 0]
            most += rows * np.sqrt(self.factor.inverse_diagonal)
            found = np.zeros_like(self.x)
            alone = self.factor.diagonal == curb
            found[members] = np.where(alone, np.abs(force) / np.where(alone, curb, 1.0), most)
            return found
        gap = (self.selection.z - self.x)[:, None]
        members, Q, _ = self.active
        found, spread = np.abs(gap), self.factor.spread(self._pulled(gap))
        found[members] += spread if Q is None else np.abs(Q) @ spread
        return found[:, 0]

    def _pulled(self, gap: np.ndarray) -> np.ndarray:
        members, Q, _ = self.active
        pulled = (gap / self.steps[:, None])[members] - self._times_active(gap)
        return pulled if Q is None else Q.T @ pulled
