"""Solve ``loss(X x + b) + penalty(x)``."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.composite import penalty_value
from fastpiggy.problems import checks
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Solution
from fastpiggy.solving import options as opt
from fastpiggy.solving import parametric
from fastpiggy.solving.adjoint import Adjoint
from fastpiggy.solving.binding import Binding, bind
from fastpiggy.solving.certify import certify
from fastpiggy.solving.driving import Run
from fastpiggy.solving.linearisation import NONE, Linearisation
from fastpiggy.solving.request import Request, check
from fastpiggy.solving.running import FUSED, Trace, piggyback

_MAX_ITER = {"forward_backward": 100_000, "coordinate_descent": 20_000, "block_descent": 20_000}
_NEWTON_STEPS = 8
_STRETCH = 3
#: Whole-vector penalties have a dense Jacobian: beyond this it is not formed.
LARGEST_WHOLE = 1500


def solve(problem: Any, **arguments: Any) -> Solution:
    """See :func:`fastpiggy.solve`."""
    request = check(problem.shape[1], opt.BY_NAME, **arguments)
    directions = wrt.parse(problem, request.wrt, problem.shape[1])
    if request.algorithm == "auto":
        request = replace(request, algorithm=_auto(problem))
    name = next(n for n, cls in opt.BY_NAME.items() if isinstance(request.algorithm, cls))
    binding = bind(problem, name != "forward_backward", request.selection)
    _check_fit(binding, name)
    mode = _mode(binding, request.derivative, directions)
    x = _start(binding, request.x0)

    run = Run(binding, request.algorithm, directions if mode in FUSED else NONE, x,
              request.callback)  # fmt: skip
    limit = request.max_iter or _MAX_ITER[name]
    if mode in FUSED:
        code, J = piggyback(run, mode, limit, request.tol)
        point = run.point()
    else:
        code, point = _primal(run, limit, request)
        point = _landed(point, request.tol)
        J = _derivative(point, mode, directions)
    trace = Trace.of(run.parts)
    certificate = certify(point, J, directions, mode, code, trace, request)
    return _pack(
        point, J, directions, certificate, name, mode, run, trace if request.trace else None
    )


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
        x, intercept = x0.x, x0.intercept
    else:
        x, intercept = checks.vector(x0, "x0", p, "coefficient"), 0.0
    return binding.inward(x, intercept)


def _primal(run: Run, limit: int, request: Request) -> tuple[int, Linearisation]:
    """The algorithm, then Newton steps on the active set as soon as they lead to the end."""
    binding = run.binding
    whole = binding.kind == "Penalty" and binding.penalised > LARGEST_WHOLE
    finish = request.derivative in ("auto", "implicit", "none") and not whole
    exact = finish and parametric.applies(binding)
    # A few sweeps bring most coordinates to their side; the exact finish corrects the others, and
    # only where they are too many does the descent go on, four times as long each time.
    level, stretch = 1e-2, _STRETCH if exact else limit
    while True:
        aim = max(level, 0.5 * request.tol) * binding.scale
        left = min(stretch, limit - run.iterations)
        code = run.advance(left, aim, patience=0) if left > 0 else engine.UNFINISHED
        best = point = Linearisation(binding, run.state.x.copy())
        if code not in (engine.CONVERGED, engine.UNFINISHED):
            return code, best
        if finish:
            best = _newton(point, request.tol)
        goal = max(request.tol, best.floor)
        if exact and best.optimality > goal:
            best = min(best, parametric.finish(point) or best, key=lambda end: end.optimality)
        if best.optimality <= goal:
            return engine.CONVERGED, best
        if run.iterations >= limit:
            return engine.UNFINISHED, best
        if best is not point and best.optimality < 0.1 * point.optimality:
            run.state.x[:] = best.x
            run.refresh()
        stretch *= 4
        if code == engine.CONVERGED:
            level = min(level, 10 * best.optimality) * 0.1
        if level < 1e-6 * request.tol:
            return engine.UNFINISHED, best


def _newton(point: Linearisation, tol: float) -> Linearisation:
    """Newton steps while each brings the residual down and the objective does not rise."""
    best = point
    curved = hasattr(point.binding.composite.penalty, "largest_step")
    for _ in range(_NEWTON_STEPS):
        if best.optimality <= max(tol, best.floor) or best.factor.singular:
            break
        trial = Linearisation(best.binding, best.newton())
        if not (np.all(np.isfinite(trial.x)) and trial.optimality < 0.7 * best.optimality):
            break
        # For a convex penalty a smaller residual is progress; else the step may climb.
        if curved and not objective(trial) <= objective(best) * (1 + 1e-12):
            break
        best = trial
    return best


def _landed(point: Linearisation, tol: float) -> Linearisation:
    """The prox's value instead of x, where a Newton step has its structure only to rounding.

    Zeros, equal neighbours, sums and bounds are then exact, and the objective finite.
    """
    binding = point.binding
    if binding.kind != "Penalty" and np.isfinite(objective(point)):
        return point
    landed = Linearisation(binding, point.selection.z)
    goal = max(point.optimality, tol, landed.floor)
    return landed if landed.optimality <= goal else point


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


def objective(point: Linearisation) -> float:
    """Loss plus penalty."""
    binding = point.binding
    return point.loss + penalty_value(binding.composite.penalty, point.x[: binding.penalised])


def _pack(
    point: Linearisation, J: np.ndarray | None, directions: list[wrt.Direction],
    certificate: Any, name: str, mode: str, run: Run, trace: Trace | None,
) -> Solution:  # fmt: skip
    binding = point.binding
    x, intercept = binding.outward(point.x)
    jacobian, intercepts = {}, {}
    if J is not None:
        w, b = binding.outward(J)
        k = 0
        for d in directions:
            columns = slice(k, k + len(d.values))
            k += len(d.values)
            jacobian[d.name] = w[:, columns].reshape(len(w), *d.shape)
            intercepts[d.name] = np.asarray(b[columns]).reshape(d.shape)[()]
    return Solution(
        binding.problem, np.array(x), intercept, jacobian, intercepts,
        certificate, name, mode, run.iterations, trace, partial(objective, point), Adjoint(point),
    )  # fmt: skip


def adjoint_of(solution: Solution) -> Callable[..., dict[str, Any]]:
    """The adjoint at a solution, made again from x."""
    problem = solution.problem
    binding = bind(problem, False, np.zeros(problem.shape[1]))
    return Adjoint(Linearisation(binding, binding.inward(solution.x, solution.intercept)))
