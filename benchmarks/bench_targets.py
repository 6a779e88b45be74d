"""Many targets on one X: seconds, what is reached, memory."""

import warnings
from typing import Any

import numpy as np

import fastpiggy as fp
from benchmarks.suite import Benchmark, by_profile
from benchmarks.targets import many_targets


class TuneMany(Benchmark):
    params = (by_profile(["100x60"], ["300x300", "2000x300", "500x1000"]), by_profile([16], [32]))
    param_names = ("shape", "targets")

    def setup(self, shape: str, targets: int) -> None:
        self.X, self.Y = many_targets(40, 20, 4)
        self.tune()
        n, p = map(int, shape.split("x"))
        self.X, self.Y = many_targets(n, p, targets)

    def tune(self) -> fp.TargetsResult:
        problem = fp.lasso(self.X, self.Y[:, 0], alpha=1.0, fit_intercept=True)
        with warnings.catch_warnings():
            # That the best lies on the edge of a tiny problem's range is of no interest here.
            warnings.simplefilter("ignore", fp.FastpiggyWarning)
            return fp.tune_many(problem, self.Y)

    def time_tune(self, *_: Any) -> None:
        self.tune()

    def track_value(self, *_: Any) -> float:
        """The mean of the losses at the alphas that were found."""
        return float(self.tune().values.mean())

    def track_optimality(self, *_: Any) -> float:
        return float(self.tune().optimality.max())

    def peakmem_tune(self, *_: Any) -> None:
        self.tune()

    track_value.unit = "loss"
    track_optimality.unit = "over alpha"


class SolveMany(Benchmark):
    """At a tenth of each alpha_max, with the derivative in alpha."""

    params = (by_profile(["100x60"], ["300x300", "2000x300", "500x2000"]), by_profile([16], [100]))
    param_names = ("shape", "targets")

    def setup(self, shape: str, targets: int) -> None:
        for n, p, q in ((40, 20, 4), (*map(int, shape.split("x")), targets)):
            self.X, self.Y = many_targets(n, p, q)
            centred = self.X - self.X.mean(axis=0)
            self.alphas = 0.1 * np.abs(centred.T @ (self.Y - self.Y.mean(axis=0)) / n).max(axis=0)
            self.solve()

    def solve(self) -> fp.TargetSolutions:
        problem = fp.lasso(self.X, self.Y[:, 0], alpha=1.0, fit_intercept=True)
        return fp.solve_many(problem, self.Y, "alpha", alpha=self.alphas)

    def time_solve(self, *_: Any) -> None:
        self.solve()

    def track_optimality(self, *_: Any) -> float:
        return float(self.solve().optimality.max())

    def peakmem_solve(self, *_: Any) -> None:
        self.solve()

    track_optimality.unit = "over alpha"
