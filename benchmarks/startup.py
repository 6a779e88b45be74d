"""What a new process waits for: imports, and the first solve with nothing or all compiled."""

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

IMPORT = """
import numpy as np
import fastpiggy as fp
rng = np.random.default_rng(0)
X, y = rng.standard_normal((100, 50)), rng.standard_normal(100)
"""
SOLVE = """
{model}
fp.solve(problem, wrt="alpha")
"""
TIMED = f"""
import json, time
begin = time.perf_counter()
{IMPORT}
imported = time.perf_counter()
{SOLVE}
print(json.dumps([imported - begin, time.perf_counter() - imported]))
"""


def process(code: str, cache: str) -> tuple[float, float, str]:
    """Seconds of a whole process, those of them on a processor, and what it printed."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    root = Path(__file__).resolve().parents[1]
    before, begin = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment, cwd=root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    seconds, after = time.perf_counter() - begin, os.times()
    busy = after.children_user + after.children_system
    return seconds, busy - before.children_user - before.children_system, done.stdout


def measure(models: dict[str, str], rounds: int) -> list[list[str]]:
    """The lines of the table, all measured in turn."""
    # Wall and processor seconds of whole processes, then what they say of their parts.
    found: dict[str, list[list[float]]] = {}
    for turn in range(rounds + 1):
        report.progress(f"round {turn}" if turn else "a round that is not counted")
        counted = found if turn else {}
        for name, code in IMPORTS.items():
            with tempfile.TemporaryDirectory() as cache:
                seconds, busy, _ = process(code, cache)
            counted.setdefault(name, []).append([seconds, busy])
        # The round that is not counted has only to read what the imports left out: one model.
        for name, model in models.items() if turn else list(models.items())[:1]:
            with tempfile.TemporaryDirectory() as cache:
                for state in ("nothing compiled", "next process"):
                    seconds, busy, printed = process(TIMED.format(model=model), cache)
                    key = f"{name}: first solve, {state}"
                    counted.setdefault(key, []).append([seconds, busy, *json.loads(printed)])
    rows = [_line(name, samples) for name, samples in found.items()]
    typical = {name: median(wall for wall, *_ in samples) for name, samples in found.items()}
    for name in list(IMPORTS)[2:]:
        above = typical[name] - typical["`import numba`"]
        rows.append([f"{name} above `import numba`", report.number(above), "", "", "", ""])
    return rows


def _line(name: str, samples: list[list[float]]) -> list[str]:
    wall, busy, *parts = (list(column) for column in zip(*samples, strict=True))
    spread = f"{report.number(min(wall))} to {report.number(max(wall))}"
    cells = [report.number(median(part)) for part in parts] or ["", ""]
    return [name, report.number(median(wall)), spread, report.number(median(busy)), *cells]


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
    head = [
        "", "whole process, s", "fastest to slowest", "on a processor, s", "imports, s",
        "first solve, s",
    ]  # fmt: skip
    parts = [report.header("startup", chosen, method), report.table(head, rows), note]
    report.publish("startup", chosen, parts)


if __name__ == "__main__":
    main()
