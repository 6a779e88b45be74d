"""Protocols: what compiled code may call on a record."""

import inspect
from types import FunctionType
from typing import TypeVar

from numba.core.datamodel import models, register_default
from numba.extending import overload_method

from fastpiggy.compile.flags import COMPILED, INNER
from fastpiggy.compile.record_type import RecordType, class_of, register_type

Protocol = TypeVar("Protocol", bound=type)


def protocol(cls: Protocol) -> Protocol:
    """Declare that compiled code may call the methods of this class on any record of its role.

    A method whose body is only a docstring must be written by every record; any other body is the
    default.  Protocols inherit from each other like classes, and a method of a record must name
    its arguments as the protocol does.

    Examples
    --------
    >>> from fastpiggy.compile import protocol
    >>> @protocol
    ... class Shape:
    ...     def area(self, unit):
    ...         "The area."
    ...
    ...     def twice(self, unit):
    ...         return 2 * self.area(unit)
    """
    parent = next((vars(base)["_type"] for base in cls.__mro__[1:] if "_type" in vars(base)), None)
    cls._type = type(f"{cls.__name__}Type", (parent or RecordType,), {"role": cls.__name__})
    register_type(cls._type)
    register_default(cls._type)(models.TupleModel)
    if COMPILED:
        for name in methods(cls):
            if name in vars(cls) and not hasattr(parent, f"calls_{name}"):
                _bind(cls._type, name, inspect.signature(vars(cls)[name]))
    return cls


def methods(role: type) -> dict[str, FunctionType]:
    """The methods that a protocol declares, inherited ones included."""
    members = inspect.getmembers(role, inspect.isfunction)
    return {name: f for name, f in members if not name.startswith("_")}


def is_required(method: FunctionType) -> bool:
    """True where a protocol only describes a method and leaves its body to the record."""
    given, empty = method.__code__, _described.__code__
    return (given.co_code, given.co_consts[1:]) == (empty.co_code, empty.co_consts[1:])


def _described(self):  # type: ignore[no-untyped-def]
    """What the body of a required method looks like."""


def _bind(record_type: type, name: str, signature: inspect.Signature) -> None:
    setattr(record_type, f"calls_{name}", True)

    def implementation(self, *args):  # type: ignore[no-untyped-def]
        return getattr(class_of(self), name)

    # Numba reads the arguments of a method off its typing function.
    implementation.__signature__ = signature  # type: ignore[attr-defined]
    overload_method(record_type, name, jit_options=INNER)(implementation)
