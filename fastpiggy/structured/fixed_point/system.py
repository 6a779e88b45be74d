"""Solve ``x = F(x, theta)``: runs, compiled or in plain Python, under the one engine."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.fixed_point import MapDirections, Mapped, MapState, Picard, map_state
from fastpiggy.algorithms.protocol import Move
from fastpiggy.certificate import Status
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Cost, Solution
from fastpiggy.solving import structured
from fastpiggy.solving.request import Request
from fastpiggy.solving.running import Trace
from fastpiggy.solving.structured import Exact
from fastpiggy.structured.fixed_point.problem import FixedPoint

#: Entries of x up to which the Jacobian A is formed for a derivative, and only to judge one.
_FORMED, _JUDGED = 1000, 200
#: A singular value of I - A below this means that A has the eigenvalue 1.
_SINGULAR = 1e-11
#: What a probe of A must shrink to.
_SHRUNK = 1e-3

_STANDS = (
    "the map has the eigenvalue 1 here: J depends on where it started, and no derivative is "
    "determined"
)
_ADVICE = {
    Status.MAX_ITER: "max_iter was reached before the tolerance; raise either",
    Status.NOT_CONTRACTING: _STANDS + "; or the map runs away from here",
    Status.SINGULAR_ACTIVE_SET: _STANDS,
}


class PlainStep:
    """:class:`~fastpiggy.algorithms.fixed_point.Picard` for functions in plain Python.

    The engine drives it uncompiled.

    Parameters
    ----------
    map : FixedPoint
    """

    def __init__(self, map: FixedPoint) -> None:
        self.map, self.count = map, 0

    def step(self, problem: Any, d: Any, state: MapState, m: int, moving: bool) -> Move:
        """See :class:`fastpiggy.algorithms.protocol.Algorithm`."""
        z = self.map.next(state.x, self.count)
        Z = self.map.tangents(state.x, state.J[:m], d.theta[:m], self.count) if m else state.J[:0]
        self.count += 1
        with np.errstate(over="ignore", invalid="ignore"):
            delta, moves = z - state.x, (Z - state.J[:m]).ravel()
            found = Move(
                float(delta @ delta), float(moves @ moves), float(Z.ravel() @ Z.ravel()),
                float(np.abs(delta).max()), int(np.sum((z == 0) != (state.x == 0))),
            )  # fmt: skip
        if moving and np.isfinite(found.change):
            state.x[:] = z
        if np.isfinite(found.tangent_size):
            state.J[:m] = Z
        return found


class Run(structured.Run):
    """Picard iteration of one map, resumable.

    Parameters
    ----------
    map : FixedPoint
    x : ndarray of shape (p,)
        Where to start.
    directions : list of Direction
        Of the tangents that run along.
    judged : bool
        Whether a derivative is asked for, so that the map is looked at where the run ends.
    callback : callable, optional
    """

    def __init__(
        self, map: FixedPoint, x: np.ndarray, directions: list[wrt.Direction],
        judged: bool = True, callback: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:  # fmt: skip
        self.map, self.judged, m = map, judged, wrt.count(directions)
        d, state = _as_records(map, x, directions)
        if map.compiled:
            algorithm, bound = Picard(0), Mapped(map.step, map.flat_theta)
        else:
            algorithm, bound = PlainStep(map), None
            self.loop = getattr(engine.run, "py_func", engine.run)
        super().__init__(algorithm, bound, d, state, m, callback)
        self._scale = float(max(np.abs(x).max(), np.abs(self.step_from(x)).max())) or 1.0

    @property
    def scale(self) -> float:
        return self._scale

    @property
    def floor(self) -> float:
        return float(4 * np.finfo(float).eps)

    def point(self) -> "Point":
        return Point(self, self.state.x.copy())

    def hold(self, point: "Point") -> None:
        self.state.x[:], self.state.J[:] = point.flat, 0.0

    def step_from(self, x: np.ndarray) -> np.ndarray:
        """``F(x)``, or x itself where that is not finite."""
        none = np.zeros((0, self.map.flat_theta.size))
        return self._once(x, np.zeros((0, x.size)), none, True).x

    def tangents_from(self, x: np.ndarray, J: np.ndarray, D: np.ndarray) -> np.ndarray:
        """``A J + B D`` at x, one direction a row."""
        return self._once(x, J, D, False).J

    def _once(self, x: np.ndarray, J: np.ndarray, D: np.ndarray, moving: bool) -> MapState:
        state, policy = map_state(x, len(J)), engine.Policy(1, -1.0, -1.0, 0, moving)
        state.J[:] = J
        count = getattr(self.algorithm, "count", 0)
        self.loop(
            self.algorithm, self.problem, MapDirections(D), state, len(J), policy,
            engine.Progress.start(), np.empty((1, 5)),
        )  # fmt: skip
        if not self.map.compiled:
            self.algorithm.count = count
        return state


def _as_records(
    map: FixedPoint, x: np.ndarray, directions: list[wrt.Direction]
) -> tuple[MapDirections, MapState]:
    """Directions of the parameters by rows, and the state to start with."""
    D, state, k = _theta_of(map, directions), map_state(x, wrt.count(directions)), 0
    for d in directions:
        if d.name == "x0":
            state.J[k : k + len(d.values)] = d.values.reshape(len(d.values), -1)
        k += len(d.values)
    return MapDirections(D), state


def _theta_of(map: FixedPoint, directions: list[wrt.Direction]) -> np.ndarray:
    """Directions of all parameters by rows; zeros for those of the starting point."""
    if any(d.name == "step" for d in directions):
        raise ValueError("wrt must name parameters of the map or 'x0', got 'step'")
    D, k = np.zeros((wrt.count(directions), map.flat_theta.size)), 0
    for d in directions:
        if d.name != "x0":
            rows = slice(k, k + len(d.values))
            D[rows, map.entries_of(d.name)] = d.values.reshape(len(d.values), -1)
        k += len(d.values)
    return D


class Point:
    """What is known at x; see :class:`fastpiggy.solving.structured.Point`.

    Parameters
    ----------
    run : Run
    flat : ndarray of shape (p,)
    """

    #: Where the map bends is not known.
    kinks = np.zeros(0, dtype=np.int64)
    units: ClassVar[dict[str, float]] = {}

    def __init__(self, run: Run, flat: np.ndarray) -> None:
        self.run, self.problem, self.floor = run, run.map, run.floor
        self.flat, self.x = flat, flat.reshape(run.map.shape)

    @cached_property
    def after(self) -> "Point":
        """The next iterate."""
        return Point(self.run, self.run.step_from(self.flat))

    @property
    def optimality(self) -> float:
        """The largest entry of ``F(x) - x`` over the scale."""
        return float(np.abs(self.after.flat - self.flat).max()) / self.run.scale

    def objective(self) -> float:
        """A fixed point minimises nothing that we know of."""
        return np.nan

    def margin(self) -> None:
        """Not known."""
        return None

    def movement(self, directions: list[wrt.Direction]) -> np.ndarray:
        """Directions of all parameters, one a row."""
        return _theta_of(self.problem, directions)

    def tangents(self, J: np.ndarray, D: np.ndarray) -> np.ndarray:
        """``A J + B D``; J by columns, D by rows."""
        return self.run.tangents_from(self.flat, np.ascontiguousarray(J.T), D).T

    def residual(self, J: np.ndarray, D: np.ndarray) -> np.ndarray:
        """``A J + B D - J``."""
        return self.tangents(J, D) - J

    @cached_property
    def A(self) -> np.ndarray:
        """The Jacobian of the map in x, by p tangents."""
        p, q = self.flat.size, self.problem.flat_theta.size
        return self.tangents(np.eye(p), np.zeros((p, q)))

    @cached_property
    def least(self) -> float:
        """The smallest singular value of I - A."""
        return float(np.linalg.svd(np.eye(self.flat.size) - self.A, compute_uv=False)[-1])

    @property
    def small(self) -> bool:
        """Whether A is formed to judge a derivative."""
        return self.flat.size <= _JUDGED

    @property
    def singular(self) -> bool:
        """Whether A has the eigenvalue 1, as far as A is formed."""
        formed = self.small or "A" in vars(self)
        return self.run.judged and formed and self.least <= _SINGULAR

    @property
    def stuck(self) -> bool:
        """The same; where A is not formed, whether a random V stands still under ``V+ = A V``."""
        return self.singular if self.small else not self.contracts(2 * self.run.iterations + 200)

    def contracts(self, steps: int) -> bool:
        """Whether ``V+ = A V`` shrinks from a random start within so many steps."""
        V = np.random.default_rng(0).standard_normal((self.flat.size, 1))
        still, start = np.zeros((1, self.problem.flat_theta.size)), np.linalg.norm(V)
        for _ in range(steps):
            V = self.tangents(V, still)
            if np.linalg.norm(V) <= _SHRUNK * start:
                return True
        return False

    def solve(self, D: np.ndarray) -> np.ndarray:
        """``(I - A)^-1 B``; the least-squares one where I - A is singular."""
        B, K = self.tangents(np.zeros((self.flat.size, len(D))), D), np.eye(len(self.A)) - self.A
        if self.least <= _SINGULAR:
            return np.linalg.lstsq(K, B, rcond=_SINGULAR)[0]
        return np.linalg.solve(K, B)

    def distance(self, J: np.ndarray, D: np.ndarray) -> tuple[float, bool]:
        """An estimate of the error of J, never a bound.

        ``norm(A J + B - J)`` over the smallest singular value of I - A, or over 1 - rate where A is
        not formed; and what A and B still change on the way to the fixed point, read off the next
        iterate.
        """
        here, trace = self.tangents(J, D), Trace.of(self.run.parts)
        least = self.least if self.small else 1.0 - (trace.tangent_rate or trace.rate or 1.0)
        if least <= _SINGULAR:
            return np.inf, False
        rate = trace.rate if trace.rate is not None and trace.rate < 1 else 0.0
        moves = float(np.linalg.norm(self.after.tangents(J, D) - here)) / (1 - rate)
        rounding = np.finfo(float).eps * float(np.linalg.norm(J))
        return (float(np.linalg.norm(here - J)) + moves + rounding) / least, False

    def adjoint(self, v: np.ndarray, names: list[str]) -> dict[str, Any]:
        """``v'J`` with respect to the named parameters."""
        p, q = self.flat.size, self.problem.flat_theta.size
        _check(self.problem, "vjp")
        if self.least <= _SINGULAR:
            raise np.linalg.LinAlgError("the map has the eigenvalue 1 here: there is no derivative")
        w = np.linalg.solve(np.eye(p) - self.A.T, v.ravel())
        found = self.problem.split(w @ self.tangents(np.zeros((p, q)), np.eye(q)))
        return {name: found[name] for name in names}


@dataclass(frozen=True)
class PicardOptions:
    """Options of Picard iteration: none."""


class System:
    """What solving asks; see :class:`fastpiggy.solving.structured.System`.

    Parameters
    ----------
    problem : FixedPoint
    """

    algorithms: ClassVar[dict[str, type]] = {"picard": PicardOptions}
    coordinates = 1
    max_iter = 100_000
    kind = "entries"
    advice = _ADVICE

    def __init__(self, problem: FixedPoint) -> None:
        self.problem = problem

    def run(self, options: Any, directions: list[wrt.Direction], request: Request) -> Run:
        """Picard iteration with the tangents of the directions."""
        if np.any(request.selection):
            raise ValueError("selection must be 0: the map itself chooses its sides at kinks")
        if directions and not self.problem.differentiable:
            raise ValueError(_WITHOUT)
        x0 = self.problem.x0
        if request.x0 is not None:
            given = request.x0.x if isinstance(request.x0, Solution) else request.x0
            x0 = _started(self.problem, given).x0
        judged = request.wrt is not None and request.derivative != "none"
        return Run(self.problem, x0.ravel(), directions, judged, request.callback)

    def exact(self, options: Any, request: Request) -> Exact:
        """Picard iteration to the tolerance."""
        if request.wrt is not None and request.derivative in ("auto", "implicit"):
            _check(self.problem, 'derivative="implicit"')
        run = self.run(options, [], request)
        goal = max(request.tol, run.floor) * run.scale
        code = run.advance(request.max_iter or self.max_iter, goal)
        cost = Cost("picard", run.iterations, sweeps=run.iterations)
        return Exact(code, run.point(), run.iterations, Trace.of(run.parts), cost)

    def near(self, x: np.ndarray, tol: float) -> Point:
        """The point at a solution that is known as numbers only."""
        flat = np.array(x, dtype=float).ravel()
        return Point(Run(self.problem, flat, []), flat)


_WITHOUT = "step_tangent or jacobian must be given for a derivative; without one take wrt=None"


def _check(problem: FixedPoint, what: str) -> None:
    """Whether the Jacobian can be formed."""
    if not problem.differentiable:
        raise ValueError(_WITHOUT)
    if problem.x0.size > _FORMED:
        raise ValueError(
            f"{what} forms the Jacobian of the map, for at most {_FORMED} entries of x; this one "
            f'has {problem.x0.size}: use derivative="late" or "frozen" and directions'
        )


def _started(problem: FixedPoint, x0: Any) -> FixedPoint:
    started = problem.replace(x0=x0)
    if started.shape != problem.shape:
        raise ValueError(f"x0 must have shape {problem.shape}, got {started.shape}")
    return started
