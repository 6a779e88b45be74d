"""Tables in Markdown, with what made them: command, date, machine, versions."""

import argparse
import datetime
import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

_HOME = Path(__file__).resolve().parents[1]


def options(
    doc: str | None,
    argv: Sequence[str] | None = None,
    parents: Sequence[argparse.ArgumentParser] = (),
) -> argparse.Namespace:
    """``--quick`` and ``--write``, which every script has, beside what its parents ask."""
    parser = argparse.ArgumentParser(
        description=(doc or "").split("\n\n")[0], parents=list(parents)
    )
    parser.add_argument("--quick", action="store_true", help="small and noisy: does it work?")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks/ as well")
    return parser.parse_args(argv)


def header(name: str, chosen: argparse.Namespace, method: str) -> str:
    """Two lines in italics: what was run, and on what."""
    flags = "".join(f" --{flag}" for flag in ("quick", "write") if getattr(chosen, flag))
    versions = ", ".join(
        f"{package} {importlib.metadata.version(package)}"
        for package in ("numba", "llvmlite", "numpy", "scipy", "scikit-learn")
        if _installed(package)
    )
    quick = " A quick run: for whether it works, not for its numbers." if chosen.quick else ""
    return (
        f"`python -m benchmarks.{name}{flags}`, {datetime.date.today().isoformat()}. {method}"
        f"{quick}\n\n"
        f"{processor()}, {os.cpu_count()} cores; {platform.system()}, Python "
        f"{platform.python_version()}, {versions}, {_blas()}; one thread{_load()}."
    )


def _load() -> str:
    """What else the machine had to do, where the system says: alone it is about 1."""
    return f"; load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""


def _blas() -> str:
    found = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"BLAS {found.get('name')} {found.get('version')}"


def processor() -> str:
    """The model of the processor, never the name of the machine."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others numbers."""
    marks = ["---"] + ["---:"] * (len(head) - 1)
    lines = [head, marks, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float, digits: int = 3) -> str:
    """Significant digits; exponents only for what is no second and no ratio."""
    if value == 0 or not np.isfinite(value):
        return f"{value:g}"
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - int(np.floor(np.log10(abs(value)))))
    return f"{value:.{decimals}f}"


def publish(name: str, chosen: argparse.Namespace, parts: Iterable[str]) -> None:
    """Print, and write to ``docs/benchmarks/<name>.md`` where asked."""
    text = "\n\n".join(parts) + "\n"
    print(text)
    if chosen.write:
        path = _HOME / "docs" / "benchmarks" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def progress(text: str) -> None:
    """Say on stderr what is being measured."""
    print(text, file=sys.stderr, flush=True)
