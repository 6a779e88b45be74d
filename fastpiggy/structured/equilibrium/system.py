"""Solve an equilibrium layer: a splitting to about the right active units, then Newton."""

from typing import Any, ClassVar

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.equilibrium import (
    EquilibriumForwardBackward,
    Layer,
    LayerDirections,
    PeacemanRachford,
    splitting,
)  # fmt: skip
from fastpiggy.certificate import Status
from fastpiggy.problems import checks
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Cost, Solution
from fastpiggy.solving import options as opt
from fastpiggy.solving import structured
from fastpiggy.solving.request import Request
from fastpiggy.solving.running import Trace
from fastpiggy.solving.structured import Exact
from fastpiggy.structured.equilibrium.linearisation import Dense, Diagonal, Patched, activate, still
from fastpiggy.structured.equilibrium.point import Point, floor, movement, scale
from fastpiggy.structured.equilibrium.problem import Equilibrium

#: Residual of the splitting, over the scale, where Newton's method first takes over; what it must
#: shrink by before the next time; iterations at the most between; Newton steps.
_ROUGH, _FINER, _MOST, _STEPS = 1e-2, 0.1, 500, 6

_ADVICE = {
    Status.MAX_ITER: "max_iter was reached before the tolerance; raise either, or take "
    'algorithm="peaceman_rachford" with the default step',
}


class Run(structured.Run):
    """A splitting on all inputs at once, resumable."""

    def __init__(
        self, problem: Equilibrium, options: Any, directions: list[wrt.Direction], request: Request
    ) -> None:
        W, c, m = problem.W, problem.inputs, wrt.count(directions)
        self.layer, self.step = problem, step_of(problem, options)
        a, eye = self.step, np.eye(len(W))
        if isinstance(options, opt.ForwardBackward):
            algorithm: Any = EquilibriumForwardBackward(a, (1.0 - a) * eye + a * W)
        else:
            R = np.linalg.inv((1.0 + a) * eye - a * W)
            algorithm = PeacemanRachford(a, R, 2.0 * R - eye, 2.0 * a * c @ R.T)
        self.selection = request.selection.reshape(c.shape)
        bound = Layer(c, problem.activation, np.full(len(W), a), self.selection)
        dc, dW = movement(problem, directions)
        d = LayerDirections(dc, dW, still(problem.activation, m))
        state = splitting(_start(problem, request.x0), m)
        super().__init__(algorithm, bound, d, state, m, request.callback)
        k = 0
        for direction in directions:
            if direction.name == "x0":
                rows = slice(k, k + len(direction.values))
                values = direction.values.reshape(len(direction.values), *c.shape)
                state.T[:, rows] = np.swapaxes(values, 0, 1)
            k += len(direction.values)
        if request.x0 is None:
            state.U[:] = a * c
        else:
            self.carry(slice(None))
        if m:
            moves = dc + (np.moveaxis(dW @ state.Z.T, 2, 0) if len(dW) else 0.0)
            state.dU[:] = (1.0 - a) * state.T + a * (state.T @ W.T + moves)

    def carry(self, rows: Any) -> None:
        """What Peaceman-Rachford carries, made from Z: ``u = z + a (W z + c - z)``."""
        Z = self.state.Z[rows]
        ahead = Z @ self.layer.W.T + self.layer.inputs[rows]
        self.state.U[rows] = Z + self.step * (ahead - Z)

    def hold(self, point: Point) -> None:
        """Take the state whose shadow is the point, with tangents of zero."""
        state = self.state
        state.Z[:] = point.Z
        for table in (state.J, state.T, state.dU):
            table[:] = 0.0
        self.carry(slice(None))

    @property
    def scale(self) -> float:
        return scale(self.layer)

    @property
    def floor(self) -> float:
        return floor(self.layer, self.state.Z)

    def point(self) -> Point:
        return Point(self.layer, self.state.Z.copy(), self.selection)


def step_of(problem: Equilibrium, options: Any) -> float:
    """The step, checked against the bound of forward-backward.

    Raises
    ------
    ValueError
        If it is too long.
    """
    if isinstance(options, opt.ForwardBackward):
        largest = problem.largest_step
        if options.step is not None and not options.step < largest:
            raise ValueError(
                f"step must be below 2 m/L^2 = {largest:.6g} for forward-backward (strong "
                f"monotonicity m = {problem.monotonicity:.4g}, L = norm(I - W) = "
                f'{problem.lipschitz:.4g}), got {options.step}; algorithm="peaceman_rachford" '
                "takes any"
            )
        return 0.5 * largest if options.step is None else float(options.step)
    if options.step is not None:
        return float(options.step)
    # The bound of the rate is best at 1/L, what half the units being inactive leaves of it at about
    # twice that; a few power iterations do.
    K = np.eye(len(problem.W)) - problem.W
    v = K.T @ np.ones(len(K)) + 1e-3 * np.arange(len(K))
    for _ in range(8):
        v = K.T @ (K @ (v / (np.linalg.norm(v) or 1.0)))
    return float(2.0 / (np.sqrt(np.linalg.norm(v)) or 1.0))


def _start(problem: Equilibrium, x0: Any) -> np.ndarray:
    shape = problem.inputs.shape
    if x0 is None:
        return np.zeros(shape)
    given = x0.x if isinstance(x0, Solution) else x0
    return checks.shaped(given, "x0", problem.shape, "unit").reshape(shape)


class System:
    """What :func:`fastpiggy.solve` asks of an equilibrium layer."""

    algorithms: ClassVar[dict[str, type]] = {
        "peaceman_rachford": opt.PeacemanRachford, "forward_backward": opt.ForwardBackward,
    }  # fmt: skip
    max_iter = 100_000
    kind = "units"
    advice = _ADVICE

    def __init__(self, problem: Equilibrium) -> None:
        self.problem, self.coordinates = problem, problem.inputs.size

    def run(self, options: Any, directions: list[wrt.Direction], request: Request) -> Run:
        """A splitting with the tangents of the directions."""
        return Run(self.problem, options, directions, request)

    def exact(self, options: Any, request: Request) -> Exact:
        """The splitting, and Newton's method for the inputs that it improves."""
        run = self.run(options, [], request)
        limit, factors, improved = request.max_iter or self.max_iter, None, None
        goal, aim = max(1e-2 * request.tol, run.floor) * run.scale, _ROUGH * run.scale
        code, gap = engine.UNFINISHED, np.inf
        while not gap <= goal and run.iterations < limit:
            if improved is not None:
                run.carry(improved)
            code = run.advance(min(_MOST, limit - run.iterations), aim)
            if code not in (engine.UNFINISHED, engine.CONVERGED):
                break
            factors, improved, gap = polish(self.problem, run.state.Z, run.selection, goal)
            aim *= _FINER
        point = Point(self.problem, run.state.Z.copy(), run.selection, factors)
        done = point.optimality <= max(request.tol, point.floor)
        if code in (engine.UNFINISHED, engine.CONVERGED):
            code = engine.CONVERGED if done else engine.UNFINISHED
        cost = Cost("splitting + Newton", run.iterations, sweeps=run.iterations)
        return Exact(code, point, run.iterations, Trace.of(run.parts), cost)

    def near(self, x: np.ndarray, tol: float) -> Point:
        """The point at a solution that is known as numbers only."""
        shape = self.problem.inputs.shape
        return Point(self.problem, np.array(x).reshape(shape), np.zeros(shape))


def polish(
    problem: Equilibrium, Z: np.ndarray, q: np.ndarray, goal: float
) -> tuple[Any, np.ndarray, float]:
    """Newton steps on ``z = prox_g(W z + c)``, in place on the rows of Z that they improve.

    Returns
    -------
    factors : Diagonal, Patched, Dense or None
        Of the last step of each row.
    improved : ndarray of bool, shape (N,)
    gap : float
        The largest entry of ``prox_g(W z + c) - z`` that is left.
    """
    kind = Diagonal if problem.separable else Dense
    W, c = problem.W, problem.inputs
    S, D = activate(problem, Z @ W.T + c, q)
    gaps = np.abs(S - Z).max(axis=1)
    # All rows: a slice, which copies nothing.
    rows: Any = slice(None)
    factors, improved = None, np.zeros(len(Z), dtype=bool)
    for _ in range(_STEPS):
        if not np.all(np.isfinite(S)):
            break
        found = kind(W, D)
        if isinstance(rows, slice):
            factors = found
        elif problem.separable:
            factors = Patched(factors, rows, found)
        S -= Z[rows]
        new = found.solve(S[:, None])[:, 0]
        new += Z[rows]
        V = new @ W.T
        V += c[rows]
        S, D = activate(problem, V, q[rows])
        gap = np.abs(S - new).max(axis=1)
        good = gap < gaps[rows]
        at = np.flatnonzero(good) if isinstance(rows, slice) else rows[good]
        Z[at], gaps[at] = new[good], gap[good]
        improved[at] = True
        left = good & (gap > goal)
        rows, S, D = np.arange(len(Z))[rows][left], S[left], D[left]
        if not len(rows):
            break
    return factors, improved, float(gaps.max())
