"""Sparse inverse covariance with its derivative, beside skglm's dual solver and CG by hand.

By hand: skglm's block coordinate descent on the dual, its precision matrix, and the derivative
along alpha by conjugate gradients on its support; at the loosest of the solver's tolerances at
which that derivative is right to 1e-4.  It is not certified.
"""

from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.common import relative
from benchmarks.timing import interleaved, ratio

GOAL = 1e-4
#: Number of variables, and alpha over alpha_max.
CASES = ((50, 0.1), (100, 0.1), (200, 0.1))


def problem(p: int, share: float) -> Any:
    """A chain of p variables from 4 p rows."""
    from benchmarks.bench_covariance import chain

    found = chain(p)
    return found.replace(alpha=share * found.alpha_max())


def by_conjugate_gradients(P: np.ndarray, tol: float = 1e-8) -> np.ndarray:
    """``(W dP W)_E = -sign(P)_E`` off the diagonal, E the support, preconditioned by P."""
    W, on = np.linalg.inv(P), P != 0
    r = -np.sign(P) * on
    np.fill_diagonal(r, 0.0)
    x, d, last = np.zeros_like(P), np.zeros_like(P), 1.0
    goal = None
    for _ in range(500):
        z = (P @ r @ P) * on
        now = float((r * z).sum())
        goal = tol * tol * now if goal is None else goal
        if now <= goal:
            break
        d = z + now / last * d
        q = (W @ d @ W) * on
        step = now / float((d * q).sum())
        x += step * d
        r = r - step * q
        last = now
    return x


def by_hand(S: np.ndarray, alpha: float, tol: float) -> np.ndarray:
    """The derivative along alpha with skglm's solution."""
    from skglm.covariance import GraphicalLasso

    found = GraphicalLasso(alpha=alpha, algo="dual", max_iter=1000, tol=tol)
    return by_conjugate_gradients(found.fit(S, mode="precomputed").precision_)


def loosest(S: np.ndarray, alpha: float, exact: np.ndarray) -> float:
    """The tolerance for :func:`by_hand`; NaN where none gives the derivative."""
    for tol in 10.0 ** -np.arange(2.0, 13.0):
        if relative(by_hand(S, alpha, tol), exact) <= GOAL:
            return float(tol)
    return float("nan")


def beside(p: int, share: float, rounds: int) -> list[str]:
    """The line of the table for one case."""
    import fastpiggy as fp

    given = problem(p, share)
    S, alpha = given.S, float(given.alpha)

    def ours() -> Any:
        return fp.solve(fp.sparse_inverse_covariance(S, alpha), wrt="alpha")

    J = ours().jacobian["alpha"]
    tol = loosest(S, alpha, J)
    calls: dict[str, Callable[[], object]] = {
        "by hand": partial(by_hand, S, alpha, tol), "fastpiggy": ours,
    }  # fmt: skip
    seconds = interleaved(calls, rounds)
    support = int((np.count_nonzero(ours().x) - p) // 2)
    return [
        f"p = {p}, alpha = {share:g} alpha_max", str(support),
        *(report.number(1e3 * median(s)) for s in seconds.values()),
        report.number(ratio(seconds["fastpiggy"], seconds["by hand"])),
        f"{tol:.0e}", f"{relative(by_hand(S, alpha, tol), J):.0e}",
    ]  # fmt: skip


TURNS = (
    "Douglas-Rachford", "an iteration, ms", "with one tangent over without",
)  # fmt: skip
HEAD = (
    "case", "pairs in the support", "by hand, ms", "fastpiggy, ms", "fastpiggy over by hand",
    "tolerance by hand", "error by hand",
)  # fmt: skip


def iterations(p: int, share: float, rounds: int) -> list[str]:
    """One tangent against none in Douglas-Rachford."""
    from benchmarks.covariance_blocks import douglas_rachford_setting

    steps = 200_000 // p**2
    held = {str(m): douglas_rachford_setting(problem(p, share), m) for m in (0, 1)}
    seconds = interleaved({m: partial(one.run, steps) for m, one in held.items()}, rounds)
    return [
        f"p = {p}", report.number(1e3 * median(seconds["0"]) / steps),
        report.number(ratio(seconds["1"], seconds["0"])),
    ]  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    chosen = report.options(__doc__, argv)
    rounds = 3 if chosen.quick else 9
    rows, turns = [], []
    for p, share in CASES[:1] if chosen.quick else CASES:
        report.progress(f"p = {p}")
        rows.append(beside(p, share, rounds))
        turns.append(iterations(p, share, rounds))
    method = f"Medians of {rounds} interleaved runs in one process; target at most 0.65."
    report.publish("covariance", chosen, [
        report.header("covariance", chosen, method), report.table(HEAD, rows),
        report.table(TURNS, turns),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
