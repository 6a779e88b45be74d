"""Runs of the algorithms for ``loss(X x + b) + penalty(x)``: records, work arrays, starts."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastpiggy.algorithms.block_descent import BlockDescent
from fastpiggy.algorithms.composite import row_tangents, rows
from fastpiggy.algorithms.coordinate_descent import CoordinateDescent
from fastpiggy.algorithms.forward_backward import ForwardBackward
from fastpiggy.algorithms.inertial import FISTA, HEAVY_BALL, NESTEROV, Inertial, inertial
from fastpiggy.algorithms.protocol import iterate
from fastpiggy.designs import Fixed, matrix
from fastpiggy.losses import Constant
from fastpiggy.problems import directions as wrt
from fastpiggy.solving import options as opt
from fastpiggy.solving.linearisation import Linearisation
from fastpiggy.solving.running import Running


class Run(Running):
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
        self.binding = binding
        self._latest: Linearisation | None = None
        m, d = wrt.count(directions), wrt.as_records(binding.problem, directions)
        state = iterate(*binding.shape, m)
        state.x[:] = x
        super().__init__(
            algorithm(binding, options, state), binding.composite, d, state, m, callback
        )
        self._start_tangents(directions)
        if not isinstance(options, opt.ForwardBackward):
            self.refresh()

    @property
    def scale(self) -> float:
        return self.binding.scale

    def point(self) -> Linearisation:
        """Made once for an x: the same that a run has stopped at is certified."""
        if self._latest is None or not np.array_equal(self._latest.x, self.state.x):
            self._latest = Linearisation(self.binding, self.state.x.copy())
        return self._latest

    def _start_tangents(self, directions: list[wrt.Direction]) -> None:
        k = 0
        for direction in directions:
            rows_ = slice(k, k + len(direction.values))
            k += len(direction.values)
            if direction.name == "x0":
                V = direction.values.T
                self.state.J[rows_] = self.binding.inward(V, np.zeros(V.shape[1])).T

    def refresh(self) -> None:
        """Bring what is carried along to x and J.

        Descent keeps states, slopes and their tangents up to date; momentum is at rest again.
        """
        state, d, loss = self.state, self.d, self.binding.composite.loss
        if isinstance(self.algorithm, Inertial):
            self.algorithm.x_before[:] = state.x
            self.algorithm.J_before[:] = state.J
            self.algorithm.clock[0] = 1.0
            return
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


def algorithm(binding: Any, options: Any, state: Any) -> Any:
    """The compiled record of an algorithm for a bound problem, to start from a state."""
    if isinstance(options, opt.ForwardBackward):
        return ForwardBackward(_steps(binding, options.step, 1.0, 2.0, "2/L"))
    if isinstance(options, opt.HeavyBall):
        b = options.momentum
        steps = _steps(
            binding, options.step, min(1.0, 1.9 * (1.0 - b)), 2.0 * (1.0 + b), "2 (1 + momentum)/L"
        )
        return inertial(HEAVY_BALL, steps, b, state.x, state.J)
    if isinstance(options, opt.Nesterov):
        b = options.momentum
        most, name = 2.0 * (1.0 + b) / (1.0 + 2.0 * b), "2 (1 + momentum)/(1 + 2 momentum)/L"
        steps = _steps(binding, options.step, 1.0, most, name)
        return inertial(NESTEROV, steps, b, state.x, state.J)
    if isinstance(options, opt.FISTA):
        steps = _steps(binding, options.step, 1.0, 4.0 / 3.0, "4/(3 L)")
        return inertial(FISTA, steps, 0.0, state.x, state.J, options.restart)
    curvature = np.maximum(1.0 / binding.steps, binding.lipschitz)
    if isinstance(options, opt.BlockDescent):
        first = [members[0] for members in binding.blocks]
        return BlockDescent(curvature[first + list(range(binding.penalised, len(curvature)))])
    order = np.arange(len(curvature))
    # The intercept goes first: all coefficients lean on it.
    order = np.roll(order, len(curvature) - binding.penalised)
    seed = options.seed if options.order == "random" else 0
    return CoordinateDescent(curvature, order, options.inner, np.array([seed]))


def _steps(binding: Any, step: float | None, default: float, most: float, name: str) -> np.ndarray:
    """One step for all coordinates; `default` and `most`, called `name`, are in units of 1/L."""
    L, penalty = binding.largest_curvature, binding.composite.penalty
    largest = penalty.largest_step() if hasattr(penalty, "largest_step") else np.inf
    if step is None:
        step = min(default / L, 0.5 * largest)
    elif not step < min(most / L, largest):
        raise ValueError(
            f"step must be below {name} = {most / L:.6g}"
            + (f" and below {largest:.6g}" if largest < np.inf else "")
            + f", got {step}"
        )
    return np.full(binding.shape[1], float(step))
