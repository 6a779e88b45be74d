"""The compiled kernels alone: a pass against BLAS, an epoch of descent, proxes, their tangents."""

from typing import Any

import numpy as np

from benchmarks import blocks
from benchmarks.common import dense_case, shape_of, sparse_case
from benchmarks.fused_pass import by_gemv, fused
from benchmarks.suite import Benchmark, by_profile
from benchmarks.timing import interleaved, ratio
from fastpiggy import penalties
from fastpiggy.algorithms.composite import prox
from fastpiggy.penalties import (
    L1,
    MCP,
    SCAD,
    Box,
    ElasticNet,
    GroupL2,
    NonnegativeElasticNet,
    Simplex,
    TotalVariation,
)


class OnePass(Benchmark):
    """States, slopes, gradient and m tangents of them: X read once, where BLAS reads it twice."""

    params = (
        by_profile(["1000x1000"], ["200x1000", "1000x1000", "4000x5000"]),
        [0, 1, 2, 4],
    )
    param_names = ("shape", "tangents")

    def setup(self, shape: str, tangents: int) -> None:
        n, p = shape_of(shape)
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((n, p)), rng.standard_normal(n)
        W = rng.standard_normal((1 + tangents, p))
        self.fused, self.gemv = fused(X, y, W, tangents), by_gemv(X, y, W, tangents)
        self.iterate = by_gemv(X, y, W, 0)
        self.fused()

    def time_fused(self, *_: Any) -> None:
        self.fused()

    def time_blas(self, *_: Any) -> None:
        self.gemv()

    def track_over_iterate_by_blas(self, *_: Any) -> float:
        """The pass with its tangents over two gemv for the iterate alone."""
        seconds = interleaved({"fused": self.fused, "iterate": self.iterate}, 7)
        return ratio(seconds["fused"], seconds["iterate"])

    track_over_iterate_by_blas.unit = "ratio"


class Epochs(Benchmark):
    """Ten epochs of coordinate descent from zero, at a tenth of alpha_max."""

    params = (by_profile(["200x1000"], ["200x1000", "2000x1000", "10000x500"]), ["F", "sparse"])
    param_names = ("shape", "storage")
    epochs = 10

    def setup(self, shape: str, storage: str) -> None:
        n, p = shape_of(shape)
        X, y = sparse_case(n, p, 0.05) if storage == "sparse" else dense_case(n, p)[:2]
        design = blocks.design("sparse" if storage == "sparse" else "columns", X)
        penalty = blocks.penalty("l1", 0.1 * float(np.abs(X.T @ y).max()) / n, p)
        loss = blocks.loss("least squares", y)
        self.none, self.one = (
            blocks.make("coordinate_descent", design, loss, penalty, m) for m in (0, 1)
        )
        self.none.run(1)

    def time_no_tangent(self, *_: Any) -> None:
        self.none.run(self.epochs)

    def time_one_tangent(self, *_: Any) -> None:
        self.one.run(self.epochs)

    def track_tangent_cost(self, *_: Any) -> float:
        """With one tangent over without."""
        calls = {
            "one": lambda: self.one.run(self.epochs),
            "none": lambda: self.none.run(self.epochs),
        }
        seconds = interleaved(calls, 7)
        return ratio(seconds["one"], seconds["none"])

    track_tangent_cost.unit = "ratio"


def _penalty(name: str, p: int) -> Any:
    offsets = np.append(np.arange(0, p, 5), p)
    return {
        "L1": lambda: L1(0.5, np.ones(p)),
        "ElasticNet": lambda: ElasticNet(0.5, 0.5, np.ones(p)),
        "NonnegativeElasticNet": lambda: NonnegativeElasticNet(0.5, 0.5, np.ones(p)),
        "GroupL2": lambda: GroupL2(0.5, np.ones(offsets.size - 1), offsets, np.arange(p)),
        "Box": lambda: Box(np.full(p, -1.0), np.full(p, 1.0)),
        "MCP": lambda: MCP(0.5, 3.0, np.ones(p)),
        "SCAD": lambda: SCAD(0.5, 3.7, np.ones(p)),
        "Simplex": lambda: Simplex(1.0),
        "TotalVariation": lambda: TotalVariation(0.5),
    }[name]()


def _side(p: int) -> int:
    return int(np.sqrt(p))


#: Penalties of about n coefficients: n by matrix where they are matrices.
ALL: dict[str, Any] = {
    "HuberNorm": lambda p: penalties.HuberNorm(0.5, 1.0, np.ones(p)),
    "Softplus": lambda p: penalties.Softplus(0.5, np.ones(p)),
    "Entropy": lambda p: penalties.Entropy(0.5, np.ones(p)),
    "Poisson": lambda p: penalties.Poisson(0.5, np.ones(p), np.ones(p)),
    "Simplex": lambda p: Simplex(1.0),
    "CappedSimplex": lambda p: penalties.CappedSimplex(0.3 * p, 1.0),
    "L1Ball": lambda p: penalties.L1Ball(0.1 * p),
    "LInf": lambda p: penalties.LInf(0.1 * p),
    "Affine": lambda p: penalties.Affine(np.eye(5, p) + 0.1, np.ones(5)),
    "Isotonic": penalties.Isotonic,
    "SortedL1": lambda p: penalties.SortedL1(0.5, np.linspace(2.0, 1.0, p)),
    "TotalVariation": lambda p: TotalVariation(0.5),
    "SecondOrderCone": penalties.SecondOrderCone,
    "ExponentialCone": lambda p: penalties.ExponentialCone(p // 3),
    "PSDCone": lambda p: penalties.PSDCone(_side(p)),
    "LogDet": lambda p: penalties.LogDet(0.5, np.zeros(p)),
    "NuclearNorm": lambda p: penalties.NuclearNorm(0.5, _side(p)),
}
_SIZES = {"ExponentialCone": 999, "PSDCone": 1024, "LogDet": 1024, "NuclearNorm": 1024}


class EveryProx(Benchmark):
    """The prox of a vector of a thousand entries with one tangent, all kinds."""

    params = (by_profile(["SortedL1", "ExponentialCone", "LogDet"], list(ALL)),)
    param_names = ("penalty",)

    def setup(self, name: str) -> None:
        p = _SIZES.get(name, 1000)
        rng, penalty = np.random.default_rng(0), ALL[name](p)
        d = type(penalty)(*(np.zeros((1, *np.shape(value))) for value in penalty))
        self.arguments = (
            penalty, rng.standard_normal(p), np.ones(p), np.empty(p),
            rng.standard_normal((1, p)), np.empty((1, p)), d, 1, np.zeros(p),
        )  # fmt: skip
        prox(*self.arguments)

    def time_prox(self, *_: Any) -> None:
        prox(*self.arguments)


_PENALTIES = ["L1", "ElasticNet", "NonnegativeElasticNet", "GroupL2", "Box", "MCP", "SCAD"]
_PENALTIES += ["Simplex", "TotalVariation"]


class Prox(Benchmark):
    """The prox of a vector, with and without a tangent."""

    params = (
        by_profile(["L1", "GroupL2", "TotalVariation"], _PENALTIES),
        [0, 1],
    )
    param_names = ("penalty", "tangents")
    size = by_profile(2_000, 100_000)

    def setup(self, name: str, m: int) -> None:
        self.load(name, m, 20)
        self.call()
        self.load(name, m, self.size)

    def load(self, name: str, m: int, p: int) -> None:
        rng = np.random.default_rng(0)
        penalty = _penalty(name, p)
        d = type(penalty)(*(np.zeros((m, *np.shape(value))) for value in penalty))
        self.arguments = (
            penalty, rng.standard_normal(p).cumsum(), np.ones(p), np.empty(p),
            rng.standard_normal((m, p)), np.empty((m, p)), d, m, np.zeros(p),
        )  # fmt: skip

    def call(self) -> None:
        prox(*self.arguments)

    def time_prox(self, *_: Any) -> None:
        self.call()
