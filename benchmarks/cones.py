"""Cone programs of mixed cones: solution and derivative beside diffcp.

Programs with a known solution in the manner of diffcp's own tests, 50 variables, 50 and 89 rows:
zero, nonnegative, second-order, semidefinite and exponential cones.  The derivative of x, y and s
is taken along one direction of A, b and c.  diffcp runs with SCS and Clarabel, its three exact
modes, and tolerances of 1e-6 to 1e-12; the table has the fastest of those whose derivative is
right to the goal, and where none is, the most exact.  Right: what a Newton step from the known
solution and a dense solve give.
"""

import warnings
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks import report
from benchmarks.timing import interleaved, ratio

GOAL = 1e-8
MIXED = {"z": 3, "l": 40, "q": [5, 8, 8], "s": [4], "ep": 5}
WITHOUT_MATRICES = {"z": 3, "l": 50, "q": [5, 8, 8], "ep": 5}


def program(cones: dict[str, Any], n: int, seed: int) -> tuple[Any, ...]:
    """A, b, c and the solution (x, y, s): ``s = P(v)``, ``y = s - v`` for a random v."""
    from fastpiggy.penalties import prox
    from fastpiggy.structured.cone_program.problem import cone_product

    rng = np.random.default_rng(seed)
    m = cones["z"] + cones["l"] + sum(cones["q"]) + 3 * cones["ep"]
    m += sum(k * (k + 1) // 2 for k in cones.get("s", []))
    v, x = rng.standard_normal(m), rng.standard_normal(n)
    s = prox(cone_product(cones, m), v)
    A = rng.standard_normal((m, n))
    return A, A @ x + s, A.T @ (v - s), (x, s - v, s)


def peers() -> dict[str, dict[str, Any]]:
    """diffcp's solvers, modes and tolerances by name."""
    found: dict[str, dict[str, Any]] = {}
    for eps in (1e-6, 1e-9, 1e-12):
        for mode in ("dense", "lsqr", "lsmr"):
            scs = {"solve_method": "SCS", "eps": eps, "mode": mode, "max_iters": 100_000}
            found[f"SCS {eps:.0e}, {mode}"] = scs
            tol = dict.fromkeys(("tol_gap_abs", "tol_gap_rel", "tol_feas"), eps)
            clarabel = {"solve_method": "Clarabel", "mode": mode, **tol}
            found[f"Clarabel {eps:.0e}, {mode}"] = clarabel
    return found


def error(found: tuple[Any, ...], expected: tuple[Any, ...]) -> float:
    """Relative error of (dx, dy, ds)."""
    right = np.concatenate(expected)
    return float(np.linalg.norm(np.concatenate(found) - right) / np.linalg.norm(right))


def line(label: str, cones: dict[str, Any], n: int, seed: int, rounds: int) -> list[str] | None:
    """The line of one program; None where its solution is degenerate."""
    import fastpiggy as fp

    A, b, c, truth = program(cones, n, seed)
    rng = np.random.default_rng(1)
    sparse_A = sparse.csc_matrix(A)
    d = rng.standard_normal(A.shape), rng.standard_normal(b.size), rng.standard_normal(n)
    direction = sparse.csc_matrix(d[0]), d[1], d[2]
    with warnings.catch_warnings(action="ignore"):
        given = fp.differentiate(fp.cone_program(A, b, c, cones), *truth[:2])
    if given.certificate.status != "converged":
        return None
    exact = given.jvp(*d)

    def ours() -> tuple[Any, ...]:
        _, _, _, derivative, _ = fp.diffcp.solve_and_derivative(sparse_A, b, c, cones)
        return derivative(*direction)  # type: ignore[no-any-return]

    calls: dict[str, Callable[[], object]] = {"fastpiggy": ours}
    best, best_error = fastest(sparse_A, b, c, cones, direction, exact)
    if best is not None:
        calls["diffcp"] = best[1]
    seconds = interleaved(calls, rounds)
    own = error(ours(), exact)
    numbers = [report.number(1e3 * median(seconds["fastpiggy"])), f"{own:.0e}"]
    if best is None:
        return [label, *numbers, "not installed", "", "", ""]
    numbers += [
        best[0], report.number(1e3 * median(seconds["diffcp"])), f"{best_error:.0e}",
        report.number(ratio(seconds["fastpiggy"], seconds["diffcp"])),
    ]  # fmt: skip
    return [label, *numbers]


def fastest(
    A: Any, b: np.ndarray, c: np.ndarray, cones: dict[str, Any], direction: Any, exact: Any
) -> tuple[tuple[str, Callable[[], Any]] | None, float]:
    """diffcp as fast as it reaches the goal, else as exact as it gets, and its error."""
    try:
        import diffcp
    except ImportError:
        return None, np.nan
    tried = []
    for name, options in peers().items():

        def call(options: dict[str, Any] = options) -> Any:
            with warnings.catch_warnings(action="ignore"):
                *_, derivative, _ = diffcp.solve_and_derivative(A.copy(), b, c, cones, **options)
                return derivative(*direction)

        try:
            off = error(call(), exact)
        except (ImportError, diffcp.SolverError):
            continue
        tried.append((median(interleaved({name: call}, 3)[name]), off, name, call))
    good = [one for one in tried if one[1] <= GOAL]
    one = min(good) if good else min(tried, key=lambda one: one[1])
    return (one[2], one[3]), one[1]


HEAD = (
    "program", "fastpiggy, ms", "error of the derivative", "diffcp with", "diffcp, ms",
    "its error", "fastpiggy over diffcp",
)  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    chosen = report.options(__doc__, argv)
    rounds, wanted = (3, 1) if chosen.quick else (5, 3)
    rows: list[list[str]] = []
    for label, cones in (("mixed", MIXED), ("without matrices", WITHOUT_MATRICES)):
        seed, found = 0, 0
        while found < wanted:
            name = f"{label}, n = 50, seed {seed}"
            report.progress(name)
            row = line(name, cones, 50, seed, rounds)
            seed += 1
            if row is not None:
                rows.append(row)
                found += 1
    method = (
        f"Medians of {rounds} interleaved runs in one process; degenerate seeds are left out. "
        "Solution and one directional derivative of x, y, s."
    )
    report.publish(
        "cones", chosen, [report.header("cones", chosen, method), report.table(HEAD, rows)]
    )


if __name__ == "__main__":
    main()
