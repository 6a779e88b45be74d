"""Kernels: compiled functions of records and arrays, cached on disk."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar

from numba import njit, typeof
from numba.core.compiler_lock import global_compiler_lock
from numba.core.errors import NumbaError

from fastpiggy.compile.cache import attach_cache
from fastpiggy.compile.flags import APART, COMPILED, OUTER

try:
    # What Numba's dispatcher itself tells arguments apart by: twenty times faster than their types.
    from numba._dispatcher import compute_fingerprint as _look
except ImportError:  # pragma: no cover - a Numba that hides it
    _look = typeof

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile a function at its first call with each combination of types, and cache it on disk.

    Kernels run without the interpreter lock, on one thread, and only read the fields of records.
    With ``NUMBA_DISABLE_JIT=1`` the function is returned as it is.
    """
    if not COMPILED:
        return function
    # Where neither the kernel nor what it calls makes an array or hands one out, references to
    # arrays need no counting, which is a good part of the code to compile.
    dispatcher = njit(**OUTER, _nrt=False)(function)
    attach_cache(dispatcher)
    dispatcher.compile = partial(_compile, dispatcher, dispatcher.compile)
    # Kernels call it as a routine: they hold it anyway, and a second copy would take the first
    # one's place in the process that compiles both, with other roundings than where it is loaded.
    called = cache(lambda: njit(**APART)(function))
    dispatcher.get_call_template = lambda args, kws: called().get_call_template(args, kws)
    dispatcher.get_overload = lambda signature: called().get_overload(signature)
    return dispatcher  # type: ignore[no-any-return]


@global_compiler_lock  # type: ignore[untyped-decorator]
def _compile(dispatcher: Any, compile_: Callable[[Any], Any], signature: Any) -> Any:
    """Without counts of references, and with them where that fails."""
    try:
        return compile_(signature)
    except NumbaError:
        # Numba would answer again with the failure.
        dispatcher._compiler._failed_cache.clear()
        dispatcher.targetoptions["_nrt"] = True
        try:
            return compile_(signature)
        finally:
            dispatcher.targetoptions["_nrt"] = False


def kind(value: Any) -> Any:
    """What tells apart the arguments for which a kernel is compiled anew."""
    return _look(value) if COMPILED else type(value)


def prepared(kernel: Function, *arguments: Any) -> Function:
    """A kernel's machine code for arguments of these kinds, whose kinds are looked at no more.

    With records of thirty arrays that look costs five microseconds a call, more than the call.
    Arguments of other kinds would be read as what they are not: whoever keeps the code keeps it
    under the :func:`kind` of all that may vary.
    """
    if not COMPILED:
        return kernel
    dispatcher: Any = kernel
    return dispatcher.compile(tuple(map(typeof, arguments)))  # type: ignore[no-any-return]
