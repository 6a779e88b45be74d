"""How code that makes no array becomes instructions: with few of them.

Numba spends thirty instructions on ``x[i]``, seventy on a row ``R[i]`` and a hundred on a loop over
a range, and LLVM takes most of them away again.  Here are the common cases with what is left in the
end: plain indices of arrays of numbers, and loops in steps of one.  Every other case is Numba's
own.
"""

from typing import Any

from numba.core import cgutils, ir, types
from numba.core.ir_utils import get_definition, guard
from numba.core.lowering import Lower

_RANGE, _WALK = types.range_state64_type, types.range_iter64_type


class Plain(Lower):
    """Lowering without references to count: a variable that has served is left as it is."""

    def delvar(self, name: str) -> None:
        pass

    def lower_inst(self, inst: Any) -> Any:
        if isinstance(inst, ir.StaticSetItem) and self._is_array(inst.target):
            # Numba asks first whether arrays have constant indices of their own, at length.
            return self.lower_setitem(
                inst.target, inst.index_var, inst.value, self.fndesc.calltypes[inst]
            )
        return super().lower_inst(inst)

    def lower_expr(self, resty: Any, expr: Any) -> Any:
        if expr.op == "static_getitem" and expr.index_var and self._is_array(expr.value):
            calltype = self.fndesc.calltypes[expr]
            return self.lower_getitem(resty, expr, expr.value, expr.index_var, calltype)
        if expr.op == "getiter" and self._is_unit_range(expr.value):
            return self._begin(self.loadvar(expr.value.name))
        if expr.op == "iternext" and self.typeof(expr.value.name) == _WALK:
            return self._next(self.loadvar(expr.value.name), resty)
        if expr.op in ("pair_first", "pair_second"):
            pair = self.loadvar(expr.value.name)
            return self.builder.extract_value(pair, int(expr.op == "pair_second"))
        return super().lower_expr(resty, expr)

    def lower_getitem(self, resty: Any, expr: Any, value: Any, index: Any, signature: Any) -> Any:
        array = self.typeof(value.name)
        if not (self._is_array(value) and array.ndim <= 2 and self._is_integer(index)):
            return super().lower_getitem(resty, expr, value, index, signature)
        array_, position = self.loadvar(value.name), self._position(value, index)
        if array.ndim == 2:
            row = self._row(array, array_, position, signature.return_type)
            return self.context.cast(self.builder, row, signature.return_type, resty)
        item = self.context.unpack_value(
            self.builder, array.dtype, self._address(array, array_, position)
        )
        return self.context.cast(self.builder, item, array.dtype, resty)

    def lower_setitem(self, target: Any, index: Any, value: Any, signature: Any) -> Any:
        array, kind = self.typeof(target.name), self.typeof(value.name)
        plain = self._is_array(target) and array.ndim == 1 and self._is_integer(index)
        if not plain or not isinstance(kind, types.Number | types.Boolean):
            return super().lower_setitem(target, index, value, signature)
        place = self._address(array, self.loadvar(target.name), self._position(target, index))
        item = self.context.cast(self.builder, self.loadvar(value.name), kind, array.dtype)
        return self.context.pack_value(self.builder, array.dtype, item, place)

    def _is_array(self, variable: Any) -> bool:
        kind = self.typeof(variable.name)
        return (
            isinstance(kind, types.Array)
            and kind.aligned
            and isinstance(kind.dtype, types.Number | types.Boolean)
            and not self.context.enable_boundscheck
        )

    def _is_integer(self, variable: Any) -> bool:
        return isinstance(self.typeof(variable.name), types.Integer)

    def _is_unit_range(self, variable: Any) -> bool:
        if self.typeof(variable.name) != _RANGE:
            return False
        made = guard(get_definition, self.func_ir, variable)
        called = isinstance(made, ir.Expr) and made.op == "call" and not made.vararg
        return called and len(made.args) < 3

    def _begin(self, value: Any) -> Any:
        """The iterator of a range in steps of one: as many are left as lie between its ends."""
        builder = self.builder
        start, stop = (self._part(_RANGE, value, name) for name in ("start", "stop"))
        walk = self.context.get_constant_null(_WALK)
        for name, part in (
            ("iter", cgutils.alloca_once_value(builder, start)),
            ("stop", stop),
            ("step", start.type(1)),
            ("count", cgutils.alloca_once_value(builder, builder.sub(stop, start))),
        ):
            walk = self._with(_WALK, walk, name, part)
        return walk

    def _next(self, walk: Any, pair: Any) -> Any:
        builder = self.builder
        place, left = (self._part(_WALK, walk, name) for name in ("iter", "count"))
        value, count = builder.load(place), builder.load(left)
        builder.store(builder.add(value, self._part(_WALK, walk, "step")), place)
        builder.store(builder.sub(count, count.type(1), flags=["nsw"]), left)
        out = self.context.get_constant_null(pair)
        out = self._with(pair, out, "first", value)
        return self._with(pair, out, "second", builder.icmp_signed(">", count, count.type(0)))

    def _with(self, kind: Any, value: Any, name: str, part: Any, *inner: int) -> Any:
        position = self.context.data_model_manager[kind].get_field_position(name)
        return self.builder.insert_value(value, part, (position, *inner))

    def _part(self, kind: Any, value: Any, name: str, *inner: int) -> Any:
        position = self.context.data_model_manager[kind].get_field_position(name)
        return self.builder.extract_value(value, (position, *inner))

    def _position(self, array: Any, index: Any) -> Any:
        """The index, counted from the end where it is negative."""
        builder, kind = self.builder, self.typeof(index.name)
        known = getattr(kind, "literal_value", None)
        i = self.context.cast(builder, self.loadvar(index.name), kind, types.intp)
        if not kind.signed or (known is not None and known >= 0):
            return i
        size = self._part(self.typeof(array.name), self.loadvar(array.name), "shape", 0)
        return builder.select(builder.icmp_signed("<", i, i.type(0)), builder.add(i, size), i)

    def _address(self, array: Any, value: Any, position: Any) -> Any:
        data = self._part(array, value, "data")
        if array.layout == "C" or (array.ndim == 1 and array.layout == "F"):
            for axis in range(1, array.ndim):
                position = self.builder.mul(position, self._part(array, value, "shape", axis))
            return self.builder.gep(data, [position])
        offset = self.builder.mul(position, self._part(array, value, "strides", 0))
        return cgutils.pointer_add(self.builder, data, offset)

    def _row(self, array: Any, value: Any, position: Any, row: Any) -> Any:
        """``R[i]``, which nobody owns, as nobody can hand it out."""
        size, stride = (self._part(array, value, name, 1) for name in ("shape", "strides"))
        out = self.context.get_constant_null(row)
        for name, part, inner in (
            ("nitems", size, ()),
            ("itemsize", self._part(array, value, "itemsize"), ()),
            ("data", self._address(array, value, position), ()),
            ("shape", size, (0,)),
            ("strides", stride, (0,)),
        ):
            out = self._with(row, out, name, part, *inner)
        return out
