"""Public names that are loaded when they are first used.

They stand in the stub file beside a package's ``__init__.py``, for type checkers and for this: so
importing a package costs little more than importing what is used of it.
"""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any


def lazy(
    package: str, file: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """What a package takes for its ``__getattr__``, ``__dir__`` and ``__all__``.

    Parameters
    ----------
    package, file : str
        Its ``__name__`` and ``__file__``.
    """
    tree = ast.parse(Path(file).with_suffix(".pyi").read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    homes = {alias.name: str(node.module) for node in imports for alias in node.names}
    names = vars(sys.modules[package])

    def load(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        is_room = home == package
        value = import_module(f"{home}.{name}") if is_room else getattr(import_module(home), name)
        names[name] = value
        return value

    return load, lambda: sorted({*names, *homes}), list(homes)
