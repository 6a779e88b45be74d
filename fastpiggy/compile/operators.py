"""Operators on numbers, and indices of arrays, typed and lowered at once.

Before Numba comes to arrays it asks some thirty overloads of ``x[i]``, twice each, for every access
in every kernel: a fifth of a cold start.  Before it comes to numbers it asks several of ``x + y``,
and it compiles a function for each pair of types of ``max(x, y)``.  Templates made for the target
"cpu" are asked first.  These answer as Numba's own do, and only for numbers, or an array and an
integer.
"""

import operator
from typing import Any, ClassVar

from numba.core import types
from numba.core.imputils import lower_builtin
from numba.core.typing import signature
from numba.core.typing.arraydecl import GetItemBuffer, SetItemBuffer
from numba.core.typing.templates import (
    AbstractTemplate,
    ConcreteTemplate,
    builtin_registry,
    infer_global,
)

_FIRST: dict[str, Any] = {"target": "cpu"}


def _is_plain(args: Any) -> bool:
    return isinstance(args[0], types.Array) and isinstance(args[1], types.Integer)


@infer_global(operator.getitem)
class _Read(GetItemBuffer):
    metadata: ClassVar[dict[str, Any]] = _FIRST

    def generic(self, args: Any, kws: Any) -> Any:
        return super().generic(args, kws) if _is_plain(args) else None


@infer_global(operator.setitem)
class _Write(SetItemBuffer):
    metadata: ClassVar[dict[str, Any]] = _FIRST

    def generic(self, args: Any, kws: Any) -> Any:
        return super().generic(args, kws) if _is_plain(args) else None


@lower_builtin("__array__", types.Array)
def _as_it_is(context: Any, builder: Any, signature: Any, pointers: Any) -> Any:
    """How what is indexed becomes an array, for types that are like arrays.

    That arrays stay what they are, Numba finds out by reading all its registries again.
    """
    return pointers[0]


def _pick(operation: Any) -> Any:
    """How the larger or the smaller of two numbers is lowered: as Python has it, NaN included."""

    def lowered(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        first, second = args
        kind = signature(types.boolean, *sig.args)
        beyond = context.get_function(operation, kind)(builder, (second, first))
        return builder.select(beyond, second, first)

    return lowered


class _OfTwo(AbstractTemplate):
    metadata: ClassVar[dict[str, Any]] = _FIRST

    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) != 2 or not all(isinstance(kind, types.Number) for kind in args):
            return None
        kind = self.context.unify_types(*args)
        return None if kind is None else signature(kind, kind, kind)


for _choice, _operation in ((max, operator.gt), (min, operator.lt)):
    infer_global(_choice)(type("_OfTwo", (_OfTwo,), {}))
    lower_builtin(_choice, types.Number, types.Number)(_pick(_operation))


class _OfNumbers(ConcreteTemplate):
    """A list of signatures, asked for numbers only."""

    metadata: ClassVar[dict[str, Any]] = _FIRST

    def apply(self, args: Any, kws: Any) -> Any:
        if not all(isinstance(kind, types.Number | types.Boolean) for kind in args):
            return None
        exact = (case for case in self.cases if case.args == args)
        return next(exact, None) or super().apply(args, kws)


def _lists() -> list[tuple[Any, Any]]:
    """Python's operators, and Numba's list of the signatures of each.

    All but == and !=, which Numba answers otherwise where both sides are literals.
    """
    return [
        (operation, template)
        for operation, kind in builtin_registry.globals
        if getattr(operation, "__module__", "") == "_operator"
        and operation not in (operator.eq, operator.ne)
        for template in kind.templates
        if issubclass(template, ConcreteTemplate)
    ]


for _operation, _list in _lists():
    infer_global(_operation)(type("_OfNumbers", (_OfNumbers, _list), {}))
