"""Digests of everything that compiled code depends on.

Numba's disk cache knows a function by its own file only: an edited callee in another file, or a
user's edited penalty, would silently run the old machine code.  Here a record's type carries a
digest of all that its methods compute, and each kernel's key one of the package's own sources.
"""

import hashlib
import os
import sys
import types
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

_COMPILED_ROOMS = (
    "compile", "losses", "penalties", "designs", "algorithms", "active_set", "structured",
)  # fmt: skip


@cache
def package_digest() -> str:
    """Digest of the package's compiled sources and of the compilers that turn them into code."""
    import llvmlite
    import numba

    root = Path(__file__).resolve().parents[1]
    state = hashlib.sha256()
    for version in (numba.__version__, llvmlite.__version__, np.__version__, sys.version):
        state.update(version.encode())
    for room in _COMPILED_ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            state.update(path.name.encode() + b"\0" + path.read_bytes())
    return state.hexdigest()[:16]


#: Names that functions read, with the namespace they read them from and what was found there.
Reads = list[tuple[dict[str, Any], str, Any]]


def digest_of(parts: Iterable[Any]) -> str:
    """Digest of functions, constants and whatever globals and closures the functions read."""
    return digest_and_reads(parts)[0]


def digest_and_reads(parts: Iterable[Any]) -> tuple[str, Reads]:
    """The digest with the globals that it rests on: where one has changed, so has the digest."""
    walk = _Walk()
    for part in parts:
        walk.value(part)
    return walk.state.hexdigest()[:16], walk.reads


def unchanged(reads: Reads) -> bool:
    """False where a name that was read means something else by now: a notebook's cell run again."""
    return all(namespace.get(name) is value for namespace, name, value in reads)


class _Walk:
    """Feeds one object after the other into a hash, each function once."""

    def __init__(self) -> None:
        self.state = hashlib.sha256()
        self.seen: set[int] = set()
        self.reads: Reads = []

    def text(self, *words: object) -> None:
        for word in words:
            self.state.update(str(word).encode() + b"\0")

    def value(self, value: Any) -> None:
        value = getattr(value, "py_func", value)
        if value is None or isinstance(value, bool | int | float | complex | str | bytes):
            self.text(type(value).__name__, repr(value))
        elif isinstance(value, np.ndarray | np.generic):
            self.text(value.dtype, value.shape)
            self.state.update(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, tuple | list):
            self.text(type(value).__name__, len(value))
            for item in value:
                self.value(item)
        elif isinstance(value, dict):
            self.value([item for pair in value.items() for item in pair])
        elif isinstance(value, set | frozenset):
            self.value(sorted(map(repr, value)))
        elif isinstance(value, types.FunctionType):
            self.function(value)
        elif isinstance(value, types.CodeType):
            self.code(value)
        elif isinstance(value, type):
            self.type(value)
        elif isinstance(value, types.ModuleType):
            self.text("module", value.__name__, getattr(value, "__version__", ""))
        else:
            self.opaque(value)

    def function(self, function: types.FunctionType) -> None:
        if id(function) in self.seen:
            return self.text("again", function.__qualname__)
        self.seen.add(id(function))
        self.code(function.__code__)
        self.value(function.__defaults__)
        self.value(function.__kwdefaults__)
        for cell in function.__closure__ or ():
            self.value(cell.cell_contents)
        names = sorted(_names(function.__code__))
        for name in names:
            if name in function.__globals__:
                found = function.__globals__[name]
                self.text("global", name)
                self.read(function.__globals__, name, found)
                if isinstance(found, types.ModuleType) and not _is_versioned(found):
                    self.members(found, names)

    def members(self, module: types.ModuleType, names: Iterable[str]) -> None:
        """What a function reads through a module of the user's own, as in ``helpers.shrink``."""
        for name in names:
            if hasattr(module, name):
                self.text("member", name)
                self.read(vars(module), name, getattr(module, name))

    def read(self, namespace: dict[str, Any], name: str, value: Any) -> None:
        if not isinstance(value, types.ModuleType):
            self.reads.append((namespace, name, value))
        self.value(value)

    def code(self, code: types.CodeType) -> None:
        self.text("code", code.co_argcount, code.co_names, code.co_varnames, code.co_freevars)
        self.state.update(code.co_code)
        for constant in code.co_consts:
            self.value(constant)

    def type(self, cls: type) -> None:
        if id(cls) in self.seen:
            return self.text("again", cls.__qualname__)
        self.seen.add(id(cls))
        self.text("class", cls.__module__, cls.__qualname__)
        if issubclass(cls, tuple) and hasattr(cls, "_fields"):
            self.value(cls._fields)
            functions = [v for _, v in sorted(vars(cls).items()) if hasattr(v, "__code__")]
            for function in functions:
                if not function.__name__.startswith("_"):
                    self.value(function)

    def opaque(self, value: Any) -> None:
        text = repr(value)
        # A repr with an address says nothing about the value; then nothing may be found again.
        self.text(type(value).__qualname__, text, os.urandom(16) if " at 0x" in text else "")


def _names(code: types.CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _names(constant)
    return names


def _is_versioned(module: types.ModuleType) -> bool:
    """True for modules that the package digest stands for: the standard library and its own."""
    top = module.__name__.partition(".")[0]
    return top in sys.stdlib_module_names or top in {"numpy", "numba", "scipy", "fastpiggy"}
