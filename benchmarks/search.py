"""``fastpiggy.tune`` against scikit-learn's searches over grids, five folds, one target.

The Lasso, ridge, and the elastic net in one and two parameters; weights of single features against
a line search written by hand.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from benchmarks import report, search_peers
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

    model = LassoCV(cv=FOLDS, **hundred()).fit(X, y)
    return float(model.alpha_), model


def hundred() -> dict[str, int]:
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


OTHERS = (
    "search, by", "seconds", "fastest to slowest", "found", "exact loss there",
    "above the other", "times faster", "way",
)  # fmt: skip


def others(quick: bool) -> dict[str, tuple[Callable[[], Any], int]]:
    """What makes each search that is not the Lasso's, and how many times it is timed."""
    if quick:
        return {
            "ridge 150 x 40": (lambda: search_peers.ridge(150, 40), 1),
            "elastic net 60 x 100": (lambda: search_peers.elastic_net(60, 100, True, 1), 1),
            "elastic net, alpha and l1_ratio 60 x 100": (
                lambda: search_peers.elastic_net(60, 100, True, 3), 1,
            ),
            "weights 60+60 x 100": (lambda: search_peers.weights(60, 100), 1),
        }  # fmt: skip
    return {
        "ridge 5000 x 300": (lambda: search_peers.ridge(5000, 300), 5),
        "ridge 400 x 2000": (lambda: search_peers.ridge(400, 2000), 3),
        "RidgeCV, one row left out, 200 x 5000": (
            lambda: search_peers.leave_one_out(200, 5000), 5,
        ),
        "elastic net 400 x 600 in blocks": (
            lambda: search_peers.elastic_net(400, 600, True, 1), 3,
        ),
        # Minutes of the peer: once, and once to warm up on our side alone.
        "elastic net, alpha and l1_ratio, 400 x 600 in blocks": (
            lambda: search_peers.elastic_net(400, 600, True, 10), 1,
        ),
        "elastic net, alpha and l1_ratio, 400 x 600, neighbours": (
            lambda: search_peers.elastic_net(400, 600, False, 10), 1,
        ),
        "weights 300+300 x 600": (lambda: search_peers.weights(300, 600), 5),
        "weights 300+300 x 600, from half": (lambda: search_peers.weights(300, 600, 0.5), 5),
    }  # fmt: skip


def compare(name: str, made: tuple[Any, Any, Any, str], rounds: int) -> list[list[str]]:
    """The two lines of a search; ours warms up once, the other only where it is repeated."""
    mine, peer, criterion, label = made
    calls = {"fastpiggy": mine, label: peer}
    seconds: dict[str, list[float]] = {side: [] for side in calls}
    found = {}
    mine()
    if rounds > 1:
        peer()
    for turn in range(rounds):
        for side in list(calls)[:: 1 if turn % 2 else -1]:
            begin = time.perf_counter()
            found[side] = calls[side]()
            seconds[side].append(time.perf_counter() - begin)
    losses = {
        side: criterion.evaluate_quietly(**params).value for side, (params, _) in found.items()
    }
    factor = median(b / a for a, b in zip(seconds["fastpiggy"], seconds[label]))
    return [
        [
            f"{name}: {side}", report.number(median(seconds[side])),
            f"{report.number(min(seconds[side]))} to {report.number(max(seconds[side]))}",
            ", ".join(f"{k} {v:.5g}" for k, v in found[side][0].items() if np.ndim(v) == 0),
            f"{losses[side]:.8g}", f"{losses[side] / losses[label] - 1:+.1e}",
            report.number(factor) if side == "fastpiggy" else "1", found[side][1],
        ]
        for side in calls
    ]  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    import fastpiggy as fp

    own = argparse.ArgumentParser(add_help=False)
    own.add_argument("--cases", default="", help="only searches whose name has this in it")
    chosen = report.options(__doc__, argv, [own])
    rounds, points = (1, 20) if chosen.quick else (5, 400)
    degree = 2 if chosen.quick else 3
    data = fp.datasets.load_diabetes(degree)
    if chosen.cases and chosen.write:
        raise SystemExit("--write is for all cases: a part of the table is not the table")
    shapes = [(200, 300, 0.05)]
    if not chosen.quick:
        shapes = [(800, 1200, 0.02), (5000, 300, 0.05), (200, 2000, 0.05)]
    cases = {
        f"lasso {n} x {p}, {part:.0%} support, rho 0.5": dense_case(n, p, frac=part, n_val=50)[:2]
        for n, p, part in shapes
    }
    cases[f"lasso, diabetes to degree {degree}, {data.X.shape[0]} x {data.X.shape[1]}"] = (
        data.X,
        data.y,
    )
    rows = []
    for name, (X, y) in cases.items():
        if chosen.cases in name:
            report.progress(name)
            rows += measure(name, X, y, rounds, points)
    lines = []
    for name, (make, times) in others(chosen.quick).items():
        if chosen.cases in name:
            report.progress(name)
            lines += compare(name, make(), times)
    method = (
        f"Medians of {rounds} interleaved runs in one process; five contiguous folds, intercept; "
        f"both with their default tolerances; the exact grid has {points} points."
    )
    note = (
        "The loss is the mean over folds of the mean squared error, computed in the same way for "
        "both alphas: every fold solved to 1e-10. `tune` also ends with the solution and its "
        "derivative on all rows, `LassoCV` with the solution."
    )
    more = (
        "The other searches: both sides are timed to their return, with what each makes of the "
        "data; where fastest and slowest are equal the peer, which takes minutes, was timed once. "
        "The loss is again that of exact solves at what was found: the mean over folds, for "
        "weights that on the held-out rows, which they are fitted to. The error on rows not seen "
        "is what `tune(..., estimate=True)` says, from searches that are not timed."
    )
    parts = [report.header("search", chosen, method)]
    parts += [report.table(HEAD, rows), note] if rows else []
    parts += [report.table(OTHERS, lines), more] if lines else []
    report.publish("search", chosen, parts)


if __name__ == "__main__":
    main()
