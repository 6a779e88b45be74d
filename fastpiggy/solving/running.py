"""Runs of the engine in chunks between which Python can look up, and what they leave behind."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.certificate import Growth
from fastpiggy.solving.growth import growth

#: The derivatives that run along with the iterates or after them.
FUSED = ("piggyback", "late", "frozen")

#: Seconds that compiled code may run before Python sees a callback or Ctrl-C.
_GLANCE = 0.05


#: The residual of an x at rest, over its largest.
_REST = 1e-6
#: Steps for which x must have been at rest before a run ends because its tangents grow.
_QUIET = 4096


@dataclass(frozen=True)
class Trace:
    """What an algorithm did, one entry an iteration.

    Parameters
    ----------
    change : ndarray
        ``norm(x_k+1 - x_k)``.
    tangent_change : ndarray
        ``norm(J_k+1 - J_k)``, Frobenius; 0 where no tangent ran.
    tangent_size : ndarray
        ``norm(J_k+1)``.
    residual : ndarray
        The largest violation of optimality the step saw, in units of the gradient.
    tangents : ndarray of int
        Number of tangents that ran.
    """

    change: np.ndarray
    tangent_change: np.ndarray
    tangent_size: np.ndarray
    residual: np.ndarray
    tangents: np.ndarray

    @classmethod
    def of(cls, parts: list[np.ndarray]) -> "Trace":
        if not parts:
            return _EMPTY
        table = np.concatenate(parts)
        return cls(*(table[:, i] for i in range(4)), table[:, 4].astype(int))

    def __len__(self) -> int:
        return len(self.change)

    @property
    def rate(self) -> float | None:
        """Ratio of successive changes at the end of the run, an estimate; None where it is short.

        The geometric mean over the last stretch that is neither rounding nor the first steps.
        """
        return _rate(self.change)

    @property
    def tangent_rate(self) -> float | None:
        """The same of the tangents' changes."""
        return _rate(self.tangent_change)

    @cached_property
    def growth(self) -> Growth | None:
        """How the tangents grow, once x is at rest; None where they do not.

        At rest: the residual is a millionth of its largest, or about what it is at the end.
        """
        if not len(self):
            return None
        on = (self.tangents > 0) & np.isfinite(self.residual)
        rest = max(_REST * self.residual[on].max(initial=0.0), 10 * self.residual[-1])
        moves = np.flatnonzero(~on | (self.residual > rest))
        first = moves[-1] + 1 if moves.size else 0
        return growth(self.tangent_change[first:], self.tangent_size[first:])


_EMPTY = Trace(*np.zeros((4, 0)), np.zeros(0, dtype=int))


def _rate(change: np.ndarray) -> float | None:
    if change.size < 12:
        return None
    size = change[change > 0]
    if size.size < 12 or not np.all(np.isfinite(size)):
        return None
    # Rounding makes a plateau: only what stands well above the smallest change is a rate.
    clear = np.flatnonzero(change > max(1e3 * size.min(), 1e-13 * size.max()))
    if clear.size < 12:
        clear = np.flatnonzero(change > 0)
    last = clear[-1]
    first = max(clear[0], last - max(10, (last - clear[0]) // 4))
    if last - first < 5 or change[first] == 0:
        return None
    return float((change[last] / change[first]) ** (1.0 / (last - first)))


class Running:
    """An algorithm on a problem, resumable: what the families of problems share.

    Parameters
    ----------
    algorithm, problem, d, state : records
        As :func:`fastpiggy.algorithms.engine.run` takes them.
    m : int
        Number of tangents.
    callback : callable, optional
        Called with a dict between chunks.
    """

    #: A late tangent starts when no coordinate has changed side for so many iterations.
    patience = 10
    #: The engine, compiled or not.
    loop = staticmethod(engine.run)

    def __init__(
        self, algorithm: Any, problem: Any, d: Any, state: Any, m: int,
        callback: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:  # fmt: skip
        self.algorithm, self.problem, self.d, self.state = algorithm, problem, d, state
        self.m, self.callback = m, callback
        self.progress = engine.Progress.start()
        self.parts: list[np.ndarray] = []
        self.chunk = 8
        #: Steps since the residual was last above what it was to be.
        self.quiet = 0

    @property
    def scale(self) -> float:
        """What the residual is measured against."""
        raise NotImplementedError

    @property
    def floor(self) -> float:
        """What rounding leaves of the residual, over the scale, where iterations cannot pass it."""
        return 0.0

    def point(self) -> Any:
        """What is known at x: an object with `optimality` and `floor`."""
        raise NotImplementedError

    def tangents(self) -> np.ndarray:
        """J of shape (size, m), as the problem has its units."""
        return self.state.J.T.copy()  # type: ignore[no-any-return]

    def refresh(self) -> None:
        """Bring what the algorithm carries along to x and J."""

    @property
    def iterations(self) -> int:
        return int(self.progress.count[0])

    def advance(
        self, steps: int, tol: float, tangent_tol: float = np.inf, patience: int = 0,
        moving: bool = True,
    ) -> int:  # fmt: skip
        """Run at most `steps` iterations; returns the engine's code."""
        code = engine.UNFINISHED
        while steps > 0 and code == engine.UNFINISHED:
            size = min(steps, self.chunk)
            table = np.empty((size, 5))
            policy = engine.Policy(size, tol, tangent_tol, patience, moving)
            before = time.perf_counter()
            code, done = self.loop(
                self.algorithm, self.problem, self.d, self.state, self.m, policy,
                self.progress, table,
            )  # fmt: skip
            seconds = time.perf_counter() - before
            self.parts.append(table[:done])
            steps -= done
            if code == engine.TANGENTS_DUE:
                self.refresh()
                code = engine.UNFINISHED
                continue
            if self._grows(table[:done], tol):
                return engine.GROWING
            if seconds < 0.5 * _GLANCE:
                self.chunk = min(2 * self.chunk, 4096)
            elif seconds > 2 * _GLANCE:
                self.chunk = max(1, self.chunk // 2)
            if self.callback is not None:
                self.callback(self._report(table[done - 1]))
        return code

    def _grows(self, table: np.ndarray, tol: float) -> bool:
        """Whether the tangents have grown for long enough after x came to rest."""
        quiet = (table[:, engine.RESIDUAL] <= tol) & (table[:, engine.TANGENTS] > 0)
        if not quiet.all():
            self.quiet = 0
            return False
        before, self.quiet = self.quiet, self.quiet + len(table)
        # At each power of two, so that the looks together cost no more than the last.
        if self.quiet < _QUIET or self.quiet.bit_length() == before.bit_length():
            return False
        last = np.concatenate(self.parts)[-self.quiet :]
        return growth(last[:, engine.TANGENT_CHANGE], last[:, engine.TANGENT_SIZE]) is not None

    def _report(self, row: np.ndarray) -> dict[str, Any]:
        return {
            "iteration": self.iterations,
            "change": float(row[engine.CHANGE]),
            "tangent_change": float(row[engine.TANGENT_CHANGE]),
            "optimality": float(row[engine.RESIDUAL]) / self.scale,
        }


def piggyback(run: Running, mode: str, limit: int, tol: float) -> tuple[int, np.ndarray]:
    """The pure algorithm with its tangents, no finish; returns the engine's code and J."""
    goal = max(tol, run.floor) * run.scale
    if mode == "frozen":
        # No step settles so long: the tangents stay off until x has converged.
        never = np.iinfo(np.int64).max
        m, run.m = run.m, 0
        code = _until_optimal(run, limit, goal, never)
        run.m = m
        if code == engine.CONVERGED:
            run.refresh()
            code = run.advance(limit, np.inf, tol, moving=False)
    else:
        code = _until_optimal(run, limit, goal, 0 if mode == "piggyback" else run.patience, tol)
    return code, run.tangents()


def _until_optimal(
    run: Running, limit: int, goal: float, patience: int, tangent_tol: float = np.inf
) -> int:
    """Advance until optimality itself holds: a step's own residual only stands for it."""
    aim = goal
    while True:
        left = limit - run.iterations
        code = run.advance(left, aim, tangent_tol, patience) if left > 0 else engine.UNFINISHED
        if code != engine.CONVERGED:
            return code
        point = run.point()
        reached = point.optimality * run.scale <= goal or aim < 1e-6 * goal
        if reached or point.optimality <= point.floor:
            return code
        aim *= 0.1
