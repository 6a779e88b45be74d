"""Searches for hyperparameters: seconds, what they reach, memory."""

import warnings
from typing import Any

import fastpiggy as fp
from benchmarks.common import build, dense_case, labels, shape_of
from benchmarks.suite import Benchmark, by_profile


def make(name: str, model: str, X: Any, y: Any, tol: float = 1e-9) -> Any:
    """Five folds, or the last quarter of the rows held out."""
    if name == "CrossVal":
        return fp.CrossVal(build(model, X, y, 1.0), cv=5, tol=tol)
    n = X.shape[0]
    train, val = slice(0, 3 * n // 4), slice(3 * n // 4, n)
    y_val = labels(y)[val] if model == "logistic" else y[val]
    return fp.HeldOut(build(model, X[train], y[train], 1.0), X[val], y_val, tol=tol)


class _Tune(Benchmark):
    def setup(self, model: str, criterion: str, shape: str) -> None:
        self.model, self.criterion = model, criterion
        self.X, self.y, _, _ = dense_case(40, 20)
        self.tune()
        self.X, self.y, _, _ = dense_case(*shape_of(shape), n_val=50)

    def tune(self) -> fp.TuneResult:
        wrt = ["alpha", "l1_ratio"] if self.model == "elastic_net" else "alpha"
        with warnings.catch_warnings():
            # That the best lies on the edge of a tiny problem's range is of no interest here.
            warnings.simplefilter("ignore", fp.FastpiggyWarning)
            return fp.tune(make(self.criterion, self.model, self.X, self.y), wrt=wrt)


class Tune(_Tune):
    params = (
        ["lasso", "ridge", "elastic_net", "logistic"],
        by_profile(["CrossVal"], ["CrossVal", "HeldOut"]),
        by_profile(["150x200"], ["800x1200", "2000x200"]),
    )
    param_names = ("model", "criterion", "shape")

    def time_tune(self, *_: Any) -> None:
        self.tune()

    def track_value(self, *_: Any) -> float:
        """The criterion at the hyperparameters that were found, every part solved to 1e-10."""
        exact = make(self.criterion, self.model, self.X, self.y, tol=1e-10)
        return exact.evaluate_quietly(**self.tune().params).value

    def track_solves(self, *_: Any) -> int:
        return self.tune().solves

    track_value.unit = "loss"
    track_solves.unit = "solves"


class Weights(Benchmark):
    """A weight for each feature, fitted to held-out rows."""

    params = (by_profile(["60x100"], ["300x600"]),)
    param_names = ("shape",)

    def setup(self, shape: str) -> None:
        n, p = shape_of(shape)
        X, y, V, u = dense_case(n, p, frac=0.02, n_val=n)
        problem = fp.lasso(X, y, fp.lasso(X, y, 1.0).alpha_max() / 20)
        self.criterion = fp.HeldOut(problem, V, u)
        self.tune()

    def tune(self) -> fp.TuneResult:
        self.criterion.warm = []
        return fp.tune(self.criterion, "weights")

    def time_tune(self, *_: Any) -> None:
        self.tune()

    def track_value(self, *_: Any) -> float:
        return self.tune().value

    track_value.unit = "loss"


class Memory(_Tune):
    """No fold has a copy of X: the peak stays near that of one solve."""

    params = (["lasso"], ["CrossVal"], by_profile(["400x1000"], ["2000x5000"]))
    param_names = ("model", "criterion", "shape")

    def peakmem_tune(self, *_: Any) -> None:
        self.tune()
