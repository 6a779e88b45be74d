"""Solutions without derivatives: every model, every storage.  Building the problem counts."""

from typing import Any

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
