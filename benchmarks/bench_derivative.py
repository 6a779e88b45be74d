"""Derivatives: their cost above the solution's, and their error against closed forms."""

from statistics import median
from typing import Any

import numpy as np

import fastpiggy as fp
from benchmarks.common import (
    alpha_of,
    build,
    dense_case,
    lasso_slope,
    on_support,
    relative,
    shape_of,
)
from benchmarks.suite import Benchmark, by_profile, warm_up
from benchmarks.timing import interleaved, ratio


class _Lasso(Benchmark):
    def load(self, shape: str, part: float = 0.1) -> None:
        self.X, self.y, _, _ = dense_case(*shape_of(shape))
        self.alpha = alpha_of("lasso", self.X, self.y, part)

    def solve(self, **options: Any) -> fp.Solution:
        return fp.solve(build("lasso", self.X, self.y, self.alpha), **options)


class Alpha(_Lasso):
    """One parameter, the derivative that `solve` chooses."""

    params = (
        by_profile(["200x1000", "2000x200"], ["200x1000", "2000x200", "10000x500"]),
        by_profile([0.1], [0.1, 0.03, 0.01]),
    )
    param_names = ("shape", "part of alpha_max")

    def setup(self, shape: str, part: float) -> None:
        warm_up("lasso", "F")
        self.load(shape, part)

    def time_solve(self, *_: Any) -> None:
        self.solve(wrt="alpha")

    def track_error(self, *_: Any) -> float:
        found = self.solve(wrt="alpha")
        return relative(found.jacobian["alpha"], lasso_slope(self.X, found.x))

    track_error.unit = "relative"

    def track_cost(self, *_: Any) -> float:
        """With the derivative over without it."""
        calls = {"with": lambda: self.solve(wrt="alpha"), "without": lambda: self.solve()}
        seconds = interleaved(calls, 5)
        return ratio(seconds["with"], seconds["without"])

    track_cost.unit = "ratio"


class Modes(_Lasso):
    """The ways to differentiate, by two algorithms, where the map contracts."""

    params = (
        ["coordinate_descent", "forward_backward"],
        ["piggyback", "late", "frozen", "implicit"],
    )
    param_names = ("algorithm", "derivative")

    def setup(self, algorithm: str, derivative: str) -> None:
        options = {"algorithm": algorithm, "derivative": derivative}
        warm_up("lasso", "F", **options)
        self.load(by_profile("500x100", "2000x200"))
        self.options = {**options, "wrt": "alpha"}

    def time_solve(self, *_: Any) -> None:
        self.solve(**self.options)

    def track_error(self, *_: Any) -> float:
        found = self.solve(**self.options)
        return relative(found.jacobian["alpha"], lasso_slope(self.X, found.x))

    track_error.unit = "relative"


class Directions(_Lasso):
    """Many tangents at once: directions of y, fused from the first step, and by one solve."""

    params = (by_profile([1, 10], [1, 10, 100]), ["piggyback", "implicit"])
    param_names = ("directions", "derivative")

    def setup(self, directions: int, derivative: str) -> None:
        self.load(by_profile("500x100", "2000x200"))
        self.V = np.random.default_rng(1).standard_normal((self.y.size, directions))
        X, y, _, _ = dense_case(40, 20)
        tiny = build("lasso", X, y, alpha_of("lasso", X, y, 0.1))
        fp.solve(tiny, wrt={"y": self.V[:40]}, derivative=derivative)
        self.options = {"wrt": {"y": self.V}, "derivative": derivative}

    def time_solve(self, *_: Any) -> None:
        self.solve(**self.options)

    def track_error(self, *_: Any) -> float:
        found = self.solve(**self.options)
        return relative(found.jacobian["y"], on_support(self.X, found.x, self.X.T @ self.V))

    track_error.unit = "relative"


class Weights(_Lasso):
    """As many parameters as coefficients: the whole Jacobian, and a product with its transpose."""

    params = (by_profile(["300x200"], ["300x200", "500x1000"]),)
    param_names = ("shape",)

    def setup(self, shape: str) -> None:
        warm_up("lasso", "F")
        self.load(shape)
        self.v = np.random.default_rng(1).standard_normal(self.X.shape[1])
        self.solution = self.solve()
        self.solution.vjp(self.v)

    def exact(self) -> np.ndarray:
        """``dw/dweights``: the slope in alpha, one column an active coefficient, times alpha."""
        w, n = self.solution.x, self.X.shape[0]
        return on_support(self.X, w, np.diag(-n * self.alpha * np.sign(w)))

    def time_jacobian(self, *_: Any) -> None:
        self.solve(wrt="weights")

    def time_vjp(self, *_: Any) -> None:
        self.solution.vjp(self.v)

    def track_jacobian_error(self, *_: Any) -> float:
        return relative(self.solve(wrt="weights").jacobian["weights"], self.exact())

    def track_vjp_error(self, *_: Any) -> float:
        return relative(self.solution.vjp(self.v)["weights"], self.v @ self.exact())

    def track_vjp_cost(self, *_: Any) -> float:
        """A product with the derivatives in all parameters, over the solution."""
        calls = {"vjp": lambda: self.solution.vjp(self.v), "solve": lambda: self.solve()}
        seconds = interleaved(calls, 5)
        return median(seconds["vjp"]) / median(seconds["solve"])

    track_jacobian_error.unit = track_vjp_error.unit = "relative"
    track_vjp_cost.unit = "ratio"
