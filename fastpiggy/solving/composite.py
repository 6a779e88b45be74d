"""Solve ``loss(X x + b) + penalty(x)``."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fastpiggy.active_set.cost_model import FREE
from fastpiggy.algorithms import engine
from fastpiggy.certificate import Status
from fastpiggy.designs import matrix
from fastpiggy.losses import LeastSquares
from fastpiggy.problems import checks
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Cost, Solution
from fastpiggy.solving import (
    bounded,
    curved,
    exact,
    groups,
    large,
    majorised,
    parametric,
    proximal_newton,
)
from fastpiggy.solving import options as opt
from fastpiggy.solving.adjoint import Adjoint
from fastpiggy.solving.binding import Binding, bind
from fastpiggy.solving.certify import certify
from fastpiggy.solving.driving import Run
from fastpiggy.solving.found import linearised, on_support
from fastpiggy.solving.found import solution as solution_of
from fastpiggy.solving.linearisation import NONE, Linearisation
from fastpiggy.solving.newton import (
    climbs,
    grounded,
    is_convex,
    landed,
    newton,
    objective,
    polished,
)
from fastpiggy.solving.request import Request, check
from fastpiggy.solving.running import FUSED, Trace, piggyback
from fastpiggy.solving.separation import separated
from fastpiggy.solving.warm import predicted, same_data

#: Iterations at the most: of descent, and of what takes the gradient as a whole.
_SWEEPS, _STEPS = 20_000, 100_000
#: Iterations before the first finish is tried: sweeps, and steps of forward-backward.
_STRETCH, _WHOLE_STRETCH = 3, 100
#: Sweeps that do not lead to the end where a penalty is not convex: what may lead to another local
#: minimum is tried then.
_SLOW = 200
#: Whole-vector penalties have a dense Jacobian: beyond this it is not formed.
LARGEST_WHOLE = 1500


def solve(problem: Any, **arguments: Any) -> Solution:
    """See :func:`fastpiggy.solve`."""
    request = check(problem.shape[1], opt.BY_NAME, **arguments)
    directions = wrt.parse(problem, request.wrt, problem.shape[1])
    arrived, route = None, _exactly(problem, request)
    if route is not None:
        solution, arrived = _by_active_set(problem, request, directions, route)
        if solution is not None:
            return solution
    if request.algorithm == "auto":
        request = request._replace(algorithm=_auto(problem))
    name = next(n for n, cls in opt.BY_NAME.items() if isinstance(request.algorithm, cls))
    descends = name in ("coordinate_descent", "block_descent")
    binding = bind(problem, descends, request.selection)
    _check_fit(binding, name)
    mode = _mode(binding, request.derivative, directions)
    x = _start(binding, request.x0) if arrived is None else arrived

    run = Run(binding, request.algorithm, directions if mode in FUSED else NONE, x,
              request.callback)  # fmt: skip
    limit = request.max_iter or (_SWEEPS if descends else _STEPS)
    if mode in FUSED:
        code, J = piggyback(run, mode, limit, request.tol)
        point = run.point()
    else:
        code, point = _primal(run, limit, request)
        if mode == "implicit":
            # The derivative of a curved loss, or of one on the way to a kink, leans on x.
            point = polished(point)
        point = landed(point, request.tol)
        J = _derivative(point, mode, directions)
    trace = Trace.of(run.parts)
    certificate = certify(point, J, directions, mode, code, trace, request)
    return _pack(
        point, J, directions, certificate, name, mode, run.iterations,
        trace if request.trace else None, Cost(name, run.iterations, sweeps=run.iterations),
    )  # fmt: skip


def _route(problem: Any) -> Any:
    """The module that solves a problem on its active set; None where none does."""
    for way in (large, exact, groups, curved):
        if way.applies(problem):
            return way
    return None


def _exactly(problem: Any, request: Request) -> Any:
    """The module that is to try first on the active set; None where none is."""
    named = isinstance(request.algorithm, opt.ActiveSet)
    if not named and request.algorithm != "auto":
        return None
    way = request.derivative in ("auto", "implicit", "none")
    watched = request.trace or request.max_iter is not None or request.callback is not None
    if not named:
        return _route(problem) if way and not watched else None
    route = _route(problem)
    looks = {"max_iter": request.max_iter, "callback": request.callback,
             "trace": request.trace or None}  # fmt: skip
    given = [name for name, value in looks.items() if value is not None]
    if given:
        raise ValueError(
            f'algorithm="active_set" has no iterations to limit or to look at, got {given[0]}='
            f"{looks[given[0]]!r}; leave it out, or use another algorithm"
        )
    if route is None:
        raise ValueError(
            'algorithm="active_set" is for losses with an l1 penalty or an elastic net, and '
            f"least squares with groups of at most {FREE}; alpha and l1_ratio above 0 and at most "
            f"{FREE} columns of weight 0, got {problem!r}; "
            'use algorithm="auto"'
        )
    if not way:
        raise ValueError(
            'algorithm="active_set" has no iterates to differentiate: derivative must be "auto", '
            f'"implicit" or "none" with it, got {request.derivative!r}'
        )
    return route


def _by_active_set(
    problem: Any, request: Request, directions: list[wrt.Direction], route: Any
) -> tuple[Solution | None, np.ndarray | None]:
    """A solution with its certificate, or else the point from which descent is to go on."""
    binding = bind(problem, True, request.selection)
    start = None if request.x0 is None else _start(binding, request.x0)
    if request.derivative == "none":
        directions = NONE
    if route is exact and isinstance(request.x0, Solution):
        before = request.x0 if same_data(problem, request.x0.problem) else None
        found = exact.run(binding, directions, request.tol, start, before)
    else:
        found = route.run(binding, directions, request.tol, start)
    if found is None:
        found = exact.run(binding, directions, request.tol, start)
    if found.clean and (not directions or found.J is not None):
        return solution_of(binding, found, directions, request.tol), None
    if not found.solved and request.algorithm == "auto":
        x = binding.inward(found.x, found.intercept)
        return None, x if np.all(np.isfinite(x)) else None
    point = linearised(binding, found)
    mode = "implicit" if directions else "none"
    J = _derivative(point, mode, directions)
    code = engine.CONVERGED if found.solved else engine.UNFINISHED
    certificate = certify(
        point, J, directions, mode, code, Trace.of([]), request, stacklevel=5
    )  # fmt: skip
    solution = _pack(
        point, J, directions, certificate, "active_set", mode, found.cost.sweeps, None, found.cost
    )
    return solution, None


def _auto(problem: Any) -> Any:
    kind = bind(problem, False, np.zeros(problem.shape[1])).kind
    if kind == "CoordinatePenalty":
        return opt.CoordinateDescent(inner=10)
    return opt.BlockDescent() if kind == "BlockPenalty" else opt.ForwardBackward()


def _check_fit(binding: Binding, name: str) -> None:
    wanted = {"coordinate_descent": "CoordinatePenalty", "block_descent": "BlockPenalty"}.get(name)
    kinds = {"CoordinatePenalty": ("CoordinatePenalty", "BlockPenalty"),
             "BlockPenalty": ("BlockPenalty",)}.get(binding.kind, ())  # fmt: skip
    if wanted is not None and wanted not in kinds:
        penalty = type(binding.composite.penalty).__name__
        raise ValueError(
            f'algorithm="{name}" needs a {wanted}, and {penalty} is a {binding.kind}; '
            'use algorithm="forward_backward"'
        )


def _mode(binding: Binding, derivative: str, directions: list[wrt.Direction]) -> str:
    if not directions or derivative == "none":
        return "none"
    formed = binding.kind != "Penalty" or binding.penalised <= LARGEST_WHOLE
    if derivative == "implicit" and not formed:
        raise ValueError(
            f'derivative="implicit" forms the dense Jacobian of a whole-vector prox, for at most '
            f'{LARGEST_WHOLE} coordinates; this problem has {binding.penalised}: use "late"'
        )
    if derivative != "auto":
        return derivative
    return "implicit" if formed else "late"


def _start(binding: Binding, x0: Any) -> np.ndarray:
    p = binding.penalised
    if x0 is None:
        x, intercept = np.zeros(p), 0.0
    elif isinstance(x0, Solution):
        if x0.x.shape != (p,):
            raise ValueError(f"x0 must be a solution with {p} coefficients, got {x0.x.shape}")
        x, intercept = predicted(binding.problem, x0)
    else:
        x = checks.vector(x0, "x0", p, "coefficient")
        intercept = _intercept(binding.problem, x)
    return binding.inward(x, intercept)


def _intercept(problem: Any, x: np.ndarray) -> float:
    """The best one beside given coefficients, for least squares; 0 else."""
    if not problem.fit_intercept or type(problem.loss) is not LeastSquares or not x.any():
        return 0.0
    s = problem.loss.sample_weight
    return float(s @ (problem.loss.y - matrix.predict(problem.design, x)) / s.sum())


def _primal(run: Run, limit: int, request: Request) -> tuple[int, Linearisation]:
    """The algorithm, then Newton steps on the active set as soon as they lead to the end."""
    binding = run.binding
    apart = binding.kind != "Penalty"
    formed = apart or binding.penalised <= LARGEST_WHOLE
    finish = request.derivative in ("auto", "implicit", "none") and formed
    # A few sweeps bring most coordinates to their side; the finish corrects the others, and only
    # where they are too many does the descent go on, four times as long each time.
    if request.x0 is not None:
        begin = Linearisation(binding, run.state.x.copy())
        if begin.optimality <= max(request.tol, begin.floor):
            return engine.CONVERGED, grounded(begin, request.tol)
    level, stretch = 1e-2, (_STRETCH if apart else _WHOLE_STRETCH) if finish else limit
    while True:
        aim = max(level, 0.5 * request.tol) * binding.scale
        left = min(stretch, limit - run.iterations)
        code = run.advance(left, aim, patience=0) if left > 0 else engine.UNFINISHED
        best = point = Linearisation(binding, run.state.x.copy())
        if code not in (engine.CONVERGED, engine.UNFINISHED):
            return code, best
        if finish:
            best = _finished(point, request.tol, run.iterations >= _SLOW)
        if best.optimality <= max(request.tol, best.floor):
            return engine.CONVERGED, grounded(best, request.tol)
        if separated(best):
            return engine.UNFINISHED, best
        if run.iterations >= limit:
            return engine.UNFINISHED, best
        lower = is_convex(best) and objective(best) < objective(point)
        if lower or (best.optimality < 0.1 * point.optimality and not climbs(point, best)):
            run.state.x[:] = best.x
            run.refresh()
        stretch *= 4
        if code == engine.CONVERGED:
            level = min(level, 10 * best.optimality) * 0.1
        if level < 1e-6 * request.tol:
            return engine.UNFINISHED, best


def _finished(point: Linearisation, tol: float, slow: bool) -> Linearisation:
    """Newton steps, and where they do not lead to the end what suits the problem better."""
    ways = (parametric, bounded, majorised) if slow else (parametric, bounded)
    way = next((it for it in ways if it.applies(point.binding)), None)
    bent = proximal_newton.applies(point.binding)
    best = newton(point, tol, damped=not bent)
    if best.optimality <= max(tol, best.floor):
        return best
    end = way.finish(best) if way is not None else None
    if end is not None and end.optimality <= max(tol, end.floor):
        return end
    return proximal_newton.finish(best, tol) if bent else best


def _derivative(
    point: Linearisation, mode: str, directions: list[wrt.Direction]
) -> np.ndarray | None:
    if mode == "none":
        return None
    if mode == "implicit":
        return point.solve(point.movement(directions))
    # One step of forward-backward with its own step: with those of the coordinates A need not
    # contract, and the error bound rho norm(J) would not hold.
    step = np.full(point.x.size, 1.0 / point.binding.largest_curvature)
    stepped = Linearisation(point.binding, point.x, step)
    move = stepped.movement(directions)
    return stepped.step(np.zeros_like(move.C), move)


def _pack(
    point: Linearisation, J: np.ndarray | None, directions: list[wrt.Direction],
    certificate: Any, name: str, mode: str, iterations: int, trace: Trace | None, cost: Cost,
) -> Solution:  # fmt: skip
    binding = point.binding
    x, intercept = binding.outward(point.x)
    jacobian, intercepts = {}, {}
    if J is not None:
        w, b = binding.outward(J)
        jacobian = wrt.split(w, directions)
        intercepts = {name: rows[0] for name, rows in wrt.split(b[None], directions).items()}
    return Solution(
        binding.problem, x + 0.0, intercept, jacobian, intercepts,
        certificate, name, mode, iterations, trace, cost, partial(objective, point), Adjoint(point),
    )  # fmt: skip


def adjoint_of(solution: Solution) -> Callable[..., dict[str, Any]]:
    """The adjoint at a solution, made again from x."""
    problem = solution.problem
    binding = bind(problem, False, np.zeros(problem.shape[1]))
    if solution.algorithm == "active_set" and solution.certificate.status == Status.CONVERGED:
        return Adjoint(on_support(binding, solution.x, solution.intercept))
    return Adjoint(Linearisation(binding, binding.inward(solution.x, solution.intercept)))
