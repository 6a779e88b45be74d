"""Alpha of an elastic net at a fixed l1_ratio: a path with root finding beside ``tune`` by slopes.

Between two changes of the active set the coefficients ``(G + alpha (1 - r) I)^-1 (c - alpha r s)``
are rational in alpha.  The path here finds each change by Newton's method from the last one, with
a factor for every alpha that it tries, and does nothing else: no loss, no working set, no
certificate, no solution on all rows, and the Gram matrices of the folds for nothing.  What it takes
is a floor for a search that has all that.
"""

import time
import warnings
from statistics import median
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.common import dense_case
from benchmarks.search import FOLDS
from fastpiggy.active_set import blas
from fastpiggy.active_set.homotopy import combine
from fastpiggy.active_set.triangle import backward, forward
from fastpiggy.compile import kernel, routine

L1_RATIO = 0.5

HEAD = (
    "data", "`tune` by slopes, ms", "evaluations", "path alone, ms", "changes in a fold",
    "factors a change", "path over slopes", "largest violation",
)  # fmt: skip


@routine
def _state(G, c, alpha, ratio, side, order, k, R, w, dw, h, dh, t):
    """Coefficients and correlations at an alpha, by place, and their derivatives in it."""
    p = c.size
    for i in range(k):
        row = G[order[i]]
        for j in range(i, k):
            R[i, j] = row[order[j]]
        R[i, i] += alpha * (1.0 - ratio)
        t[i] = c[order[i]] - alpha * ratio * side[order[i]]
    good = blas.cholesky(R, k)
    forward(R, k, t)
    backward(R, k, t, w)
    for i in range(k):
        t[i] = -ratio * side[order[i]] - (1.0 - ratio) * w[i]
    forward(R, k, t)
    backward(R, k, t, dw)
    combine(G, order, w, k, p, h)
    combine(G, order, dw, k, p, dh)
    for j in range(p):
        h[j], dh[j] = c[j] - h[j], -dh[j]
    return good


@routine
def _event(alpha, end, ratio, side, order, k, w, dw, h, dh, left, last):
    """Where the first change lies by first order; which, and the sign of what enters."""
    best, event, sign = end, -1, 0.0
    for i in range(k):
        s = side[order[i]]
        # It shrinks as alpha falls.
        if s * dw[i] > 0.0:
            at = alpha - w[i] / dw[i]
            if at > best:
                best, event = min(at, alpha), i
    for j in range(h.size):
        if side[j] != 0.0:
            continue
        for turn in range(2):
            s = 1.0 - 2.0 * turn
            # s h - alpha r, which is negative, comes to zero.
            slope = s * dh[j] - ratio
            if slope < 0.0 and not (j == left and s == last):
                at = alpha - (s * h[j] - alpha * ratio) / slope
                if at > best:
                    best, event, sign = min(at, alpha), k + j, s
    return best, event, sign


@routine
def _passed(alpha, ratio, side, order, k, w, h, event, sign):
    """Another change that lies above an alpha, as its state says; else the one that was sought."""
    worst = 1e-9 * alpha * ratio
    for j in range(h.size):
        beyond = abs(h[j]) - alpha * ratio
        if side[j] == 0.0 and beyond > worst and event != k + j:
            worst, event, sign = beyond, k + j, np.sign(h[j])
    if event < k:
        far = abs(w[event]) if event >= 0 else 0.0
        for i in range(k):
            if i != event and side[order[i]] * w[i] < 0.0 and abs(w[i]) > far:
                event, far = i, abs(w[i])
    return event, sign


@kernel
def follow_path(G, c, begin, end, ratio):
    """From where nothing is active down to an alpha: changes, factors, and the violation there."""
    p = c.size
    R, order, side = np.empty((p, p)), np.zeros(p, dtype=np.int64), np.zeros(p)
    w, dw, h, dh, t = np.zeros(p), np.zeros(p), c.copy(), np.zeros(p), np.zeros(p)
    alpha, k, changes, factors, left, last = begin, 0, 0, 0, -1, 0.0
    while alpha > end and changes < 20 * p:
        at, event, sign = _event(
            alpha, end, ratio, side, order, k, w, dw, h, dh, left, last
        )  # fmt: skip
        # Newton's method on whichever change comes first, seen from where it is now.
        for _trial in range(20):
            before = at
            _state(G, c, at, ratio, side, order, k, R, w, dw, h, dh, t)
            factors += 1
            event, sign = _passed(at, ratio, side, order, k, w, h, event, sign)
            if event < 0:
                break
            if event < k:
                at = at - w[event] / dw[event]
            else:
                j = event - k
                at = at - (sign * h[j] - at * ratio) / (sign * dh[j] - ratio)
            at = min(max(at, end), alpha)
            if abs(at - before) <= 1e-10 * at:
                break
        alpha = at
        if event < 0 or alpha <= end:
            break
        changes += 1
        if event < k:
            left, last = order[event], side[order[event]]
            side[left] = 0.0
            for i in range(event, k - 1):
                order[i] = order[i + 1]
            k -= 1
        else:
            left, last = -1, 0.0
            order[k], side[event - k] = event - k, sign
            k += 1
        _state(G, c, alpha, ratio, side, order, k, R, w, dw, h, dh, t)
        factors += 1
    _state(G, c, end, ratio, side, order, k, R, w, dw, h, dh, t)
    worst = 0.0
    for j in range(p):
        off = abs(h[j]) - end * ratio
        if side[j] == 0.0 and off > worst:
            worst = off
    for i in range(k):
        # A coefficient of the wrong sign is as bad as none.
        if side[order[i]] * w[i] < 0.0:
            worst = max(worst, abs(w[i]) * G[order[i], order[i]])
    return changes, factors, worst / end


def grams(X: np.ndarray, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of each fold's training rows, centred: products of the columns, and with the targets."""
    found = []
    for test in np.array_split(np.arange(len(y)), FOLDS):
        A, b = np.delete(X, test, axis=0), np.delete(y, test)
        A, b = A - A.mean(axis=0), b - b.mean()
        found.append((np.ascontiguousarray(A.T @ A / len(b)), A.T @ b / len(b)))
    return found


def measure(name: str, X: np.ndarray, y: np.ndarray, rounds: int) -> list[str]:
    """One line of the table: both go down to where ``tune`` has ended."""
    import fastpiggy as fp

    shared = grams(X, y)

    def slopes() -> Any:
        problem = fp.elastic_net(X, y, 1.0, L1_RATIO, fit_intercept=True)
        return fp.tune(fp.CrossVal(problem, cv=FOLDS), method="slopes")

    result = slopes()
    end = min(found.params["alpha"] for found in result.history)

    def path() -> list[tuple[int, int, float]]:
        return [
            follow_path(G, c, float(np.abs(c).max() / L1_RATIO), end, L1_RATIO) for G, c in shared
        ]

    runs = path()
    seconds: dict[str, list[float]] = {"slopes": [], "path": []}
    for turn in range(rounds):
        for side, call in (("slopes", slopes), ("path", path))[:: 1 if turn % 2 else -1]:
            begin = time.perf_counter()
            call()
            seconds[side].append(time.perf_counter() - begin)
    changes, factors, worst = (np.array(column) for column in zip(*runs, strict=True))
    ratio = median(b / a for a, b in zip(seconds["slopes"], seconds["path"], strict=True))
    return [
        name, report.number(1e3 * median(seconds["slopes"])), str(len(result.history)),
        report.number(1e3 * median(seconds["path"])), report.number(changes.mean()),
        report.number((factors / changes).mean()), report.number(ratio), f"{worst.max():.0e}",
    ]  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    import fastpiggy as fp

    chosen = report.options(__doc__, argv)
    data = fp.datasets.load_diabetes(1 if chosen.quick else 3)
    cases = {"100 x 60": dense_case(100, 60, n_val=50)[:2]}
    if not chosen.quick:
        cases = {
            "800 x 1200": dense_case(800, 1200, frac=0.02, n_val=50)[:2],
            "5000 x 300": dense_case(5000, 300, frac=0.05, n_val=50)[:2],
        }
    cases[f"diabetes, {data.X.shape[0]} x {data.X.shape[1]}"] = (data.X, data.y)
    rows = []
    for name, (X, y) in cases.items():
        report.progress(name)
        with warnings.catch_warnings():
            # Where the best of a small case lies is of no interest here.
            warnings.simplefilter("ignore", fp.FastpiggyWarning)
            rows.append(measure(name, X, y, 1 if chosen.quick else 5))
    method = (
        f"Medians of {1 if chosen.quick else 5} interleaved runs in one process; five contiguous "
        f"folds, intercept, l1_ratio {L1_RATIO}; the path goes down to the smallest alpha that "
        "`tune` has looked at."
    )
    note = (
        "`tune` makes its problem anew, certifies every solve, and ends with the solution on all "
        "rows; the path alone has the folds' Gram matrices for nothing, and no loss."
    )
    parts = [report.header("elastic_path", chosen, method), report.table(HEAD, rows), note]
    report.publish("elastic_path", chosen, parts)


if __name__ == "__main__":
    main()
