"""Many small Lassos with their derivatives: ``solve_many``, and scikit-learn's kernel in a loop.

By hand: scikit-learn's Gram kernel is called directly, the Gram matrix by BLAS, and one Cholesky
solve on the support polishes the solution and gives the derivative.  Its tolerance is the loosest
at which all derivatives but one in a hundred are right to 1e-4; nothing is certified.  fastpiggy
runs at its default, certificates included.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from statistics import median

import numpy as np
from scipy.linalg.lapack import dposv

from benchmarks import report
from benchmarks.common import relative
from benchmarks.timing import interleaved, ratio

SHAPES = ((100, 50, 0.1), (100, 50, 0.03), (200, 20, 0.1), (50, 100, 0.1), (50, 100, 0.03))
QUICK = ((100, 50, 0.1),)
GOAL, MISSED = 1e-4, 0.01
_EPOCHS = 10_000


def problems(n: int, p: int, part: float, count: int) -> list:
    """Independent columns, five of them with a coefficient of 1, noise of deviation 1."""
    import fastpiggy as fp

    rng, found = np.random.default_rng(0), []
    for _ in range(count):
        X = np.asfortranarray(rng.standard_normal((n, p)))
        y = X[:, :5].sum(axis=1) + rng.standard_normal(n)
        problem = fp.lasso(X, y, 1.0)
        found.append(problem.replace(alpha=part * problem.alpha_max()))
    return found


def by_hand(X: np.ndarray, y: np.ndarray, alpha: float, tol: float) -> np.ndarray:
    """Solution and derivative along alpha, in two rows."""
    from sklearn.linear_model._cd_fast import enet_coordinate_descent_gram

    n, p = X.shape
    gram, correlation, w = X.T @ X, X.T @ y, np.zeros(p)
    enet_coordinate_descent_gram(
        w, n * alpha, 0.0, gram, correlation, y, _EPOCHS, tol, _SEED, False, False
    )
    support = np.flatnonzero(w)
    side = n * np.sign(w[support])
    right = np.empty((support.size, 2), order="F")
    right[:, 0], right[:, 1] = correlation[support] - alpha * side, -side
    _, solved, _ = dposv(gram[support[:, None], support], right)
    found = np.zeros((2, p))
    found[:, support] = solved.T
    return found


_SEED = np.random.RandomState(0)  # read by the kernel only where the order is random


def loosest(cells: list, exact: np.ndarray) -> float:
    """The tolerance for :func:`by_hand`."""
    for tol in 10.0 ** -np.arange(1, 13):
        wrong = [
            relative(by_hand(*cell, tol)[1], J) > GOAL for cell, J in zip(cells, exact, strict=True)
        ]
        if np.mean(wrong) <= MISSED:
            return float(tol)
    raise RuntimeError("no tolerance gives the derivatives")


def measure(n: int, p: int, part: float, count: int, rounds: int) -> list[str]:
    """The line of the table for one case."""
    import fastpiggy as fp

    held = problems(n, p, part, count)
    solutions = fp.solve_many(held, "alpha")
    J = solutions.jacobian["alpha"]
    cells = [(q.design.X, q.loss.y, q.parameters["alpha"]) for q in held]
    tol = loosest(cells, J)

    def made_and_solved() -> None:
        fp.solve_many((fp.lasso(*cell) for cell in cells), "alpha")

    calls: dict[str, Callable[[], object]] = {
        "by hand": lambda: [by_hand(*cell, tol) for cell in cells],
        "arrays": lambda: fp.solve_many(held, "alpha"),
        "all": lambda: list(fp.solve_many(held, "alpha")),
        "made": made_and_solved,
        "one by one": lambda: [fp.solve(problem, "alpha") for problem in held],
    }
    seconds = interleaved(calls, rounds)
    rates = [report.number(count / median(taken)) for taken in seconds.values()]
    support = np.count_nonzero(solutions.x) / count
    converged = solutions.statuses.count(fp.Status.CONVERGED)
    return [
        f"{n} x {p}, /{1 / part:.0f}", report.number(support), f"{tol:.0e}", *rates,
        report.number(ratio(seconds["by hand"], seconds["arrays"])), f"{converged} of {count}",
    ]  # fmt: skip


HEAD = (
    "rows x columns, alpha_max over alpha", "support", "tolerance by hand", "by hand",
    "`solve_many`", "all looked at", "problems made too", "`solve` one by one",
    "`solve_many` over by hand", "converged",
)  # fmt: skip


_COLD = """
import time
from benchmarks.many import problems
import fastpiggy as fp
few, waiting = problems(20, 5, 0.1, 16), problems(5, 40, 0.1, 16)
fp.solve(few[0], "alpha")
for held in (few, waiting):
    begin = time.process_time()
    fp.solve_many(held, "alpha")
    print(time.process_time() - begin)
"""


def cold() -> str:
    """What the first calls cost where no kernel is cached but those of ``solve``."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", _COLD], env={**os.environ, "NUMBA_CACHE_DIR": folder},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    first, second = map(float, done.stdout.split())
    return (
        f"Compiling, once a machine, after a first `solve`: {first:.0f} processor seconds for the "
        f"loop, and {second:.0f} for the one that takes over where many columns wait for few rows "
        "or some are unpenalised."
    )


def main(argv: list[str] | None = None) -> None:
    chosen = report.options(__doc__, argv)
    rounds, count = (5, 100) if chosen.quick else (15, 1000)
    rows = []
    for n, p, part in QUICK if chosen.quick else SHAPES:
        report.progress(f"{n} x {p}, alpha {part} alpha_max")
        rows.append(measure(n, p, part, count, rounds))
    method = f"Fortran order, float64; medians of {rounds} interleaved runs in one process."
    note = (
        f"Problems a second, of {count} at a time, with the derivative along alpha; the problems "
        "are made beforehand, but for one column. `solve_many` alone leaves the solutions in "
        "arrays (`solutions.x`, `solutions.jacobian`, `solutions.statuses`); where each is looked "
        "at, a `Solution` with its certificate is made of it."
    )
    parts = [report.header("many", chosen, method), report.table(HEAD, rows), note]
    if not chosen.quick:
        report.progress("compiling")
        parts.append(cold())
    report.publish("many", chosen, parts)


if __name__ == "__main__":
    main()
