"""Records: what is refused, what is copied, and what their types and digests tell apart."""

import pickle
import sys
import types
from typing import NamedTuple

import numba
import numpy as np
import pytest

from fastpiggy.algorithms.composite import penalty_value
from fastpiggy.compile import kind, prepared, record, roles
from fastpiggy.compile.digest import digest_of
from fastpiggy.designs import matrix
from fastpiggy.penalties import L1, CoordinatePenalty

CELL = """
from typing import NamedTuple
from fastpiggy.compile import record
from fastpiggy.penalties import CoordinatePenalty

@record(CoordinatePenalty)
class Cell(NamedTuple):
    alpha: float

    def value(self, j, x):
        return {factor} * self.alpha * abs(x)

    def prox(self, j, u, step):
        return u

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        return du
"""


@record(CoordinatePenalty)
class Scaled(NamedTuple):
    """Has a field of each hint."""

    alpha: float
    times: int
    weights: np.ndarray

    def value(self, j, x):
        return self.alpha * self.times * self.weights[j] * abs(x)

    def prox(self, j, u, step):
        return u

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        return du


def run_cell(source, name="Cell"):
    module = types.ModuleType("a_notebook")
    sys.modules[module.__name__] = module  # where get_type_hints looks
    exec(source, module.__dict__)
    return module.__dict__[name]


def functions(source, **others):
    """The functions of a source, with `others` among its globals."""
    space = dict(others)
    exec(source, space)
    return space["f"]


# What is refused


def test_a_class_that_is_no_named_tuple_is_refused():
    class Plain:
        pass

    with pytest.raises(TypeError, match=r"must be a typing\.NamedTuple with methods, got .*Plain"):
        record(CoordinatePenalty)(Plain)
    with pytest.raises(TypeError, match=r"must be a typing\.NamedTuple"):
        record(CoordinatePenalty)(lambda x: x)


def test_a_missing_method_is_named_with_its_arguments_and_meaning():
    class Half(NamedTuple):
        alpha: float

        def value(self, j, x):
            return 0.0

    with pytest.raises(TypeError, match=r"Half must define prox\(self, j, u, step\).*argmin_z"):
        record(CoordinatePenalty)(Half)


def test_wrong_argument_names_are_shown_next_to_the_right_ones():
    class Odd(NamedTuple):
        alpha: float

        def value(self, coordinate, x):
            return 0.0

        def prox(self, j, u, step):
            return u

        def prox_tangent(self, j, u, step, z, du, d, k, q):
            return du

    message = (
        r"Odd\.value\(self, coordinate, x\) must be declared as CoordinatePenalty has it: "
        r"value\(self, j, x\)"
    )
    with pytest.raises(TypeError, match=message):
        record(CoordinatePenalty)(Odd)


def test_arguments_of_an_overridden_default_are_checked_too():
    class Odd(Scaled):
        def flat(self, j, u):
            return False

    with pytest.raises(TypeError, match=r"Odd\.flat\(self, j, u\) must be declared"):
        record(CoordinatePenalty)(Odd)


# What is given


def test_roles_go_from_the_most_special_to_the_most_general():
    wanted = ("CoordinatePenalty", "BlockPenalty", "Penalty")
    assert roles(Scaled) == wanted
    assert roles(Scaled(1.0, 1, np.ones(1))) == wanted
    assert roles(1.0) == () and roles(tuple) == ()


def test_default_methods_are_copied_and_own_ones_kept():
    for name in ("flat", "blocks", "block", "prox_block", "value_all", "prox_all", "member"):
        assert vars(Scaled)[name] is getattr(CoordinatePenalty, name)
    assert Scaled.value is not CoordinatePenalty.value
    assert L1.flat is not CoordinatePenalty.flat
    weights = np.array([1.0, 2.0])
    assert Scaled(2.0, 3, weights).value_all(np.array([-1.0, 1.0])) == 18.0


def test_records_and_their_types_survive_pickling():
    penalty = L1(0.5, np.array([1.0, 2.0]))
    again = pickle.loads(pickle.dumps(penalty))
    assert type(again) is L1 and again.alpha == 0.5
    np.testing.assert_array_equal(again.weights, penalty.weights)
    kind = numba.typeof(penalty)
    assert pickle.loads(pickle.dumps(kind)) == kind
    assert pickle.loads(pickle.dumps(kind)).instance_class is L1


def test_a_pickled_type_does_not_need_the_class():
    dumped = pickle.dumps(numba.typeof(run_cell(CELL.format(factor=1.0))(1.0)))
    assert b"a_notebook" not in dumped


# Digests

ONE = "def f(x):\n    return x * 2.0\n"


def test_identical_sources_have_one_digest():
    assert digest_of([functions(ONE)]) == digest_of([functions("\n\n" + ONE)])


def test_a_constant_changes_the_digest():
    assert digest_of([functions(ONE)]) != digest_of([functions(ONE.replace("2.0", "3.0"))])
    assert digest_of([functions(ONE)]) != digest_of([functions(ONE.replace("2.0", "2"))])


def test_an_operator_and_a_method_name_change_the_digest():
    sources = ["x * 2.0", "x + 2.0", "x.real", "x.imag", "x[0]"]
    found = {digest_of([functions(f"def f(x):\n    return {text}\n")]) for text in sources}
    assert len(found) == len(sources)


def test_a_constant_of_an_inner_function_changes_the_digest():
    source = "def f(x):\n    def inner(y):\n        return y * {}\n    return inner(x)\n"
    assert digest_of([functions(source.format(1))]) != digest_of([functions(source.format(2))])


@pytest.mark.parametrize("compiled", [False, True])
def test_a_global_helper_of_another_module_changes_the_digest(compiled):
    def digest(factor):
        helper = functions(f"def f(x):\n    return x * {factor}\n")
        helper = numba.njit(helper) if compiled else helper
        return digest_of([functions("def f(x):\n    return shrink(x)\n", shrink=helper)])

    assert digest(2.0) == digest(2.0) != digest(3.0)


def test_a_helper_of_a_helper_changes_the_digest():
    def digest(factor):
        last = functions(f"def f(x):\n    return x * {factor}\n")
        middle = functions("def f(x):\n    return last(x)\n", last=last)
        return digest_of([functions("def f(x):\n    return middle(x)\n", middle=middle)])

    assert digest(2.0) == digest(2.0) != digest(3.0)


def test_a_helper_read_through_its_module_changes_the_digest():
    def digest(factor):
        module = types.ModuleType("of_a_user")
        exec(f"def shrink(x):\n    return x * {factor}\n", module.__dict__)
        return digest_of([functions("def f(x):\n    return lib.shrink(x)\n", lib=module)])

    assert digest(2.0) == digest(2.0) != digest(3.0)


def test_a_closure_changes_the_digest():
    def scaled(factor):
        return lambda x: x * factor

    assert digest_of([scaled(2.0)]) == digest_of([scaled(2.0)]) != digest_of([scaled(3.0)])


def test_a_default_argument_changes_the_digest():
    for star in ("", "*, "):
        one, same, other = (
            digest_of([functions(f"def f(x, {star}c={c}):\n    return x * c\n")]) for c in (1, 1, 2)
        )
        assert one == same != other


def test_an_array_global_changes_the_digest():
    def digest(table):
        return digest_of([functions("def f(j):\n    return table[j]\n", table=table)])

    table = np.arange(6.0)
    assert digest(table) == digest(table.copy()) != digest(table + 1.0)
    assert digest(table) != digest(table.astype(np.float32))
    assert digest(table) != digest(table.reshape(2, 3))


def test_recursion_ends():
    source = "def f(x):\n    return f(x - 1) if x > {} else x\n"
    assert digest_of([functions(source.format(0))]) == digest_of([functions(source.format(0))])
    assert digest_of([functions(source.format(0))]) != digest_of([functions(source.format(1))])


# Types


def test_numbers_of_any_kind_for_a_float_give_one_type():
    weights = np.ones(2)
    wanted = numba.typeof(Scaled(1.0, 1, weights))
    for alpha in (1, True, np.float64(1.0), np.float32(1.0), np.int64(1)):
        assert numba.typeof(Scaled(alpha, 1, weights)) == wanted
    for times in (2, np.int32(1), np.int64(1)):
        assert numba.typeof(Scaled(1.0, times, weights)) == wanted


def test_an_array_for_a_float_is_another_type():
    weights = np.ones(2)
    direction = Scaled(np.ones(3), 1, np.ones((3, 2)))
    assert numba.typeof(direction) != numba.typeof(Scaled(1.0, 1, weights))
    assert numba.typeof(direction).types[0] == numba.float64[::1]


@pytest.mark.compiled
def test_read_only_and_writable_arrays_share_one_compilation():
    x = np.array([1.0, -2.0])
    frozen = np.array([1.0, 3.0])
    frozen.setflags(write=False)
    before = len(penalty_value.signatures)
    assert penalty_value(Scaled(2.0, 1, np.array([1.0, 3.0])), x) == 14.0
    assert penalty_value(Scaled(2, np.int64(1), frozen), x) == 14.0
    assert len(penalty_value.signatures) == before + 1


@pytest.mark.compiled
def test_a_cell_run_again_with_another_body_runs_its_own_code():
    first = run_cell(CELL.format(factor=2.0))
    second = run_cell(CELL.format(factor=3.0))
    x = np.array([1.0, -1.0])
    # Shown alike, though Numba must know them by different names.
    assert repr(first(1.0)) == repr(second(1.0)) == "Cell(alpha=1.0)"
    assert first.__name__ != second.__name__
    assert penalty_value(first(1.0), x) == 4.0
    assert penalty_value(second(1.0), x) == 6.0
    assert penalty_value(first(1.0), x) == 4.0
    # So do those whose code was looked up before, which is kept under their kinds.
    assert kind(first(1.0)) != kind(second(1.0)) == kind(second(2.0))
    codes = {kind(it): prepared(penalty_value, it, x) for it in (first(1.0), second(1.0))}
    assert codes[kind(first(2.0))](first(2.0), x) == 8.0
    assert codes[kind(second(2.0))](second(2.0), x) == 12.0
    compiled = len(penalty_value.signatures)
    same = run_cell(CELL.format(factor=3.0))
    assert penalty_value(same(2.0), x) == 12.0
    assert len(penalty_value.signatures) == compiled


@pytest.mark.compiled
def test_kinds_tell_storages_apart():
    X = np.ones((3, 2))
    single = X.astype(np.float32)
    stored = [X, np.asfortranarray(X), single, np.asfortranarray(single), X[:, :1].copy()]
    kinds = [kind(matrix.as_design(it)) for it in stored]
    kinds += [kind(L1(1.0, np.ones(2))), kind(L1(1.0, np.ones((2, 2))))]
    assert len(set(kinds)) == len(kinds)
    assert kind(matrix.as_design(np.zeros((5, 7)))) == kinds[0]
