"""Records: named tuples whose methods compiled code can call."""

import inspect
from collections.abc import Callable
from numbers import Real
from typing import Any, TypeVar, get_type_hints

import numpy as np
from numba import types
from numba.core.typing.typeof import typeof_impl
from numba.extending import typeof_impl as _public_typeof
from numba.np import numpy_support

from fastpiggy.compile.digest import digest_of, package_digest
from fastpiggy.compile.protocol import is_required, methods
from fastpiggy.compile.record_type import RecordType, register_class

Cls = TypeVar("Cls", bound=type)

assert typeof_impl is _public_typeof


def record(role: type) -> Callable[[Cls], Cls]:
    """Admit a ``NamedTuple`` to compiled code under a protocol.

    Parameters
    ----------
    role : type
        A class decorated with :func:`fastpiggy.compile.protocol`, such as
        :class:`fastpiggy.penalties.CoordinatePenalty`.

    Returns
    -------
    callable
        Decorator that checks the class, gives it the protocol's default methods, and returns it.

    Raises
    ------
    TypeError
        If the class is no ``NamedTuple``, lacks a required method, or names a method's arguments
        differently from the protocol.

    Examples
    --------
    >>> from typing import NamedTuple
    >>> from fastpiggy.compile import record
    >>> from fastpiggy.penalties import CoordinatePenalty
    >>> @record(CoordinatePenalty)
    ... class Nothing(NamedTuple):
    ...     alpha: float
    ...
    ...     def value(self, j, x):
    ...         return 0.0
    ...
    ...     def prox(self, j, u, step):
    ...         return u
    ...
    ...     def prox_tangent(self, j, u, step, z, du, d, k, q):
    ...         return du
    >>> Nothing(1.0).prox(0, 3.0, 1.0)
    3.0
    """

    def admit(cls: Cls) -> Cls:
        _check(cls, role)
        for name, default in methods(role).items():
            if name not in vars(cls):
                setattr(cls, name, default)
        cls._role = role
        typeof_impl.register(cls)(_typing(cls, role))
        return cls

    return admit


def _check(cls: type, role: type) -> None:
    if not (isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields")):
        raise TypeError(f"a record must be a typing.NamedTuple with methods, got {cls!r}")
    for name, declared in methods(role).items():
        wanted = list(inspect.signature(declared).parameters)
        if name in vars(cls):
            given = list(inspect.signature(vars(cls)[name]).parameters)
            if given != wanted:
                raise TypeError(
                    f"{cls.__name__}.{name}({', '.join(given)}) must be declared as "
                    f"{role.__name__} has it: {name}({', '.join(wanted)})"
                )
        elif is_required(declared):
            raise TypeError(
                f"{cls.__name__} must define {name}({', '.join(wanted)}) to be a {role.__name__}: "
                f"{inspect.getdoc(declared)}"
            )


def _typing(cls: Any, role: type) -> Callable[[Any, Any], RecordType]:
    """Make the function that gives an instance its Numba type, digest included."""
    hints = None
    digest = None

    def typeof(value: Any, context: Any) -> RecordType:
        # At first use, not at decoration: a helper may be defined below the class.
        nonlocal digest, hints
        if digest is None:
            hints = get_type_hints(cls)
            functions = [vars(cls)[name] for name in methods(role)]
            parts = [role.__name__, cls.__name__, list(cls._fields), functions, package_digest()]
            digest = digest_of(parts)
            register_class(digest, cls)
        fields = tuple(
            _field(item, hints.get(name), context)
            for name, item in zip(cls._fields, value, strict=True)
        )
        return role._type(cls.__name__, digest, cls._fields, fields)

    return typeof


def _field(value: Any, hint: Any, context: Any) -> types.Type:
    if isinstance(value, np.ndarray):
        # Writeable or not is no difference to kernels that only read: one compilation for both.
        layout = "C" if value.flags.c_contiguous else "F" if value.flags.f_contiguous else "A"
        return types.Array(numpy_support.from_dtype(value.dtype), value.ndim, layout)
    # A direction has an array where the parameter has a number, so the value is looked at too.
    if hint is float and isinstance(value, Real):
        return types.float64
    if hint is int and isinstance(value, int | np.integer):
        return types.int64
    return typeof_impl(value, context)
