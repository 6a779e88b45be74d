"""Solve support vector problems by their dual, a quadratic program; coefficients and intercept."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastpiggy.certificate import Status
from fastpiggy.problems import checks
from fastpiggy.problems import directions as wrt
from fastpiggy.problems.directions import named
from fastpiggy.solution import Solution
from fastpiggy.solving import structured
from fastpiggy.solving.request import Request
from fastpiggy.structured.quadratic_program import run as program_run

_ADVICE = {
    Status.SINGULAR_ACTIVE_SET: "no row has a coefficient strictly inside its bounds, or the "
    "kernel between those that have is singular: the intercept or the coefficients are not unique; "
    "take another C, a larger ridge, or fit_intercept=False",
    Status.AT_KINK: "rows (certificate.kinks) stand on a bound that they do not press against: the "
    "derivative is one-sided and depends on selection=; move a hyperparameter a little to leave it",
}

#: Distances from a bound below this, over C, are rounding.
_ROUNDING = 1e-12


class Point:
    """Coefficients and intercept at a point of the dual.

    Of :class:`fastpiggy.structured.quadratic_program.point.Point` all that is not said here.

    Parameters
    ----------
    problem : SupportVectors
    dual : quadratic_program.point.Point
    """

    def __init__(self, problem: Any, dual: Any) -> None:
        self.problem, self.dual = problem, dual
        b = dual.multipliers["y"] if problem.fit_intercept else [0.0]
        # A coefficient on its bound is there exactly: which rows support is read off the zeros.
        a = np.where(np.abs(dual.x) <= _ROUNDING * problem.C, 0.0, dual.x)
        a = np.where(np.abs(a - problem.C) <= _ROUNDING * problem.C, problem.C, a)
        self.x = np.append(problem.signs @ a, b)

    def __getattr__(self, name: str) -> Any:
        if name in ("optimality", "floor", "singular", "stuck", "statuses", "ray"):
            return getattr(self.dual, name)
        raise AttributeError(name)

    @property
    def kinks(self) -> np.ndarray:
        """Rows whose coefficient stands on a bound that it does not press against."""
        return np.unique(self.dual.kinks % self.problem.y.size)

    @property
    def offending(self) -> np.ndarray:
        """Rows that make the system singular."""
        return np.unique(self.dual.offending % self.problem.y.size)

    @property
    def units(self) -> dict[str, float]:
        """By hyperparameter, the size that a derivative would have."""
        size = float(np.linalg.norm(self.x))
        return {name: size / value for name, value in self.problem.parameters.items()}

    def objective(self) -> float:
        """That of the dual."""
        return float(self.dual.objective())

    def margin(self) -> None:
        """Not a thing of one parameter."""
        return None

    def movement(self, directions: list[wrt.Direction]) -> tuple[np.ndarray, np.ndarray]:
        """As of the dual."""
        return self.dual.movement(inner(self.problem, directions))  # type: ignore[no-any-return]

    def solve(self, move: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """J of shape (n + 1, m): coefficients and intercept."""
        a, w = self.dual.pair(*move)
        return joined(self.problem, self.dual.unscaled(a), self.dual.scaled.rows[0, :1] * w[0, :1])

    def residual(self, J: np.ndarray, move: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """``A J + B - J`` of Newton's map, whose A is zero."""
        return self.solve(move) - J

    def distance(self, J: np.ndarray, move: tuple[np.ndarray, np.ndarray]) -> tuple[float, bool]:
        """The distance from the KKT system's solution, and that one's own error at the most."""
        found, bound = self.dual.distance(self.dual.unscaled(self.dual.pair(*move)[0]), move)
        # The rows of `signs` are of length sqrt(2) at the most; the intercept is a multiplier.
        (system,), scaled = self.dual.systems, self.dual.scaled
        largest = float(scaled.columns.max())
        lift = np.sqrt(2.0) * largest
        if self.problem.fit_intercept:
            lift = float(np.hypot(lift, scaled.rows[0, 0] * system.scale[0]))
        away = float(np.linalg.norm(self.solve(move) - J))
        return away + found * lift / largest, bound

    def adjoint(self, v: np.ndarray, names: list[str]) -> dict[str, Any]:
        """``v'J`` by hyperparameter, each a number: along all of them at once."""
        J = self.solve(self.movement([wrt.Direction(name, np.ones(1), ()) for name in names]))
        return dict(zip(names, map(float, v @ J), strict=True))


def joined(problem: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tangents of the dual's variables and of its multiplier as those of the solution."""
    none = np.zeros((1, a.shape[1]))
    return np.vstack([problem.signs @ a, b if problem.fit_intercept else none])


def inner(problem: Any, directions: list[wrt.Direction]) -> list[wrt.Direction]:
    """The directions as the dual's: C moves h, the width P, epsilon q."""
    found, size = [], problem.signs.shape[1]
    for d in directions:
        if d.name not in problem.parameters:
            raise ValueError(f"wrt must name hyperparameters of the problem, got {d.name!r}")
        if d.name == "C":
            name, along = "h", np.repeat([0.0, 1.0], size)
        elif d.name == "epsilon":
            name, along = "q", np.ones(size)
        else:
            T = problem.signs
            name, along = "P", T.T @ (problem.K * problem.squares / problem.width**3) @ T
        values = np.multiply.outer(d.values, along)
        found.append(wrt.Direction(name, values, d.shape))
    return found


class Run(program_run.Run):
    """ADMM on the dual."""

    def __init__(
        self, problem: Any, rho: float, directions: list[wrt.Direction], request: Request
    ) -> None:
        self.whole = problem
        super().__init__(
            problem.program, rho, inner(problem, directions), request._replace(x0=None)
        )

    def point(self) -> Any:
        """The iterate, as coefficients and intercept."""
        return Point(self.whole, self.here())

    def hold(self, point: Any) -> None:
        """Take the state whose shadow is the solution, with tangents of zero."""
        super().hold(point.dual)

    def tangents(self) -> np.ndarray:
        """J of coefficients and intercept."""
        state = self.state
        db = self.rho * (state.dv[:, :1] - (self.C[:1] @ state.J.T).T)
        return joined(self.whole, super().tangents(), (self.scaled.rows[0, :1] * db).T)


class Adjoint:
    """``v'J`` at a solution, of coefficients and intercept."""

    def __init__(self, point: Point) -> None:
        self.point = point

    def __call__(
        self, v: Any, intercept: float = 0.0, wrt: str | Iterable[str] | None = None
    ) -> dict[str, Any]:
        names = named(wrt, self.point.problem.parameters)
        v = checks.vector(v, "v", self.point.x.size - 1, "coefficient")
        return self.point.adjoint(np.append(v, intercept), names)


class System:
    """What solving asks of a support vector problem: its dual's, and coefficients made of it.

    Parameters
    ----------
    problem : SupportVectors
    """

    kind = "rows"
    adjoint = Adjoint

    def __init__(self, problem: Any) -> None:
        self.problem, self.dual = problem, problem.program.system()
        self.algorithms, self.coordinates = self.dual.algorithms, self.dual.coordinates
        self.max_iter, self.advice = self.dual.max_iter, {**self.dual.advice, **_ADVICE}

    def run(self, options: Any, directions: list[wrt.Direction], request: Request) -> Run:
        """ADMM with the tangents of the directions."""
        return Run(self.problem, self.dual.rho(options), directions, request)

    def exact(self, options: Any, request: Request) -> structured.Exact:
        """By the dual's own ways; it is solved from its own start."""
        found = self.dual.exact(options, request._replace(x0=None))
        return found._replace(point=Point(self.problem, found.point))

    def near(self, x: np.ndarray, tol: float) -> Point:
        """The solution, found again."""
        return Point(self.problem, self.dual.near(x, tol))

    @staticmethod
    def solution(
        problem: Any, whole: np.ndarray, intercept: float, jacobian: dict[str, np.ndarray],
        *rest: Any, **named: Any,
    ) -> Solution:  # fmt: skip
        """Take coefficients and intercept apart; the arguments of :class:`fastpiggy.Solution`."""
        return Solution(
            problem, whole[:-1], float(whole[-1]), {k: J[:-1] for k, J in jacobian.items()},
            {k: J[-1] for k, J in jacobian.items()}, *rest[1:], **named,
        )  # fmt: skip
