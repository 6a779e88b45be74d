"""Runs of ``x+ = F(x, theta)``, compiled or in plain Python, under the one engine."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.fixed_point import MapDirections, Mapped, MapState, Picard, map_state
from fastpiggy.algorithms.protocol import Move
from fastpiggy.problems import directions as wrt
from fastpiggy.problems.fixed_point import FixedPoint
from fastpiggy.solving.running import Running

#: What a probe of A must shrink to.
_SHRUNK = 1e-3


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


class Run(Running):
    """Picard iteration of one map, resumable.

    Parameters
    ----------
    map : FixedPoint
    x : ndarray of shape (p,)
        Where to start.
    directions : list of Direction
        Of the tangents that run along.
    callback : callable, optional
    """

    def __init__(
        self, map: FixedPoint, x: np.ndarray, directions: list[wrt.Direction],
        callback: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:  # fmt: skip
        self.map, m = map, wrt.count(directions)
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
    m = wrt.count(directions)
    D, state, k = np.zeros((m, map.flat_theta.size)), map_state(x, m), 0
    for d in directions:
        rows = slice(k, k + len(d.values))
        k += len(d.values)
        if d.name == "x0":
            state.J[rows] = d.values
        elif d.name in map.parameters:
            D[rows, map.entries_of(d.name)] = d.values.reshape(len(d.values), -1)
    return MapDirections(D), state


class Point:
    """What is known at x.

    Parameters
    ----------
    run : Run
    x : ndarray of shape (p,)
    """

    def __init__(self, run: Run, x: np.ndarray) -> None:
        self.run, self.x, self.floor = run, x, run.floor

    @cached_property
    def after(self) -> "Point":
        """The next iterate."""
        return Point(self.run, self.run.step_from(self.x))

    @property
    def optimality(self) -> float:
        """The largest entry of ``F(x) - x`` over the scale."""
        return float(np.abs(self.after.x - self.x).max()) / self.run.scale

    def tangents(self, J: np.ndarray, D: np.ndarray) -> np.ndarray:
        """``A J + B D``, one direction a row."""
        return self.run.tangents_from(self.x, J, D)

    @cached_property
    def A(self) -> np.ndarray:
        """The Jacobian of the map in x, by p tangents."""
        p, q = self.x.size, self.run.map.flat_theta.size
        return self.tangents(np.eye(p), np.zeros((p, q))).T

    @cached_property
    def least(self) -> float:
        """The smallest singular value of I - A."""
        return float(np.linalg.svd(np.eye(self.x.size) - self.A, compute_uv=False)[-1])

    def contracts(self, steps: int) -> bool:
        """Whether ``V+ = A V`` shrinks from a random start within so many steps."""
        V = np.random.default_rng(0).standard_normal((1, self.x.size))
        still, start = np.zeros((1, self.run.map.flat_theta.size)), np.linalg.norm(V)
        for _ in range(steps):
            V = self.tangents(V, still)
            if np.linalg.norm(V) <= _SHRUNK * start:
                return True
        return False
