"""Arrays behind addresses: how one kernel reads the matrices of many problems.

A compiled loop over problems cannot take a list of records: Numba would copy each of them in, at
more than a small problem costs.  It takes the addresses of their matrices instead.
"""

import ctypes
from typing import Any

import numpy as np
from llvmlite import ir
from numba import farray, float32, float64, types
from numba.core import cgutils
from numba.extending import intrinsic

from fastpiggy.compile.flags import COMPILED
from fastpiggy.compile.helper import helper
from fastpiggy.compile.kernel import kernel


@kernel
def address(array):
    """Where an array starts; five times faster than asking NumPy."""
    return array.ctypes.data


def _pointer_to(number: Any) -> Any:
    def at(typing_context, where):  # type: ignore[no-untyped-def]
        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return builder.inttoptr(values[0], ir.IntType(8).as_pointer())

        found = types.CPointer(number)

        def typed(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            pointer = codegen(context, builder, signature, values)
            return builder.bitcast(pointer, context.get_value_type(found))

        return found(types.intp), typed

    return intrinsic(at)


if COMPILED:
    _doubles, _singles = _pointer_to(float64), _pointer_to(float32)

    @helper
    def doubles(where, n, p):
        """The float64 matrix in Fortran order that starts at an address."""
        return farray(_doubles(where), (n, p))

    @helper
    def singles(where, n, p):
        """The float32 matrix in Fortran order that starts at an address."""
        return farray(_singles(where), (n, p))

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

    def _matrix(number: Any, where: int, n: int, p: int) -> np.ndarray:
        pointer = ctypes.cast(int(where), ctypes.POINTER(number))
        return np.ctypeslib.as_array(pointer, (p, n)).T

    def doubles(where, n, p):  # type: ignore[no-untyped-def]
        """The float64 matrix in Fortran order that starts at an address."""
        return _matrix(ctypes.c_double, where, n, p)

    def singles(where, n, p):  # type: ignore[no-untyped-def]
        """The float32 matrix in Fortran order that starts at an address."""
        return _matrix(ctypes.c_float, where, n, p)

    def remade(record, values):  # type: ignore[no-untyped-def]
        """A record of the same class and field types with other values, a tuple of them."""
        return type(record)(*values)
