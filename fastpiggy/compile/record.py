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

from fastpiggy.compile.digest import Reads, digest_and_reads, package_digest, unchanged
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
        _typings[cls] = _Typing(cls, role)
        return cls

    return admit


def roles(value: Any) -> tuple[str, ...]:
    """Names of the protocols that a record's class follows, the most special first.

    Examples
    --------
    >>> from fastpiggy.compile import roles
    >>> from fastpiggy.penalties import L1
    >>> roles(L1)
    ('CoordinatePenalty', 'BlockPenalty', 'Penalty')
    """
    role = getattr(value, "_role", None)
    if role is None:
        return ()
    cls = value if isinstance(value, type) else type(value)
    if cls not in _typings and "_role" in vars(cls):
        # A class that came by value from another process, with no decorator run here.
        _typings[cls] = _Typing(cls, role)
    if cls in _typings:
        _typings[cls].renew()
    return tuple(base.__name__ for base in role.__mro__ if "_type" in vars(base))


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


class _Typing:
    """Gives the instances of one class their Numba type, digest included."""

    def __init__(self, cls: Any, role: Any) -> None:
        self.cls, self.role, self.name = cls, role, cls.__name__
        #: Hints of the fields, digest, and what the digest rests on; None before first use.
        self.known: tuple[dict[str, Any], str, Reads] | None = None
        self.tell_apart()
        typeof_impl.register(cls)(self)

    def __call__(self, value: Any, context: Any) -> RecordType:
        self.renew()
        hints, digest, _ = self.known or self.learn()
        types_ = tuple(
            _field(item, hints.get(name), context)
            for name, item in zip(self.cls._fields, value, strict=True)
        )
        return self.role._type(self.name, digest, self.cls._fields, types_)

    def learn(self) -> tuple[dict[str, Any], str, Reads]:
        """At first use, not at decoration: a helper may be defined below the class."""
        functions = [vars(self.cls)[name] for name in methods(self.role)]
        fields = list(self.cls._fields)
        parts = [self.role.__name__, self.name, fields, functions, package_digest()]
        digest, reads = digest_and_reads(parts)
        register_class(digest, self.cls)
        # In one assignment, at the end: other threads see all of it or nothing.
        self.known = known = _hints(self.cls), digest, reads
        return known

    def renew(self) -> None:
        """Forget the type where what the methods read was defined anew, as in a notebook."""
        known = self.known
        if known is not None and not unchanged(known[2]):
            self.known = None
            self.tell_apart()

    def tell_apart(self) -> None:
        """Make the class's name unique.

        Numba's dispatcher remembers named tuples by the name of their class and their fields, and
        would run the first one's code for all.
        """
        count = _uses[self.name] = _uses.get(self.name, 0) + 1
        if count > 1:
            if self.cls.__name__ == self.name:
                name, shown = self.name, self.cls.__repr__
                self.cls.__repr__ = lambda this: shown(this).replace(type(this).__name__, name, 1)
            self.cls.__name__ = f"{self.name}#{count}"


_typings: dict[type, _Typing] = {}
_uses: dict[str, int] = {}


def _hints(cls: type) -> dict[str, Any]:
    try:
        return get_type_hints(cls)
    except NameError:
        # Written as text and not to be found from here: then values say what they are.
        return {}


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
