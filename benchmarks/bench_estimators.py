"""Estimators: seconds of a fit, small ones for what Python costs, and what a search reaches."""

import warnings
from typing import Any

import fastpiggy as fp
from benchmarks.common import dense_case, shape_of
from benchmarks.suite import Benchmark, by_profile

_OPTIONS = {"Lasso": {"alpha": 0.1}, "Ridge": {}, "LassoCV": {}, "ElasticNetCV": {}, "RidgeCV": {}}


class Fit(Benchmark):
    params = (list(_OPTIONS), by_profile(["40x20", "150x200"], ["40x20", "800x1200"]))
    param_names = ("estimator", "shape")

    def setup(self, estimator: str, shape: str) -> None:
        self.model = getattr(fp.estimators, estimator)(**_OPTIONS[estimator])
        self.X, self.y, _, _ = dense_case(40, 20)
        self.fit()
        self.X, self.y, _, _ = dense_case(*shape_of(shape))

    def fit(self) -> Any:
        with warnings.catch_warnings():
            # That the best lies on the edge of a tiny problem's range is of no interest here.
            warnings.simplefilter("ignore", fp.FastpiggyWarning)
            return self.model.fit(self.X, self.y)

    def time_fit(self, *_: Any) -> None:
        self.fit()

    def track_score(self, *_: Any) -> float:
        return self.fit().score(self.X, self.y)

    track_score.unit = "R2"
