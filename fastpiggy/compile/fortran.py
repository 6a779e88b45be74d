"""BLAS and LAPACK inside kernels, through the pointers that SciPy exports.

The address is registered with LLVM under a name, and compiled code holds the name alone: it can be
cached on disk and finds the routine wherever the next process has loaded it.
"""

import ctypes
from collections.abc import Callable
from typing import Any

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_builtin
from numba.core.typing.templates import ConcreteTemplate, infer_global
from numba.extending import get_cython_function_address

from fastpiggy.compile.flags import COMPILED

_NUMBA = {"c": types.int64, "i": types.int64, "d": types.float64, "p": types.intp}
_WIDTH = {"c": ir.IntType(8), "i": ir.IntType(32)}
_CTYPES: dict[str, Any] = {"c": ctypes.c_char, "i": ctypes.c_int, "d": ctypes.c_double}


def fortran(module: str, name: str, arguments: str) -> Callable[..., Any]:
    """A Fortran routine that kernels and plain Python can call.

    Parameters
    ----------
    module : str
        ``"scipy.linalg.cython_blas"`` or ``"scipy.linalg.cython_lapack"``.
    name : str
    arguments : str
        One letter an argument: c a character (as its code), i an integer, d a number, p the
        address of an array (``array.ctypes.data``).  The first three are handed over by reference,
        as Fortran wants them.  A last o stands for the integer that the routine leaves there,
        LAPACK's ``info``: it is no argument of the call, but what the call returns.

    Returns
    -------
    callable
    """
    address = get_cython_function_address(module, name)
    routine = Routine(name, address, arguments)
    if COMPILED:
        kinds = [_NUMBA[kind] for kind in routine.inputs]
        template = {"key": routine, "cases": [types.int64(*kinds)]}
        infer_global(routine, types.Function(type(name, (ConcreteTemplate,), template)))
        lower_builtin(routine, *kinds)(_call(name, address, arguments))
    return routine


class Routine:
    """A Fortran routine as Python calls it: slowly, by the same address.

    Its text is its name, so that the digest of what reads it is the same in every process.
    """

    def __init__(self, name: str, address: int, arguments: str) -> None:
        self.__name__, self.arguments, self.inputs = name, arguments, arguments.removesuffix("o")
        prototype = ctypes.CFUNCTYPE(None, *(ctypes.c_void_p for _ in arguments))
        self.function = prototype(address)

    def __call__(self, *values: Any) -> None:
        slots, left = [], ctypes.c_int(0)
        for kind, value in zip(self.inputs, values, strict=True):
            if kind == "p":
                slots.append(ctypes.c_void_p(int(value)))
            else:
                value = bytes([value]) if kind == "c" else value
                slots.append(ctypes.byref(_CTYPES[kind](value)))
        if self.inputs != self.arguments:
            slots.append(ctypes.byref(left))
        self.function(*(ctypes.cast(slot, ctypes.c_void_p) for slot in slots))
        return left.value

    def __repr__(self) -> str:
        return f"<Fortran {self.__name__}({self.arguments})>"


def _call(name: str, address: int, arguments: str) -> Any:
    """How kernels call it."""
    symbol = f"fastpiggy_{name}"
    binding.add_symbol(symbol, address)
    inputs = arguments.removesuffix("o")

    def lowered(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        slots = []
        for kind, value in zip(inputs, values, strict=True):
            if kind == "p":
                slots.append(builder.inttoptr(value, ir.IntType(8).as_pointer()))
            else:
                narrow = value if kind == "d" else builder.trunc(value, _WIDTH[kind])
                slots.append(cgutils.alloca_once_value(builder, narrow))
        left = cgutils.alloca_once_value(builder, ir.Constant(_WIDTH["i"], 0))
        if inputs != arguments:
            slots.append(left)
        kind = ir.FunctionType(ir.VoidType(), [slot.type for slot in slots])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, symbol), slots)
        return builder.sext(builder.load(left), ir.IntType(64))

    return lowered
