"""Solve ``norm_W(x - y)^2 / 2 + alpha norm1(D x)``, D differences."""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.admm import Fused, FusedDirections, admm, splitting
from fastpiggy.certificate import Certificate, FastpiggyWarning, Status
from fastpiggy.penalties import L1
from fastpiggy.problems import checks
from fastpiggy.problems import directions as wrt
from fastpiggy.problems.discrete_spline import differences
from fastpiggy.problems.trend_filter import TrendFilter
from fastpiggy.solution import Cost, Solution
from fastpiggy.solving import options as opt
from fastpiggy.solving import verdict
from fastpiggy.solving.exchange import finish
from fastpiggy.solving.knots import Knots, at_zero, gradient_scale
from fastpiggy.solving.projection import Projection, iterate_floor
from fastpiggy.solving.request import Request, check
from fastpiggy.solving.running import FUSED, Running, Trace, piggyback

_MAX_ITER = 20_000
#: Iterations before the first exact finish, four times as many before each of the others.
_FIRST = 30
_FINISHES = 3

#: c and b of ``rho = mean(w) (c h^b / pi)^(2 order)``, ``h = n (alpha/alpha_max)^(1/order)`` about
#: the distance of knots: fitted to the best of a grid of rho on 144 problems of 60 and 300 points.
_SPREAD = {1: (3.6, 0.25), 2: (2.4, 0.5), 3: (1.1, 0.7), 4: (1.1, 0.7)}
#: Bounds of ``rho 4^order / mean(w)``, about the condition of M.
_LEAST, _MOST, _ALLOWED = 0.2, 1e10, 1e15

_ADVICE = {
    Status.MAX_ITER: "max_iter was reached before the tolerance; raise either, give another "
    'penalty_parameter, or leave derivative="auto", which ends with an exact solve on the knots',
    Status.NOT_CONTRACTING: "points of weight zero leave the map an eigenvalue 1, so that J "
    "depends on where it started; drop them or give them a small weight",
    Status.SINGULAR_ACTIVE_SET: "points of weight zero leave it open where a knot stands: the "
    "solution need not be unique and no derivative is determined; drop them or give them a small "
    "weight",
}


class Run(Running):
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
        if isinstance(x0, Solution):
            if x0.x.shape != p.shape:
                raise ValueError(f"x0 must be a solution with {p.y.size} points, got {x0.x.shape}")
            if getattr(x0.problem, "degree", None) == p.degree:
                self.hold(_knots_near(x0.problem, x0.x))
            else:
                state.v[:] = np.diff(x0.x, p.order)
        elif x0 is not None:
            state.x[:] = checks.vector(x0, "x0", p.y.size, "point")
            state.v[:] = np.diff(state.x, p.order)
        k = 0
        for d in directions:
            if d.name == "x0":
                state.J[k : k + len(d.values)] = d.values
                state.dv[k : k + len(d.values)] = np.diff(d.values, p.order, axis=1)
            k += len(d.values)

    def hold(self, knots: Knots) -> None:
        """Take the state whose shadow is the solution for the knots, with tangents of zero."""
        state = self.state
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


def solve(problem: TrendFilter, **arguments: Any) -> Solution:
    """See :func:`fastpiggy.solve`."""
    request = check(problem.rows, {"admm": opt.ADMM}, **arguments)
    directions = wrt.parse(problem, request.wrt, problem.y.size)
    options = opt.ADMM() if request.algorithm == "auto" else request.algorithm
    mode = "none" if not directions else request.derivative
    mode = "implicit" if mode == "auto" else mode
    runs_along = mode in FUSED or mode == "one_step"
    run = Run(problem, options, directions if runs_along else [], request)
    limit = request.max_iter or _MAX_ITER
    J = None
    if mode in FUSED:
        code, J = piggyback(run, mode, limit, request.tol)
        point = run.point()
    else:
        code, point = _primal(run, limit, request.tol)
        if mode == "implicit":
            J = point.solve(point.movement(directions))
        elif mode == "one_step":
            J = _one_step(run, point)
    trace = Trace.of(run.parts)
    certificate = _certify(point, J, directions, mode, code, trace, request.tol)
    if certificate.status != Status.CONVERGED:
        warnings.warn(certificate.message, FastpiggyWarning, stacklevel=4)
    jacobian = {} if J is None else wrt.split(J, directions)
    return Solution(
        problem, point.x, 0.0, jacobian, {d.name: np.zeros(d.shape)[()] for d in directions},
        certificate, "admm", mode, run.iterations, trace if request.trace else None,
        Cost("admm", run.iterations, sweeps=run.iterations), point.objective, Adjoint(point),
    )  # fmt: skip


def _primal(run: Run, limit: int, tol: float) -> tuple[int, Projection]:
    """ADMM, and the exact finish on the knots that it finds as soon as that leads to the end."""
    length, best = _FIRST, None
    m, run.m = run.m, 0
    for _ in range(_FINISHES):
        code = run.advance(min(length, limit - run.iterations), tol * run.scale)
        if code not in (engine.CONVERGED, engine.UNFINISHED):
            return code, run.point()
        knots = finish(run.trend, *run.signs(), tol)
        if best is None or knots.optimality < best.optimality:
            best = Projection(knots, run.selection, run.rho)
        if best.optimality <= max(tol, best.floor) or run.iterations >= limit:
            break
        length *= 4
    run.m = m
    assert best is not None
    done = best.optimality <= max(tol, best.floor)
    return engine.CONVERGED if done else engine.UNFINISHED, best


def _one_step(run: Run, point: Projection) -> np.ndarray:
    """The shadow of one step of the tangent recursion from zero, at the solution."""
    run.hold(point.knots)
    run.advance(1, np.inf, np.inf, moving=False)
    return run.state.J.T.copy()


def _certify(
    point: Projection, J: np.ndarray | None, directions: list[wrt.Direction], mode: str, code: int,
    trace: Trace, tol: float,
) -> Certificate:  # fmt: skip
    """What is known about x and J.

    The tangent residual is that of the Newton step on the knots, see
    :meth:`~fastpiggy.solving.projection.Projection.residual`; the trace holds that of ADMM's map.
    """
    residual, error, good = _tangent(point, J, directions)
    good = good or mode == "one_step"
    status = verdict.status(
        code, point.optimality <= max(tol, point.floor), mode in FUSED, lambda: point.singular,
        point.singular, good, point.kinks,
    )  # fmt: skip
    message = verdict.sentence(
        status, point.optimality, tol, point.floor, error, point.kinks, "differences", _ADVICE
    )
    certified = status == Status.CONVERGED and error is not None and bool(np.isfinite(error))
    return Certificate(
        status, point.optimality, tol, point.floor, trace.rate, point.kinks, message,
        lambda: (residual, error, certified), point.margin,
    )  # fmt: skip


def _tangent(
    point: Projection, J: np.ndarray | None, directions: list[wrt.Direction]
) -> tuple[float | None, float | None, bool]:
    """Residual and error of J, and whether the error is small in the units of each parameter."""
    if J is None:
        return None, None, True
    if point.singular or not np.all(np.isfinite(J)):
        return np.inf, np.inf, False
    problem = point.problem
    away, size = float(np.linalg.norm(problem.y - point.x)), float(np.linalg.norm(problem.y))
    units = {
        "alpha": away / problem.alpha if problem.alpha > 0 else 0.0,
        "sample_weight": away / float(problem.sample_weight.max()),
        "step": size / point.rho,
    }
    errors, residuals, good, k = [], [], True, 0
    for d in directions:
        part, move = J[:, k : k + len(d.values)], point.movement([d])
        k += len(d.values)
        errors.append(point.distance(part, move))
        residuals.append(float(np.linalg.norm(point.residual(part, move))))
        unit = units.get(d.name, 1.0) * float(np.abs(d.values).max(initial=0.0))
        good = good and verdict.small(errors[-1], part, unit)
    return float(np.linalg.norm(residuals)), float(np.linalg.norm(errors)), good


class Adjoint:
    """``v'J`` at a solution; see :meth:`fastpiggy.Solution.vjp`."""

    def __init__(self, point: Projection) -> None:
        self.point = point

    def __call__(
        self, v: Any, intercept: float = 0.0, wrt: str | Iterable[str] | None = None
    ) -> dict[str, Any]:
        problem = self.point.problem
        known = problem.parameters
        names = list(known) if wrt is None else [wrt] if isinstance(wrt, str) else list(wrt)
        for name in names:
            if name not in known:
                allowed = ", ".join(map(repr, known))
                raise ValueError(
                    f"wrt must name parameters of the problem ({allowed}), got {name!r}"
                )
        if intercept != 0.0:
            raise ValueError(f"intercept must be 0 for a problem without one, got {intercept!r}")
        e, along_alpha = self.point.adjoint(checks.vector(v, "v", problem.y.size, "point"))
        found = {
            "alpha": along_alpha,
            "y": problem.sample_weight * e,
            "sample_weight": (problem.y - self.point.knots.x) * e,
        }
        return {name: found[name] for name in names}


def _knots_near(problem: TrendFilter, x: np.ndarray) -> Knots:
    """The knots that the differences of x show above their rounding."""
    if problem.alpha == 0.0:
        return at_zero(problem)
    difference = np.diff(x, problem.order)
    noise = 2.0**problem.order * 4 * np.finfo(float).eps * np.abs(x).max()
    rows = np.flatnonzero(np.abs(difference) > noise)
    return Knots(problem, rows, np.sign(difference[rows]))


def adjoint_of(solution: Solution) -> Callable[..., dict[str, Any]]:
    """The adjoint at a solution, its knots found again from x."""
    problem = solution.problem
    near = _knots_near(problem, solution.x)
    knots = finish(problem, near.rows, near.signs, solution.certificate.tolerance)
    return Adjoint(Projection(knots, np.zeros(problem.rows), _rho(problem, opt.ADMM())))
