"""fastpiggy and its peers on one problem: the Lasso's solution with its derivative, and the search.

A peer has no derivative.  Its strongest form is its fastest solve at the loosest tolerance at which
the derivative on its support is right to 1e-4, then one Cholesky solve on that support, which
polishes the solution too.  Peers that are not installed are skipped.  These follow speed over
commits; for claims, see the scripts, which run what they compare in turn.
"""

import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

import fastpiggy as fp
from benchmarks.common import alpha_of, dense_case, on_support, relative, shape_of, violation
from benchmarks.suite import Benchmark, by_profile, warm_up

MODULES = {"fastpiggy": "fastpiggy", "scikit-learn": "sklearn", "celer": "celer", "skglm": "skglm"}
Solver = Callable[[np.ndarray, np.ndarray, float, float], np.ndarray]


def solver_of(peer: str) -> Solver:
    """A function of X, y, alpha and tolerance that gives the coefficients without an intercept."""
    if find_spec(MODULES[peer]) is None:
        raise NotImplementedError(f"{peer} is not installed")
    if peer == "fastpiggy":
        return lambda X, y, alpha, tol: fp.solve(fp.lasso(X, y, alpha), tol=tol).x
    if peer == "scikit-learn":
        from sklearn.linear_model import Lasso
    elif peer == "celer":
        from celer import Lasso
    else:
        from skglm import Lasso
    options = {"max_iter": 100_000} if peer == "scikit-learn" else {}

    def solve(X: np.ndarray, y: np.ndarray, alpha: float, tol: float) -> np.ndarray:
        return Lasso(alpha=alpha, fit_intercept=False, tol=tol, **options).fit(X, y).coef_

    return solve


def polished(X: np.ndarray, y: np.ndarray, w: np.ndarray, alpha: float) -> np.ndarray:
    """Solution and slope in alpha on the support and signs of w: columns of shape (p, 2)."""
    n = X.shape[0]
    sign = np.sign(w)
    return on_support(X, w, np.column_stack([X.T @ y - n * alpha * sign, -n * sign]))


class _Peer(Benchmark):
    rounds = 1

    def load(self, peer: str, shape: str, part: float) -> None:
        self.X, self.y, self.X_val, self.y_val = dense_case(*shape_of(shape))
        self.alpha = alpha_of("lasso", self.X, self.y, part)
        self.peer, self.raw = peer, solver_of(peer)
        warm_up("lasso", "F")
        X, y, _, _ = dense_case(40, 20)
        self.raw(X, y, alpha_of("lasso", X, y, part), 1e-4)

    def solve(self, tol: float) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.raw(self.X, self.y, self.alpha, tol)


class Solve(_Peer):
    """Every solver at a tolerance of its own meaning: what it reached stands beside its time."""

    params = (list(MODULES), by_profile(["200x1000"], ["200x1000", "2000x200", "10000x500"]))
    param_names = ("solver", "shape")
    tol = 1e-8

    def setup(self, peer: str, shape: str) -> None:
        self.load(peer, shape, 0.1)

    def time_solve(self, *_: Any) -> None:
        self.solve(self.tol)

    def track_violation(self, *_: Any) -> float:
        return violation("lasso", self.X, self.y, self.solve(self.tol), self.alpha)

    track_violation.unit = "of alpha"


class Derivative(_Peer):
    """Solution and slope: the gradient of a held-out loss right to 1e-4."""

    params = (
        list(MODULES),
        by_profile(["200x1000"], ["200x1000", "2000x200", "10000x500"]),
        by_profile([0.1], [0.1, 0.03, 0.01]),
    )
    param_names = ("solver", "shape", "part of alpha_max")

    def setup(self, peer: str, shape: str, part: float) -> None:
        self.load(peer, shape, part)
        exact = fp.solve(fp.lasso(self.X, self.y, self.alpha), wrt="alpha", tol=1e-12)
        self.exact = self.held_out_slope(exact.x, exact.jacobian["alpha"])
        self.tol = 1e-9 if peer == "fastpiggy" else self.calibrated()

    def held_out_slope(self, w: np.ndarray, slope: np.ndarray) -> float:
        return float(2.0 * (self.X_val @ w - self.y_val) @ (self.X_val @ slope))

    def error_at(self, tol: float) -> float:
        found = self.held_out_slope(*self.solution_and_slope(tol))
        return relative(np.array(found), np.array(self.exact))

    def calibrated(self) -> float:
        """The loosest tolerance whose error, and that of the next, is at most 1e-4."""
        good = [self.error_at(10.0**-k) <= 1e-4 for k in range(2, 13)]
        for k in range(2, 12):
            if good[k - 2] and good[k - 1]:
                return 10.0**-k
        raise NotImplementedError(f"{self.peer} does not reach 1e-4")

    def solution_and_slope(self, tol: float) -> tuple[np.ndarray, np.ndarray]:
        if self.peer == "fastpiggy":
            found = fp.solve(fp.lasso(self.X, self.y, self.alpha), wrt="alpha", tol=tol)
            return found.x, found.jacobian["alpha"]
        both = polished(self.X, self.y, self.solve(tol), self.alpha)
        return both[:, 0], both[:, 1]

    def time_solve(self, *_: Any) -> None:
        self.solution_and_slope(self.tol)

    def track_error(self, *_: Any) -> float:
        return self.error_at(self.tol)

    track_error.unit = "relative"


class Search(Benchmark):
    """Cross-validation over alpha, five folds: 100 alphas for the peers."""

    params = (["fastpiggy", "scikit-learn", "celer"], by_profile(["150x200"], ["800x1200"]))
    param_names = ("solver", "shape")
    rounds = 1

    def setup(self, peer: str, shape: str) -> None:
        self.peer = peer
        if find_spec(MODULES[peer]) is None:
            raise NotImplementedError(f"{peer} is not installed")
        self.X, self.y, _, _ = dense_case(40, 20)
        try:
            self.search()
        except TypeError as error:
            # celer builds on scikit-learn's classes and breaks when their arguments change.
            raise NotImplementedError(f"{peer} does not run here: {error}") from None
        self.X, self.y, _, _ = dense_case(*shape_of(shape), n_val=50)

    def search(self) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self.peer == "fastpiggy":
                problem = fp.lasso(self.X, self.y, 1.0, fit_intercept=True)
                return fp.tune(fp.CrossVal(problem, cv=5), wrt="alpha").params["alpha"]
            if self.peer == "scikit-learn":
                from benchmarks.search import theirs

                return theirs(self.X, self.y)[0]
            from celer import LassoCV

            return float(LassoCV(n_alphas=100, cv=5).fit(self.X, self.y).alpha_)

    def time_search(self, *_: Any) -> None:
        self.search()

    def track_value(self, *_: Any) -> float:
        """The loss at the alpha that was found, every fold solved to 1e-10."""
        from benchmarks.search import exact_loss

        return exact_loss(self.X, self.y, self.search())

    track_value.unit = "loss"
