"""What is known at a point of a quadratic program, and the derivative there.

With the rows C = [A; G], the right-hand sides d = [b; h] and multipliers u = [y; z], a direction
moves the KKT conditions of the working set K by

    P dx + C_K'du_K = -(dP x + dq + dC'u),    C_K dx = dd_K - dC_K x.

K holds the equalities and the inequalities whose multiplier is positive.  At a kink, a row that
is met with a multiplier of zero, the selection q decides: 0 leaves it out, 1 takes it in, and in
between the fixed point of ADMM's tangent recursion has ``-(1 - q)/(q rho) du_i`` on the left.
"""

from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.active_set.dual import Programs, solve_working
from fastpiggy.problems import directions as wrt
from fastpiggy.solving import verdict
from fastpiggy.structured.quadratic_program.working import WorkingSystem

#: How near to a kink counts as on it, relative to what a row compares.
NEAR = 1e-9

_EPS = float(np.finfo(float).eps)


def times(M: Any, x: np.ndarray) -> np.ndarray:
    """``M x`` for every program: x of shape (B, columns)."""
    if hasattr(M, "tocsc"):
        return (M @ x[0])[None]
    return (M @ x[..., None])[..., 0]


def transposed_times(M: Any, u: np.ndarray) -> np.ndarray:
    """``M'u`` for every program."""
    if hasattr(M, "tocsc"):
        return (M.T @ u[0])[None]
    return (u[:, None, :] @ M)[:, 0, :]


class Point:
    """See :class:`fastpiggy.solving.structured.Point`.

    What it compares it compares in the units of :class:`Equilibrated`: `flat`, `u`, `slack` and
    the systems are in those, `x`, `multipliers` and derivatives in the user's.

    Parameters
    ----------
    problem : QuadraticProgram
    x, u : ndarray of shape (B, n) and (B, rows)
        In the units of ``problem.equilibrated``.
    selection : ndarray of shape (B * inequalities,)
    rho : float
        The penalty parameter of the ADMM whose selection q is meant.
    programs : Programs, optional
        Factors of the working sets, where all programs have theirs.
    ray : dict, optional
        What proves the status, where there is no solution.
    statuses : tuple, optional
        Of the programs, where some have no solution.
    """

    #: The map of the exact way is Newton's, and ADMM's is judged by `singular`.
    stuck = False

    def __init__(
        self, problem: Any, x: np.ndarray, u: np.ndarray, selection: np.ndarray, rho: float,
        programs: Programs | None = None, ray: dict[str, np.ndarray] | None = None,
        statuses: tuple[Any, ...] | None = None,
    ) -> None:  # fmt: skip
        self.problem, self.rho, self.ray, self.statuses = problem, rho, ray, statuses
        self.flat, self.u, self.programs = x, u, programs
        self.scaled = scaled = problem.equilibrated
        self.P, self.C, self.e = scaled.P, scaled.C, scaled.equalities
        self.x = (scaled.columns * x).reshape(problem.shape)
        self.q = np.ones(u.shape)
        self.q[:, self.e :] = selection.reshape(len(u), -1)
        self.floor = 16 * _EPS * np.sqrt(x.shape[1] + u.shape[1])

    # Optimality

    @cached_property
    def terms(self) -> tuple[np.ndarray, np.ndarray]:
        """``P x`` and ``C'u``."""
        return times(self.P, self.flat), transposed_times(self.C, self.u)

    @cached_property
    def slack(self) -> np.ndarray:
        """``C x - d``."""
        return times(self.C, self.flat) - self.scaled.d

    @cached_property
    def row_scale(self) -> np.ndarray:
        """What rows compare: their length times that of x, plus ``abs(d)``; 1 where all is 0."""
        size = np.linalg.norm(self.flat, axis=1)[:, None]
        found = self.lengths * size + np.abs(self.scaled.d)
        return np.where(found > 0, found, 1.0)

    @cached_property
    def gradient_scale(self) -> np.ndarray:
        """The size of what the gradient adds up, by program."""
        Px, Cu = self.terms
        parts = [np.abs(v).max(axis=1, initial=0.0) for v in (Px, Cu, self.scaled.linear)]
        found = np.max(parts, axis=0)
        return np.where(found > 0, found, 1.0)

    @cached_property
    def optimality(self) -> float:
        """The largest violation of the KKT conditions, each over the size of what it compares."""
        Px, Cu = self.terms
        gradient = np.abs(Px + Cu + self.scaled.linear).max(axis=1) / self.gradient_scale
        missed = self.slack / self.row_scale
        u = self.u / self.multiplier_scale
        missed[:, self.e :] = np.maximum(np.abs(np.minimum(-missed, u)), 0.0)[:, self.e :]
        return float(max(gradient.max(), np.abs(missed).max(initial=0.0)))

    @cached_property
    def multiplier_scale(self) -> np.ndarray:
        """What multipliers are compared with, by row: the gradient over the row's length."""
        lengths = self.lengths
        return self.gradient_scale[:, None] / np.where(lengths > 0, lengths, 1.0)

    @cached_property
    def lengths(self) -> np.ndarray:
        """Of the rows of C."""
        if hasattr(self.C, "tocsc"):
            return np.sqrt(np.asarray((self.C * self.C).sum(axis=1))).reshape(1, -1)
        return np.sqrt((self.C * self.C).sum(axis=2))

    def objective(self) -> float:
        """``x'P x / 2 + q'x``, the sum over the programs."""
        # The scaling drops out: x'P x and q'x are the same in either units.
        return float(np.sum(self.flat * (0.5 * self.terms[0] + self.scaled.linear)))

    @property
    def multipliers(self) -> dict[str, np.ndarray]:
        """Those of ``A x = b`` as y, of ``G x <= h`` as z."""
        lead = self.problem.shape[:-1]
        y, z = np.split(self.scaled.rows * self.u, [self.e], axis=1)
        return {"y": y.reshape(*lead, y.shape[1]), "z": z.reshape(*lead, z.shape[1])}

    def margin(self) -> None:
        """Not a thing of one parameter."""
        return None

    # The working set

    @cached_property
    def tight(self) -> np.ndarray:
        """Rows that are met with equality, or have a multiplier."""
        return (np.abs(self.slack) <= NEAR * self.row_scale) | self.strong

    @cached_property
    def strong(self) -> np.ndarray:
        """Equalities, and inequalities with a positive multiplier."""
        found = self.u > NEAR * self.multiplier_scale
        found[:, : self.e] = True
        return found

    @cached_property
    def kinks(self) -> np.ndarray:
        """Inequalities that are met with a multiplier of zero; places in h, flattened.

        A row of zeros pulls at nothing and is none.
        """
        weak = self.tight & ~self.strong & (self.lengths > 0)
        return np.flatnonzero(weak[:, self.e :])

    @cached_property
    def regular(self) -> bool:
        """Whether the working sets that the solve ended with are those of the derivative."""
        p = self.programs
        if p is None:
            return False
        held = np.zeros(self.u.shape, dtype=bool)
        for b, k in enumerate(p.count):
            held[b, p.working[b, :k]] = True
        return bool(np.array_equal(held, self.tight) and np.array_equal(held, self.strong))

    def _working(self, b: int, q: np.ndarray) -> WorkingSystem:
        on = self.tight[b] & (q > 0)
        K = np.flatnonzero(on | self.strong[b])
        shift = np.where(self.strong[b], 0.0, (1.0 - q) / np.where(q > 0, q * self.rho, 1.0))[K]
        if hasattr(self.P, "tocsc"):
            return WorkingSystem(self.P, self.C, K, shift)
        P, C = self.P[b if len(self.P) > 1 else 0], self.C[b if len(self.C) > 1 else 0]
        return WorkingSystem(P, C, K, shift)

    @cached_property
    def systems(self) -> list[WorkingSystem]:
        """The KKT matrices that the derivative is taken with."""
        return [self._working(b, self.q[b]) for b in range(len(self.u))]

    @cached_property
    def offending(self) -> np.ndarray:
        """Inequalities (places in h) and equalities (after them) of singular KKT matrices.

        All rows that are met are held, so that dependent ones show; where they are independent
        and kinks are left out, the curvature on what the others leave free must be positive.
        """
        if self.regular:
            return np.zeros(0, dtype=np.int64)
        found, rows, mi = [], self.u.shape[1], self.problem.inequalities
        for b in range(len(self.u)):
            system = self._working(b, np.ones(rows))
            bad = _dependent(system)
            if not bad.size and (system.singular or self.without_kinks(b).singular):
                bad = system.working if system.working.size else np.arange(min(rows, 1))
            at = np.where(bad >= self.e, b * mi + bad - self.e, len(self.u) * mi + b * self.e + bad)
            found.append(at)
        return np.concatenate(found)

    @cached_property
    def singular(self) -> bool:
        """Whether a KKT matrix is, with its kinks or without."""
        if self.regular:
            return False
        if self.offending.size:
            return True
        return any(system.singular for system in self.systems)

    def without_kinks(self, b: int) -> WorkingSystem:
        """The KKT matrix of program b on rows with a multiplier alone."""
        return self._working(b, 1.0 * self.strong[b])

    def by_side(self, directions: list[wrt.Direction]) -> Any:
        """See :func:`fastpiggy.structured.quadratic_program.one_sided.by_side`."""
        from fastpiggy.structured.quadratic_program.one_sided import by_side

        return by_side(self)

    # The derivative

    @property
    def units(self) -> dict[str, float]:
        """By parameter, the size that a derivative with respect to it would have."""
        size = float(np.linalg.norm(self.x))
        return {
            name: size / (float(abs(value).max()) or 1.0) if value.size else 0.0
            for name, value in self.problem.parameters.items()
        }

    def movement(self, directions: list[wrt.Direction]) -> tuple[np.ndarray, np.ndarray]:
        """The right-hand sides, of shape (B, n, m) and (B, rows, m), in scaled units."""
        m, k = wrt.count(directions), 0
        (B, n), rows = self.flat.shape, self.u.shape[1]
        g, e = np.zeros((B, n, m)), np.zeros((B, rows, m))
        for d in directions:
            columns = slice(k, k + len(d.values))
            k += len(d.values)
            self._move(d.name, np.moveaxis(d.values, 0, -1), g[:, :, columns], e[:, :, columns])
        g *= self.scaled.columns[:, :, None]
        e *= self.scaled.rows[:, :, None]
        return g, e

    def _move(self, name: str, D: np.ndarray, g: np.ndarray, e: np.ndarray) -> None:
        x, u = self.natural
        at = slice(0, self.e) if name in ("A", "b") else slice(self.e, None)
        if name == "q":
            g -= D
        elif name == "P":
            g -= np.einsum("...ijm,...j->...im", D, x)
        elif name in ("b", "h"):
            e[:, at] += D
        elif name in ("A", "G"):
            g -= np.einsum("...ijm,...i->...jm", D, u[:, at])
            e[:, at] -= np.einsum("...ijm,...j->...im", D, x)

    def pair(self, g: np.ndarray, e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Solve with the KKT matrices: g of shape (B, n, m), e of shape (B, rows, m)."""
        a, w = np.empty(g.shape), np.empty(e.shape)
        if self.regular:
            for j in range(g.shape[2]):
                a[:, :, j], w[:, :, j] = self._refined(g[:, :, j], e[:, :, j])
            return a, w
        for b, system in enumerate(self.systems):
            a[b], w[b] = system.solve(g[b], e[b])
        return a, w

    @property
    def natural(self) -> tuple[np.ndarray, np.ndarray]:
        """x and u of all programs in the problem's own units."""
        return self.scaled.columns * self.flat, self.scaled.rows * self.u

    def _refined(self, g: np.ndarray, e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Solve with the factors, once more with what that leaves of the right-hand sides."""
        a, w = np.array(g, order="C"), np.array(e, order="C")
        solve_working(self.programs, a, w)
        # Rows outside the working sets are not read.
        g = g - times(self.P, a) - transposed_times(self.C, w)
        e = e - times(self.C, a)
        solve_working(self.programs, g, e)
        return a + g, w + e

    def solve(self, move: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """J of shape (size, m)."""
        return self.unscaled(self.pair(*move)[0])

    def unscaled(self, a: np.ndarray) -> np.ndarray:
        """a of shape (B, n, m) as columns in the problem's own units."""
        return (self.scaled.columns[:, :, None] * a).reshape(self.flat.size, -1)

    def residual(self, J: np.ndarray, move: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """``A J + B - J`` of Newton's map, whose A is zero."""
        return self.solve(move) - J

    def distance(self, J: np.ndarray, move: tuple[np.ndarray, np.ndarray]) -> tuple[float, bool]:
        """The distance from the KKT system's solution, and that one's own error at the most."""
        a, w = self.pair(*move)
        away = float(np.linalg.norm(self.unscaled(a) - J))
        # Entry j of an error in scaled units is S_jj times that in the user's.
        errors = self.scaled.columns.max(axis=1) * self._errors(a, w, move)
        bound = not hasattr(self.P, "tocsc") and bool(np.all(np.isfinite(errors)))
        return away + float(np.linalg.norm(errors)), bound

    def settled(self, J: np.ndarray, move: tuple[np.ndarray, np.ndarray]) -> bool:
        """Whether J has converged, in scaled units: in others one variable may hide the rest."""
        a, w = self.pair(*move)
        J = J.reshape(a.shape) / self.scaled.columns[:, :, None]
        error = float(np.linalg.norm(a - J)) + float(np.linalg.norm(self._errors(a, w, move)))
        g, e = (np.abs(part).max(axis=2, initial=0.0) for part in move)
        moved = g.max(axis=1, initial=0.0) / self.gradient_scale
        moved = np.maximum(moved, (e / self.row_scale).max(axis=1, initial=0.0))
        size = float(np.max(np.linalg.norm(self.flat, axis=1) * moved))
        return verdict.small(error, J, size)

    def _errors(self, a: np.ndarray, w: np.ndarray, move: tuple[np.ndarray, np.ndarray]) -> Any:
        """By program, how far (a, w) is from the KKT system's solution at the most."""
        errors = np.full(len(a), np.inf)
        for b, system in enumerate(self.systems):
            if system.singular:
                continue
            right = np.concatenate([move[0][b], system.scale[:, None] * move[1][b][system.working]])
            found = np.concatenate([a[b], w[b][system.working] / system.scale[:, None]])
            rounding = _EPS * float(system.singular_values[0]) * float(np.linalg.norm(found))
            errors[b] = float(np.linalg.norm(right - system.K @ found)) + rounding
            errors[b] /= system.least
        return errors

    def adjoint(self, v: np.ndarray, names: list[str]) -> dict[str, Any]:
        """``v'J`` with respect to the named parameters."""
        if self.ray is not None:
            raise ValueError("vjp has nothing to differentiate: a program has no solution")
        v = self.scaled.columns * np.reshape(v, self.flat.shape)
        a, w = self.pair(v[:, :, None], np.zeros((*self.u.shape, 1)))
        a, w = self.scaled.columns * a[:, :, 0], self.scaled.rows * w[:, :, 0]
        x, u = self.natural
        found = {}
        for name in names:
            at = slice(0, self.e) if name in ("A", "b") else slice(self.e, None)
            if name == "q":
                value = -a
            elif name == "P":
                value = a[:, :, None] * x[:, None, :]
                value = -0.5 * (value + value.swapaxes(1, 2))
            elif name in ("b", "h"):
                value = w[:, at]
            else:
                value = -u[:, at, None] * a[:, None, :]
                value -= w[:, at, None] * x[:, None, :]
            found[name] = value if self.problem.batched(name) else value.sum(axis=0)
        return found


def _dependent(system: WorkingSystem) -> np.ndarray:
    """Rows of the working set that are linearly dependent."""
    C = system.C[system.working]
    C = system.scale[:, None] * (C.toarray() if hasattr(C, "tocsc") else C)
    if not len(C):
        return np.zeros(0, dtype=np.int64)
    U, s, _ = np.linalg.svd(C, full_matrices=True)
    size = max(float(s[0]), float(system.singular_values[0]) * 1e-3) if s.size else 1.0
    rank = int(np.count_nonzero(s > 1e-11 * size))
    null = U[:, rank:]
    return system.working[np.abs(null).max(axis=1, initial=0.0) > 1e-8]
