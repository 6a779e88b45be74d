"""What a new process waits for: imports, the first solve with nothing compiled, and with a cache."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks import report

MODELS = {
    "lasso, C order": "problem = fp.lasso(np.asarray(X, order='C'), y, alpha=0.1)",
    "lasso, Fortran order": "problem = fp.lasso(np.asarray(X, order='F'), y, alpha=0.1)",
    "logistic, C order": "problem = fp.logistic(np.asarray(X, order='C'), y > 0, alpha=0.01)",
}
IMPORTS = {
    "nothing": "",
    "`import numba`": "import numba",
    "`import fastpiggy`": "import fastpiggy",
    "`from fastpiggy import lasso, solve`": "from fastpiggy import lasso, solve",
}

SOLVE = """
import json, time
begin = time.perf_counter()
import numpy as np
import fastpiggy as fp
rng = np.random.default_rng(0)
X, y = rng.standard_normal((100, 50)), rng.standard_normal(100)
imported = time.perf_counter()
{model}
fp.solve(problem, wrt="alpha")
print(json.dumps([imported - begin, time.perf_counter() - imported]))
"""


def process(code: str, cache: str) -> tuple[float, str]:
    """Seconds of a whole process, and what it printed."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    root = Path(__file__).resolve().parents[1]
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment, cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return time.perf_counter() - begin, done.stdout


def measure(models: dict[str, str], rounds: int) -> list[list[str]]:
    """The lines of the table, all measured in turn."""
    whole: dict[str, list[float]] = {}
    inside: dict[str, list[list[float]]] = {}
    for turn in range(rounds + 1):
        report.progress(f"round {turn}" + (" (not counted: fills the system's caches)" * (not turn)))
        for name, code in IMPORTS.items():
            with tempfile.TemporaryDirectory() as cache:
                seconds, _ = process(code, cache)
            if turn:
                whole.setdefault(name, []).append(seconds)
        # The round that is not counted has only to read what the imports left out: one model.
        for name, model in models.items() if turn else list(models.items())[:1]:
            with tempfile.TemporaryDirectory() as cache:
                for state in ("nothing compiled", "next process"):
                    seconds, printed = process(SOLVE.format(model=model), cache)
                    if turn:
                        key = f"{name}: first solve, {state}"
                        whole.setdefault(key, []).append(seconds)
                        inside.setdefault(key, []).append(json.loads(printed))
    rows = []
    for name, seconds in whole.items():
        parts = ["", ""]
        if name in inside:
            parts = [report.number(median(part)) for part in zip(*inside[name], strict=True)]
        spread = f"{report.number(min(seconds))} to {report.number(max(seconds))}"
        rows.append([name, report.number(median(seconds)), spread, *parts])
    above = median(whole["`import fastpiggy`"]) - median(whole["`import numba`"])
    rows.append(["`import fastpiggy` above `import numba`", report.number(above), "", "", ""])
    return rows


def main(argv: list[str] | None = None) -> None:
    chosen = report.options(__doc__, argv)
    rounds = 1 if chosen.quick else 5
    models = dict(list(MODELS.items())[1:2]) if chosen.quick else MODELS
    rows = measure(models, rounds)
    method = f"Medians of {rounds} whole processes each, in turn."
    note = (
        "Whole process: from its start to its end as the shell sees it. The two parts are "
        "measured inside: imports of NumPy and fastpiggy; problem, solution and derivative on "
        "100 x 50. Nothing compiled: an empty `NUMBA_CACHE_DIR`; next process: the same folder."
    )
    head = ["", "whole process, s", "fastest to slowest", "imports, s", "first solve, s"]
    parts = [report.header("startup", chosen, method), report.table(head, rows), note]
    report.publish("startup", chosen, parts)


if __name__ == "__main__":
    main()
