"""``fastpiggy.tune`` against scikit-learn's ``LassoCV`` over 100 alphas, five folds, one target."""

import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.common import dense_case

FOLDS = 5


def ours(X: np.ndarray, y: np.ndarray) -> tuple[float, Any]:
    """The best alpha, and the result of the search; the problem is made anew each time."""
    import fastpiggy as fp

    problem = fp.lasso(X, y, alpha=1.0, fit_intercept=True)
    result = fp.tune(fp.CrossVal(problem, cv=FOLDS), wrt="alpha")
    return result.params["alpha"], result


def theirs(X: np.ndarray, y: np.ndarray) -> tuple[float, Any]:
    """The best of 100 alphas, and the model; folds, objective and range are those of ours."""
    from sklearn.linear_model import LassoCV

    model = LassoCV(cv=FOLDS, **_hundred()).fit(X, y)
    return float(model.alpha_), model


def _hundred() -> dict[str, int]:
    """100 alphas as the installed release calls it: ``alphas``, before 1.7 ``n_alphas``."""
    from sklearn import __version__

    new = tuple(map(int, __version__.split(".")[:2])) >= (1, 7)
    return {"alphas": 100} if new else {"n_alphas": 100}


def exact_loss(X: np.ndarray, y: np.ndarray, alpha: float) -> float:
    """The cross-validation loss at an alpha, every fold solved to 1e-10."""
    import fastpiggy as fp

    problem = fp.lasso(X, y, alpha=alpha, fit_intercept=True)
    return fp.CrossVal(problem, cv=FOLDS, tol=1e-10).evaluate(alpha=alpha).value


def best_of_grid(X: np.ndarray, y: np.ndarray, points: int) -> float:
    """The least cross-validation loss on a grid over [alpha_max/1000, alpha_max], exact solves."""
    import fastpiggy as fp

    problem = fp.lasso(X, y, alpha=1.0, fit_intercept=True)
    criterion, top = fp.CrossVal(problem, cv=FOLDS), problem.alpha_max()
    grid = np.geomspace(top, top / 1000, points)
    return min(criterion.along({"alpha": float(alpha)}, ()).value for alpha in grid)


def measure(name: str, X: np.ndarray, y: np.ndarray, rounds: int, points: int) -> list[list[str]]:
    """The two lines of the table for one data set."""
    calls: dict[str, Callable[[np.ndarray, np.ndarray], tuple[float, Any]]] = {
        "fastpiggy": ours, "scikit-learn": theirs,
    }  # fmt: skip
    seconds: dict[str, list[float]] = {side: [] for side in calls}
    found = {}
    grumbles = 0
    for turn in range(rounds + 1):
        for side in list(calls)[:: 1 if turn % 2 else -1]:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                begin = time.perf_counter()
                found[side] = calls[side](X, y)
                # The first round compiles and warms up.
                if turn:
                    seconds[side].append(time.perf_counter() - begin)
            grumbles = len(caught) if side == "scikit-learn" else grumbles
    grid = best_of_grid(X, y, points)
    losses = {side: exact_loss(X, y, alpha) for side, (alpha, _) in found.items()}
    factor = median(b / a for a, b in zip(seconds["fastpiggy"], seconds["scikit-learn"]))
    result = found["fastpiggy"][1]
    detail = {
        "fastpiggy": f"path with {result.curve.knots.size - 2} knots, {result.status}",
        "scikit-learn": f"100 alphas, {grumbles} warnings of no convergence",
    }
    return [
        [
            f"{name}: {side}", report.number(median(seconds[side])),
            f"{report.number(min(seconds[side]))} to {report.number(max(seconds[side]))}",
            f"{found[side][0]:.6g}", f"{losses[side]:.8g}",
            f"{losses[side] / losses['scikit-learn'] - 1:+.1e}", f"{losses[side] / grid - 1:+.1e}",
            report.number(factor) if side == "fastpiggy" else "1", detail[side],
        ]
        for side in calls
    ]  # fmt: skip


HEAD = (
    "data, by", "seconds", "fastest to slowest", "best alpha", "exact CV loss there",
    "above scikit-learn", "above the exact grid", "times faster", "search",
)  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    import fastpiggy as fp

    chosen = report.options(__doc__, argv)
    rounds, points = (1, 20) if chosen.quick else (5, 400)
    degree = 2 if chosen.quick else 3
    data = fp.datasets.load_diabetes(degree)
    shapes = [(200, 300, 0.05)]
    if not chosen.quick:
        shapes = [(800, 1200, 0.02), (5000, 300, 0.05), (200, 2000, 0.05)]
    cases = {
        f"{n} x {p}, {part:.0%} support, rho 0.5": dense_case(n, p, frac=part, n_val=50)[:2]
        for n, p, part in shapes
    }
    cases[f"diabetes to degree {degree}, {data.X.shape[0]} x {data.X.shape[1]}"] = (data.X, data.y)
    rows = []
    for name, (X, y) in cases.items():
        report.progress(name)
        rows += measure(name, X, y, rounds, points)
    method = (
        f"Medians of {rounds} interleaved runs in one process; five contiguous folds, intercept; "
        f"both with their default tolerances; the exact grid has {points} points."
    )
    note = (
        "The loss is the mean over folds of the mean squared error, computed in the same way for "
        "both alphas: every fold solved to 1e-10. `tune` also ends with the solution and its "
        "derivative on all rows, `LassoCV` with the solution."
    )
    parts = [report.header("search", chosen, method), report.table(HEAD, rows), note]
    report.publish("search", chosen, parts)


if __name__ == "__main__":
    main()
