"""What a new process waits for.  Every measurement is a process of its own (``timeraw_``)."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.startup import IMPORT, MODELS, SOLVE
from benchmarks.suite import Benchmark, by_profile

CASES = by_profile(["lasso, Fortran order", "logistic, C order"], list(MODELS))
CODE = IMPORT + SOLVE
EMPTY = """
import os, tempfile
folder = tempfile.TemporaryDirectory()
os.environ["NUMBA_CACHE_DIR"] = folder.name
"""
FILLED = """
import os
os.environ["NUMBA_CACHE_DIR"] = {folder!r}
"""


class _Start(Benchmark):
    rounds = 1
    repeat = 5
    number = 1


class Imports(_Start):
    def timeraw_numba(self) -> str:
        return "import numba"

    def timeraw_fastpiggy(self) -> str:
        return "import fastpiggy"

    def timeraw_fastpiggy_used(self) -> str:
        """Names are loaded when they are first used."""
        return "from fastpiggy import lasso, solve"


class ColdSolve(_Start):
    """Imports and the first solve with its derivative, nothing compiled."""

    params = (CASES,)
    param_names = ("model",)

    def timeraw_first_solve(self, model: str) -> tuple[str, str]:
        return CODE.format(model=MODELS[model]), EMPTY


class WarmSolve(_Start):
    """The same in the next process, which finds the kernels on disk."""

    params = (CASES,)
    param_names = ("model",)

    def setup_cache(self) -> str:
        # asv keeps the folder that this runs in until the last benchmark of the class is done.
        folder = str(Path.cwd() / "kernels")
        for model in (MODELS[name] for name in CASES):
            subprocess.run(
                [sys.executable, "-c", CODE.format(model=model)],
                env={**os.environ, "NUMBA_CACHE_DIR": folder},
                check=True,
            )
        return folder

    setup_cache.timeout = 600.0

    def timeraw_first_solve(self, folder: str, model: str) -> tuple[str, str]:
        return CODE.format(model=MODELS[model]), FILLED.format(folder=folder)

    def track_cache_size(self, folder: str) -> float:
        """All models together."""
        return float(sum(file.stat().st_size for file in Path(folder).rglob("*.nb[ic]")))

    track_cache_size.unit = "bytes"
    track_cache_size.params = ()
