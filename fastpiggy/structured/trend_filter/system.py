"""Solve ``norm_W(x - y)^2 / 2 + alpha norm1(D x)``, D differences."""

from typing import Any

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.admm import Fused, FusedDirections, admm, splitting
from fastpiggy.certificate import Status
from fastpiggy.penalties import L1
from fastpiggy.problems import checks
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Cost, Solution
from fastpiggy.solving import options as opt
from fastpiggy.solving import structured
from fastpiggy.solving.request import Request
from fastpiggy.solving.running import Trace
from fastpiggy.solving.structured import Exact
from fastpiggy.structured.trend_filter.discrete_spline import differences
from fastpiggy.structured.trend_filter.exchange import finish
from fastpiggy.structured.trend_filter.knots import Knots, at_zero, gradient_scale
from fastpiggy.structured.trend_filter.problem import TrendFilter
from fastpiggy.structured.trend_filter.projection import Projection, iterate_floor
from fastpiggy.structured.trend_filter.segments import Segments

#: Iterations before the first exact finish, four times as many before each of the others.
_FIRST = 30
_FINISHES = 3

#: c and b of ``rho = mean(w) (c h^b / pi)^(2 order)``, ``h = n (alpha/alpha_max)^(1/order)`` about
#: the distance of knots: fitted to the best of a grid of rho on 144 problems of 60 and 300 points.
_SPREAD = {1: (3.6, 0.25), 2: (2.4, 0.5), 3: (1.1, 0.7), 4: (1.1, 0.7)}
#: Bounds of ``rho 4^order / mean(w)``, about the condition of M.
_LEAST, _MOST, _ALLOWED = 0.2, 1e10, 1e15

_ITERATIVE = {"admm": opt.ADMM}
_DIRECT = {"dynamic_programming": opt.DynamicProgramming, **_ITERATIVE}

_ADVICE = {
    Status.MAX_ITER: "max_iter was reached before the tolerance; raise either, give another "
    'penalty_parameter, or leave derivative="auto", which ends with an exact solve on the knots',
    Status.NOT_CONTRACTING: "points of weight zero leave the map an eigenvalue 1, so that J "
    "depends on where it started; drop them or give them a small weight",
    Status.SINGULAR_ACTIVE_SET: "points of weight zero leave it open where a knot stands: the "
    "solution need not be unique and no derivative is determined; drop them or give them a small "
    "weight",
}


class Run(structured.Run):
    """ADMM on one problem, resumable.

    Parameters
    ----------
    problem : TrendFilter
    options : ADMM
        Of :mod:`fastpiggy.solving.options`.
    directions : list of Direction
        Of the tangents that run along.
    request : Request
    """

    patience = 50

    def __init__(
        self, problem: TrendFilter, options: opt.ADMM, directions: list[wrt.Direction],
        request: Request,
    ) -> None:  # fmt: skip
        self.trend, self.selection = problem, request.selection
        rows, m = problem.rows, wrt.count(directions)
        operator, w = differences(problem.y.size, problem.order), problem.sample_weight
        penalty = L1(problem.alpha, np.ones(rows))
        self.rho = _rho(problem, options)
        super().__init__(
            _algorithm(operator, w, self.rho),
            Fused(operator, problem.y, w, penalty, request.selection),
            as_records(problem, directions),
            splitting(problem.y.size, rows, m),
            m,
            request.callback,
        )
        self._start(request.x0, directions)

    def _start(self, x0: Any, directions: list[wrt.Direction]) -> None:
        p, state = self.trend, self.state
        x0 = _check_start(p, x0)
        if isinstance(x0, Solution):
            if getattr(x0.problem, "degree", None) == p.degree:
                self.hold(Projection(_knots_near(x0.problem, x0.x), self.selection, self.rho))
            else:
                state.v[:] = np.diff(x0.x, p.order)
        elif x0 is not None:
            state.x[:] = x0
            state.v[:] = np.diff(state.x, p.order)
        k = 0
        for d in directions:
            if d.name == "x0":
                state.J[k : k + len(d.values)] = d.values
                state.dv[k : k + len(d.values)] = np.diff(d.values, p.order, axis=1)
            k += len(d.values)

    def hold(self, point: Projection) -> None:
        """Take the state whose shadow is the solution for the knots, with tangents of zero."""
        state, knots = self.state, point.knots
        for rows in (state.X, state.V, state.Z):
            rows[:] = 0.0
        state.x[:] = knots.x
        state.z[knots.rows] = knots.z
        state.v[:] = state.z + knots.u / self.rho

    @property
    def scale(self) -> float:
        return gradient_scale(self.trend)

    @property
    def floor(self) -> float:
        return iterate_floor(self.trend, self.rho)

    def signs(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows where the prox is not zero, and its signs there."""
        rows = np.flatnonzero(self.state.z)
        return rows, np.sign(self.state.z[rows])

    def point(self) -> Projection:
        p = self.trend
        knots = at_zero(p) if p.alpha == 0.0 else Knots(p, *self.signs())
        last = self.parts[-1][-1, engine.RESIDUAL] / self.scale
        return Projection(knots, self.selection, self.rho, self.state.x.copy(), last)


def _check_start(problem: TrendFilter, x0: Any) -> Any:
    if x0 is None or (isinstance(x0, Solution) and x0.x.shape == problem.shape):
        return x0
    if isinstance(x0, Solution):
        raise ValueError(f"x0 must be a solution with {problem.y.size} points, got {x0.x.shape}")
    return checks.vector(x0, "x0", problem.y.size, "point")


def _rho(problem: TrendFilter, options: opt.ADMM) -> float:
    mean, order = float(problem.sample_weight.mean()), problem.order
    if options.penalty_parameter is not None:
        most = _ALLOWED * mean / 4.0**order
        if options.penalty_parameter > most:
            raise ValueError(
                f"penalty_parameter must be at most {most:.3g} for these sample weights, got "
                f"{options.penalty_parameter}: the system would be singular to rounding"
            )
        return float(options.penalty_parameter)
    top = problem.alpha_max()
    share = problem.alpha / top if problem.alpha < top else 1.0
    c, b = _SPREAD[order]
    found = (c * (problem.y.size * share ** (1 / order)) ** b / np.pi) ** (2 * order)
    return mean * min(max(found, _LEAST / 4.0**order), _MOST / 4.0**order)


def _algorithm(operator: np.ndarray, weights: np.ndarray, rho: float) -> Any:
    try:
        return admm(operator, weights, rho)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"the system of ADMM is singular to rounding at penalty_parameter={rho:.3g} and these "
            "sample weights; give a smaller one, or fewer weights of zero"
        ) from None


def as_records(problem: TrendFilter, directions: list[wrt.Direction]) -> FusedDirections:
    """Tangent records that kernels read."""
    m, n = wrt.count(directions), problem.y.size
    coupled = any(d.name in ("sample_weight", "step") for d in directions)
    y, alpha, step = np.zeros((m, n)), np.zeros(m), np.zeros(m)
    weights = np.zeros((m if coupled else 0, n))
    fields = {"y": y, "sample_weight": weights, "alpha": alpha, "step": step}
    k = 0
    for d in directions:
        if d.name in fields:
            fields[d.name][k : k + len(d.values)] = d.values
        k += len(d.values)
    penalty = L1(alpha, np.zeros((m, problem.rows)))  # type: ignore[arg-type]
    return FusedDirections(y, weights, penalty, step, int(coupled))


def _knots_near(problem: TrendFilter, x: np.ndarray) -> Knots:
    """The knots that the differences of x show above their rounding."""
    if problem.alpha == 0.0:
        return at_zero(problem)
    difference = np.diff(x, problem.order)
    noise = 2.0**problem.order * 4 * np.finfo(float).eps * np.abs(x).max()
    rows = np.flatnonzero(np.abs(difference) > noise)
    return Knots(problem, rows, np.sign(difference[rows]))


class System:
    """What :func:`fastpiggy.solve` asks of a trend filter."""

    max_iter = 20_000
    kind = "differences"
    advice = _ADVICE

    def __init__(self, problem: TrendFilter) -> None:
        self.problem, self.coordinates = problem, problem.rows
        self.algorithms = _DIRECT if problem.degree == 0 else _ITERATIVE

    def run(self, options: opt.ADMM, directions: list[wrt.Direction], request: Request) -> Run:
        """ADMM with the tangents of the directions."""
        return Run(self.problem, options, directions, request)

    def exact(self, options: opt.ADMM, request: Request) -> Exact:
        """ADMM, and the exact finish on the knots as soon as that leads to the end."""
        if isinstance(options, opt.DynamicProgramming):
            return self._directly(request)
        run = self.run(options, [], request)
        limit, tol = request.max_iter or self.max_iter, request.tol
        length, best, done = _FIRST, None, False
        for _ in range(_FINISHES):
            code = run.advance(min(length, limit - run.iterations), tol * run.scale)
            if code not in (engine.CONVERGED, engine.UNFINISHED):
                return self._ended(run, code, run.point())
            knots = finish(self.problem, *run.signs(), tol)
            if best is None or knots.optimality < best.optimality:
                best = Projection(knots, run.selection, run.rho)
            done = best.optimality <= max(tol, best.floor)
            if done or run.iterations >= limit:
                break
            length *= 4
        return self._ended(run, engine.CONVERGED if done else engine.UNFINISHED, best)

    def _directly(self, request: Request) -> Exact:
        """Total variation by dynamic programming, in linear time."""
        _check_start(self.problem, request.x0)
        point, tol = self._total_variation(request.selection, request.tol), request.tol
        done = point.optimality <= max(tol, point.floor)
        cost = Cost("dynamic programming", 0)
        code = engine.CONVERGED if done else engine.UNFINISHED
        return Exact(code, point, 0, Trace.of([]), cost)

    def _total_variation(self, selection: np.ndarray, tol: float) -> Segments | Projection:
        """By segments where no jump is near a kink, else by the splines of all degrees."""
        problem, rho = self.problem, _rho(self.problem, opt.ADMM())
        if problem.alpha == 0.0:
            return Projection(at_zero(problem), selection, rho)
        found = Segments(problem)
        if found.plain:
            return found
        return Projection(finish(problem, found.rows, found.signs, tol), selection, rho)

    def _ended(self, run: Run, code: int, point: Projection) -> Exact:
        cost = Cost("admm + finish", run.iterations, sweeps=run.iterations)
        return Exact(code, point, run.iterations, Trace.of(run.parts), cost)

    def near(self, x: np.ndarray, tol: float) -> Segments | Projection:
        """The solution near x, its knots found again."""
        problem = self.problem
        if problem.degree == 0:
            return self._total_variation(np.zeros(problem.rows), tol)
        near = _knots_near(problem, x)
        knots = finish(problem, near.rows, near.signs, tol)
        return Projection(knots, np.zeros(problem.rows), _rho(problem, opt.ADMM()))
