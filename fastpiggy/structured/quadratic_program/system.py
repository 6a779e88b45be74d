"""Solve quadratic programs: by the dual active set, by ADMM, or from another solver's solution."""

from typing import Any

import numpy as np

from fastpiggy.active_set.dual import INFEASIBLE, SOLVED, Programs, programs, solve_programs
from fastpiggy.algorithms import engine
from fastpiggy.certificate import Status
from fastpiggy.problems import checks
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Cost
from fastpiggy.solving import options as opt
from fastpiggy.solving.request import Request
from fastpiggy.solving.running import Trace
from fastpiggy.solving.structured import Exact
from fastpiggy.structured.quadratic_program import rays
from fastpiggy.structured.quadratic_program.point import Point
from fastpiggy.structured.quadratic_program.proximal import solve_one
from fastpiggy.structured.quadratic_program.run import Run
from fastpiggy.structured.quadratic_program.working import WorkingSystem

#: Columns and rows up to which a sparse program is solved as a dense one.
_DENSE = 1500
#: Iterations of ADMM before the first exact finish, twice as many before each of the others.
_FIRST = 100

_ADVICE = {
    Status.MAX_ITER: "max_iter was reached before the tolerance; raise either, or give another "
    "penalty_parameter (in the units in which each P_jj is about 1)",
    Status.SINGULAR_ACTIVE_SET: "the constraints that are met are linearly dependent, or leave a "
    "direction without curvature free: the solution or its multipliers are not unique, and no "
    "derivative is determined; take out redundant rows, or add a little to P's diagonal",
    Status.AT_KINK: "constraints (certificate.kinks) are met with a multiplier of zero: the "
    "derivative is one-sided and depends on selection=; move the parameter a little to leave it",
    Status.INFEASIBLE: "no x meets the constraints; certificate.ray has y and z that prove it "
    "(A'y + G'z = 0, z >= 0, b'y + h'z < 0): a part of their rows must give way",
    Status.UNBOUNDED: "the objective falls for ever along certificate.ray['x'] (P x = 0, A x = 0, "
    "G x <= 0, q'x < 0): add a constraint or curvature along it",
}


class System:
    """What solving asks; see :class:`fastpiggy.solving.structured.System`.

    Parameters
    ----------
    problem : QuadraticProgram
    """

    max_iter = 100_000
    kind = "constraints"
    advice = _ADVICE

    def __init__(self, problem: Any) -> None:
        self.problem = problem
        self.coordinates = len(problem.d) * problem.inequalities
        ways = {"active_set": opt.ActiveSet, "admm": opt.ADMM}
        n, rows = problem.linear.shape[1], problem.d.shape[1]
        self.dense = not problem.sparse or n + rows <= _DENSE
        self.algorithms: dict[str, type] = ways if self.dense else {"admm": opt.ADMM}

    def run(self, options: Any, directions: list[wrt.Direction], request: Request) -> Run:
        """ADMM with the tangents of the directions."""
        return Run(self.problem, self.rho(options), directions, request)

    def rho(self, options: Any) -> float:
        """The penalty parameter: by default what weighs ``rho C'C`` like P."""
        given = getattr(options, "penalty_parameter", None)
        if given is not None:
            return float(given)
        scaled = self.problem.equilibrated
        P, C = scaled.P, scaled.C
        curvature = float(abs(P).max())
        rows = float((C * C).sum()) / max(1, C.shape[-2] * (1 if C.ndim == 2 else len(C)))
        if curvature == 0.0:
            curvature = float(np.abs(scaled.linear).max()) or 1.0
        return curvature / (rows or 1.0)

    def exact(self, options: Any, request: Request) -> Exact:
        """The solution, on the working set that the dual method or ADMM ends with."""
        if isinstance(options, opt.ADMM):
            return self._by_admm(options, request)
        found = self._by_active_set(request)
        changes = 0 if found.programs is None else int(found.programs.count.sum())
        cost = Cost("active_set", 0, changes=changes, factorisations=len(found.u))
        return Exact(_code(found), found, 0, Trace.of([]), cost)

    def _by_active_set(self, request: Request) -> Point:
        p, scaled = self.problem, self.problem.equilibrated
        P = scaled.P.toarray()[None] if p.sparse else scaled.P
        C = scaled.C.toarray()[None] if p.sparse else scaled.C
        found = programs(P, scaled.linear, C, scaled.d)
        solve_programs(found, p.equalities)
        rho = self.rho(None)
        point = Point(p, found.x, found.u, request.selection, rho, found)
        good = np.all(found.code == SOLVED)
        if good and point.optimality <= max(1e-2 * request.tol, point.floor):
            return point
        return self._one_by_one(found, point, request.selection, rho)

    def _one_by_one(self, found: Programs, point: Point, q: np.ndarray, rho: float) -> Point:
        """Those again that the first try did not solve; what it says to be infeasible, proved."""
        p, e = self.problem, self.problem.equalities
        x, u, statuses, ray, plain = found.x, found.u.copy(), [], None, False
        for b in range(len(x)):
            P, C = found.P[b if len(found.P) > 1 else 0], found.C[b if len(found.C) > 1 else 0]
            status: Any = Status.CONVERGED
            if found.code[b] == INFEASIBLE and rays.proves_infeasible(u[b], C, found.d[b], e):
                status, proof = Status.INFEASIBLE, {"y": u[b, :e].copy(), "z": u[b, e:].copy()}
                u[b] = 0.0
            elif not (found.code[b] == SOLVED and _optimal(P, C, point, b)):
                x[b], u[b], status, proof = solve_one(P, found.q[b], C, found.d[b], e)
                status, plain = status or Status.CONVERGED, True
            if status != Status.CONVERGED and ray is None:
                ray = self._ray(proof, b)
            statuses.append(status)
        known = tuple(statuses) if p.many is not None else None
        if ray is None:
            return Point(p, x, u, q, rho, None if plain else found, None, known)
        point = Point(p, x, u, q, rho, None, ray, known or tuple(statuses))
        return point

    def _ray(self, proof: dict[str, np.ndarray], b: int) -> dict[str, np.ndarray]:
        """What proves the status of program b, in the user's units."""
        p, e, scaled = self.problem, self.problem.equalities, self.problem.equilibrated
        at = b if len(scaled.rows) > 1 else 0
        y, z = np.split(scaled.rows[at], [e])
        unit = {"x": scaled.columns[at], "y": y, "z": z}
        ray = {name: unit[name] * value for name, value in proof.items()}
        return {**ray, "program": np.array(b)} if p.many is not None else ray

    def _by_admm(self, options: Any, request: Request) -> Exact:
        """ADMM, and the solution of its working set as soon as that is right."""
        run, length = self.run(options, [], request), _FIRST
        limit = request.max_iter or self.max_iter
        best, code = run.point(), engine.UNFINISHED
        while run.iterations < limit:
            code = run.advance(min(length, limit - run.iterations), 1e-3 * request.tol * run.scale)
            point = finished(run.point())
            if point.optimality < best.optimality:
                best = point
            if best.optimality <= max(1e-2 * request.tol, best.floor) or code in (
                engine.CONVERGED, engine.NOT_FINITE,
            ):  # fmt: skip
                break
            if length == 4 * _FIRST:
                proof = self._without_solution(run)
                if proof is not None:
                    return self._ended(run, proof)
            length *= 2
        return self._ended(run, best)

    def _without_solution(self, run: Run) -> Point | None:
        """A point that says so, where a program has none."""
        p, e, scaled = self.problem, self.problem.equalities, self.problem.equilibrated
        statuses, ray = [], None
        for b in range(len(p.d)):
            P = scaled.P if p.sparse else scaled.P[b if len(scaled.P) > 1 else 0]
            C = scaled.C if p.sparse else scaled.C[b if len(scaled.C) > 1 else 0]
            u = rays.infeasible(C, scaled.d[b], e)
            x = rays.unbounded(P, scaled.linear[b], C, e) if u is None else None
            proof = {"y": u[:e], "z": u[e:]} if u is not None else {"x": x}
            none = u is None and x is None
            status = Status.INFEASIBLE if u is not None else Status.UNBOUNDED
            statuses.append(Status.CONVERGED if none else status)
            if not none and ray is None:
                ray = self._ray(proof, b)
        if ray is None:
            return None
        point = run.point()
        return Point(
            p, point.flat, point.u, run.selection, run.rho, None, ray, tuple(statuses)
        )  # fmt: skip

    def _ended(self, run: Run, point: Point) -> Exact:
        cost = Cost("admm + finish", run.iterations, sweeps=run.iterations)
        return Exact(_code(point), point, run.iterations, Trace.of(run.parts), cost)

    def near(self, x: np.ndarray, tol: float) -> Point:
        """The solution near x, found again."""
        empty = dict.fromkeys(("wrt", "max_iter", "callback"))
        request = Request(
            **empty, x0=None, selection=np.zeros(self.coordinates), tol=tol, algorithm="auto",
            derivative="none", trace=False,
        )  # fmt: skip
        return self.exact(next(iter(self.algorithms.values()))(), request).point

    def given(self, x: Any, z: Any, y: Any, request: Request) -> Exact:
        """Another solver's solution, z and y its multipliers."""
        p, lead = self.problem, self.problem.shape[:-1]
        x = checks.shaped(x, "x", p.shape, "entry of the solution")
        parts = []
        for value, name, rows in ((y, "y", p.equalities), (z, "z", p.inequalities)):
            of = "A" if name == "y" else "G"
            if value is None and rows:
                raise ValueError(f"{name} must be given: multipliers of the {rows} rows of {of}")
            value = np.zeros((*lead, 0)) if value is None else value
            found = checks.shaped(value, name, (*lead, rows), f"row of {of}")
            parts.append(found.reshape(len(p.d), rows))
        u = np.concatenate(parts, axis=1) / p.equilibrated.rows
        x = x.reshape(p.linear.shape) / p.equilibrated.columns
        point = Point(p, x, u, request.selection, self.rho(None))
        least = float((u / point.multiplier_scale)[:, p.equalities :].min(initial=0.0))
        if least < -1e-5:
            at = int(np.argmin(parts[1]))
            raise ValueError(
                f"z must not be negative: it holds the multipliers of G x <= h in P x + q + A'y + "
                f"G'z = 0, got {parts[1].ravel()[at]:.6g} at index {at}; a solver that maximises "
                "or has G x >= h gives the other sign"
            )
        return Exact(engine.CONVERGED, point, 0, Trace.of([]), Cost("given", 0))


def _code(point: Point) -> Any:
    if point.ray is not None:
        bad = [status for status in point.statuses or () if status != Status.CONVERGED]
        return Status.INFEASIBLE if Status.INFEASIBLE in bad else bad[0]
    return engine.CONVERGED


def _optimal(P: Any, C: Any, point: Point, b: int) -> bool:
    one = point.optimality <= 1e-11 if len(point.u) == 1 else None
    if one is not None:
        return bool(one)
    gradient = point.terms[0][b] + point.terms[1][b] + point.scaled.linear[b]
    missed = (point.slack / point.row_scale)[b]
    missed[point.e :] = np.maximum(missed[point.e :], 0.0)
    good = np.abs(gradient).max() <= 1e-11 * point.gradient_scale[b]
    return bool(good and np.abs(missed).max(initial=0.0) <= 1e-11)


def finished(point: Point) -> Point:
    """The KKT point of the working set that a point shows, next to it."""
    x, u, p = point.flat.copy(), point.u.copy(), point.problem
    linear, d = point.scaled.linear, point.scaled.d
    for b in range(len(x)):
        working = np.flatnonzero(point.u[b] > 0) if p.inequalities else np.zeros(0, dtype=int)
        working = np.union1d(np.arange(p.equalities), working[working >= p.equalities])
        P = point.P if p.sparse else point.P[b if len(point.P) > 1 else 0]
        C = point.C if p.sparse else point.C[b if len(point.C) > 1 else 0]
        system = WorkingSystem(P, C, working, np.zeros(working.size))
        off = np.ones(u.shape[1], dtype=bool)
        off[working] = False
        u[b, off] = 0.0
        for _ in range(2):
            a, w = system.solve(-(P @ x[b] + linear[b] + C.T @ u[b]), d[b] - C @ x[b])
            x[b], u[b] = x[b] + a, u[b] + w
    return Point(p, x, u, point.q[:, point.e :].ravel(), point.rho)
