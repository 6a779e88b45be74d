"""``fastpiggy.tune_many`` for many targets on one X, against scikit-learn target by target.

Five contiguous folds, intercept, 100 alphas for scikit-learn.  Its Gram path by hand: the fold
matrices are made once for all targets, and handed to ``lasso_path``.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.common import dense_case
from benchmarks.search import FOLDS, hundred


def many_targets(n: int, p: int, q: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """AR(1) columns, and q targets with 5 % of the columns each at a signal to noise of 3."""
    X = dense_case(n, p, frac=0.05, n_val=1)[0]
    rng = np.random.default_rng(seed)
    B = np.zeros((p, q))
    for t in range(q):
        B[rng.choice(p, max(1, p // 20), replace=False), t] = rng.choice(
            [-1.0, 1.0], max(1, p // 20)
        )
    signal = X @ B
    return X, signal + rng.standard_normal((n, q)) * signal.std(axis=0) / 3.0


def ours(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """The best alphas; what targets share is made anew each time."""
    import fastpiggy as fp

    problem = fp.lasso(X, Y[:, 0], alpha=1.0, fit_intercept=True)
    return fp.tune_many(problem, Y, cv=FOLDS).alphas


def target_by_target(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """What ``MultiOutputRegressor(LassoCV(alphas=100))`` does."""
    from sklearn.linear_model import LassoCV
    from sklearn.multioutput import MultiOutputRegressor

    model = MultiOutputRegressor(LassoCV(cv=FOLDS, **hundred())).fit(X, Y)
    return np.array([one.alpha_ for one in model.estimators_])


def by_hand(X: np.ndarray, Y: np.ndarray, shared: list[Any]) -> np.ndarray:
    """scikit-learn's path on Gram matrices of the folds that are there already."""
    from sklearn.linear_model import lasso_path

    alphas, (centred, gram, _, _) = [], shared[-1]
    for y in Y.T:
        y_all = y - y.mean()
        top = np.abs(centred.T @ y_all).max() / y.size
        grid = np.geomspace(top, top / 1000, 100)
        losses = np.zeros(100)
        for train, G, fold_mean, test in shared[:-1]:
            mask = np.ones(y.size, dtype=bool)
            mask[test] = False
            y_fold = y[mask] - y[mask].mean()
            _, x, _ = lasso_path(
                train, y_fold, alphas=grid, precompute=G, Xy=train.T @ y_fold, check_input=False
            )
            Z = (X[test] - fold_mean) @ x + y[mask].mean()
            losses += ((y[test][:, None] - Z) ** 2).mean(axis=0)
        best = grid[int(np.argmin(losses))]
        lasso_path(
            centred, y_all, alphas=[best], precompute=gram, Xy=centred.T @ y_all, check_input=False
        )
        alphas.append(best)
    return np.array(alphas)


def fold_grams(X: np.ndarray) -> list[Any]:
    """Centred training rows, their Gram matrix and means, and the judging rows; all rows last."""
    found: list[Any] = []
    for test in [*np.array_split(np.arange(len(X)), FOLDS), None]:
        mask = np.ones(len(X), dtype=bool)
        if test is not None:
            mask[test] = False
        mean = X[mask].mean(axis=0)
        centred = np.asfortranarray(X[mask] - mean)
        found.append((centred, np.ascontiguousarray(centred.T @ centred), mean, test))
    return found


def measure(n: int, p: int, count: int, few: int, rounds: int) -> tuple[list[str], list[float]]:
    """One line of the table, and the milliseconds a target of ours."""
    X, Y = many_targets(n, p, count)
    shared = fold_grams(X)
    calls: dict[str, tuple[Callable[[], np.ndarray], int]] = {
        "ours": (lambda: ours(X, Y), count),
        "by hand": (lambda: by_hand(X, Y[:, :few], shared), few),
        "LassoCV": (lambda: target_by_target(X, Y[:, :few]), few),
    }
    seconds: dict[str, list[float]] = {side: [] for side in calls}
    found = {}
    for turn in range(rounds + 1):
        for side, (call, targets) in calls.items():
            if turn == 0 and side != "ours":
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                begin = time.perf_counter()
                found[side] = call()
                # The first round compiles and warms up.
                if turn:
                    seconds[side].append((time.perf_counter() - begin) / targets)
    ratios = {
        side: median(b / a for a, b in zip(seconds["ours"], seconds[side])) for side in calls
    }  # fmt: skip
    off = np.abs(np.log(found["LassoCV"] / found["ours"][:few])).max()
    row = [
        f"{n} x {p}", str(count),
        *(report.number(1e3 * median(seconds[side])) for side in calls),
        report.number(ratios["by hand"]), report.number(ratios["LassoCV"]), report.number(off),
    ]  # fmt: skip
    return row, seconds["ours"]


HEAD = (
    "X", "targets", "tune_many, ms a target", "Gram path by hand, ms", "LassoCV, ms",
    "times faster than by hand", "than LassoCV", "largest log ratio of alphas",
)  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    more = argparse.ArgumentParser(add_help=False)
    more.add_argument("--long", action="store_true", help="ten thousand targets at 2000 x 300 too")
    chosen = report.options(__doc__, argv, parents=[more])
    # What is imported at the first call is not to be timed.
    X, Y = many_targets(20, 3, 1)
    by_hand(X, Y, fold_grams(X))
    target_by_target(X, Y)
    cases = [(60, 30, 20, 2, 1)] if chosen.quick else [
        (300, 300, 200, 4, 5), (2000, 300, 200, 4, 5), (500, 2000, 24, 2, 3),
    ]  # fmt: skip
    rows = []
    for case in cases:
        report.progress(f"{case[0]} x {case[1]}")
        rows.append(measure(*case)[0])
    method = (
        "Medians of 5 interleaved rounds in one process (3 at 500 x 2000); scikit-learn on 4 (2) "
        "of the targets. `tune_many` with everything that targets share, made anew in each round, "
        "and with the solutions on all rows; the Gram path by hand without its fold matrices."
    )
    parts = [report.header("targets", chosen, method), report.table(HEAD, rows)]
    if chosen.long:
        report.progress("10000 targets, 2000 x 300")
        X, Y = many_targets(2000, 300, 10_000)
        begin = time.perf_counter()
        ours(X, Y)
        seconds = time.perf_counter() - begin
        parts.append(f"Ten thousand targets at 2000 x 300: {seconds:.0f} s on one thread.")
    parts.append(
        "scikit-learn takes the best of 100 alphas, `tune_many` the minimum of the exact curve: "
        "hence the ratio of alphas, whose grid has steps of 0.07 in the logarithm."
    )
    report.publish("targets", chosen, parts)


if __name__ == "__main__":
    main()
