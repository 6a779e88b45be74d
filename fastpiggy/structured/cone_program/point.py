"""What is known at a point of a cone program; see :class:`fastpiggy.solving.structured.Point`."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.problems import directions as wrt
from fastpiggy.structured.cone_program.conditions import Conditions
from fastpiggy.structured.cone_program.equilibration import Equilibrated
from fastpiggy.structured.cone_program.kinks import snap

#: How near to a kink counts as on it, in scaled units.
NEAR = 1e-9

_EPS = float(np.finfo(float).eps)
_NO_DERIVATIVE = "a cone program that is {} has no solution to differentiate"


@dataclass(frozen=True)
class Movement:
    """How the directions move the conditions: ``M (dx, dv) = right``, columns, in scaled units."""

    right: np.ndarray


class Point:
    """(x, y, s) with the conditions of optimality there.

    Parameters
    ----------
    at : Conditions
    iterate : ndarray of shape (n + 2 m,), optional
        An iterate of Douglas-Rachford that stands for the solution.
    floor : float, default=0.0
        What rounding leaves of the optimality there.
    """

    def __init__(
        self, at: Conditions, iterate: np.ndarray | None = None, floor: float = 0.0
    ) -> None:
        self.at, self.data, self.problem = at, at.data, at.data.problem
        self.x = self.data.whole(at.x, at.y, at.s) if iterate is None else iterate
        self.optimality = at.optimality
        size = max(1.0, *(float(np.abs(part).max(initial=0.0)) for part in (at.x, at.v)))
        self.floor = max(floor, 64 * _EPS * size * float(np.sqrt(at.v.size)))

    def objective(self) -> float:
        return float(self.problem.c @ self.x[: self.problem.c.size])

    def margin(self) -> None:
        """There is no alpha."""
        return None

    @cached_property
    def _snapped(self) -> tuple[Conditions, np.ndarray]:
        """The conditions with what is near to kinks on them, and the rows of those."""
        at = self.at
        near = max(NEAR, min(10 * self.optimality, 1e-4)) * max(1.0, float(np.abs(at.v).max()))
        v, kinks = snap(self.data.cone, at.v, at.s, near)
        if not kinks.size:
            return at, kinks
        return Conditions(self.data, at.x, v, at.selection), kinks

    @property
    def kinks(self) -> np.ndarray:
        """Rows of cones where strict complementarity fails."""
        return self._snapped[1]

    @property
    def chosen(self) -> Conditions:
        """The conditions that the derivative is of."""
        return self._snapped[0]

    @cached_property
    def singular(self) -> bool:
        """M is singular, or is for another selection at the kinks."""
        if self.chosen.singular:
            return True
        if not self.kinks.size:
            return False
        sides = (np.full(self.at.v.size, q) for q in (0.0, 1.0))
        return any(self.chosen.selected(q).singular for q in sides)

    @property
    def stuck(self) -> bool:
        """Where M is singular the map has eigenvalues 1 beside that along z."""
        return self.singular

    @property
    def units(self) -> dict[str, float]:
        p, size = self.problem, float(np.linalg.norm(self.x))
        return {name: size / (float(np.abs(v).max()) or 1.0) for name, v in p.parameters.items()}

    def movement(self, directions: list[wrt.Direction]) -> Movement:
        """See :class:`Movement`."""
        parts = []
        for d in directions:
            check_name(d.name)
            p = self.problem
            data = {k: np.zeros((1, *np.shape(v))) for k, v in p.parameters.items()}
            data[d.name] = d.values
            parts.append(self._moves(data["A"], data["b"], data["c"]))
        return Movement(np.concatenate(parts, axis=1))

    def moved(self, dA: np.ndarray, db: np.ndarray, dc: np.ndarray) -> Movement:
        """The same of one direction of all data."""
        return Movement(self._moves(dA[None], db[None], dc[None]))

    def _moves(self, dA: np.ndarray, db: np.ndarray, dc: np.ndarray) -> np.ndarray:
        dA, db, dc = self.data.directions(dA, db, dc)
        k = max(len(dA), len(db), len(dc))
        top = dc + np.einsum("kij,i->kj", dA, self.at.y)
        bottom = db - dA @ self.at.x
        n, m = top.shape[1], bottom.shape[1]
        right = np.empty((n + m, k), order="F")
        right[:n], right[n:] = -top.T, -bottom.T
        return right

    def solve(self, move: Movement) -> np.ndarray:
        """J of shape (n + 2 m, k): of x, y and s."""
        n, at = self.at.x.size, self.chosen
        d = at.solve(move.right)
        dy = at.D @ d[n:]
        return np.concatenate([d[:n], dy, dy - d[n:]]) * self.data.units[:, None]

    def residual(self, J: np.ndarray, move: Movement) -> np.ndarray:
        """``right - M (dx, dv)``, in scaled units."""
        d = J / self.data.units[:, None]
        n, m = self.at.x.size, self.at.v.size
        return move.right - self.chosen.times(np.concatenate([d[:n], d[n : n + m] - d[n + m :]]))

    def distance(self, J: np.ndarray, move: Movement) -> tuple[float, bool]:
        """Distance to the solution of the linear system, and an estimate of the rounding there."""
        found = self.solve(move)
        size = float(np.linalg.norm(found))
        away = float(np.linalg.norm(J - found))
        return away + size * _EPS / max(self.chosen.rcond, _EPS), False

    def adjoint(self, v: np.ndarray, names: list[str]) -> dict[str, Any]:
        """``v'J`` by parameter, v the weights of x, y, s: one solve with ``M'``."""
        data, at = self.data, self.chosen
        n, m = at.x.size, at.v.size
        gx, gy, gs = np.split(v * data.units, [n, n + m])
        first, second = np.split(
            at.solve_transposed(np.concatenate([gx, at.D @ (gy + gs) - gs])), [n]
        )
        found: dict[str, Any] = {}
        if "A" in names:
            inner = np.outer(second, self.at.x) - np.outer(self.at.y, first)
            found["A"] = data.D[:, None] * inner * data.E
        found["b"] = -data.t * data.D * second
        found["c"] = -data.r * data.E * first
        return {name: found[name] for name in names}


class Ray:
    """A certificate that there is no solution, in the place of one.

    Parameters
    ----------
    data : Equilibrated
    status : Status
    x : ndarray of shape (n + 2 m,)
        (x, y, s) of :class:`ConeSolution`.
    violation : float
        Of the certificate, relative.
    """

    singular = stuck = True

    def __init__(self, data: Equilibrated, status: Any, x: np.ndarray, violation: float) -> None:
        self.data, self.status, self.x, self.problem = data, status, x, data.problem
        self.optimality, self.floor = violation, 0.0
        self.kinks = np.zeros(0, dtype=np.int64)

    def objective(self) -> float:
        """The infimum."""
        return np.inf if self.status == "infeasible" else -np.inf

    def margin(self) -> None:
        """There is no alpha."""
        return None

    def solve(self, move: Any) -> np.ndarray:
        raise ValueError(_NO_DERIVATIVE.format(self.status))

    def moved(self, *data: np.ndarray) -> Any:
        raise ValueError(_NO_DERIVATIVE.format(self.status))

    def movement(self, directions: list[wrt.Direction]) -> Any:
        """Nothing to move."""
        return None

    def adjoint(self, v: np.ndarray, names: list[str]) -> dict[str, Any]:
        raise ValueError(_NO_DERIVATIVE.format(self.status))


def check_name(name: str) -> None:
    """Raise for a direction that the solution does not depend on."""
    if name not in ("A", "b", "c"):
        raise ValueError(f"wrt must name 'A', 'b' or 'c' for a cone program, got {name!r}")
