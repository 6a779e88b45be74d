"""Operators are typed as Numba types them where fastpiggy is not imported."""

import subprocess
import sys

import pytest

from fastpiggy.compile.flags import COMPILED

TABLE = """
import operator
from itertools import product
from numba import types as t
from numba.core.registry import cpu_target
if {ours}:
    import fastpiggy.compile
context = cpu_target.typing_context
context.refresh()
kinds = [t.int64, t.int32, t.float64, t.float32, t.boolean, t.complex128,
         t.IntegerLiteral(3), t.Array(t.float64, 1, "C")]
for name in dir(operator):
    if name.startswith("_"):
        continue
    operation = getattr(operator, name)
    for count in (1, 2):
        for args in product(kinds, repeat=count):
            try:
                print(name, args, context.resolve_function_type(operation, args, {{}}))
            except Exception:
                print(name, args, "refused")
"""


@pytest.mark.skipif(not COMPILED, reason="without a compiler nothing is typed")
def test_operators_have_the_signatures_that_numba_gives_them():
    tables = [
        subprocess.run(
            [sys.executable, "-c", TABLE.format(ours=ours)],
            capture_output=True, text=True, check=True,
        ).stdout.splitlines()
        for ours in (False, True)
    ]  # fmt: skip
    assert len(tables[0]) > 2000
    assert tables[0] == tables[1]
