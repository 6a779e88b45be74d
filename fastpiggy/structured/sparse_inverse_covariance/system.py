"""Solve ``-logdet P + <S, P> + sum_{i != j} alpha_ij abs(P_ij)``."""

from typing import Any, ClassVar

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.douglas_rachford import (
    DouglasRachford,
    Gaussian,
    GaussianDirections,
    symmetric,
)
from fastpiggy.certificate import Status
from fastpiggy.problems import checks
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Cost, Solution
from fastpiggy.solving import options as opt
from fastpiggy.solving import structured
from fastpiggy.solving.request import Request
from fastpiggy.solving.running import Trace
from fastpiggy.structured.sparse_inverse_covariance.estimate import Estimate, parts, penalty_scale
from fastpiggy.structured.sparse_inverse_covariance.newton import blocks, inverse, minimise

#: A relative error of inv(P) from which a run that did not end counts as one without an end.
_LOST = 1e-5

_ADVICE = {
    Status.MAX_ITER: "max_iter was reached before the tolerance; raise either, take a larger "
    "alpha, or give another step",
    Status.UNBOUNDED: "the objective has no minimum: variables without variance, or a singular S "
    "with entries that no alpha penalises; add to the diagonal of S, or take a positive alpha",
    Status.NOT_CONTRACTING: "P came out as a matrix that is not positive definite; give "
    "another step",
}


class Run(structured.Run):
    """Douglas-Rachford on one problem, resumable."""

    patience = 20

    def __init__(
        self, problem: Any, options: opt.DouglasRachford, directions: list[wrt.Direction],
        request: Request,
    ) -> None:  # fmt: skip
        self.covariance = problem
        p, m = len(problem.S), wrt.count(directions)
        self.selection = request.selection.reshape(p, p)
        self.gamma = default_step(problem) if options.step is None else options.step
        super().__init__(
            DouglasRachford(self.gamma, options.relaxation),
            Gaussian(problem.S, problem.penalties, self.selection),
            as_records(problem, directions),
            symmetric(p, m),
            m,
            request.callback,
        )
        self.state.Y[0] = start_of(problem, request.x0)
        self.state.X[0] = self.state.Y[0]
        k = 0
        for d in directions:
            if d.name == "x0":
                self.state.Y[1 + k : 1 + k + len(d.values)] = d.values
            k += len(d.values)

    def hold(self, point: Estimate) -> None:
        """Take the state whose shadow is the point, with tangents of zero."""
        state = self.state
        state.X[:], state.Y[:] = 0.0, 0.0
        state.X[0], state.Y[0] = point.x, point.x - self.gamma * point.G

    @property
    def scale(self) -> float:
        # The residual of a step is in the units of S.
        return penalty_scale(self.covariance) * float(self.covariance.units.min())

    def point(self) -> Estimate:
        """The shadow, or the prox of the likelihood where the shadow is not positive definite."""
        P = self.state.X[0]
        P = P if inverse(P) is not None else self.state.Z
        return Estimate(self.covariance, P.copy(), self.selection, self.gamma)


class System:
    """What :func:`fastpiggy.solve` asks of a covariance selection."""

    algorithms: ClassVar[dict[str, type]] = {
        "newton": opt.Newton, "douglas_rachford": opt.DouglasRachford,
    }  # fmt: skip
    max_iter = 20_000
    kind = "entries"
    advice = _ADVICE

    def __init__(self, problem: Any) -> None:
        self.problem, self.coordinates = problem, problem.S.size

    def run(self, options: Any, directions: list[wrt.Direction], request: Request) -> Run:
        """Douglas-Rachford with the tangents of the directions."""
        if isinstance(options, opt.Newton):
            options = opt.DouglasRachford()
        return Run(self.problem, options, directions, request)

    def exact(self, options: Any, request: Request) -> structured.Exact:
        """Newton's method on every block; Douglas-Rachford first where that is asked for."""
        problem, start, iterations, trace = self.problem, None, 0, Trace.of([])
        way = "newton"
        if isinstance(options, opt.DouglasRachford):
            run = self.run(options, [], request)
            run.advance(request.max_iter or self.max_iter, 1e-3 * run.scale)
            start, iterations, trace = run.point().x, run.iterations, Trace.of(run.parts)
            way = "douglas_rachford + newton"
        elif request.x0 is not None:
            start = start_of(problem, request.x0)
        gamma = default_step(problem)
        selection = request.selection.reshape(problem.shape)
        if np.any(np.diag(problem.S) == 0.0):
            point = Estimate(problem, np.diag(_variances(problem.S) ** -1.0), selection, gamma)
            return structured.Exact(Status.UNBOUNDED, point, 0, trace, Cost(way, 0))
        # In alpha's units; P counts in the inverse of them.
        S, A = problem.S / problem.units, problem.penalties / problem.units
        start = None if start is None else start * problem.units
        P, total, bounded = np.zeros_like(S), [0, 0, 0], True
        goal = 1e-3 * request.tol * penalty_scale(problem)
        for members in blocks(S, A):
            at = np.ix_(members, members)
            begun = None if start is None else start[at]
            found = minimise(S[at], A[at], begun, goal)
            P[at] = found.P
            bounded = bounded and found.bounded
            total[0] += found.steps
            total[1] += found.products
            total[2] += found.factorisations
        point = Estimate(problem, P / problem.units, selection, gamma)
        cost = Cost(way, total[1], total[0], total[2], iterations)
        optimal = point.optimality <= max(request.tol, point.floor)
        code: Any = engine.CONVERGED if optimal else engine.UNFINISHED
        # A P that only grows: nothing is left of its inverse.
        if not bounded or (not optimal and point.rounding > _LOST):
            code = Status.UNBOUNDED
        return structured.Exact(code, point, iterations, trace, cost)

    def near(self, x: np.ndarray, tol: float) -> Estimate:
        """The estimate at x."""
        return Estimate(self.problem, x, np.zeros_like(x), default_step(self.problem))


def _variances(S: np.ndarray) -> np.ndarray:
    d = np.diag(S)
    return np.where(d > 0, d, float(d.max()) or 1.0)


def default_step(problem: Any) -> float:
    """The square of a precision: in these units the Hessian of the likelihood is about 1."""
    return float(np.mean(_variances(problem.S))) ** -2.0


def start_of(problem: Any, x0: Any) -> np.ndarray:
    """The checked starting point, or the inverse variances."""
    if x0 is None:
        return np.diag(1.0 / _variances(problem.S))
    if isinstance(x0, Solution):
        x0 = x0.x
    return np.array(checks.shaped(x0, "x0", problem.shape, "pair of variables"))


def as_records(problem: Any, directions: list[wrt.Direction]) -> GaussianDirections:
    """Tangent records that kernels read."""
    m, p = wrt.count(directions), len(problem.S)
    S, alpha, step = np.zeros((m, p, p)), np.zeros((m, p, p)), np.zeros(m)
    k = 0
    for d in directions:
        rows = slice(k, k + len(d.values))
        k += len(d.values)
        dS, dA = parts(problem, d)
        if dS is not None:
            S[rows] = dS
        if dA is not None:
            alpha[rows] = dA
        if d.name == "step":
            step[rows] = d.values
    return GaussianDirections(S, alpha, step)
