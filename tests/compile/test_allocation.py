"""Kernels that count no references, and what in them makes arrays all the same."""

import sys

import numpy as np
import pytest
from numba.core.errors import NumbaError

from fastpiggy.compile import kernel
from fastpiggy.compile.flags import COMPILED


@kernel
def spread(x, out):
    for i in range(x.shape[0]):
        row = x[i]
        for j in range(row.size):
            out[i] += row[j]


@kernel
def doubled(x, out):
    y = np.empty(x.size)
    for i in range(x.size):
        y[i] = 2.0 * x[i]
    for i in range(x.size):
        out[i] = y[i]


def test_arrays_and_their_views_keep_their_owners():
    x, out = np.arange(6.0).reshape(2, 3), np.zeros(2)
    before = sys.getrefcount(x), sys.getrefcount(out)
    for _ in range(3):
        spread(x, out)
    np.testing.assert_array_equal(out, [9.0, 36.0])
    assert (sys.getrefcount(x), sys.getrefcount(out)) == before


def test_a_callee_that_makes_an_array_is_compiled_with_counts():
    x, out = np.arange(3.0), np.zeros(3)
    doubled(x, out)
    np.testing.assert_array_equal(out, [0.0, 2.0, 4.0])


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
def test_what_cannot_be_compiled_at_all_says_so():
    @kernel
    def wrong(x):
        return x.no_such_thing

    with pytest.raises(NumbaError, match="no_such_thing"):
        wrong(np.zeros(1))
