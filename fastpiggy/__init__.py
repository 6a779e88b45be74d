"""Nonsmooth solvers for CPUs whose derivatives come with the solution.

``import fastpiggy as fp``; then ``fp.lasso``, ``fp.solve``, ``fp.CrossVal``, ``fp.tune``.  The
public names stand in ``__init__.pyi`` and are loaded when they are first used, so that importing
the package costs little more than importing Numba.
"""

import ast
from importlib import import_module
from pathlib import Path
from typing import Any

from fastpiggy._version import __version__ as __version__


def _homes() -> dict[str, str]:
    """Module of each public name, from the imports of the stub file."""
    tree = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


_HOMES = _homes()

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'fastpiggy' has no attribute {name!r}")
    is_room = home == "fastpiggy"
    value = import_module(f"{home}.{name}") if is_room else getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
