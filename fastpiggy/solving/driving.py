"""Runs of the engine: work arrays, chunks between which Python can look up, and traces."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.block_descent import BlockDescent
from fastpiggy.algorithms.composite import row_tangents, rows
from fastpiggy.algorithms.coordinate_descent import CoordinateDescent
from fastpiggy.algorithms.forward_backward import ForwardBackward
from fastpiggy.algorithms.protocol import iterate
from fastpiggy.designs import Fixed, matrix
from fastpiggy.losses import Constant
from fastpiggy.problems import directions as wrt
from fastpiggy.solving import options as opt

#: Seconds that compiled code may run before Python sees a callback or Ctrl-C.
_GLANCE = 0.05


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
        table = np.concatenate(parts) if parts else np.zeros((0, 5))
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


def _rate(change: np.ndarray) -> float | None:
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


class Run:
    """One algorithm on one bound problem, resumable.

    Parameters
    ----------
    binding : Binding
    options : an options record of :mod:`fastpiggy.solving.options`
    directions : list of Direction
        Of the tangents that run along.
    x : ndarray of shape (p,)
        Where to start, the intercept last.
    callback : callable, optional
        Called with a dict between chunks.
    """

    def __init__(
        self, binding: Any, options: Any, directions: list[wrt.Direction], x: np.ndarray,
        callback: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:  # fmt: skip
        self.binding, self.callback = binding, callback
        self.m = wrt.count(directions)
        self.d = wrt.as_records(binding.problem, directions)
        n, p = binding.shape
        self.state = iterate(n, p, self.m)
        self.state.x[:] = x
        self._start_tangents(directions)
        self.algorithm = algorithm(binding, options)
        if not isinstance(options, opt.ForwardBackward):
            self.refresh()
        self.progress = engine.Progress.start()
        self.parts: list[np.ndarray] = []
        self.chunk = 8

    def _start_tangents(self, directions: list[wrt.Direction]) -> None:
        k = 0
        for direction in directions:
            rows_ = slice(k, k + len(direction.values))
            k += len(direction.values)
            if direction.name == "x0":
                V = direction.values.T
                self.state.J[rows_] = self.binding.inward(V, np.zeros(V.shape[1])).T

    def refresh(self) -> None:
        """States, slopes and their tangents at x and J: what descent keeps up to date."""
        state, d, loss = self.state, self.d, self.binding.composite.loss
        state.s[:] = self.binding.start[0] + matrix.predict(self.binding.design, state.x)
        h = np.empty_like(state.s)
        rows(loss, state.s, state.r, h)
        if not self.m:
            return
        starts, tangents = np.zeros_like(state.S), np.zeros_like(state.R)
        if not isinstance(d.loss, Constant):
            row_tangents(loss, d.loss, state.s, starts, tangents, self.m)
        if not isinstance(d.design, Fixed):
            starts += d.design.values @ state.x[: d.design.values.shape[2]]
        state.S[:] = starts + matrix.predict(self.binding.design, state.J.T).T
        state.R[:] = h * state.S + tangents

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
            code, done = engine.run(
                self.algorithm, self.binding.composite, self.d, self.state, self.m, policy,
                self.progress, table,
            )  # fmt: skip
            seconds = time.perf_counter() - before
            self.parts.append(table[:done])
            steps -= done
            if code == engine.TANGENTS_DUE:
                self.refresh()
                code = engine.UNFINISHED
                continue
            if seconds < 0.5 * _GLANCE:
                self.chunk = min(2 * self.chunk, 4096)
            elif seconds > 2 * _GLANCE:
                self.chunk = max(1, self.chunk // 2)
            if self.callback is not None:
                self.callback(self._report(table[done - 1]))
        return code

    def _report(self, row: np.ndarray) -> dict[str, Any]:
        return {
            "iteration": self.iterations,
            "change": float(row[engine.CHANGE]),
            "tangent_change": float(row[engine.TANGENT_CHANGE]),
            "optimality": float(row[engine.RESIDUAL]) / self.binding.scale,
        }


def algorithm(binding: Any, options: Any) -> Any:
    """The compiled record of an algorithm for a bound problem."""
    penalty = binding.composite.penalty
    largest = penalty.largest_step() if hasattr(penalty, "largest_step") else np.inf
    if isinstance(options, opt.ForwardBackward):
        step = options.step
        if step is None:
            step = min(1.0 / binding.largest_curvature, 0.5 * largest)
        elif not step < min(2.0 / binding.largest_curvature, largest):
            raise ValueError(
                f"step must be below 2/L = {2.0 / binding.largest_curvature:.6g}"
                + (f" and below {largest:.6g}" if largest < np.inf else "")
                + f", got {step}"
            )
        return ForwardBackward(np.full(binding.shape[1], float(step)))
    curvature = np.maximum(1.0 / binding.steps, binding.lipschitz)
    if isinstance(options, opt.BlockDescent):
        first = [members[0] for members in binding.blocks]
        return BlockDescent(curvature[first + list(range(binding.penalised, len(curvature)))])
    order = np.arange(len(curvature))
    # The intercept goes first: all coefficients lean on it.
    order = np.roll(order, len(curvature) - binding.penalised)
    seed = options.seed if options.order == "random" else 0
    return CoordinateDescent(curvature, order, options.inner, np.array([seed]))
