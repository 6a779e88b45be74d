"""Solve ``x = F(x, theta)``, F a map that a user has written."""

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from fastpiggy.certificate import Certificate, FastpiggyWarning, Status
from fastpiggy.problems import checks
from fastpiggy.problems import directions as named
from fastpiggy.problems.fixed_point import FixedPoint, fixed_point
from fastpiggy.solution import Cost, Solution
from fastpiggy.solving import verdict
from fastpiggy.solving.picard import Point, Run
from fastpiggy.solving.request import Request, check
from fastpiggy.solving.running import FUSED, Trace
from fastpiggy.solving.running import piggyback as run_fused

_MAX_ITER = 100_000
#: Entries of x up to which the Jacobian A is formed for a derivative, and only to judge one.
_FORMED, _JUDGED = 1000, 200
#: A singular value of I - A below this means that A has the eigenvalue 1.
_SINGULAR = 1e-11

_ADVICE = {
    Status.MAX_ITER: "max_iter was reached before the tolerance; raise either",
    Status.NOT_CONTRACTING: "the map has the eigenvalue 1 here, or runs away: J depends on where "
    "it started, and no derivative is determined",
}


def piggyback(
    step: Any,
    x0: Any,
    theta: Any,
    *,
    step_tangent: Callable[..., Any] | None = None,
    jacobian: Callable[..., Any] | None = None,
    wrt: Any = "all",
    derivative: str = "piggyback",
    tol: float = 1e-9,
    max_iter: int | None = None,
    trace: bool = False,
    callback: Callable[[dict[str, Any]], Any] | None = None,
) -> Solution:
    """Iterate a map of one's own with its tangent: ``x+ = F(x, theta)``, ``J+ = A J + B``.

    Parameters
    ----------
    step : callable or Map
        ``step(x, theta)`` returns the next x, in the shape of `x0`; it may be plain Python and must
        not change its arguments.  With a third argument it is handed the number of the iteration.
        Or a record of the role :class:`~fastpiggy.algorithms.fixed_point.Map`, which is compiled
        and cached on disk; x and all parameters are then vectors.
    x0 : float or array_like
        Where to start; of any shape.
    theta : float, array_like, or dict of str to them
        The parameters.  A dict is handed on as one, its keys are the names of the parameters; else
        the name is ``"theta"``.
    step_tangent : callable, optional
        ``step_tangent(x, theta, dx, dtheta)`` returns ``A dx + B dtheta``, [A, B] one selection of
        the map's Clarke Jacobian at x; `dtheta` is built like `theta`.
    jacobian : callable, optional
        Instead: ``jacobian(x, theta)`` returns ``A, B`` with A of shape (p, p), or anything with
        ``@``, and B of shape (p, q), p and q the entries of x and theta in C order; for a dict B is
        a dict of such.
    wrt : "all", None, str, iterable of str, or dict of str to array_like, default="all"
        As in :func:`fastpiggy.solve`; all parameters by default.  ``"x0"`` is the starting point.
    derivative : str, default="piggyback"
        As in :func:`fastpiggy.solve`.  ``"implicit"`` forms A, for at most 1000 entries of x.
    tol : float, default=1e-9
        On the largest entry of ``F(x) - x``, over the largest of x at the start; and on the
        relative change of the tangents.
    max_iter : int, optional
        Iterations at the most, 100000 by default.
    trace, callback
        As in :func:`fastpiggy.solve`.

    Returns
    -------
    Solution
        ``jacobian[name]`` has shape ``x0.shape + parameter.shape``.  Nothing is known about the
        map but what `step` and its tangent say: ``certificate.tangent_error`` is an estimate, and
        kinks are not seen.

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed, or a result has another shape than x.

    Warns
    -----
    FastpiggyWarning
        Once, if the status is not ``"converged"``.

    Notes
    -----
    Bolte, Pauwels, Vaiter, "Automatic differentiation of nonsmooth iterative algorithms",
    2206.00457: where all selections contract in one norm, J goes to a conservative Jacobian of the
    fixed point.

    Examples
    --------
    The square root of theta by Heron's rule, ``x+ = (x + theta/x)/2``:

    >>> import fastpiggy as fp
    >>> def step(x, theta):
    ...     return (x + theta / x) / 2
    >>> def step_tangent(x, theta, dx, dtheta):
    ...     return (dx - theta / x**2 * dx + dtheta / x) / 2
    >>> sol = fp.piggyback(step, 1.0, 9.0, step_tangent=step_tangent)
    >>> round(float(sol.x), 9), round(float(sol.jacobian["theta"]), 9)  # 1 / (2 sqrt(9))
    (3.0, 0.166666667)
    """
    problem = fixed_point(step, x0, theta, step_tangent, jacobian)
    names = list(problem.parameters) if isinstance(wrt, str) and wrt == "all" else wrt
    return solve(
        problem, wrt=names, algorithm="auto", derivative=derivative, tol=tol, max_iter=max_iter,
        x0=None, selection=0.0, trace=trace, callback=callback,
    )  # fmt: skip


def solve(problem: FixedPoint, **arguments: Any) -> Solution:
    """See :func:`fastpiggy.solve`."""
    p = problem.x0.size
    if isinstance(arguments["wrt"], Mapping):
        arguments["wrt"] = _flat_starts(problem, arguments["wrt"])
    request = check(p, {}, **arguments)
    if np.any(request.selection):
        raise ValueError("selection must be 0: the map itself chooses its sides at kinks")
    directions = named.parse(problem, request.wrt, p)
    mode = request.derivative if directions else "none"
    mode = "piggyback" if mode == "auto" else mode
    _check_mode(problem, directions, mode)
    x = problem.x0.ravel() if request.x0 is None else _start(problem, request.x0)
    run = Run(problem, x, directions if mode != "none" else [], request.callback)
    limit, J = request.max_iter or _MAX_ITER, None
    if mode in FUSED:
        code, found = run_fused(run, mode, limit, request.tol)
        J = found.T
    else:
        m, run.m = run.m, 0
        code = run.advance(limit, max(request.tol, run.floor) * run.scale)
        run.m = m
    point = run.point()
    if mode == "one_step":
        J = point.tangents(np.zeros((run.m, p)), run.d.theta)
    elif mode == "implicit":
        J = _implicit(point, run.d.theta)
    trace = Trace.of(run.parts)
    certificate = _certify(point, J, run.d.theta, mode, code, trace, request)
    if certificate.status != Status.CONVERGED:
        warnings.warn(certificate.message, FastpiggyWarning, stacklevel=3)
    jacobian = {} if J is None else named.split(J.T, directions)
    return Solution(
        problem, point.x.reshape(problem.x0.shape), 0.0,
        {name: part.reshape(problem.x0.shape + part.shape[1:]) for name, part in jacobian.items()},
        {d.name: np.zeros(d.shape)[()] for d in directions} if jacobian else {},
        certificate, "fixed_point", mode, run.iterations, trace if request.trace else None,
        Cost("fixed_point", run.iterations, sweeps=run.iterations), None, Adjoint(point),
    )  # fmt: skip


def _flat_starts(problem: FixedPoint, wrt: Mapping[str, Any]) -> dict[str, Any]:
    """Directions of the starting point as columns of p entries, from x's own shape."""
    shape, found = problem.x0.shape, dict(wrt)
    if len(shape) != 1 and found.get("x0") is not None:
        V = checks.array(found["x0"], "wrt['x0']")
        if V.shape[: len(shape)] != shape or V.ndim > len(shape) + 1:
            raise ValueError(f"wrt['x0'] must have shape {shape} or {(*shape, 'm')}, got {V.shape}")
        found["x0"] = V.reshape(problem.x0.size, *V.shape[len(shape) :])
    return found


def _check_mode(problem: FixedPoint, directions: list[named.Direction], mode: str) -> None:
    if mode != "none" and not problem.differentiable:
        raise ValueError(
            "step_tangent or jacobian must be given for a derivative; without one take wrt=None"
        )
    if any(d.name == "step" for d in directions):
        raise ValueError("wrt must name parameters of the map or 'x0', got 'step'")
    if mode == "implicit" and problem.x0.size > _FORMED:
        raise ValueError(
            f'derivative="implicit" forms the Jacobian of the map, for at most {_FORMED} entries '
            f'of x; this one has {problem.x0.size}: use "late" or "frozen"'
        )


def _start(problem: FixedPoint, x0: Any) -> np.ndarray:
    x = x0.x if isinstance(x0, Solution) else x0
    return problem.replace(x0=x).x0.ravel()


def _implicit(point: Point, D: np.ndarray) -> np.ndarray:
    """``(I - A)^-1 B``, by rows; the least-squares one where I - A is singular."""
    B, K = point.tangents(np.zeros((len(D), point.x.size)), D), np.eye(point.x.size) - point.A
    if point.least <= _SINGULAR:
        return np.linalg.lstsq(K, B.T, rcond=_SINGULAR)[0].T
    return np.linalg.solve(K, B.T).T


def _certify(
    point: Point, J: np.ndarray | None, D: np.ndarray, mode: str, code: int, trace: Trace,
    request: Request,
) -> Certificate:  # fmt: skip
    residual, error = _tangent(point, J, D, trace)
    good = J is None or mode == "one_step" or verdict.small(error, J)
    stuck = J is not None and _stuck(point, mode, trace)
    status = verdict.status(
        code, point.optimality <= max(request.tol, point.floor), J is not None, lambda: stuck,
        False, good, _NONE, trace.growth,
    )  # fmt: skip
    message = verdict.sentence(
        status, point.optimality, request.tol, point.floor, error, _NONE, "entries", _ADVICE,
        trace.growth,
    )  # fmt: skip
    return Certificate(
        status, point.optimality, request.tol, point.floor, trace.rate, _NONE, message,
        lambda: (residual, error, False), None,
        trace.growth if status == Status.NOT_CONTRACTING else None,
    )  # fmt: skip


def _stuck(point: Point, mode: str, trace: Trace) -> bool:
    """Whether A has the eigenvalue 1, so that J keeps a part of its start."""
    if point.x.size <= _JUDGED or mode == "implicit":
        return point.least <= _SINGULAR
    return not point.contracts(2 * len(trace) + 200)


def _tangent(
    point: Point, J: np.ndarray | None, D: np.ndarray, trace: Trace
) -> tuple[float | None, float | None]:
    """Residual of J, and an estimate of its error.

    ``norm(A J + B - J)`` over the smallest singular value of I - A, or over 1 - rate where A is not
    formed; and what A and B still change on the way to the fixed point, read off the next iterate.
    """
    if J is None:
        return None, None
    if not np.all(np.isfinite(J)):
        return np.inf, np.inf
    here = point.tangents(J, D)
    residual = float(np.linalg.norm(here - J))
    rate = trace.rate if trace.rate is not None and trace.rate < 1 else 0.0
    if point.x.size <= _JUDGED:
        least = point.least
    else:
        shrinks = trace.tangent_rate or trace.rate
        least = 1 - shrinks if shrinks is not None and shrinks < 1 else 0.0
    if least <= _SINGULAR:
        return residual, np.inf
    moves = float(np.linalg.norm(point.after.tangents(J, D) - here)) / (1 - rate)
    rounding = np.finfo(float).eps * float(np.linalg.norm(J))
    return residual, (residual + moves + rounding) / least


class Adjoint:
    """``v'J`` at a fixed point; see :meth:`fastpiggy.Solution.vjp`."""

    def __init__(self, point: Point) -> None:
        self.point = point

    def __call__(
        self, v: Any, intercept: float = 0.0, wrt: str | Iterable[str] | None = None
    ) -> dict[str, Any]:
        point, problem = self.point, self.point.run.map
        known, p = problem.parameters, self.point.x.size
        names = list(known) if wrt is None else [wrt] if isinstance(wrt, str) else list(wrt)
        for name in names:
            if name not in known:
                allowed = ", ".join(map(repr, known))
                raise ValueError(f"wrt must name parameters of the map ({allowed}), got {name!r}")
        if intercept != 0.0:
            raise ValueError(f"intercept must be 0 for a problem without one, got {intercept!r}")
        if p > _FORMED or not problem.differentiable:
            raise ValueError(
                f"vjp forms the Jacobian of the map, from its tangent and for at most {_FORMED} "
                f"entries of x; this one has {p}: use wrt="
            )
        weights = checks.array(v, "v")
        if weights.shape != problem.x0.shape or not np.all(np.isfinite(weights)):
            raise ValueError(
                f"v must be finite and have shape {problem.x0.shape}, got {weights.shape}"
            )
        q = problem.flat_theta.size
        if point.least <= _SINGULAR:
            raise np.linalg.LinAlgError("the map has the eigenvalue 1 here: there is no derivative")
        w = np.linalg.solve(np.eye(p) - point.A.T, weights.ravel())
        found = problem.split(point.tangents(np.zeros((q, p)), np.eye(q)) @ w)
        return {name: found[name] for name in names}


def adjoint_of(solution: Solution) -> Callable[..., dict[str, Any]]:
    """The adjoint at a solution, made again from x."""
    problem = solution.problem
    x = np.array(solution.x, dtype=float).ravel()
    return Adjoint(Point(Run(problem, x, []), x))


_NONE = np.zeros(0, dtype=np.int64)
