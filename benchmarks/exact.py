"""``fastpiggy.solve`` with the derivative, against the best that one would write by hand.

Every baseline is run at the loosest tolerance at which the gradient of a held-out loss is right to
1e-4, and still is at the next; fastpiggy at its default, its certificate and the making of its
problem included.  ``--cases NAME,...`` measures some of the cases.

The reference is neither side's word: support and signs are taken over, solved on by one
factorisation, and kept only if the optimality conditions then hold to 1e-9 on all columns.
"""

import argparse
import importlib.metadata
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import geometric_mean, median
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse
from scipy.special import expit

from benchmarks import baselines, exact_cases, report
from benchmarks.baselines import Baseline, Cell, Pair
from benchmarks.common import relative
from benchmarks.timing import interleaved, ratio

GOAL, VERIFIED = 1e-4, 1e-9
#: Seconds after which a first-order method is given up.
PATIENCE = 5.0
#: Of the slower baselines, those beyond this multiple of the fastest are not timed again.
CLOSE = 1.5
#: Where a first-order method takes minutes, it is not asked.
LARGE = ("1000x5000",)
FORWARD_TARGET = 0.5


def ours(cell: Cell, **options: Any) -> Any:
    """The problem, made anew, and its solution with the derivative."""
    import fastpiggy as fp

    make = fp.logistic if cell.loss == "logistic" else fp.lasso
    return fp.solve(make(cell.X, cell.y, cell.alpha), wrt="alpha", **options)


def pair(cell: Cell, solution: Any) -> Pair:
    """Coefficients and their derivative along log(alpha)."""
    return solution.x, cell.alpha * solution.jacobian["alpha"]


def first_order(cell: Cell, tol: float) -> Pair:
    """Coordinate descent with the tangent in the same loop."""
    options = {"algorithm": "coordinate_descent", "derivative": "piggyback"}
    return pair(cell, ours(cell, tol=tol, **options))


# What is right.


def held_out_slope(cell: Cell, found: Pair) -> float:
    """Derivative of the held-out loss along log(alpha)."""
    w, dw = found
    fit, move = cell.X_val @ w, cell.X_val @ dw
    if cell.loss == "logistic":
        return float(-(cell.y_val * expit(-cell.y_val * fit)) @ move / len(move))
    return float(2.0 * (fit - cell.y_val) @ move / len(move))


def violation(cell: Cell, w: np.ndarray) -> float:
    """The largest violation of the optimality conditions, over alpha."""
    fit = cell.X @ w
    slope = -cell.y * expit(-cell.y * fit) if cell.loss == "logistic" else fit - cell.y
    g = cell.X.T @ slope / (len(slope) * cell.alpha)
    wrong = np.where(w != 0.0, np.abs(g + np.sign(w)), np.abs(g) - 1.0)
    return float(wrong.max())


def polished(cell: Cell, w: np.ndarray) -> Pair:
    """The solution and the derivative on the support and signs of w, to rounding."""
    if cell.loss == "logistic":
        return baselines.polish_logistic(cell.X, cell.y, w, cell.alpha)
    if not issparse(cell.X):
        return baselines.polish(cell.X, cell.y, w, cell.alpha)
    support = np.flatnonzero(w)
    # As a dense Gram: this is not timed, and nothing is left to a tolerance.
    found = baselines.polish(cell.X[:, support].toarray(), cell.y, w[support], cell.alpha)
    out = np.zeros((2, w.size))
    out[:, support] = found
    return out[0], out[1]


def reference(cell: Cell, runs: Mapping[str, Baseline]) -> Pair:
    """Solution and derivative that are verified apart from who proposed the support."""
    tight = [partial(run, 10.0**-k) for k in (8, 10, 12) for run in runs.values()]
    for propose in (lambda: pair(cell, ours(cell)), *tight):
        w = propose()[0]
        if not np.isfinite(w).all():
            continue
        found = polished(cell, w)
        if np.array_equal(np.sign(found[0]), np.sign(w)) and violation(cell, found[0]) <= VERIFIED:
            return found
    raise RuntimeError("no solver found a support on which the optimality conditions hold")


# Calibration and timing.


class Calibrated(NamedTuple):
    """A tolerance, the error at it, and the seconds of one run."""

    tol: float
    error: float
    seconds: float


def calibrate(
    run: Baseline, error: Callable[[Pair], float], limit: float = np.inf
) -> Calibrated | None:
    """The loosest tolerance that is good enough, as the next one is; None where a run takes longer
    than the limit, or none is good enough."""
    last = None
    for k in range(2, 14):
        begin = time.perf_counter()
        found = run(10.0**-k)
        seconds = time.perf_counter() - begin
        now = Calibrated(10.0**-k, error(found), seconds)
        # What is not a number is not good enough.
        good = now.error <= GOAL
        if good and last is not None:
            return last
        last = now if good else None
        if seconds > limit:
            return None
    return None


def contenders(
    runs: Mapping[str, Baseline], error: Callable[[Pair], float]
) -> dict[str, Calibrated]:
    """The baselines that may be the fastest, each at its tolerance."""
    found = {}
    best = np.inf
    for name, run in runs.items():
        # A first run that is wanted for warmth only; it is slower at no tighter tolerance.
        run(1e-1)
        # One run is at the mercy of the machine: what is left out must be far from the best.
        at = calibrate(run, error, limit=3.0 * best + 0.1)
        if at is not None:
            again = [_seconds(partial(run, at.tol)) for _ in range(2 if at.seconds < 0.5 else 0)]
            found[name] = at._replace(seconds=min(at.seconds, *again, np.inf))
            best = min(best, found[name].seconds)
    return {name: at for name, at in found.items() if at.seconds <= CLOSE * best}


def _seconds(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def rounds_for(seconds: float, quick: bool) -> int:
    """More where a run is short."""
    if quick:
        return 3
    return 15 if seconds < 0.1 else 9 if seconds < 1.0 else 5


def _ratio(factor: float) -> str:
    return report.number(factor, 2) if np.isfinite(factor) else "-"


def measure(cell: Cell, target: float | None, quick: bool) -> tuple[list[str], float]:
    """The line of the table after its case, and its ratio."""
    runs = baselines.baselines(cell)
    exact = reference(cell, runs)
    slope = np.array(held_out_slope(cell, exact))
    chosen = contenders(runs, lambda it: relative(np.array(held_out_slope(cell, it)), slope))
    solution = ours(cell)
    calls: dict[str, Callable[[], Any]] = {
        name: partial(runs[name], at.tol) for name, at in chosen.items()
    }
    slowest = max((at.seconds for at in chosen.values()), default=0.0)
    seconds = interleaved({**calls, "fastpiggy": partial(ours, cell)}, rounds_for(slowest, quick))
    mine = seconds.pop("fastpiggy")
    best = min(seconds, key=lambda name: median(seconds[name]), default=None)
    factor = ratio(mine, seconds[best]) if best else np.nan
    return [
        str(np.count_nonzero(exact[0])),
        f"{best}, {chosen[best].tol:.0e}" if best else "none reaches 1e-4",
        report.number(1e3 * median(seconds[best])) if best else "",
        report.number(1e3 * median(mine)), _ratio(factor),
        "" if target is None else f"{target:g}",
        solution.certificate.status, f"{solution.certificate.optimality:.0e}",
        f"{relative(pair(cell, solution)[1], exact[1]):.0e}",
    ], factor  # fmt: skip


def measure_first_order(cell: Cell, quick: bool) -> tuple[list[str], float]:
    """The same for coordinate descent against ``Forward``, each at its tolerance."""
    exact = reference(cell, baselines.baselines(cell))
    slope = np.array(held_out_slope(cell, exact))
    runs = {"fastpiggy": partial(first_order, cell), "Forward": partial(baselines.forward, cell)}
    found = {}
    for name, run in runs.items():
        run(1e-1)
        found[name] = calibrate(
            run, lambda it: relative(np.array(held_out_slope(cell, it)), slope), PATIENCE
        )
    at = {name: it for name, it in found.items() if it is not None}
    if not at:
        return ["-"] * 6, np.nan
    slowest = max(it.seconds for it in at.values())
    seconds = interleaved(
        {name: partial(runs[name], it.tol) for name, it in at.items()}, rounds_for(slowest, quick)
    )
    factor = ratio(seconds["fastpiggy"], seconds["Forward"]) if len(at) == 2 else np.nan
    line = []
    for name in ("Forward", "fastpiggy"):
        line += (
            [f"{at[name].tol:.0e}", report.number(1e3 * median(seconds[name]))]
            if (name in at)
            else ["-", "-"]
        )
    return [*line, _ratio(factor), f"{FORWARD_TARGET:g}"], factor


# The pages.


HEAD = (
    "case", "support", "best baseline, tolerance", "baseline, ms", "fastpiggy, ms", "ratio",
    "target", "status", "optimality", "error of the derivative",
)  # fmt: skip
HEAD_FIRST_ORDER = (
    "case", "Forward, tolerance", "Forward, ms", "fastpiggy, tolerance", "fastpiggy, ms",
    "ratio", "target",
)  # fmt: skip


def cells(names: Sequence[str], quick: bool) -> list[tuple[str, int]]:
    """Case and divisor of alpha_max, in the order of the table."""
    divisors = {name: (10, 30) if quick else tuple(exact_cases.TARGETS[name]) for name in names}
    return [(name, divisor) for name in names for divisor in divisors[name]]


def summary(found: Sequence[tuple[str, int, float]]) -> str:
    """Geometric mean of the dense Lasso's cells, the largest of them, and which missed."""
    dense = [
        factor for name, _, factor in found
        if exact_cases.make(name).loss == "least squares" and not name.startswith("sparse")
        and np.isfinite(factor)
    ]  # fmt: skip
    found = [it for it in found if np.isfinite(it[2])]
    aims = [exact_cases.TARGETS.get(name, {}).get(divisor) for name, divisor, _ in found]
    missed = [
        f"{name} /{divisor}"
        for (name, divisor, factor), aim in zip(found, aims, strict=True)
        if aim is not None and factor > aim
    ]
    lines = []
    if dense:
        lines.append(
            f"Dense Lasso: geometric mean of {len(dense)} ratios "
            f"{report.number(geometric_mean(dense), 2)} (target 0.28), the largest "
            f"{report.number(max(dense), 2)} (target 0.7)."
        )
    set_aims = sum(aim is not None for aim in aims)
    if set_aims:
        missing = f": {', '.join(missed)}" if missed else ""
        lines.append(f"Targets missed: {len(missed)} of {set_aims}{missing}.")
    return " ".join(lines)


def versions() -> str:
    """The peers beside scikit-learn, and those that are not there."""
    absent = baselines.missing()
    names = [name for name in ("celer", "skglm") if name not in absent]
    have = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    return f"Peers: {have or 'none'}" + (
        f"; not installed: {', '.join(absent)}." if absent else "."
    )


def arguments(argv: Sequence[str] | None) -> tuple[argparse.Namespace, list[str], str]:
    """What was asked for, the cases of it, and how the command is written."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--cases", help="names, or their beginnings, with commas between")
    chosen = report.options(__doc__, argv, parents=[parser])
    known = exact_cases.QUICK if chosen.quick else tuple(exact_cases.TARGETS)
    if chosen.cases is None:
        return chosen, list(known), "exact"
    asked = chosen.cases.split(",")
    idle = [it for it in asked if not any(name.startswith(it) for name in known)]
    if idle:
        parser.error(f"--cases {','.join(idle)}: no such case; there are {', '.join(known)}")
    names = [name for name in known if any(name.startswith(it) for it in asked)]
    return chosen, names, f'exact --cases "{chosen.cases}"'


NOTE = (
    "Milliseconds for solution and derivative along alpha, without an intercept, dense X in "
    "Fortran order. Baselines: scikit-learn's Cython kernels called directly, celer and skglm, "
    "each followed by one Cholesky solve on its support (sparse X: conjugate gradients to the "
    "stated relative residual; logistic: liblinear, celer or skglm, then two "
    "Newton steps and Cholesky), at the loosest power of ten at which it and the next give the "
    "gradient of the held-out loss to 1e-4. Tolerances are the solvers' own: of the duality gap "
    "over y'y (scikit-learn, celer), of the violation over alpha (skglm). Ratios are medians of "
    "those within a round. The error of the derivative, in the Euclidean norm, is against the "
    "solve on a support on which the optimality conditions were verified to 1e-9."
)
NOTE_FIRST_ORDER = (
    '`solve(..., algorithm="coordinate_descent", derivative="piggyback")` against sparse-ho\'s '
    "`Forward`, whose algorithm is written anew in `benchmarks/baselines.py`: its own code calls "
    "what NumPy no longer has. Both calibrated as above. A dash: not within 5 seconds. 1000x5000 "
    "was not tried."
)


def main(argv: list[str] | None = None) -> None:
    warnings.simplefilter("ignore")  # tolerances that are not reached show in the table
    chosen, names, command = arguments(argv)
    if "sklearn" in baselines.missing():
        # It makes the data of these; the page says that it is not installed.
        names = [it for it in names if not it.startswith(("diabetes", "breast_cancer", "digits"))]
    rows, first_rows, found = [], [], []
    for name, divisor in cells(names, chosen.quick):
        label = f"{name} /{divisor}"
        report.progress(label)
        cell = exact_cases.make(name).at(divisor)
        target = exact_cases.TARGETS.get(name, {}).get(divisor)
        line, factor = measure(cell, target, chosen.quick)
        report.progress("  " + " | ".join(line))
        rows.append([label, *line])
        found.append((name, divisor, factor))
        if cell.loss == "least squares" and not name.startswith(LARGE):
            line, _ = measure_first_order(cell, chosen.quick)
            report.progress("  " + " | ".join(line))
            first_rows.append([label, *line])
    method = f"Medians of {'3' if chosen.quick else '5 to 15'} interleaved runs in one process."
    parts = [
        report.header(command, chosen, f"{method} {versions()}"),
        report.table(HEAD, rows), summary(found), NOTE,
    ]  # fmt: skip
    if first_rows:
        parts += [report.table(HEAD_FIRST_ORDER, first_rows), NOTE_FIRST_ORDER]
    report.publish("exact", chosen, [part for part in parts if part])


if __name__ == "__main__":
    main()
