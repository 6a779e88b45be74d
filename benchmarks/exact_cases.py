"""The problems of the table of exact solutions: made so, and no other way, everywhere."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from benchmarks.baselines import Cell
from benchmarks.common import dense_case


class Case(NamedTuple):
    """A problem without its alpha; the parts of alpha_max at which it is solved, with the target.

    A target is the ratio of fastpiggy's time to the best baseline's.
    """

    loss: str
    X: Any
    y: np.ndarray
    X_val: Any
    y_val: np.ndarray

    def alpha_max(self) -> float:
        largest = float(np.abs(self.X.T @ self.y).max()) / self.X.shape[0]
        return largest / 2 if self.loss == "logistic" else largest

    def at(self, divisor: int) -> Cell:
        return Cell(*self, self.alpha_max() / divisor)


#: Case: its targets by the divisor of alpha_max.
TARGETS = {
    "200x1000 rho .5": {10: 0.25, 30: 0.25, 100: 0.12},
    "200x1000 rho .9": {10: 0.25, 30: 0.25, 100: 0.12},
    "1000x5000 rho .5": {10: 0.33, 30: 0.4, 100: 0.15},
    "1000x5000 rho .9": {10: 0.33, 30: 0.4, 100: 0.4},
    "diabetes degree 3": {10: 0.2, 30: 0.2, 100: 0.25},
    "2000x200 rho .5": {10: 0.4, 30: 0.5, 100: 0.6},
    "2000x200 rho .9": {10: 0.35, 30: 0.45, 100: 0.6},
    "10000x500 rho .5": {10: 0.28, 30: 0.4, 100: 0.6},
    "10000x500 rho .9": {10: 0.2, 30: 0.26, 100: 0.4},
    "sparse 5000x20000": {10: 0.7, 30: 0.5},
    "breast_cancer 379x30": {10: 0.5, 30: 0.5, 100: 0.5},
    "digits 1198x61": {10: 0.5, 30: 0.5, 100: 0.5},
}

#: For whether it works.
QUICK = ("60x150 rho .5", "150x40 rho .9", "sparse 200x400", "breast_cancer 379x30")


def make(name: str) -> Case:
    """A case by its name."""
    kind, _, rest = name.partition(" ")
    if kind == "diabetes":
        return diabetes()
    if kind == "sparse":
        n, p = map(int, rest.split("x"))
        return sparse(n, p)
    if kind in ("breast_cancer", "digits"):
        return classes(kind)
    n, p = map(int, kind.split("x"))
    return Case("least squares", *dense_case(n, p, float(rest.removeprefix("rho "))))


@cache
def diabetes() -> Case:
    """Monomials of degree three, standardised; of columns that repeat each other the first."""
    from sklearn.datasets import load_diabetes
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    raw, y = load_diabetes(return_X_y=True)
    Z = StandardScaler().fit_transform(raw)
    Z = StandardScaler().fit_transform(PolynomialFeatures(3, include_bias=False).fit_transform(Z))
    twin = np.abs(Z.T @ Z) / len(Z) > 1.0 - 1e-9
    # A constant column has become zero and is its own twin with none: it goes as well.
    first = twin.any(axis=0) & (twin.argmax(axis=0) == np.arange(Z.shape[1]))
    return _split("least squares", Z[:, first], y - y.mean(), 300)


@cache
def sparse(n: int, p: int, density: float = 0.01) -> Case:
    """A random CSC matrix, a twentieth of the columns in the model, a third of the signal noise."""
    from scipy.sparse import csc_matrix, random

    rng = np.random.default_rng(0)
    X = csc_matrix(
        random(
            3 * n // 2, p, density, "csc",
            random_state=np.random.RandomState(0), data_rvs=rng.standard_normal,
        )
    )  # fmt: skip
    b = np.zeros(p)
    b[rng.choice(p, p // 20, replace=False)] = rng.choice([-1.0, 1.0], p // 20)
    signal = X @ b
    y = signal + rng.standard_normal(3 * n // 2) * signal.std() / 3.0
    return Case("least squares", csc_matrix(X[:n]), y[:n], csc_matrix(X[n:]), y[n:])


@cache
def classes(kind: str) -> Case:
    """Two classes: benign or not, a digit of five or above or not; columns standardised."""
    from sklearn import datasets
    from sklearn.preprocessing import StandardScaler

    raw, target = getattr(datasets, f"load_{kind}")(return_X_y=True)
    X = StandardScaler().fit_transform(raw[:, raw.std(axis=0) > 0.0])
    y = np.where(target >= (5 if kind == "digits" else 1), 1.0, -1.0)
    return _split("logistic", X, y, 2 * len(y) // 3)


def _split(loss: str, X: np.ndarray, y: np.ndarray, rows: int) -> Case:
    order = np.random.default_rng(0).permutation(len(y))
    train, rest = order[:rows], order[rows:]
    stored = np.asfortranarray
    return Case(loss, stored(X[train]), y[train], stored(X[rest]), y[rest])
