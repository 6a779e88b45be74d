"""Each way through the cost model of the active set, with its derivative."""

from typing import Any

import numpy as np

import fastpiggy as fp
from benchmarks.common import dense_case, sparse_case
from benchmarks.suite import Benchmark, by_profile

SMALL = {
    "wide": (100, 400, 0.1),
    "crowded": (60, 300, 0.01),
    "tall": (600, 100, 0.03),
    "sparse, Gram": (400, 1000, 0.3),
    "sparse, conjugate gradients": (800, 2500, 0.02),
    "logistic": (300, 60, 0.05),
    "squared hinge": (300, 60, 0.05),
    "huber": (300, 60, 0.05),
    "groups": (200, 400, 0.1),
    "warm": (100, 400, 0.1),
}
FULL = {
    **SMALL,
    "wide": (1000, 5000, 0.1),
    "crowded": (200, 1000, 0.01),
    "groups": (500, 2000, 0.1),
    "warm": (1000, 5000, 0.1),
    "tall": (10000, 500, 0.03),
    "sparse, conjugate gradients": (5000, 20000, 0.1),
}
CASES = by_profile(SMALL, FULL)


class Ways(Benchmark):
    params = (list(CASES),)
    param_names = ("way",)

    def setup(self, way: str) -> None:
        n, p, part = CASES[way]
        X, y = sparse_case(n, p, 0.05) if "sparse" in way else dense_case(n, p)[:2]
        self.make = {
            "logistic": lambda a: fp.logistic(X, y > np.median(y), a),
            "squared hinge": lambda a: fp.squared_hinge(X, y > np.median(y), a),
            "huber": lambda a: fp.huber(X, y, a, delta=float(np.std(y))),
            "groups": lambda a: fp.group_lasso(X, y, a, np.arange(p) // 5),
        }.get(way, lambda a: fp.lasso(X, y, a))
        self.alpha = part * self.make(1.0).alpha_max()
        # From the solution for an alpha a quarter larger.
        self.start = None
        self.problem = self.make(1.25 * self.alpha)
        if way == "warm":
            self.start = fp.solve(self.problem, "alpha")
        self.solve()

    def solve(self) -> fp.Solution:
        if self.start is None:
            return fp.solve(self.make(self.alpha), "alpha")
        return fp.solve(self.problem.replace(alpha=self.alpha), "alpha", x0=self.start)

    def time_solve(self, *_: Any) -> None:
        self.solve()

    def track_passes(self, *_: Any) -> int:
        cost = self.solve().cost
        return cost.passes if cost is not None else 0

    track_passes.unit = "passes over X"

    def track_changes(self, *_: Any) -> int:
        cost = self.solve().cost
        return cost.changes if cost is not None else 0

    track_changes.unit = "changes of the active set"
