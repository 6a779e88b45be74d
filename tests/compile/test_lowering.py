"""Indices, ranges and choices in code that makes no array: what plain Python computes."""

import numpy as np
import pytest

from fastpiggy.compile import kernel


@kernel
def read(x, i, out):
    """Elements by a variable, a constant, from the front and from the end."""
    out[0], out[1], out[2], out[3] = x[i], x[-i - 1], x[2], x[-2]


@kernel
def write(x, i, value):
    x[i] = value
    x[-1] = value
    x[1] += value
    x[-i - 2] *= 2


@kernel
def rows(A, i, out):
    """Rows and columns by a variable and by a constant, as views that can be written."""
    first, last, column = A[i], A[-1], A[:, 1]
    for j in range(first.size):
        out[j] = first[j] - 2 * last[j]
    for j in range(column.size):
        out[j] += column[j] * first.shape[0]
    first[0], last[1] = 7.0, -7.0


@kernel
def count(a, b, step, out):
    """What ranges run over, whatever their direction, empty ones included; one of them twice."""
    n, again = 0, range(a, b)
    for i in range(b):
        n += 1 + i
    out[0] = n
    for i in again:
        for j in range(i, b):
            out[1] += i * j
    for i in again:
        out[2] += i
    for i in range(b, a, -1):
        out[3] = 3 * out[3] + i
    for i in range(a, b, step):
        out[4] = 3 * out[4] + i
    for i in range(0, b - 1, 2):
        if i == 4:
            break
        out[5] += i
    for k, i in enumerate(range(a, b)):
        out[6] += k * i


@kernel
def choose(x, y, k, out):
    out[0], out[1], out[2], out[3] = max(x, y), min(x, y), max(x, k), min(k, y)
    out[4], out[5], out[6] = max(x, y, 0.5), max(k, 2), min(k, k - 1)


def both(function, make):
    """What a kernel and its Python source leave in the same arguments."""
    compiled, plain = make(), make()
    function(*compiled)
    getattr(function, "py_func", function)(*plain)
    for ours, theirs in zip(compiled, plain, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@kernel
def read_forward(x, i, out):
    out[0], out[1] = x[i], x[i + i]


@pytest.mark.parametrize("kind", [int, np.int32])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, bool])
def test_elements_are_read_from_both_ends(kind, dtype):
    x = np.arange(6) % 4 > 1 if dtype is bool else np.arange(6).astype(dtype) + 1
    both(read, lambda: (x, kind(3), np.zeros(4)))


def test_unsigned_indices_count_from_the_front():
    both(read_forward, lambda: (np.arange(6.0), np.uint8(2), np.zeros(2)))


def test_strided_elements_are_read_and_written():
    both(read, lambda: (np.arange(12.0)[::2], 1, np.zeros(4)))
    both(write, lambda: (np.arange(12.0)[::-2], 1, 3))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_elements_are_written_with_the_type_of_the_array(dtype):
    both(write, lambda: (np.arange(5).astype(dtype), 2, 3))
    both(write, lambda: (np.arange(5).astype(dtype), 2, 2.75))


@pytest.mark.parametrize("order", ["C", "F", "A"])
def test_rows_are_views(order):
    def make():
        big = np.random.default_rng(0).standard_normal((8, 8))
        A = big[::2, ::2] if order == "A" else np.array(big[:4, :4], order=order)
        return A, 1, np.zeros(4)

    both(rows, make)


@pytest.mark.parametrize(
    "ends", [(0, 5, 2), (2, 9, 3), (3, 3, 1), (5, 2, 1), (-3, 4, 2), (7, 1, -2)]
)
def test_ranges_run_over_what_they_do_in_python(ends):
    both(count, lambda: (*ends, np.zeros(7, dtype=np.int64)))


def test_choices_are_those_of_python():
    values = [0.0, -0.0, 1.5, -2.0, np.nan, np.inf]
    for x in values:
        for y in values:
            both(choose, lambda x=x, y=y: (x, y, 1, np.zeros(7)))
