"""Solve ``norm_W(x - y)^2 / 2 + alpha norm1(D x)``, D differences."""

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.operators import Banded
from fastpiggy.certificate import Status
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Cost, Solution
from fastpiggy.solving import options as opt
from fastpiggy.solving.request import Request
from fastpiggy.solving.running import Trace
from fastpiggy.solving.structured import Exact
from fastpiggy.structured import quadratic
from fastpiggy.structured.quadratic import check_penalty_parameter, check_start
from fastpiggy.structured.trend_filter.exchange import finish
from fastpiggy.structured.trend_filter.knots import Knots, at_zero, gradient_scale
from fastpiggy.structured.trend_filter.problem import TrendFilter
from fastpiggy.structured.trend_filter.projection import Projection, iterate_floor
from fastpiggy.structured.trend_filter.segments import Segments

#: Iterations of ADMM before the first exact finish, four times as many before each of the others.
_FIRST = 30
_FINISHES = 3

#: c and b of ``rho = mean(w) (c h^b / pi)^(2 order)``, ``h = n (alpha/alpha_max)^(1/order)`` about
#: the distance of knots: fitted to the best of a grid of rho on 144 problems of 60 and 300 points.
_SPREAD = {1: (3.6, 0.25), 2: (2.4, 0.5), 3: (1.1, 0.7), 4: (1.1, 0.7)}
#: Bounds of ``rho 4^order / mean(w)``, about the condition of M.
_LEAST, _MOST = 0.2, 1e10

_DIRECT = Cost("dynamic programming", 0)
_DEGREE_0 = {"dynamic_programming": opt.DynamicProgramming, "admm": opt.ADMM}
_ABOVE = {"active_set": opt.ActiveSet, "admm": opt.ADMM}

_ADVICE = {
    Status.MAX_ITER: "max_iter was reached before the tolerance; raise either, give another "
    'penalty_parameter, or leave derivative="auto", which ends with an exact solve on the knots',
    Status.NOT_CONTRACTING: "points of weight zero leave the map an eigenvalue 1, so that J "
    "depends on where it started; drop them or give them a small weight",
    Status.SINGULAR_ACTIVE_SET: "points of weight zero leave it open where a knot stands: the "
    "solution need not be unique and no derivative is determined; drop them or give them a small "
    "weight",
}


class Run(quadratic.Run):
    """ADMM on a trend filter, resumable."""

    def continue_from(self, solution: Solution) -> None:
        p = self.signal
        if getattr(solution.problem, "degree", None) == p.degree:
            knots = _knots_near(solution.problem, solution.x)
            self.hold(Projection(knots, self.selection, self.rho))
        else:
            super().continue_from(solution)

    def hold(self, point: Projection) -> None:
        """Take the state whose shadow is the solution for the knots, with tangents of zero."""
        knots, z = point.knots, np.zeros(self.signal.rows)
        z[knots.rows] = knots.z
        self.take(knots.x, z, knots.u)

    @property
    def scale(self) -> float:
        return gradient_scale(self.signal)

    @property
    def floor(self) -> float:
        return iterate_floor(self.signal, self.rho)

    def point(self) -> Projection:
        p = self.signal
        knots = at_zero(p) if p.alpha == 0.0 else Knots(p, *self.signs())
        last = self.parts[-1][-1, engine.RESIDUAL] / self.scale
        return Projection(knots, self.selection, self.rho, self.state.x.copy(), last)


def _rho(problem: TrendFilter, options: opt.ADMM) -> float:
    mean, order = float(problem.sample_weight.mean()), problem.order
    given = check_penalty_parameter(options, mean / problem.largest**2)
    if given is not None:
        return given
    top = problem.alpha_max()
    share = problem.alpha / top if problem.alpha < top else 1.0
    c, b = _SPREAD[order]
    found = (c * (problem.y.size * share ** (1 / order)) ** b / np.pi) ** (2 * order)
    # Differences at positions go as the distance to the power of the degree.
    found *= problem.distance ** (2 * problem.degree)
    least, most = (bound / problem.largest**2 for bound in (_LEAST, _MOST))
    return mean * min(max(found, least), most)


def _knots_near(problem: TrendFilter, x: np.ndarray) -> Knots:
    """The knots that the differences of x show above their rounding."""
    if problem.alpha == 0.0:
        return at_zero(problem)
    difference = problem.differences(x)
    noise = problem.largest * 4 * np.finfo(float).eps * np.abs(x).max()
    rows = np.flatnonzero(np.abs(difference) > noise)
    return Knots(problem, rows, np.sign(difference[rows]))


class System:
    """What :func:`fastpiggy.solve` asks of a trend filter."""

    max_iter = 20_000
    kind = "differences"
    advice = _ADVICE

    def __init__(self, problem: TrendFilter) -> None:
        self.problem, self.coordinates = problem, problem.rows
        self.algorithms = _DEGREE_0 if problem.degree == 0 else _ABOVE

    def run(self, options: opt.ADMM, directions: list[wrt.Direction], request: Request) -> Run:
        """ADMM with the tangents of the directions."""
        operator = Banded(self.problem.operator)
        return Run(self.problem, operator, _rho(self.problem, options), directions, request)

    def exact(self, options: opt.ADMM, request: Request) -> Exact:
        """By dynamic programming or exchanges of knots, or by ADMM and such a finish."""
        if isinstance(options, opt.DynamicProgramming):
            return self._directly(request)
        if isinstance(options, opt.ActiveSet):
            return self._by_knots(request)
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

    def _by_knots(self, request: Request) -> Exact:
        """Knots exchanged from none, or from those of a start."""
        problem, start = self.problem, check_start(self.problem, request.x0)
        rows, signs = np.zeros(0, dtype=np.int64), np.zeros(0)
        if start is not None:
            x = start.x if isinstance(start, Solution) else start
            near = _knots_near(problem, x)
            # An x that is no spline tells nothing.
            if 2 * len(near.rows) < problem.rows:
                rows, signs = near.rows, near.signs
        knots, tol = finish(problem, rows, signs, request.tol), request.tol
        point = Projection(knots, request.selection, lambda: _rho(problem, opt.ADMM()))
        done = point.optimality <= max(tol, point.floor)
        code = engine.CONVERGED if done else engine.UNFINISHED
        return Exact(code, point, 0, Trace.of([]), Cost("active_set", 0))

    def _directly(self, request: Request) -> Exact:
        """Total variation by dynamic programming, in linear time."""
        check_start(self.problem, request.x0)
        point, tol = self._total_variation(request.selection, request.tol), request.tol
        done = point.optimality <= max(tol, point.floor)
        code = engine.CONVERGED if done else engine.UNFINISHED
        return Exact(code, point, 0, Trace.of([]), _DIRECT)

    def _total_variation(self, selection: np.ndarray, tol: float) -> Segments | Projection:
        """By segments where no jump is near a kink, else by the splines of all degrees."""
        problem = self.problem
        if problem.alpha == 0.0:
            return Projection(at_zero(problem), selection, _rho(problem, opt.ADMM()))
        found = Segments(problem)
        if found.plain:
            return found
        knots = finish(problem, found.rows, found.signs, tol)
        return Projection(knots, selection, _rho(problem, opt.ADMM()))

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
