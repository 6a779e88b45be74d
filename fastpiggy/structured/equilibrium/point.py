"""What is known at a point of an equilibrium layer."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from fastpiggy.problems import directions as wrt
from fastpiggy.structured.equilibrium.linearisation import Dense, Diagonal, activate
from fastpiggy.structured.equilibrium.weights import MonotoneWeights

#: D that differ by more, this close to either side, make a kink; distance in units of the input.
_JUMP, _NEAR = 1e-3, 1e-9
#: To either side of what couples units: a pattern of signs without a period that blocks have.
_SIDES = np.random.default_rng(0).choice([-1.0, 1.0], 997)


def movement(problem: Any, directions: list[wrt.Direction]) -> tuple[np.ndarray, np.ndarray]:
    """Directions of c by inputs, (N, m, n), and of W, (m, n, n) or none."""
    m, (N, n) = wrt.count(directions), problem.inputs.shape
    x = np.atleast_2d(problem.x)
    coupled = any(d.name in ("W", "P", "R", "m") for d in directions)
    c, W, k = np.zeros((N, m, n)), np.zeros((m if coupled else 0, n, n)), 0
    for d in directions:
        rows = slice(k, k + len(d.values))
        k += len(d.values)
        if d.name == "step":
            raise ValueError(
                "wrt must name parameters of the layer or 'x0', got 'step': the equilibrium does "
                "not depend on it"
            )
        if d.name == "W":
            W[rows] = d.values
        elif d.name in ("P", "R", "m"):
            W[rows] = problem.weights.tangent(d.name, d.values)
        elif d.name == "U":
            c[:, rows] = np.tensordot(x, d.values, axes=(1, 2))
        elif d.name == "b":
            c[:, rows] = d.values
        elif d.name == "x":
            values = d.values.reshape(len(d.values), N, -1) @ problem.U.T
            c[:, rows] = np.swapaxes(values, 0, 1)
    return c, W


class Point:
    """What is known at Z; see :class:`fastpiggy.solving.structured.Point`.

    Parameters
    ----------
    problem : Equilibrium
    Z : ndarray of shape (N, n)
    selection : ndarray of shape (N, n)
    factors : Diagonal or Dense, optional
        Of a Newton step on all rows, taken where its D is the one here.
    """

    #: No selection is singular where I - W is strongly monotone.
    singular = False
    #: Nor has the map of either splitting an eigenvalue of modulus 1.
    stuck = False
    units: ClassVar[Mapping[str, float]] = {}

    def __init__(
        self, problem: Any, Z: np.ndarray, selection: np.ndarray, factors: Any = None
    ) -> None:
        self.problem, self.Z, self.selection = problem, Z, selection
        self.x = Z.reshape(problem.shape)
        self.V = Z @ problem.W.T + problem.inputs
        self.after, self.D = activate(problem, self.V, selection)
        self._known = factors

    @cached_property
    def factors(self) -> Any:
        """The system of the derivative, factored."""
        if self._known is not None:
            return self._known.at(self.D)
        return (Diagonal if self.problem.separable else Dense)(self.problem.W, self.D)

    @cached_property
    def gap(self) -> np.ndarray:
        """Largest entry of ``prox_g(W z + c) - z`` of each input."""
        return np.abs(self.after - self.Z).max(axis=1)

    @property
    def optimality(self) -> float:
        """The largest entry of ``prox_g(W z + c) - z`` over that of c."""
        return float(self.gap.max()) / scale(self.problem)

    @property
    def floor(self) -> float:
        """What rounding leaves of it."""
        return floor(self.problem, self.Z)

    @cached_property
    def amplification(self) -> float:
        """``1 + norm(W)/m``, a bound of ``norm((I - D W)^-1)`` for every D."""
        norm = min(1.0 + self.problem.lipschitz, float(np.linalg.norm(self.problem.W)))
        return 1.0 + norm / self.problem.monotonicity

    @cached_property
    def _near(self) -> np.ndarray:
        """How much D differs between either side of V, entry by entry."""
        away = _NEAR * max(scale(self.problem), float(np.abs(self.Z).max()))
        sides = np.resize(_SIDES * away, self.V.shape)
        two = [activate(self.problem, V, self.selection)[1]
               for V in (self.V + sides, self.V - sides)]  # fmt: skip
        apart = np.abs(two[0] - two[1])
        return apart if apart.ndim == 2 else apart.max(axis=2)

    @property
    def kinks(self) -> np.ndarray:
        """Entries, of all inputs, where the derivative of the activation jumps."""
        return np.flatnonzero(self._near > _JUMP)

    def objective(self) -> float:
        """An equilibrium minimises nothing unless W is symmetric."""
        return np.nan

    def margin(self) -> None:
        """There is no alpha."""
        return None

    def movement(self, directions: list[wrt.Direction]) -> np.ndarray:
        """``dc + dW z`` along the directions, (N, m, n)."""
        c, W = movement(self.problem, directions)
        if len(W):
            c += np.moveaxis(W @ self.Z.T, 2, 0)
        return c

    def solve(self, move: np.ndarray) -> np.ndarray:
        """``(I - D W)^-1 D (dc + dW z)``."""
        return _columns(self.factors.solve(self.factors.times(move)))

    def residual(self, J: np.ndarray, move: np.ndarray) -> np.ndarray:
        """``A J + B - J`` of the map ``prox_g(W z + c)``."""
        N, m, n = move.shape
        T = J.reshape(N, n, m).swapaxes(1, 2)
        return _columns(self.factors.times(T @ self.problem.W.T + move) - T)

    def distance(self, J: np.ndarray, move: np.ndarray) -> tuple[float, bool]:
        """The residual times :attr:`amplification`; a bound where D does not change nearby."""
        rounding = np.finfo(float).eps * float(np.linalg.norm(J))
        found = float(np.linalg.norm(self.residual(J, move))) + rounding
        reach = float(np.linalg.norm(self.after - self.Z, axis=1).max()) * self.amplification
        level = not self._near.any() and reach <= _NEAR * scale(self.problem)
        return found * self.amplification, level

    def adjoint(self, v: np.ndarray, names: list[str]) -> dict[str, Any]:
        """``v'J``, one transposed solve an input; parameters of the layer sum over inputs."""
        p = self.problem
        g = self.factors.solve(v.reshape(len(self.Z), 1, -1), transposed=True)[:, 0]
        weights = {"W", "P", "R", "m"} & set(names)
        W = g.T @ self.Z if weights else np.zeros(0)
        made = p.weights.adjoint(W) if weights and isinstance(p.weights, MonotoneWeights) else {}
        find = {
            "U": lambda: g.T @ np.atleast_2d(p.x), "b": lambda: g.sum(axis=0),
            "x": lambda: (g @ p.U).reshape(p.x.shape), "W": lambda: W,
        }  # fmt: skip
        return {name: made[name] if name in made else find[name]() for name in names}


def scale(problem: Any) -> float:
    """What an equilibrium's residual is measured against: the largest input."""
    return float(np.abs(problem.inputs).max()) or 1.0


def floor(problem: Any, Z: np.ndarray) -> float:
    """About what rounding leaves of the residual at Z, over the scale."""
    size = 1.0 + float(np.abs(problem.W).sum(axis=1).max())
    return float(4 * np.finfo(float).eps * size) * max(1.0, float(np.abs(Z).max()) / scale(problem))


def _columns(T: np.ndarray) -> np.ndarray:
    """(N, m, n) as columns of size N n."""
    N, m, n = T.shape
    return np.ascontiguousarray(T.swapaxes(1, 2)).reshape(N * n, m)
