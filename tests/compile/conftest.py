"""Fresh processes with a kernel cache of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]

#: What every process of these tests may use: ``tell`` ends it with what it found.
PRELUDE = """
import json, sys
from typing import NamedTuple
import numpy as np
from fastpiggy.algorithms.composite import penalty_value
from fastpiggy.compile import record
from fastpiggy.penalties import L1, CoordinatePenalty

x = np.array([1.0, -2.0])

def tell(*values):
    stats = penalty_value.stats
    counts = {"hits": sum(stats.cache_hits.values()), "misses": sum(stats.cache_misses.values())}
    print(json.dumps({"values": values, **counts}))
"""

#: A penalty of the user's own, in as few lines as there can be.
MINE = """
{above}
@record(CoordinatePenalty)
class Mine(NamedTuple):
    alpha: float
    def value(self, j, x):
        return {value}
    def prox(self, j, u, step):
        return u
    def prox_tangent(self, j, u, step, z, du, d, k, q):
        return du
"""


class Processes:
    """Runs code in processes that share one cache folder, which is empty at first."""

    def __init__(self, folder: Path) -> None:
        self.cache, self.modules = folder / "cache", folder / "modules"
        self.modules.mkdir()
        self.package = ROOT

    def environment(self, **changes: str | None) -> dict[str, str]:
        paths = [str(self.modules), str(self.package)]
        found = {**os.environ, "NUMBA_CACHE_DIR": str(self.cache), "PYTHONPATH": ":".join(paths)}
        for name in ("NUMBA_DISABLE_JIT", "FASTPIGGY_CACHE"):
            found.pop(name, None)
        # Python's own bytecode goes by seconds, and these tests edit faster than that.
        found["PYTHONDONTWRITEBYTECODE"] = "1"
        for name, value in changes.items():
            found.pop(name, None)
            if value is not None:
                found[name] = value
        return found

    def start(self, code: str, **changes: str | None) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-c", PRELUDE + code], env=self.environment(**changes),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.modules,
        )  # fmt: skip

    def finish(self, process: subprocess.Popen) -> SimpleNamespace:
        out, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        return SimpleNamespace(errors=errors, **json.loads(out.splitlines()[-1]))

    def run(self, code: str, **changes: str | None) -> SimpleNamespace:
        """What the code told, with the kernel's cache hits and misses, and what it complained."""
        return self.finish(self.start(code, **changes))

    def write(self, name: str, text: str) -> Path:
        path = self.modules / name
        path.write_text(text)
        return path

    def files(self, pattern: str = "*penalty_value*") -> list[Path]:
        return sorted(self.cache.rglob(pattern))


@pytest.fixture
def processes(tmp_path):
    return Processes(tmp_path)


def mine(value: str, above: str = "") -> str:
    return MINE.format(value=value, above=above)


@pytest.fixture(name="mine")
def _mine():
    return mine
