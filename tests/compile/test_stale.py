"""Nothing stale is ever run: what is edited, defined anew or removed, in and between processes."""

import pickle
import shutil

import numba
import pytest

from fastpiggy.penalties import L1

pytestmark = pytest.mark.compiled

IMPORTS = """
from typing import NamedTuple
from fastpiggy.compile import record
from fastpiggy.penalties import CoordinatePenalty
"""
TELL_MINE = "from my import Mine\ntell(penalty_value(Mine(2.0), x))"


def test_an_edited_penalty_of_ones_own(processes, mine):
    for value, wanted, hits in (
        ("self.alpha * abs(x)", 6.0, 0),
        ("self.alpha * x * x", 10.0, 0),
        # Undone, the first one's code is right again.
        ("self.alpha * abs(x)", 6.0, 1),
    ):
        processes.write("my.py", IMPORTS + mine(value))
        found = processes.run(TELL_MINE)
        assert (found.values, found.hits, found.misses) == ([wanted], hits, 1 - hits)


@pytest.mark.parametrize(
    ("how", "call"),
    [("from mylib import grow", "grow(x)"), ("import mylib", "mylib.grow(x)")],
    ids=["by name", "through its module"],
)
def test_an_edited_helper_in_another_file(processes, mine, how, call):
    processes.write("my.py", IMPORTS + mine(f"self.alpha * {call}", how))
    library = "from fastpiggy.compile import helper\n@helper\ndef grow(x):\n    return {} * x * x\n"
    for factor in (1.0, 3.0):
        processes.write("mylib.py", library.format(factor))
        assert processes.run(TELL_MINE).values == [10.0 * factor]


def test_an_edited_callee_in_another_file_of_the_package(processes):
    package = processes.modules.parent / "edited"
    shutil.copytree(
        processes.package / "fastpiggy", package / "fastpiggy",
        ignore=shutil.ignore_patterns("__pycache__"),
    )  # fmt: skip
    processes.package = package
    # Numba looks only at the file of the kernel itself, algorithms/composite.py.
    callee = package / "fastpiggy" / "penalties" / "l1.py"
    code = "tell(penalty_value(L1(2.0, np.ones(2)), x))"
    assert processes.run(code).values == [6.0]
    text = callee.read_text()
    edited = text.replace(
        "return self.alpha * self.weights[j] * abs(x)",
        "return self.alpha * self.weights[j] * x * x",
    )
    assert edited != text
    callee.write_text(edited)
    found = processes.run(code)
    assert (found.values, found.hits) == ([10.0], 0)
    callee.write_text(text)
    assert processes.run(code).values == [6.0]


def test_two_classes_of_one_name(processes, mine):
    """Also where the package has a class of that name, with the same fields."""
    processes.write("one.py", IMPORTS + mine("self.alpha * abs(x)"))
    processes.write("two.py", IMPORTS + mine("self.alpha * x * x"))
    theirs = mine("-self.weights[j]").replace("Mine", "L1")
    theirs = theirs.replace("alpha: float", "alpha: float\n    weights: np.ndarray")
    processes.write("three.py", "import numpy as np" + IMPORTS + theirs)
    code = """
import one, two, three
w = np.ones(2)
values = [penalty_value(g, x) for g in (one.Mine(2.0), two.Mine(2.0), one.Mine(2.0))]
values += [penalty_value(g, x) for g in (three.L1(2.0, w), L1(2.0, w), three.L1(2.0, w))]
tell(*values)
print([one.Mine(2.0), two.Mine(2.0), three.L1(1.0, 0)], file=sys.stderr)
"""
    for order in (code, code.replace("one, two, three", "three, two, one")):
        found = processes.run(order)
        assert found.values == [6.0, 10.0, 6.0, -2.0, 6.0, -2.0]
        # What sets them apart is not shown.
        assert "[Mine(alpha=2.0), Mine(alpha=2.0), L1(alpha=1.0, weights=0)]" in found.errors
    assert found.hits == 4


def test_a_cell_run_again(processes, mine):
    """In one process, and found by the next one whatever order its cells run in."""
    cells = [mine("self.alpha * abs(x)"), mine("self.alpha * x * x")]
    code = """
values = []
for cell in {}:
    exec(cell)
    values.append(penalty_value(Mine(2.0), x))
tell(*values)
"""
    found = processes.run(code.format([*cells, cells[0]]))
    assert (found.values, found.misses) == ([6.0, 10.0, 6.0], 2)
    found = processes.run(code.format(cells[::-1]))
    assert (found.values, found.hits, found.misses) == ([10.0, 6.0], 2, 0)


def test_a_helper_of_another_cell_run_again(processes, mine):
    """Problems ask for the roles of what they are given: then the new helper is seen.

    Whatever is compiled after the change is of the new one, asked or not.
    """
    helper = "from fastpiggy.compile import helper\n@helper\ndef grow(x):\n    return {} * x * x\n"
    define = f"""
from fastpiggy.compile import roles
cell = {helper!r}
exec(cell.format(1.0))
exec({mine("self.alpha * grow(x)")!r})
penalty = Mine(2.0)
"""
    found = processes.run(
        define
        + """
values = [penalty_value(penalty, x)]
exec(cell.format(3.0))
# Backwards is another type of array, which compiles anew.
values += [penalty_value(penalty, x[::-1]), penalty_value(penalty, x)]
exec(cell.format(5.0))
assert roles(penalty)[0] == "CoordinatePenalty"
tell(*values, penalty_value(penalty, x), penalty.value_all(x))
"""
    )
    assert found.values == [10.0, 30.0, 30.0, 50.0, 50.0]
    again = processes.run(define + "tell(penalty_value(penalty, x[::-1]))")
    assert (again.values, again.hits) == ([10.0], 0)
    again = processes.run(define + "tell(penalty_value(penalty, x))")
    assert (again.values, again.hits) == ([10.0], 1)


def test_a_module_that_is_gone(processes, mine):
    """The index of the cache names one user's class; all others must still be found."""
    path = processes.write("my.py", IMPORTS + mine("self.alpha * abs(x)"))
    both = TELL_MINE.replace("tell(", "tell(penalty_value(L1(2.0, np.ones(2)), x), ")
    assert processes.run(both).values == [6.0, 6.0]
    path.unlink()
    found = processes.run("tell(penalty_value(L1(2.0, np.ones(2)), x))")
    assert (found.values, found.hits, found.misses) == ([6.0], 1, 0)
    # The same class may stand elsewhere: what was compiled for it cannot be loaded without its
    # module, and is replaced, while all else stays.
    processes.write("elsewhere.py", IMPORTS + mine("self.alpha * abs(x)"))
    moved = TELL_MINE.replace("from my", "from elsewhere")
    for hits in (0, 1):
        found = processes.run(moved)
        assert (found.values, found.hits) == ([6.0], hits)
    assert processes.run("tell(penalty_value(L1(2.0, np.ones(2)), x))").hits == 1


def test_annotations_that_are_text(processes, mine):
    """``from __future__ import annotations``, with names that cannot be found from outside."""
    source = "from __future__ import annotations\n" + IMPORTS + mine("self.alpha * abs(x)")
    processes.write("my.py", source)
    local = source.replace("alpha: float", "alpha: Number")
    local = local.replace("@record", "Number = float\n@record").split("\n", 1)
    inner = "\n".join(["def make():", *("    " + line for line in local[1].splitlines())])
    processes.write("inner.py", f"{local[0]}\n{inner}\n    return Mine\n")
    found = processes.run(
        "from my import Mine\nimport inner\n"
        "tell(penalty_value(Mine(2), x), penalty_value(inner.make()(2.0), x))"
    )
    assert found.values == [6.0, 6.0]


def test_a_class_that_came_by_value(processes, mine):
    """As from a notebook to its workers: the decorator never ran there."""
    pytest.importorskip("cloudpickle")
    sent = processes.modules / "sent.pickle"
    processes.run(
        f"exec({mine('self.alpha * abs(x)')!r})\n"
        "import cloudpickle\n"
        f"open({str(sent)!r}, 'wb').write(cloudpickle.dumps(Mine(2.0)))\n"
        "tell(penalty_value(Mine(2.0), x))"
    )
    found = processes.run(
        "import pickle\n"
        "from fastpiggy.compile import roles\n"
        f"penalty = pickle.load(open({str(sent)!r}, 'rb'))\n"
        "assert roles(penalty)[0] == 'CoordinatePenalty'\n"
        "tell(penalty_value(penalty, x))"
    )
    assert found.values == [6.0]


def test_two_threads_compile_at_once(processes, mine):
    code = f"""
from concurrent.futures import ThreadPoolExecutor
exec({mine("self.alpha * abs(x)")!r})
with ThreadPoolExecutor(4) as pool:
    tasks = [pool.submit(penalty_value, g, x) for g in (Mine(2.0), L1(2.0, np.ones(2))) * 4]
tell(*(task.result() for task in tasks))
"""
    assert processes.run(code).values == [6.0] * 8


def test_types_pickle_by_value():
    kind = numba.typeof(L1(1.0, [1.0]))
    assert pickle.loads(pickle.dumps(kind)) is kind
    assert b"l1" not in pickle.dumps(kind)
