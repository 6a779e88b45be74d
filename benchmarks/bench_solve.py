"""Solutions without derivatives: every model, every storage.  Building the problem counts."""

from typing import Any

import numpy as np

import fastpiggy as fp
from benchmarks.common import alpha_of, build, dense_case, shape_of, sparse_case, stored, violation
from benchmarks.suite import Benchmark, by_profile, warm_up

SHAPES = by_profile(["200x1000", "2000x200"], ["200x1000", "2000x200", "10000x500", "1000x5000"])
PARTS = by_profile([0.1], [0.1, 0.03, 0.01])
MODELS = ["elastic_net", "ridge", "huber", "logistic", "squared_hinge", "group_lasso"]


class _Solve(Benchmark):
    """``track_violation`` stands beside ``time_solve``: fast and wrong is no progress."""

    model: str
    X: Any

    def load(self, model: str, X: Any, y: Any, part: float) -> None:
        self.model, self.X, self.y = model, X, y
        self.alpha = alpha_of(model, X, y, part)

    def solve(self) -> fp.Solution:
        return fp.solve(build(self.model, self.X, self.y, self.alpha))

    def accuracy(self) -> float:
        w = self.solve().x
        return violation(self.model, self.X, self.y, w, self.alpha)


class Lasso(_Solve):
    params = (SHAPES, ["C", "F", "float32"], PARTS)
    param_names = ("shape", "storage", "part of alpha_max")

    def setup(self, shape: str, storage: str, part: float) -> None:
        warm_up("lasso", storage)
        X, y, _, _ = dense_case(*shape_of(shape))
        self.load("lasso", stored(X, storage), y, part)

    def time_solve(self, *_: Any) -> None:
        self.solve()

    def track_violation(self, *_: Any) -> float:
        return self.accuracy()

    track_violation.unit = "of alpha"


class SparseLasso(_Solve):
    params = (by_profile(["500x2000"], ["5000x20000"]), PARTS)
    param_names = ("shape", "part of alpha_max")

    def setup(self, shape: str, part: float) -> None:
        warm_up("lasso", "sparse")
        X, y = sparse_case(*shape_of(shape), 0.01)
        self.load("lasso", X, y, part)

    def time_solve(self, *_: Any) -> None:
        self.solve()

    def track_violation(self, *_: Any) -> float:
        return self.accuracy()

    track_violation.unit = "of alpha"


class Models(_Solve):
    params = (MODELS, by_profile(["300x200"], ["500x1000", "2000x200"]))
    param_names = ("model", "shape")

    def setup(self, model: str, shape: str) -> None:
        warm_up(model, "F")
        X, y, _, _ = dense_case(*shape_of(shape))
        self.load(model, X, y, 0.1)

    def time_solve(self, *_: Any) -> None:
        self.solve()

    def track_violation(self, *_: Any) -> float:
        return self.accuracy()

    track_violation.unit = "of alpha"


class Many(Benchmark):
    """Many small Lassos with their derivative along alpha; here making the problems does not count.

    ``all``: each solution is looked at.
    """

    params = (["100x50", "50x100"], ["arrays", "all"])
    param_names = ("shape", "of solutions")

    def setup(self, shape: str, _: str) -> None:
        rng, (n, p) = np.random.default_rng(0), shape_of(shape)
        self.problems = []
        for _k in range(by_profile(200, 1000)):
            X = np.asfortranarray(rng.standard_normal((n, p)))
            y = X[:, :5].sum(axis=1) + rng.standard_normal(n)
            problem = fp.lasso(X, y, 1.0)
            self.problems.append(problem.replace(alpha=0.1 * problem.alpha_max()))
        fp.solve_many(self.problems, wrt="alpha")

    def time_many(self, _: str, what: str) -> None:
        solutions = fp.solve_many(self.problems, wrt="alpha")
        if what == "all":
            list(solutions)

    def track_violation(self, *_: Any) -> float:
        found = zip(self.problems, fp.solve_many(self.problems).x, strict=True)
        return max(
            violation("lasso", q.design.X, q.loss.y, x, q.parameters["alpha"]) for q, x in found
        )

    track_violation.unit = "of alpha"


class Memory(_Solve):
    """The peak of a process that holds X of 16 MB and solves once (full: 40 MB)."""

    params = (["C", "F"],)
    param_names = ("storage",)

    def setup(self, storage: str) -> None:
        warm_up("lasso", storage)
        X, y, _, _ = dense_case(*by_profile((2000, 1000), (10000, 500)), n_val=50)
        self.load("lasso", stored(X, storage), y, 0.1)

    def peakmem_solve(self, *_: Any) -> None:
        self.solve()
