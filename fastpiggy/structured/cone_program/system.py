"""Solve ``min c'x, A x + s = b, s in K``."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.homogeneous_embedding import (
    Conic,
    ConicDirections,
    EmbeddingDouglasRachford,
    dual_projection,
    embedded,
)
from fastpiggy.certificate import Status
from fastpiggy.problems import checks
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Cost, Solution
from fastpiggy.solving import structured
from fastpiggy.solving.request import Request
from fastpiggy.solving.running import Trace
from fastpiggy.solving.structured import Exact
from fastpiggy.structured.cone_program.conditions import Conditions, newton
from fastpiggy.structured.cone_program.equilibration import Equilibrated
from fastpiggy.structured.cone_program.point import Point, Ray, check_name
from fastpiggy.structured.cone_program.problem import ConeProgram
from fastpiggy.structured.cone_program.solution import ConeSolution

#: Iterations before the first finish, and Newton steps of each.
_FIRST, _STEPS = 40, 25
#: The metric: its x part, that of the zero cone over the others, that of w; its start.
_RHO, _ZERO, _W, _SCALE = 1e-6, 1e-3, 10.0, 3.0
#: Relative violation at which a ray is a certificate.
_RAY = 1e-8

_ADVICE = {
    Status.MAX_ITER: "max_iter was reached before the tolerance; raise either. Programs without a "
    "strictly feasible point, or without an attained optimum, may not get there",
    Status.INFEASIBLE: "no x has b - A x in K: y is the certificate, A'y = 0, b'y = -1, y in the "
    "dual cone",
    Status.UNBOUNDED: "c'x has no lower bound: x is the certificate, c'x = -1, -A x in K",
    Status.NOT_CONTRACTING: "the map has eigenvalues 1 beside that of the embedding's ray: "
    "solution or multipliers need not be unique, and J depends on where it started",
    Status.SINGULAR_ACTIVE_SET: "the conditions of optimality are singular: solution or "
    "multipliers need not be unique (redundant constraints, zero rows, weakly active constraints), "
    "and what is given of the derivative is the solution of least norm; drop redundant rows",
}


@dataclass(frozen=True)
class DouglasRachfordOptions:
    """Options of Douglas-Rachford on the embedding.

    Parameters
    ----------
    relaxation : float, default=1.5
        In (0, 2).
    scale : float, optional
        Weight of the rows in the metric, held; by default 3 at first, and adapted to the
        residuals where no derivative runs along.
    """

    relaxation: float = 1.5
    scale: float | None = None

    def __post_init__(self) -> None:
        if self.scale is not None:
            checks.number(self.scale, "scale", open_low=True)
        if not checks.number(self.relaxation, "relaxation", open_low=True) < 2.0:
            raise ValueError(f"relaxation must lie in (0, 2), got {self.relaxation}")


class Run(structured.Run):
    """Douglas-Rachford on the embedding of one program, resumable."""

    scale = 1.0

    def __init__(
        self, data: Equilibrated, options: DouglasRachfordOptions,
        directions: list[wrt.Direction], request: Request,
    ) -> None:  # fmt: skip
        m, n = data.A.shape
        self.data, self.selection, self.weight = data, request.selection, options.scale or _SCALE
        k = wrt.count(directions)
        super().__init__(
            EmbeddingDouglasRachford(options.relaxation), self._conic(),
            _as_records(data, directions), embedded(n, m, k), k, request.callback,
        )  # fmt: skip
        # An iteration costs less than a call.
        self.chunk = 64
        if request.x0 is not None:
            self._take(*_start(data, request.x0))

    def _conic(self) -> Conic:
        data = self.data
        (m, n), A = data.A.shape, data.A
        R = np.full(n + m + 1, _W)
        R[:n], R[n : n + m] = _RHO, 1.0 / self.weight
        R[n : n + data.cone.zero] *= _ZERO
        rows = R[n : n + m]
        normal = np.diag(R[:n]) + (A.T / rows) @ A
        inverse = np.linalg.inv(normal)
        condition = np.linalg.norm(normal, 1) * np.linalg.norm(inverse, 1)
        self._floor = float(np.finfo(float).eps * condition)
        inverse = np.ascontiguousarray(0.5 * (inverse + inverse.T))
        g = np.empty(n + m)
        g[:n] = inverse @ (data.c - A.T @ (data.b / rows))
        g[n:] = (data.b + A @ g[:n]) / rows
        return Conic(A, data.b, data.c, data.cone, self.selection, R, inverse, g, data.units)

    @property
    def floor(self) -> float:
        """What the rounding of the inverse leaves."""
        return self._floor

    def _take(self, x: np.ndarray, y: np.ndarray, s: np.ndarray, w: float = 1.0) -> None:
        """The state whose projection is (x, y, w), with slacks s."""
        n, m = x.size, y.size
        z = self.state.Z[0]
        z[:n], z[n : n + m], z[-1] = x, y - s / self.problem.metric[n : n + m], w

    def hold(self, point: Point) -> None:
        """Take the state whose shadow is the point, with tangents of zero."""
        self.state.Z[1:], self.state.J[:] = 0.0, 0.0
        self._take(point.at.x, point.at.y, point.at.s)

    def reweigh(self, weight: float) -> None:
        """Change the metric, and keep projection and slacks."""
        n, m = self.data.c.size, self.data.b.size
        U, s = self._parts()
        self.weight = weight
        self.problem = self._conic()
        self._take(U[:n].copy(), U[n : n + m].copy(), s, max(U[-1], 0.0))

    def _parts(self) -> tuple[np.ndarray, np.ndarray]:
        """The projection of the last step and its slacks."""
        n, m = self.data.c.size, self.data.b.size
        z, U = self.state.Z[0], self.state.U[0]
        y = np.empty(m)
        _project(self.data, z[n : n + m], y, self.selection)
        U[:n], U[n : n + m], U[-1] = z[:n], y, max(z[-1], 0.0)
        return U, self.problem.metric[n : n + m] * (y - z[n : n + m])

    def conditions(self) -> Conditions:
        """The conditions of optimality at the iterate over w."""
        n = self.data.c.size
        U, s = self._parts()
        w = U[-1] if U[-1] > 1e-10 else 1.0
        return Conditions(self.data, U[:n] / w, (U[n:-1] - s) / w, self.selection)

    def point(self) -> Any:
        ray = self.ray()
        if ray is not None:
            return ray
        return Point(self.conditions(), self.state.x.copy(), self.floor)

    def ray(self) -> Ray | None:
        """A certificate that there is no solution, if the iterate is one."""
        n, data = self.data.c.size, self.data
        U, s = self._parts()
        x, y = U[:n], U[n:-1]
        price, cost = float(data.b @ y), float(data.c @ x)
        none, rows = np.zeros(n), np.zeros(s.size)
        if price < 0.0:
            y = y / -price
            violation = float(np.abs(data.A.T @ y).max() / max(1.0, np.abs(y).max()))
            if violation <= _RAY:
                found = data.whole(none, y, rows)
                found /= -float(data.problem.b @ found[n : -rows.size])
                return Ray(data, Status.INFEASIBLE, found, violation)
        if cost < 0.0:
            x, s = x / -cost, s / -cost
            size = max(1.0, np.abs(x).max(), np.abs(s).max())
            violation = float(np.abs(data.A @ x + s).max() / size)
            if violation <= _RAY:
                found = data.whole(x, rows, s)
                found /= -float(data.problem.c @ found[:n])
                return Ray(data, Status.UNBOUNDED, found, violation)
        return None

    def advance(
        self, steps: int, tol: float, tangent_tol: float = np.inf, patience: int = 0,
        moving: bool = True,
    ) -> Any:  # fmt: skip
        """As that of all runs, with a look for rays now and then."""
        code: Any = engine.UNFINISHED
        while steps > 0 and code == engine.UNFINISHED:
            part = min(steps, 500)
            code = super().advance(part, tol, tangent_tol, patience, moving)
            steps -= part
            if code == engine.UNFINISHED and moving and (steps > 0 or self.m > 0):
                ray = self.ray()
                code = code if ray is None else ray.status
        return code


def _project(data: Equilibrated, v: np.ndarray, y: np.ndarray, selection: np.ndarray) -> None:
    dual_projection(data.cone, np.ascontiguousarray(v), y, data.nothing, selection, False)


def _as_records(data: Equilibrated, directions: list[wrt.Direction]) -> ConicDirections:
    """Tangent records that kernels read."""
    (m, n), k = data.A.shape, wrt.count(directions)
    found = {"A": np.zeros((k, m, n)), "b": np.zeros((k, m)), "c": np.zeros((k, n))}
    at = 0
    for d in directions:
        check_name(d.name)
        found[d.name][at : at + len(d.values)] = d.values
        at += len(d.values)
    return ConicDirections(*data.directions(**{f"d{name}": v for name, v in found.items()}))


def _start(data: Equilibrated, x0: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, y, s) of a start in scaled units: a solution, a tuple of the three, or x alone."""
    m, n = data.A.shape
    p, y = data.problem, np.zeros(m)
    if isinstance(x0, Solution):
        if not isinstance(x0, ConeSolution) or x0.problem.A.shape != (m, n):
            raise ValueError(f"x0 must be a solution of a cone program with A of shape {(m, n)}")
        whole = np.concatenate([x0.x, x0.y, x0.s])
    elif isinstance(x0, tuple) and len(x0) == 3 and np.ndim(x0[0]) == 1:
        sizes = zip(("x", "y", "s"), x0, (n, m, m), strict=True)
        whole = np.concatenate(
            [checks.vector(v, f"{name} of x0", k, "entry of it") for name, v, k in sizes]
        )
    else:
        x = checks.vector(x0, "x0", n, "column of A")
        whole = np.concatenate([x, y, p.b - p.A @ x])
    x, y, s = np.split(whole / data.units, [n, n + m])
    return x, y, s


class System:
    """What solving asks; see :class:`fastpiggy.solving.structured.System`.

    Parameters
    ----------
    problem : ConeProgram
    """

    algorithms: ClassVar[dict[str, type]] = {"douglas_rachford": DouglasRachfordOptions}
    max_iter = 20_000
    kind = "rows of A"
    advice = _ADVICE
    #: What makes the solution out of (x, y, s).
    solution = staticmethod(ConeSolution.of)

    def __init__(self, problem: ConeProgram) -> None:
        self.problem, self.coordinates = problem, problem.b.size
        self.data = Equilibrated(problem)

    def run(self, options: Any, directions: list[wrt.Direction], request: Request) -> Run:
        """Douglas-Rachford with the tangents of the directions."""
        return Run(self.data, options, directions, request)

    def exact(self, options: DouglasRachfordOptions, request: Request) -> Exact:
        """Douglas-Rachford, and Newton steps as soon as they lead to the end."""
        run = self.run(options, [], request)
        limit, length, factors = request.max_iter or self.max_iter, _FIRST, 0
        best: Any = None
        code: Any = engine.UNFINISHED
        while code == engine.UNFINISHED and run.iterations < limit:
            code = run.advance(min(length, limit - run.iterations), 0.0)
            if isinstance(code, Status):
                return self._ended(run, code, run.ray(), factors)
            if code not in (engine.UNFINISHED, engine.CONVERGED):
                break
            at, cost = newton(run.conditions(), _STEPS)
            factors += cost
            if best is None or at.optimality < best.optimality:
                best = at
            if best.optimality <= request.tol:
                code = engine.CONVERGED
                break
            ray = run.ray()
            if ray is not None:
                return self._ended(run, ray.status, ray, factors)
            if options.scale is None:
                _adapt(run)
            length *= 2
        best = run.conditions() if best is None else best
        return self._ended(run, code, Point(best), factors)

    def _ended(self, run: Run, code: Any, point: Any, factors: int) -> Exact:
        way = "douglas_rachford + newton"
        cost = Cost(way, 0, factorisations=factors, sweeps=run.iterations)
        return Exact(code, point, run.iterations, Trace.of(run.parts), cost)

    def given(self, x: Any, z: Any, y: Any, request: Request) -> Exact:
        """Another solver's solution, z in the dual cone; a few Newton steps make it exacter."""
        problem = self.problem
        m, n = problem.A.shape
        x = checks.vector(x, "x", n, "column of A")
        if y is not None:
            raise ValueError(f"y must be None: z holds the multipliers of all {m} rows, got {y!r}")
        z = checks.vector(z, "z", m, "row of A")
        return _given(self, x, z, problem.b - problem.A @ x, request)

    def near(self, x: np.ndarray, tol: float) -> Point:
        """The point at (x, y, s)."""
        n, m = self.problem.c.size, self.problem.b.size
        x, y, s = np.split(x / self.data.units, [n, n + m])
        return Point(Conditions(self.data, x, y - s, np.zeros(m)))


def _adapt(run: Run) -> None:
    """Bring the primal and the dual residual together, as SCS does."""
    at = run.conditions()
    n = at.x.size
    primal = np.abs(at.value[n:]).max() / max(np.abs(at.Ax).max(), np.abs(at.s).max(), 1.0)
    dual = np.abs(at.value[:n]).max() / max(np.abs(at.Aty).max(), 1.0)
    if not (primal > 0.0 and dual > 0.0 and np.isfinite(primal / dual)):
        return
    factor = float(np.clip(np.sqrt(primal / dual), 0.1, 10.0))
    if factor > 2.0 or factor < 0.5:
        run.reweigh(float(np.clip(run.weight * factor, 1e-4, 1e4)))


def _given(system: System, x: np.ndarray, y: np.ndarray, s: np.ndarray, request: Request) -> Exact:
    data, n, m = system.data, x.size, y.size
    x, y, s = np.split(np.concatenate([x, y, s]) / data.units, [n, n + m])
    at = Conditions(data, x, y - s, request.selection)
    scale = 1.0 + max(np.abs(y).max(), np.abs(s).max())
    for name, value, right in (("z", y, at.y), ("b - A x", s, at.s)):
        away = float(np.abs(value - right).max()) / scale
        if away > request.tol:
            cone = "the dual cone" if name == "z" else "K"
            raise ValueError(
                f"{name} must lie in {cone}, with z'(b - A x) = 0: it is {away:.1e} away, of "
                f"its size, where tol={request.tol:g} is allowed"
            )
    if at.optimality > request.tol:
        raise ValueError(
            f"x and z must solve the problem to tol={request.tol:g}, got a residual of "
            f"{at.optimality:.1e}; solve it more exactly, or raise tol"
        )
    best, factors = newton(at, _STEPS)
    return Exact(engine.CONVERGED, Point(best), 0, Trace.of([]),
                 Cost("newton", 0, factorisations=factors))  # fmt: skip
