"""Helpers: plain functions that compiled code may call."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba.extending import overload, register_jitable

from fastpiggy.compile.flags import APART, COMPILED, INNER
from fastpiggy.compile.record_type import RecordType

Function = TypeVar("Function", bound=Callable[..., Any])


def helper(function: Function) -> Function:
    """Let kernels and methods of records call a plain function; it is compiled into them."""
    return register_jitable(**INNER)(function)


def routine(function: Function) -> Function:
    """A helper that is compiled apart and called: for what is long and stands in many places."""
    return register_jitable(**APART)(function)


def specialise(position: int, role: type, otherwise: Function) -> Callable[[Function], Function]:
    """Choose between two helpers at compile time by whether one argument is of a role.

    The decorated function is taken where argument number `position` is a record of `role`, else
    `otherwise`, which must have the same signature.
    """

    def choose(function: Function) -> Function:
        def chosen(*args: Any) -> Any:
            is_role = getattr(args[position], "_role", None) is role
            return (function if is_role else otherwise)(*args)

        chosen.__name__ = function.__name__
        chosen.__doc__ = function.__doc__
        if COMPILED:

            @overload(chosen, jit_options=INNER, strict=False)
            def choose_by_type(*args: Any) -> Any:
                kind = args[position]
                is_role = isinstance(kind, RecordType) and kind.role == role.__name__
                return function if is_role else otherwise

        return chosen  # type: ignore[return-value]

    return choose
