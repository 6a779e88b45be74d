"""Indexing arrays by integers, typed at once.

Before Numba comes to arrays it asks some thirty overloads of ``x[i]``, twice each, for every access
in every kernel: a fifth of a cold start.  Templates made for the target "cpu" are asked first.
These two answer as Numba's own do, and only for an array and an integer.

When it lowers one, Numba asks how what is indexed becomes an array, for types that are like arrays.
That arrays stay what they are it finds out by reading all its registries again.
"""

import operator
from typing import Any, ClassVar

from numba.core import types
from numba.core.imputils import lower_builtin
from numba.core.typing.arraydecl import GetItemBuffer, SetItemBuffer
from numba.core.typing.templates import infer_global


def _is_plain(args: Any) -> bool:
    return isinstance(args[0], types.Array) and isinstance(args[1], types.Integer)


@infer_global(operator.getitem)
class _Read(GetItemBuffer):
    metadata: ClassVar[dict[str, Any]] = {"target": "cpu"}

    def generic(self, args: Any, kws: Any) -> Any:
        return super().generic(args, kws) if _is_plain(args) else None


@infer_global(operator.setitem)
class _Write(SetItemBuffer):
    metadata: ClassVar[dict[str, Any]] = {"target": "cpu"}

    def generic(self, args: Any, kws: Any) -> Any:
        return super().generic(args, kws) if _is_plain(args) else None


@lower_builtin("__array__", types.Array)
def _as_it_is(context: Any, builder: Any, signature: Any, pointers: Any) -> Any:
    return pointers[0]
