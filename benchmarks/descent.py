"""Sweeps of coordinate descent, beside scikit-learn's Cython kernel called directly."""

if __name__ == "__main__":
    from benchmarks.common import one_thread

    one_thread()

import sys
import warnings

import numpy as np

import fastpiggy as fp
from benchmarks.common import dense_case, head, interleaved, publish, row
from fastpiggy.algorithms.composite import Composite, CompositeDirections
from fastpiggy.algorithms.coordinate_descent import CoordinateDescent
from fastpiggy.algorithms.engine import Policy, Progress, run
from fastpiggy.algorithms.protocol import iterate
from fastpiggy.designs import Dense, Fixed
from fastpiggy.losses import Constant, LeastSquares
from fastpiggy.penalties import L1

SWEEPS = 50


class Epochs:
    """SWEEPS sweeps over all coordinates from zero, with m tangents."""

    def __init__(self, X: np.ndarray, y: np.ndarray, alpha: float, m: int) -> None:
        n, p = X.shape
        self.m, self.y = m, y
        loss, penalty = LeastSquares(y, np.full(n, 1.0 / n)), L1(alpha, np.ones(p))
        self.problem = Composite(Dense(X), loss, penalty, np.zeros(p))
        directions = L1(np.ones(m), np.zeros((m, p)))
        self.d = CompositeDirections(Fixed(), Constant(), directions, np.zeros(m))
        lipschitz = (X**2).sum(axis=0) / n
        self.algorithm = CoordinateDescent(lipschitz, np.arange(p), 0, np.zeros(1, dtype=int))
        self.state = iterate(n, p, m)

    def __call__(self) -> np.ndarray:
        for array in self.state:
            array[...] = 0.0
        self.state.r[:] = -self.y / self.y.size
        policy = Policy(SWEEPS, 0.0, 0.0, 0, True)
        run(
            self.algorithm, self.problem, self.d, self.state, self.m, policy, Progress.start(),
            np.empty((SWEEPS, 5)),
        )  # fmt: skip
        return self.state.x


def scikit_learn(X: np.ndarray, y: np.ndarray, alpha: float) -> np.ndarray:
    """The same sweeps by scikit-learn's kernel, its screening off."""
    from sklearn.linear_model import _cd_fast

    w = np.zeros(X.shape[1])
    random = np.random.RandomState(0)
    _cd_fast.enet_coordinate_descent(
        w, alpha * y.size, 0.0, X, y.copy(), SWEEPS, 0.0, random, False, False, False
    )
    return w


def main() -> None:
    """Print the table."""
    warnings.simplefilter("ignore")
    quick = "--quick" in sys.argv
    shapes = [(200, 1000), (2000, 1000)] + ([] if quick else [(10000, 500)])
    table = head(
        "X", "support", "ours, ms", "with one tangent", "scikit-learn", "ours / scikit-learn",
        "one tangent / none",
    )  # fmt: skip
    for n, p in shapes:
        X, y = dense_case(n, p, 0.5)
        top = np.abs(X.T @ y).max() / n
        # The largest alpha of a fine grid at which a tenth of the coefficients is reached.
        for alpha in top * np.geomspace(1, 1e-3, 60):
            support = np.count_nonzero(fp.solve(fp.lasso(X, y, alpha)).x)
            if support >= 0.09 * p:
                break
        none, one = Epochs(X, y, alpha, 0), Epochs(X, y, alpha, 1)
        np.testing.assert_allclose(none(), scikit_learn(X, y, alpha), atol=1e-10)
        runs = {
            "none": none,
            "one": one,
            "sklearn": lambda X=X, y=y, a=alpha: scikit_learn(X, y, a),
        }
        ms = {k: 1e3 * v for k, v in interleaved(runs, 5 if quick else 31).items()}
        table.append(
            row(f"{n}x{p}", support, f"{ms['none']:.2f}", f"{ms['one']:.2f}",
                f"{ms['sklearn']:.2f}", f"{ms['none'] / ms['sklearn']:.2f}",
                f"{ms['one'] / ms['none']:.2f}")
        )  # fmt: skip
    publish("descent", f"{SWEEPS} sweeps of coordinate descent", table)


if __name__ == "__main__":
    main()
