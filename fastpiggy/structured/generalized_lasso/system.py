"""Solve ``norm_W(x - y)^2 / 2 + alpha norm1(D x)`` for a sparse D."""

from typing import Any, ClassVar

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.operators import CompressedRows
from fastpiggy.certificate import Status
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Cost
from fastpiggy.solving import options as opt
from fastpiggy.solving.request import Request
from fastpiggy.solving.running import Trace
from fastpiggy.solving.structured import Exact
from fastpiggy.structured import quadratic
from fastpiggy.structured.generalized_lasso.active_rows import ActiveRows, gradient_scale
from fastpiggy.structured.generalized_lasso.problem import GeneralizedLasso

#: Iterations before the first exact finish, twice as many before each of the others.
_FIRST = 50

_ADVICE = {
    Status.MAX_ITER: "max_iter was reached before the tolerance; raise either, or give another "
    "penalty_parameter",
    Status.NOT_CONTRACTING: "points of weight zero leave the map an eigenvalue 1, so that J "
    "depends on where it started; drop them or give them a small weight",
    Status.SINGULAR_ACTIVE_SET: "points of weight zero leave the solution open and no derivative "
    "is determined; drop them or give them a small weight",
}


class Run(quadratic.Run):
    """ADMM on a generalized Lasso, resumable."""

    def hold(self, point: ActiveRows) -> None:
        """Take the state whose shadow is the solution, with tangents of zero."""
        z = np.zeros(self.signal.rows)
        z[point.rows] = point.z
        self.take(point.solution, z, point.u)

    @property
    def scale(self) -> float:
        return gradient_scale(self.signal)

    @property
    def dual(self) -> np.ndarray:
        """``rho s``, with the s that belongs to x in ``v = D x + s``."""
        return self.rho * (self.state.v - self.signal.differences(self.state.x))

    def point(self, finished: bool = False) -> ActiveRows:
        """The iterate, or the solution for its active rows."""
        p = self.signal
        rows, signs = self.signs()
        x = None if finished else self.state.x.copy()
        found = ActiveRows(p, rows, signs, self.dual, self.selection, self.rho, x)
        if finished and found.space.singular:
            x = self.state.x.copy()
            return ActiveRows(p, rows, signs, self.dual, self.selection, self.rho, x)
        return found.without_flat()


class System:
    """What :func:`fastpiggy.solve` asks of a generalized Lasso."""

    algorithms: ClassVar[dict[str, type]] = {"admm": opt.ADMM}
    max_iter = 50_000
    kind = "rows of D"

    def __init__(self, problem: GeneralizedLasso) -> None:
        self.problem, self.coordinates = problem, problem.rows
        self.advice = _ADVICE
        if not problem.null_model.space.independent:
            self.advice = {**_ADVICE, Status.CONVERGED: _dependent(problem)}

    def run(self, options: opt.ADMM, directions: list[wrt.Direction], request: Request) -> Run:
        """ADMM with the tangents of the directions."""
        D = self.problem.D
        operator = CompressedRows(D.data, D.indices.astype(np.int64), D.indptr.astype(np.int64))
        return Run(self.problem, operator, _rho(self.problem, options), directions, request)

    def exact(self, options: opt.ADMM, request: Request) -> Exact:
        """ADMM, and the solution for its active rows as soon as that is right."""
        if self.problem.alpha == 0.0:
            rho = _rho(self.problem, options)
            return self._ended(0, [], engine.CONVERGED, at_zero(self.problem, request, rho))
        run, parts, total = self.run(options, [], request), [], 0
        limit, tol, length = request.max_iter or self.max_iter, request.tol, _FIRST
        best, done = None, False
        while not done and total < limit:
            before = run.iterations
            steps = min(length, limit - total)
            code = run.advance(steps, 1e-3 * tol * run.scale)
            total += run.iterations - before
            point = run.point(finished=True)
            if best is None or best.open or point.optimality < best.optimality:
                best = point
            done = best.optimality <= max(1e-2 * tol, best.floor)
            if code not in (engine.CONVERGED, engine.UNFINISHED):
                return self._ended(total, parts + run.parts, code, best)
            if code == engine.CONVERGED:
                break
            if not done and options.penalty_parameter is None:
                parts += run.parts
                run = self._rebalanced(run, request)
            length *= 2
        assert best is not None
        done = best.optimality <= max(tol, best.floor)
        code = engine.CONVERGED if done else engine.UNFINISHED
        return self._ended(total, parts + run.parts, code, best)

    def _rebalanced(self, run: Run, request: Request) -> Run:
        """The same state with a rho that weighs both residuals alike.

        Those of ``D x = z`` and of ``D'u = W (y - x)``, each over the size of what it compares
        (Boyd et al. 2011, section 3.4.1); a step tells them.
        """
        state, D = run.state, self.problem.D
        old = state.z.copy()
        run.advance(1, 0.0)
        z, Dx = state.z.copy(), D @ state.x
        u = run.rho * (state.v - Dx)
        size = max(np.linalg.norm(Dx), np.linalg.norm(z)), np.linalg.norm(D.T @ u)
        primal = np.linalg.norm(Dx - z) / (size[0] or 1.0)
        dual = run.rho * np.linalg.norm(D.T @ (z - old)) / (size[1] or 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            change = float(np.clip(np.sqrt(primal / dual), 0.1, 10.0))
        if not 0.5 > abs(np.log2(change)) and np.isfinite(change):
            most = 1e10 * float(self.problem.sample_weight.mean()) / _size(self.problem)
            x, u = state.x.copy(), np.clip(u, -self.problem.alpha, self.problem.alpha)
            rho = min(run.rho * change, most)
            run = self.run(opt.ADMM(penalty_parameter=rho), [], request._replace(x0=None))
            run.take(x, z, u)
        return run

    def _ended(self, iterations: int, parts: list[Any], code: int, point: ActiveRows) -> Exact:
        cost = Cost("admm + finish", iterations, sweeps=iterations)
        return Exact(code, point, iterations, Trace.of(parts), cost)

    def near(self, x: np.ndarray, tol: float) -> ActiveRows:
        """The solution near x, its active rows found again."""
        p = self.problem
        start = {"x0": x, "selection": np.zeros(p.rows), "tol": tol}
        empty = dict.fromkeys(("wrt", "max_iter", "callback"))
        request = Request(
            **start, **empty, algorithm="auto", derivative="none", trace=False
        )  # fmt: skip
        return self.exact(opt.ADMM(), request).point


def at_zero(problem: GeneralizedLasso, request: Request, rho: float) -> ActiveRows:
    """The solution for alpha = 0, y itself: every row counts as active."""
    z = problem.differences(problem.y)
    rows = np.arange(problem.rows)
    return ActiveRows(problem, rows, np.sign(z), 0.0 * z, request.selection, rho)


def _dependent(problem: GeneralizedLasso) -> str:
    rank = problem.null_model.space.rank
    return (
        f"solution and derivative converged; the {problem.rows} rows of D have rank {rank}, so "
        "that ADMM's map is no contraction along the null space of D', which x and J do not see"
    )


def _rho(problem: GeneralizedLasso, options: opt.ADMM) -> float:
    mean, size = float(problem.sample_weight.mean()), _size(problem)
    given = quadratic.check_penalty_parameter(options, mean / size)
    # Total variation wants 2 to 3 at this size: the trend filter's own rule for degree 0.
    return 4.0 * mean / size if given is None else given


def _size(problem: GeneralizedLasso) -> float:
    """Mean square of a column of D."""
    return float(np.mean(problem.D.power(2).sum(axis=0))) or 1.0
