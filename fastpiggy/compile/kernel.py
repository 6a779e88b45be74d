"""Kernels: compiled functions of records and arrays, cached on disk."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any, TypeVar, overload

from numba import njit, typeof
from numba.core.errors import NumbaError

from fastpiggy.compile.cache import attach_cache
from fastpiggy.compile.flags import APART, COMPILED, OUTER

try:
    # What Numba's dispatcher itself tells arguments apart by: twenty times faster than their types.
    from numba._dispatcher import compute_fingerprint as _look
except ImportError:  # pragma: no cover - a Numba that hides it
    _look = typeof

Function = TypeVar("Function", bound=Callable[..., Any])


@overload
def kernel(function: Function) -> Function: ...
@overload
def kernel(*, allocates: bool) -> Callable[[Function], Function]: ...
def kernel(function: Any = None, *, allocates: bool = True) -> Any:
    """Compile a function at its first call with each combination of types, and cache it on disk.

    Kernels run without the interpreter lock, on one thread, and only read the fields of records.
    With ``NUMBA_DISABLE_JIT=1`` the function is returned as it is.

    Parameters
    ----------
    function : callable
    allocates : bool
        False where neither the kernel nor what it calls makes an array or hands one out: references
        to arrays need no counting then, which is a good part of the code to compile.  A kernel that
        calls users' records must be :func:`prepared`, which copes with those that do.
    """
    if function is None:
        return partial(kernel, allocates=allocates)
    if not COMPILED:
        return function
    return _dispatcher(function, allocates)


def _dispatcher(function: Any, allocates: bool) -> Any:
    dispatcher = njit(**OUTER, _nrt=allocates)(function)
    attach_cache(dispatcher)
    # Kernels call it as a routine: they hold it anyway, and a second copy would take the first
    # one's place in the process that compiles both, with other roundings than where it is loaded.
    called = cache(lambda: njit(**APART)(function))
    dispatcher.get_call_template = lambda args, kws: called().get_call_template(args, kws)
    dispatcher.get_overload = lambda signature: called().get_overload(signature)
    return dispatcher


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
    wanted = tuple(map(typeof, arguments))
    try:
        return dispatcher.compile(wanted)  # type: ignore[no-any-return]
    except NumbaError:
        if dispatcher.targetoptions["_nrt"]:
            raise
    # A user's record may make arrays where our own do not.
    return _dispatcher(dispatcher.py_func, True).compile(wanted)  # type: ignore[no-any-return]
