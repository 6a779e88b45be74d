"""Solve a structured problem: what all of them share, and what each must bring.

A problem such as :class:`fastpiggy.TrendFilter` makes its :class:`System` by a method ``system()``:
the algorithm's run, the exact way, and the points both end at.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.certificate import Certificate, FastpiggyWarning, Status, Tangent
from fastpiggy.problems import checks
from fastpiggy.problems import directions as wrt
from fastpiggy.problems.directions import named
from fastpiggy.solution import Cost, Solution
from fastpiggy.solving import verdict
from fastpiggy.solving.request import Request, check
from fastpiggy.solving.running import FUSED, Running, Trace, piggyback

#: The derivative of an intercept that does not exist.
_NONE = np.float64(0.0)


def _never(J: Any, move: Any) -> bool:
    return False


class Point(Protocol):
    """A point with what is known there: optimality, and the linear system of the derivative.

    `x` has the shape of the solution; tangents are columns of size ``x.size``.  A point whose
    active set is not that of the signs of x has ``pieces`` beside: numbers that jump where it
    changes.
    """

    x: np.ndarray
    optimality: float
    floor: float
    #: Where the selection is not unique.
    kinks: np.ndarray
    #: The system is singular on the active set with its kinks.
    singular: bool
    #: The algorithm's map has the eigenvalue 1 here, so that J keeps a part of its start.
    stuck: bool
    #: By parameter, the size that a derivative with respect to it would have; 1 where it is absent.
    units: Mapping[str, float]

    def objective(self) -> float: ...

    #: Trace of the derivative along y, where the problem has one: optional.
    degrees_of_freedom: float
    #: Of the constraints, where the problem has them; what proves that there is no solution; the
    #: statuses of many programs; the constraints that make a system singular: optional.
    multipliers: dict[str, np.ndarray]
    ray: dict[str, np.ndarray] | None
    statuses: tuple[Status, ...] | None
    offending: np.ndarray

    def margin(self) -> tuple[float, float] | None: ...
    def movement(self, directions: list[wrt.Direction]) -> Any:
        """How the directions move the conditions of optimality."""

    def solve(self, move: Any) -> np.ndarray:
        """J of shape (size, m)."""

    def residual(self, J: np.ndarray, move: Any) -> np.ndarray:
        """``A J + B - J``."""

    def distance(self, J: np.ndarray, move: Any) -> tuple[float, bool]:
        """How far J is from the derivative in Frobenius norm, and whether that is a bound."""

    def adjoint(self, v: np.ndarray, names: list[str]) -> dict[str, Any]:
        """``v'J`` with respect to the named parameters, in their shape."""

    #: Whether J has converged, where a point judges that in units of its own: optional.
    settled: Callable[[np.ndarray, Any], bool]
    #: Whether J and the movement are this point's own, and J is known to be good: then no more is
    #: computed of it before somebody asks.  Optional.
    clean: Callable[[np.ndarray | None, Any], bool]


class Run(Running):
    """An algorithm on a structured problem; its state holds J by rows of size ``x.size``."""

    def hold(self, point: Any) -> None:
        """Take the state whose shadow is the point, with tangents of zero."""
        raise NotImplementedError


class Exact(NamedTuple):
    """Where the exact way ended.

    Parameters
    ----------
    code : int or Status
        The engine's, or what the problem turned out to be: infeasible, unbounded.
    point : Point
    iterations : int
        Of the algorithm it started with.
    trace : Trace
    cost : Cost
    """

    code: Any
    point: Any
    iterations: int
    trace: Trace
    cost: Cost


class System(Protocol):
    """What solving asks of a structured problem."""

    problem: Any
    #: Options classes by the name of their algorithm; the first is that of ``algorithm="auto"``,
    #: for fused derivatives the first that is not `direct`.
    algorithms: dict[str, type]
    #: Entries that ``selection`` has.
    coordinates: int
    #: Iterations at the most where ``max_iter`` is None.
    max_iter: int
    #: What kinks count, in a message.
    kind: str
    #: Sentences of the statuses that this problem says in its own way.
    advice: Mapping[Status, str]
    #: What makes ``v'J``, where a solution has more than x: optional.
    adjoint: Callable[[Any], Callable[..., dict[str, Any]]]
    #: What makes the solution, where that has more than x: optional, takes what
    #: :class:`fastpiggy.Solution` takes.
    solution: Callable[..., Solution]

    def run(self, options: Any, directions: list[wrt.Direction], request: Request) -> Any:
        """A :class:`Run` of the algorithm, with the tangents of the directions."""

    def exact(self, options: Any, request: Request) -> Exact:
        """Solve to the tolerance on the fastest way."""

    def near(self, x: np.ndarray, tol: float) -> Any:
        """The point at a solution that is known as numbers only."""


def solve(problem: Any, **arguments: Any) -> Solution:
    """See :func:`fastpiggy.solve`."""
    system = problem.system()
    request = check(system.coordinates, system.algorithms, **arguments)
    directions = wrt.parse(problem, request.wrt, math.prod(problem.shape))
    mode = "none" if not directions else request.derivative
    mode = "implicit" if mode == "auto" else mode
    name, options = _algorithm(system, request, mode)
    if mode in FUSED:
        run = system.run(options, directions, request)
        code, J = piggyback(run, mode, request.max_iter or system.max_iter, request.tol)
        cost = Cost(name, run.iterations, sweeps=run.iterations)
        found = Exact(code, run.point(), run.iterations, Trace.of(run.parts), cost)
        return _solution(system, found, J, directions, name, mode, request)
    return _differentiated(
        system, options, system.exact(options, request), directions, name, mode, request
    )


def at_point(
    system: System, found: Exact, directions: list[wrt.Direction], request: Request
) -> Solution:
    """The solution at a point that was not solved for: see :func:`fastpiggy.differentiate`."""
    mode = "implicit" if directions else "none"
    return _differentiated(system, None, found, directions, "given", mode, request)


def _differentiated(
    system: System, options: Any, found: Exact, directions: list[wrt.Direction], name: str,
    mode: str, request: Request,
) -> Solution:  # fmt: skip
    """The solution with its derivative at a point that has been found."""
    if mode == "implicit" and not isinstance(found.code, Status):
        move = found.point.movement(directions)
        J = found.point.solve(move)
        return _solution(system, found, J, directions, name, mode, request, move)
    J = _derivative(system, options, directions, request, mode, found)
    return _solution(system, found, J, directions, name, mode, request)


def _solution(
    system: System, found: Exact, J: np.ndarray | None, directions: list[wrt.Direction],
    name: str, mode: str, request: Request, move: Any = None,
) -> Solution:  # fmt: skip
    certificate = _certify(system, found, J, directions, mode, request.tol, move)
    if certificate.status != Status.CONVERGED:
        warnings.warn(certificate.message, FastpiggyWarning, stacklevel=4)
    trace = found.trace if request.trace else None
    x = found.point.x
    return getattr(system, "solution", Solution)(
        system.problem, x, 0.0, {} if J is None else wrt.split(J, directions, x.shape),
        {d.name: np.zeros(d.shape)[()] if d.shape else _NONE for d in directions}, certificate,
        name, mode, found.iterations, trace, found.cost,
        found.point.objective, getattr(system, "adjoint", Adjoint)(found.point),
        _degrees_of_freedom(found.point),
        multipliers=getattr(found.point, "multipliers", None),
    )  # fmt: skip


def _degrees_of_freedom(point: Any) -> Callable[[], float] | None:
    if not hasattr(type(point), "degrees_of_freedom"):
        return None
    return lambda: float(point.degrees_of_freedom)


def _algorithm(system: System, request: Request, mode: str) -> tuple[str, Any]:
    steps = mode in FUSED or mode == "one_step"
    if request.algorithm == "auto" and not steps:
        name, cls = next(iter(system.algorithms.items()))
        return name, cls()
    iterative = [
        name for name, cls in system.algorithms.items() if not getattr(cls, "direct", False)
    ]
    if request.algorithm == "auto":
        return iterative[0], system.algorithms[iterative[0]]()
    names = {cls: name for name, cls in system.algorithms.items()}
    name = names[type(request.algorithm)]
    if steps and name not in iterative:
        raise ValueError(
            f"derivative={mode!r} runs along with iterations, and algorithm={name!r} has none; "
            f'take "implicit" or one of the algorithms {", ".join(map(repr, iterative))}'
        )
    return name, request.algorithm


def _derivative(
    system: System, options: Any, directions: list[wrt.Direction], request: Request, mode: str,
    found: Exact,
) -> np.ndarray | None:  # fmt: skip
    if mode == "none" or isinstance(found.code, Status):
        return None
    # The shadow of one step of the tangent recursion from zero, at the solution.
    run = system.run(options, directions, request)
    run.hold(found.point)
    run.advance(1, np.inf, np.inf, moving=False)
    return run.tangents()  # type: ignore[no-any-return]


def _certify(
    system: System, found: Exact, J: np.ndarray | None, directions: list[wrt.Direction], mode: str,
    tol: float, move: Any = None,
) -> Certificate:  # fmt: skip
    point, growth = found.point, found.trace.growth
    optimal = point.optimality <= max(tol, point.floor)
    if optimal and found.code == engine.CONVERGED and getattr(point, "clean", _never)(J, move):
        message = partial(
            verdict.sentence, Status.CONVERGED, point.optimality, tol, point.floor, None,
            point.kinks, system.kind, {},
        )  # fmt: skip

        def tangent() -> Tangent:
            residual, error, _, bound = _tangent(point, J, directions, move)
            return residual, error, bound

        return Certificate(
            Status.CONVERGED, point.optimality, tol, point.floor, None, point.kinks, message,
            tangent, point.margin,
        )  # fmt: skip
    residual, error, good, bound = _tangent(point, J, directions, move)
    status = verdict.status(
        found.code, optimal, mode in FUSED, lambda: point.stuck, point.singular,
        good or mode == "one_step", point.kinks, growth,
    )  # fmt: skip
    message = partial(
        verdict.sentence, status, point.optimality, tol, point.floor, error, point.kinks,
        system.kind, system.advice, growth,
    )  # fmt: skip
    if status == Status.SINGULAR_ACTIVE_SET and np.size(getattr(point, "offending", ())):
        few = ", ".join(map(str, point.offending[:8])) + (
            ", ..." if len(point.offending) > 8 else ""
        )
        message = f"{message()} Singular: {system.kind} {few}."
    certified = bound and status == Status.CONVERGED
    return Certificate(
        status, point.optimality, tol, point.floor, found.trace.rate, point.kinks, message,
        lambda: (residual, error, certified), point.margin,
        growth if status == Status.NOT_CONTRACTING else None,
        getattr(point, "ray", None), getattr(point, "statuses", None),
    )  # fmt: skip


def _tangent(
    point: Any, J: np.ndarray | None, directions: list[wrt.Direction], move: Any = None
) -> tuple[float | None, float | None, bool, bool]:
    """Residual and error of J, whether that is small in the units of each parameter, and whether
    it is a bound; `move` is the movement along all directions, where it is known."""
    if J is None:
        return None, None, True, False
    if point.singular or np.count_nonzero(np.isfinite(J)) < J.size:
        return np.inf, np.inf, False, False
    units = point.units
    if len(directions) == 1:
        own = point.movement(directions) if move is None else move
        return _judged(point, J, directions[0], own, units)
    errors, residuals, good, bounds, k = [], [], True, True, 0
    for d in directions:
        part = J[:, k : k + len(d.values)]
        k += len(d.values)
        residual, error, small, bound = _judged(point, part, d, point.movement([d]), units)
        residuals.append(residual)
        errors.append(error)
        good, bounds = good and small, bounds and bound
    return math.hypot(*residuals), math.hypot(*errors), good, bounds


def _judged(
    point: Any, J: np.ndarray, d: wrt.Direction, move: Any, units: Mapping[str, float]
) -> tuple[float, float, bool, bool]:
    """The same of one parameter."""
    error, bound = point.distance(J, move)
    left = point.residual(J, move)
    residual = float(np.linalg.norm(left)) if left.size else 0.0
    settled = getattr(point, "settled", None) if d.name in units else None
    if settled is None:
        good = verdict.small(error, J, units.get(d.name, 1.0) * d.largest)
    else:
        good = settled(J, move)
    return residual, error, good, bound and math.isfinite(error)


class Adjoint:
    """``v'J`` at a solution; see :meth:`fastpiggy.Solution.vjp`."""

    def __init__(self, point: Any) -> None:
        self.point = point

    def __call__(
        self, v: Any, intercept: float = 0.0, wrt: str | Iterable[str] | None = None
    ) -> dict[str, Any]:
        names = named(wrt, self.point.problem.parameters)
        if intercept != 0.0:
            raise ValueError(f"intercept must be 0 for a problem without one, got {intercept!r}")
        found = checks.shaped(v, "v", self.point.x.shape, "entry of x")
        return self.point.adjoint(found, names)


def adjoint_of(solution: Solution) -> Callable[..., dict[str, Any]]:
    """The adjoint at a solution, its active set found again from x."""
    system = solution.problem.system()
    make = getattr(system, "adjoint", Adjoint)
    return make(system.near(solution.x, solution.certificate.tolerance))  # type: ignore[no-any-return]
