"""The compiler flags of every kernel, method and helper."""

from typing import Any

from numba import config

from fastpiggy.compile import operators as operators
from fastpiggy.compile.pipeline import Inner, Outer

# ``reassoc`` is what vectorises a dot product.  The full ``fastmath`` set would let LLVM assume
# that NaN and inf never occur, which breaks the non-finite checks and gains nothing measurable.
FASTMATH = {"reassoc", "contract", "nsz"}

_COMMON: dict[str, Any] = {
    "fastmath": FASTMATH,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
}

#: Options of code that is compiled into a kernel: methods of records and helpers.  Nobody calls
#: them from Python, so they need no wrappers that unpack records.  They are inlined at once: LLVM
#: does not vectorise a loop that stores what a call returned, though it inlines the call later.
INNER: dict[str, Any] = {
    **_COMMON, "no_cpython_wrapper": True, "forceinline": True, "pipeline_class": Inner,
}  # fmt: skip

#: Options of helpers that are called where they stand in a kernel, not copied into it.
APART: dict[str, Any] = {**_COMMON, "no_cpython_wrapper": True, "pipeline_class": Inner}

#: Options of the kernels themselves, which run without the interpreter lock.
OUTER: dict[str, Any] = {**_COMMON, "nogil": True, "pipeline_class": Outer}

#: False where ``NUMBA_DISABLE_JIT=1`` asks for plain Python.
COMPILED = not config.DISABLE_JIT
