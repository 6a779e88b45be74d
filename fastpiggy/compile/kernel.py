"""Kernels: compiled functions of records and arrays, cached on disk."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

from fastpiggy.compile.cache import attach_cache
from fastpiggy.compile.flags import COMPILED, OUTER

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile a function at its first call with each combination of types, and cache it on disk.

    Kernels run without the interpreter lock, on one thread, and only read the fields of records.
    With ``NUMBA_DISABLE_JIT=1`` the function is returned as it is.
    """
    if not COMPILED:
        return function
    dispatcher = njit(**OUTER)(function)
    attach_cache(dispatcher)
    return dispatcher
