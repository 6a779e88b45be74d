"""Arrays behind addresses: how one kernel reads the matrices of many problems.

A compiled loop over problems cannot take a list of records: Numba would copy each of them in, at
more than a small problem costs.  It takes the addresses of their matrices instead.  Arrays made
from addresses are not counted either, and counting is a fifth of a small problem's time.  Whoever
hands over an address keeps the memory alive.
"""

import ctypes
from typing import Any

from llvmlite import ir
from numba import carray, farray, float32, float64, int64, types
from numba.core import cgutils
from numba.extending import intrinsic

from fastpiggy.compile.flags import COMPILED
from fastpiggy.compile.helper import helper
from fastpiggy.compile.kernel import kernel


@kernel
def address(array):
    """Where an array starts; five times faster than asking NumPy."""
    return array.ctypes.data


if COMPILED:

    def _pointer_to(number: Any) -> Any:
        found = types.CPointer(number)

        def at(typing_context, where):  # type: ignore[no-untyped-def]
            def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
                pointer = builder.inttoptr(values[0], ir.IntType(8).as_pointer())
                return builder.bitcast(pointer, context.get_value_type(found))

            return found(types.intp), codegen

        return intrinsic(at)

    _double, _single, _integer = map(_pointer_to, (float64, float32, int64))

    @intrinsic
    def remade(typing_context, record, values):  # type: ignore[no-untyped-def]
        """A record of the same class and field types with other values, a tuple of them."""
        if tuple(values.types) != tuple(record.types):
            raise TypeError(f"{record} cannot be remade from {values}")

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            found = cgutils.unpack_tuple(builder, arguments[1])
            if context.enable_nrt:
                context.nrt.incref(builder, values, arguments[1])
            return context.make_tuple(builder, record, found)

        return record(record, values), codegen

else:

    def _pointer_to(number: Any) -> Any:
        return lambda where: ctypes.cast(int(where), ctypes.POINTER(number))

    _double, _single, _integer = map(_pointer_to, (ctypes.c_double, ctypes.c_float, ctypes.c_int64))

    def remade(record, values):  # type: ignore[no-untyped-def]
        """A record of the same class and field types with other values, a tuple of them."""
        return type(record)(*values)


@helper
def double_columns(where, n, p):
    """The float64 matrix in Fortran order that starts at an address."""
    return farray(_double(where), (n, p))


@helper
def single_columns(where, n, p):
    """The float32 matrix in Fortran order that starts at an address."""
    return farray(_single(where), (n, p))


@helper
def double_rows(where, n, p):
    """The float64 matrix in C order that starts at an address."""
    return carray(_double(where), (n, p))


@helper
def doubles(where, n):
    """The float64 vector that starts at an address."""
    return carray(_double(where), (n,))


@helper
def integers(where, n):
    """The int64 vector that starts at an address."""
    return carray(_integer(where), (n,))
