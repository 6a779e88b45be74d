"""Start-up: what a process pays before its first solution.  asv suite and table.

``python -m benchmarks.startup`` prints the table.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time

FIRST_SOLVE = """
import numpy as np
import fastpiggy as fp
rng = np.random.default_rng(0)
X = np.asarray(rng.standard_normal((100, 50)), order="{order}")
y = X[:, 0] + 0.1 * rng.standard_normal(100)
{target}
fp.solve(fp.{model}(X, y, alpha=0.01, fit_intercept={intercept}), wrt="alpha")
"""

CASES = {
    "lasso, F order": {"model": "lasso", "order": "F", "intercept": False, "target": ""},
    "lasso, C order": {"model": "lasso", "order": "C", "intercept": False, "target": ""},
    "lasso, intercept": {"model": "lasso", "order": "F", "intercept": True, "target": ""},
    "logistic": {"model": "logistic", "order": "F", "intercept": False, "target": "y = y > 0"},
}


class Startup:
    """Fresh interpreters; asv times the code that these return."""

    timeout = 300
    number, repeat, rounds = 1, 3, 1

    def timeraw_import_numba(self) -> str:
        return "import numba"

    def timeraw_import(self) -> str:
        return "import fastpiggy"

    def timeraw_import_and_first_solve(self) -> str:
        return FIRST_SOLVE.format(**CASES["lasso, F order"])

    def track_cold_first_solve(self) -> float:
        with tempfile.TemporaryDirectory() as folder:
            return seconds(FIRST_SOLVE.format(**CASES["lasso, F order"]), folder)

    track_cold_first_solve.unit = "seconds"  # type: ignore[attr-defined]


def seconds(code: str, cache: str) -> float:
    """Wall time of a fresh interpreter that runs some code with a kernel cache."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return time.perf_counter() - begin


def main() -> None:
    """Print the table of start-up times."""
    from benchmarks.common import head, publish, row

    repeats = 1 if "--quick" in sys.argv else 5
    table = head("what", "seconds, median of whole processes")
    with tempfile.TemporaryDirectory() as folder:
        for name, code in (
            ("an interpreter that imports nothing", "pass"),
            ("`import numba`", "import numba"),
            ("`import fastpiggy` (loads nothing compiled)", "import fastpiggy"),
            ("`import fastpiggy.solving, numba`", "import fastpiggy.solving, numba"),
        ):
            median = statistics.median(seconds(code, folder) for _ in range(repeats))
            table.append(row(name, f"{median:.2f}"))
    for name, case in CASES.items():
        code = FIRST_SOLVE.format(**case)
        cold, warm = [], []
        for _ in range(repeats):
            with tempfile.TemporaryDirectory() as folder:
                cold.append(seconds(code, folder))
                warm.append(seconds(code, folder))
        table.append(
            row(f"import and first solve, {name}, empty cache", f"{statistics.median(cold):.2f}")
        )
        table.append(row(f"the same in the next process, {name}", f"{statistics.median(warm):.2f}"))
    publish("startup", "Start-up times", table)


if __name__ == "__main__":
    main()
