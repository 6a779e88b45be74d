"""What composing losses, penalties, designs and algorithms costs, when compiling and when running.

For each combination: seconds of the first call of ``engine.run`` in a fresh process with an empty
kernel cache, and in the next process; and for the main ones the time of a run over that of a loop
written by hand for the case (:mod:`benchmarks.by_hand`), with m tangents along alpha.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import blocks, report
from benchmarks.common import dense_case, sparse_case
from benchmarks.timing import interleaved, ratio

#: Algorithm, design, loss, penalty; "moving" gives X directions.
CASES = {
    f"forward-backward, {design}, {loss}, {penalty}": ("forward_backward", design, loss, penalty)
    for design, loss, penalty in (
        *(
            ("rows", loss, penalty)
            for loss in ("least squares", "logistic", "huber")
            for penalty in ("l1", "group", "total variation")
        ),
        ("rows + intercept", "least squares", "l1"),
        ("rows + intercept", "logistic", "l1"),
        ("rows, X moves", "least squares", "l1"),
    )
}
CASES |= {
    "coordinate descent, columns, least squares, l1": (
        "coordinate_descent", "columns", "least squares", "l1"),
    "coordinate descent, columns + intercept, logistic, l1": (
        "coordinate_descent", "columns + intercept", "logistic", "l1"),
    "coordinate descent, sparse, least squares, l1": (
        "coordinate_descent", "sparse", "least squares", "l1"),
    "block descent, columns, least squares, group": (
        "block_descent", "columns", "least squares", "group"),
}  # fmt: skip
ADMM = "ADMM, second differences, l1"

TANGENTS = (0, 1, 4)


def setting(name: str, n: int, p: int, m: int) -> blocks.Setting:
    """Blocks of a case on n x p data at about a tenth of its alpha_max."""
    algorithm, design, loss, penalty = CASES[name]
    moves = design.endswith("X moves")
    X, y = sparse_case(n, p, 0.05) if design == "sparse" else dense_case(n, p)[:2]
    alpha = 0.1 * float(np.abs(X.T @ y).max()) / n
    return blocks.make(
        algorithm,
        blocks.design(design, X),
        blocks.loss(loss, y),
        blocks.penalty(penalty, alpha, p),
        m,
        moves,
    )


def first_call(name: str) -> float:
    """Seconds of the first run of a case in this process, on a tiny problem."""
    if name == ADMM:
        from benchmarks.trend_blocks import admm_setting

        call: Callable[[], Any] = admm_setting(30, 1).run
    else:
        call = setting(name, 40, 20, 1).run
    begin = time.perf_counter()
    call(2)
    return time.perf_counter() - begin


def in_new_process(name: str, cache: str) -> float:
    """:func:`first_call` in a process of its own, with its kernels cached in a folder."""
    command = [sys.executable, "-m", "benchmarks.composition", "--first-call", name]
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        command, env=environment, cwd=root, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def compile_times(names: list[str], rounds: int) -> dict[str, tuple[float, float]]:
    """Median seconds of the first call, cold and in the next process, by case."""
    cold: dict[str, list[float]] = {name: [] for name in names}
    warm: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in names:
            report.progress(f"compile, round {turn + 1}: {name}")
            with tempfile.TemporaryDirectory() as cache:
                cold[name].append(in_new_process(name, cache))
                warm[name].append(in_new_process(name, cache))
    return {name: (median(cold[name]), median(warm[name])) for name in names}


def loop_by_hand(name: str, at: blocks.Setting, steps: int) -> Callable[[], Any] | None:
    """The hand-written loop for a setting, from zero; None where there is none.

    The call returns its x and J.
    """
    from benchmarks import by_hand

    problem, loss, penalty, d = at.problem, at.problem.loss, at.problem.penalty, at.d.penalty
    algorithm, design, loss_name, penalty_name = CASES[name]
    if loss_name != "least squares" or design not in ("rows", "columns", "sparse"):
        return None
    x, J = np.zeros_like(at.state.x), np.zeros_like(at.state.J)
    W = np.zeros((1 + at.m, x.size))
    r, R = np.empty_like(loss.y), np.empty_like(at.state.R)
    s, y = loss.sample_weight, loss.y

    def forward_backward() -> tuple[np.ndarray, np.ndarray]:
        W[:] = 0.0
        step = at.algorithm.steps[0]
        if penalty_name == "l1":
            by_hand.forward_backward_l1(
                problem.design.X, y, s, penalty.alpha, penalty.weights, d.alpha, step, W, steps
            )
        else:
            by_hand.forward_backward_tv(
                problem.design.X, y, s, penalty.alpha, d.alpha, step, W, steps
            )
        return W[0], W[1:]

    def descent() -> tuple[np.ndarray, np.ndarray]:
        x[:], J[:], R[:] = 0.0, 0.0, 0.0
        np.multiply(s, -y, out=r)
        shared = (
            s, penalty.alpha, penalty.weights, d.alpha, at.algorithm.lipschitz, x, J, r, R, steps,
        )  # fmt: skip
        if design == "columns":
            by_hand.descent_dense(problem.design.X, *shared)
        else:
            data, indices, indptr, _ = problem.design
            by_hand.descent_sparse(data, indices, indptr, *shared)
        return x, J

    if algorithm == "coordinate_descent":
        return descent
    if algorithm == "forward_backward" and penalty_name in ("l1", "total variation"):
        return forward_backward
    return None


#: Rows, columns and iterations of the runs that are compared, by algorithm and design.
SIZES = {
    "forward_backward": (1000, 1000, 40),
    "coordinate_descent": (500, 1000, 60),
}
QUICK_SIZES = {"forward_backward": (401, 500, 20), "coordinate_descent": (200, 500, 40)}


def run_ratio(name: str, m: int, quick: bool) -> float | None:
    """Time of the composed kernel over that of the loop by hand; None where there is none."""
    n, p, steps = (QUICK_SIZES if quick else SIZES).get(CASES[name][0], (0, 0, 0))
    if n == 0 or loop_by_hand(name, setting(name, 40, 20, m), 1) is None:
        return None
    at = setting(name, n, p, m)
    by_hand = loop_by_hand(name, at, steps)
    assert by_hand is not None
    at.run(steps)
    # What is compared does the same work.
    for ours, theirs in zip((at.state.x, at.state.J), by_hand(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)
    calls = {"composed": lambda: at.run(steps), "by hand": by_hand}
    seconds = interleaved(calls, 5 if quick else 15, sample=0.005 if quick else 0.05)
    return ratio(seconds["composed"], seconds["by hand"])


def _sizes(quick: bool) -> str:
    return ", ".join(
        f"{name.replace('_', '-' if name.startswith('f') else ' ')}: {steps} steps on {n} x {p}"
        for name, (n, p, steps) in (QUICK_SIZES if quick else SIZES).items()
    )


def main(argv: list[str] | None = None) -> None:
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["--first-call"]:
        print(first_call(argv[1]))
        return
    chosen = report.options(__doc__, argv)
    rounds = 1 if chosen.quick else 5
    compiled = list(CASES)
    if chosen.quick:
        compiled = [name for name in compiled if "rows, least squares, l1" in name]
        compiled += [name for name in CASES if "descent, columns, least" in name]
    if find_spec("fastpiggy.algorithms.admm"):
        compiled.append(ADMM)
    seconds = compile_times(compiled, rounds)
    rows = []
    for name in compiled:
        ratios = [None] * len(TANGENTS)
        if name != ADMM:
            report.progress(f"run: {name}")
            ratios = [run_ratio(name, m, chosen.quick) for m in TANGENTS]
        cells = ["-" if found is None else report.number(found) for found in ratios]
        rows.append([name, *(report.number(found) for found in seconds[name]), *cells])
    head = [
        "combination", "cold, s", "next process, s", *(f"over by hand, m = {m}" for m in TANGENTS)
    ]  # fmt: skip
    method = f"Compile times: medians of {rounds} processes each; ratios: interleaved runs."
    note = (
        "Cold and next process: the first call of `engine.run` with one tangent, imports not "
        "counted. By hand: the same iterates and tangents (checked), the same flags and stopping "
        f"quantities; {_sizes(chosen.quick)}, from zero at a tenth of alpha_max (sparse: 5 % "
        "filled)."
    )
    parts = [report.header("composition", chosen, method), report.table(head, rows), note]
    report.publish("composition", chosen, parts)


if __name__ == "__main__":
    main()
