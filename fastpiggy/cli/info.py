"""``fastpiggy info``: what a report of a fault should hold."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from rich.console import Console
from rich.text import Text

from fastpiggy._version import __version__

NEEDED = ("numba", "llvmlite", "numpy", "scipy")
OPTIONAL = ("rich", "matplotlib", "scikit-learn")
SETTINGS = ("FASTPIGGY_CACHE", "NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT", "NUMBA_NUM_THREADS")


def info_command(arguments: argparse.Namespace) -> int:
    """Run the sub-command.

    Parameters
    ----------
    arguments : argparse.Namespace
        Not used: there are no options.

    Returns
    -------
    int
        0.
    """
    lines = describe()
    width = max(len(label) for label, _ in lines) + 2
    console = Console()
    for label, value in lines:
        # Not a table: a path that is broken over lines cannot be copied.
        console.print(Text.assemble((label.ljust(width), "bold"), value), soft_wrap=True)
    return 0


def describe() -> list[tuple[str, str]]:
    """Give the lines of the report.

    Returns
    -------
    list of (str, str)
        Label and value.
    """
    from fastpiggy.compile.cache import cache_state

    return [
        ("fastpiggy", __version__),
        ("python", f"{platform.python_version()} ({platform.python_implementation()})"),
        *((name, _version(name)) for name in (*NEEDED, *OPTIONAL)),
        ("platform", f"{sys.platform}, {platform.machine()}"),
        ("cores", _cores()),
        ("threads", "kernels run on one thread each; parallelism is threads over problems"),
        *((name, os.environ.get(name, "not set")) for name in SETTINGS),
        ("kernel cache", cache_state()),
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _cores() -> str:
    """Give the cores of the machine, and those that this process may use where they differ."""
    total = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else total
    return str(total) if usable == total else f"{total}, of which {usable} for this process"
