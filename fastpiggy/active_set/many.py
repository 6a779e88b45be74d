"""Many problems of :mod:`fastpiggy.active_set.quadratic` in one compiled loop.

What one solve leaves to Python, the set-up and the reading of the result, costs more than the solve
where problems are small.  Each loop is compiled as a whole, with all that it calls, which takes
long: so there are two, and what the first can do without the second is not compiled twice.
"""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set.cost_model import CHANGES
from fastpiggy.active_set.growth import Quadratic, admit, grow, look
from fastpiggy.active_set.homotopy import follow
from fastpiggy.active_set.quadratic import advance
from fastpiggy.active_set.reading import read, tangents
from fastpiggy.active_set.work import ACTIVE, COLUMNS, LARGEST, SOLVED, VIOLATION, Active, Work
from fastpiggy.compile import helper, kernel
from fastpiggy.compile.address import (
    double_columns,
    double_rows,
    doubles,
    integers,
    remade,
    single_columns,
)

#: How a matrix is stored, the columns of ``Batch.problems``, and those of ``Outcome.numbers``.
COLUMNS_64, ROWS_64, COLUMNS_32, ROWS_32 = range(4)
ADDRESS, STORAGE, ROW, COLUMN, INTERCEPT = range(5)
(VIOLATED, SCALE, DISTANCE, PIVOT, CURVATURE, TERM, SIZE, CORRECTION) = range(8)

#: Columns that a working set has room for at the most; what needs more is solved apart.
_ROOM = 1024

#: Rounds without stages, and the part of the rows up to which columns may wait for that: with
#: 50 to 400 columns they take half to nine tenths of the time up to there, and far more beyond.
_ROUNDS, _PART = 4, 0.7

#: Beside what :func:`fastpiggy.active_set.quadratic.advance` returns.
WAITING = 3


class Batch(NamedTuple):
    """What the loop reads: one entry or row a problem, vectors end to end.

    Parameters
    ----------
    problems : ndarray of shape (count + 1, 5), int
        Address and storage of X, where rows and columns of the problem begin among those of all,
        and whether an intercept is fitted; the last row holds the totals.
    y, sample_weight : ndarray
    weights : ndarray
    alpha, l1_ratio : ndarray of shape (count,)
    slopes, ridges : ndarray of shape (count, m)
        How the level and the squared l2 part move along each direction.
    """

    problems: np.ndarray
    y: np.ndarray
    sample_weight: np.ndarray
    weights: np.ndarray
    alpha: np.ndarray
    l1_ratio: np.ndarray
    slopes: np.ndarray
    ridges: np.ndarray


class Outcome(NamedTuple):
    """What the loop writes.

    Parameters
    ----------
    x : ndarray
        Coefficients, end to end.
    J : ndarray
        Tangents of shape (m, p) of each problem, end to end.
    intercept, along_intercept : ndarray of shape (count,), (count, m)
    code : ndarray of shape (count,), int
        As :func:`fastpiggy.active_set.quadratic.advance` returns, or WAITING; all else is written
        where it is SOLVED.
    numbers : ndarray of shape (count, 8)
        What a certificate is made of: the violation and what it is measured against, distance to
        the nearest kink, least pivot, curvature and term as
        :func:`fastpiggy.active_set.reading.read` has them, norm of the weighted targets, and the
        correction of the tangents.
    counts : ndarray of shape (count, 8), int
        ``Active.count`` at the end.
    """

    x: np.ndarray
    J: np.ndarray
    intercept: np.ndarray
    along_intercept: np.ndarray
    code: np.ndarray
    numbers: np.ndarray
    counts: np.ndarray


class Bench(NamedTuple):
    """Arrays for problems of one shape.

    Parameters
    ----------
    work : Work
    scratch : ndarray of shape (p, n)
        A matrix that is not stored by columns in float64, as if it were.
    centre, thresholds, ridge : ndarray of shape (p,)
    root, y : ndarray of shape (n,)
    """

    work: Work
    scratch: np.ndarray
    centre: np.ndarray
    thresholds: np.ndarray
    ridge: np.ndarray
    root: np.ndarray
    y: np.ndarray


@helper
def _sizes(n, p):
    """Room for columns, and the numbers that each kind of array on a bench takes."""
    room = min(p + 8, _ROOM)
    square = room * room
    return room, (square, square, 13 * room, room * n, p * n, 6 * p, 3 * n, 2)


def memory(shapes):  # type: ignore[no-untyped-def]
    """The numbers and the integers that a bench for any of the shapes takes, as zeros."""
    most, integers_ = 0, 0
    for n, p in shapes:
        room, sizes = _sizes(n, p)
        most, integers_ = max(most, sum(sizes)), max(integers_, 3 * room + 2 * p + 8)
    return np.zeros(most), np.zeros(integers_, dtype=np.int64)


@helper
def _bench(numbers, whole, n, p):
    """Arrays in memory that is there already."""
    room, sizes = _sizes(n, p)
    at, here = numbers.ctypes.data, whole.ctypes.data
    gram = double_rows(at, room, room)
    at += 8 * sizes[0]
    factor = double_rows(at, room, room)
    at += 8 * sizes[1]
    vectors = double_rows(at, 13, room)
    at += 8 * sizes[2]
    columns = double_rows(at, room, n)
    at += 8 * sizes[3]
    scratch = double_rows(at, p, n)
    at += 8 * sizes[4]
    of_columns = double_rows(at, 6, p)
    at += 8 * sizes[5]
    of_rows = double_rows(at, 3, n)
    at += 8 * sizes[6]
    found = doubles(at, 2)
    order, barred, members = (
        integers(here, room), integers(here + 8 * room, room), integers(here + 16 * room, room),
    )  # fmt: skip
    here += 24 * room
    place, queue, count = (
        integers(here, p), integers(here + 8 * p, p), integers(here + 16 * p, 8),
    )  # fmt: skip
    active = Active(gram, factor, vectors, order, barred, count)
    work = Work(
        active, columns, members, place, queue, of_columns[0], of_columns[1], of_columns[2],
        of_rows[0], found,
    )  # fmt: skip
    return Bench(
        work, scratch, of_columns[3], of_columns[4], of_columns[5], of_rows[1], of_rows[2]
    )  # fmt: skip


@helper
def _by_column(where, storage, n, p, scratch):
    """The matrix by columns in float64: in place, or copied where it is stored otherwise."""
    if storage == COLUMNS_64:
        return double_columns(where, n, p)
    if storage == ROWS_64:
        rows = double_rows(where, n, p)
        for j in range(p):
            for i in range(n):
                scratch[j, i] = rows[i, j]
    elif storage == COLUMNS_32:
        single = single_columns(where, n, p)
        for j in range(p):
            for i in range(n):
                scratch[j, i] = single[i, j]
    else:
        single = single_columns(where, p, n)
        for j in range(p):
            for i in range(n):
                scratch[j, i] = single[j, i]
    return double_columns(scratch.ctypes.data, n, p)


@helper
def _load(batch, i, design, bench):
    """The data of one problem, and the mean of its targets."""
    problems, work = batch.problems, bench.work
    row, column, n, p = problems[i, ROW], problems[i, COLUMN], bench.y.size, bench.centre.size
    X = _by_column(problems[i, ADDRESS], problems[i, STORAGE], n, p, bench.scratch)
    data = Quadratic(
        remade(design, (X,)), bench.centre, bench.centre, bench.root, bench.y, bench.thresholds,
        bench.ridge,
    )  # fmt: skip
    r, s, y = work.residual, batch.sample_weight, batch.y
    ratio = batch.l1_ratio[i]
    ridge = batch.alpha[i] * (1.0 - ratio)
    for j in range(p):
        data.centre[j], data.ridge[j] = 0.0, ridge
        data.thresholds[j] = ratio * batch.weights[column + j]
    total, offset = 0.0, 0.0
    if problems[i, INTERCEPT] != 0:
        for k in range(n):
            r[k] = s[row + k]
            total += r[k]
            offset += r[k] * y[row + k]
    if total > 0.0:
        offset /= total
        data.design.correlate(data.centre, r, work.target)
        for j in range(p):
            data.centre[j] = work.target[j] / total
    for k in range(n):
        data.root[k] = np.sqrt(s[row + k])
        data.y[k] = y[row + k] - offset
        r[k] = s[row + k] * data.y[k]
    data.design.correlate(data.centre, r, work.target)
    return data, offset


@helper
def _begin(data, work, end):
    """Nothing in the working set.

    Returns
    -------
    top : float
        The smallest level at which all that is penalised is zero, if all is.
    free, waiting : int
        Unpenalised columns, and those that pull harder than the level `end`.
    """
    top, free, waiting = 0.0, 0, 0
    for a in range(work.active.count.size):
        work.active.count[a] = 0
    for j in range(work.place.size):
        work.place[j], work.correlation[j], work.pull[j] = -1, work.target[j], 0.0
        if data.thresholds[j] == 0.0:
            free += 1
            continue
        work.pull[j] = abs(work.target[j]) / data.thresholds[j]
        top = max(top, work.pull[j])
        waiting += work.pull[j] > end
    return top, free, waiting


@helper
def _read(data, work, batch, i, out, offset):
    """The result of one problem."""
    begin, p, m = batch.problems[i, COLUMN], work.place.size, batch.slopes.shape[1]
    numbers, x = out.numbers[i], out.x[begin : begin + p]
    numbers[DISTANCE], numbers[PIVOT], numbers[CURVATURE], numbers[TERM] = read(
        data, work, batch.alpha[i], x
    )
    for a in range(work.active.count.size):
        out.counts[i, a] = work.active.count[a]
    size, shift = 0.0, 0.0
    for k in range(data.y.size):
        size += (data.root[k] * data.y[k]) ** 2
    numbers[SIZE], numbers[VIOLATED] = np.sqrt(size), work.found[VIOLATION]
    for j in range(p):
        shift += data.centre[j] * x[j]
    out.intercept[i] = offset - shift
    if m == 0:
        return
    J = out.J[m * begin : m * (begin + p)].reshape((m, p))
    numbers[CORRECTION] = tangents(work, p, batch.slopes[i], batch.ridges[i], J)
    for k in range(m):
        shift = 0.0
        for j in range(p):
            shift += data.centre[j] * J[k, j]
        out.along_intercept[i, k] = -shift + 0.0


@helper
def _shape(batch, i):
    here, next_ = batch.problems[i], batch.problems[i + 1]
    return next_[ROW] - here[ROW], next_[COLUMN] - here[COLUMN]


@kernel
def at_once(batch, design, aim, first, last, memory, out):
    """Solve and differentiate the problems `first` to `last`, the level at its end from the first.

    Where problems are small, stages cost more than the changes of the active set that they save.

    Parameters
    ----------
    batch : Batch
    design : Dense
        Any one; says what matrices are made into.
    aim : float
        The violation that is aimed at, over what it is measured against.
    first, last : int
    memory : tuple
        From :func:`memory`, for this call alone.
    out : Outcome
        Zeros.  The code is WAITING where this is not the way.
    """
    bench = _bench(memory[0], memory[1], 1, 1)
    for i in range(first, last):
        n, p = _shape(batch, i)
        if n != bench.y.size or p != bench.centre.size:
            bench = _bench(memory[0], memory[1], n, p)
        data, offset = _load(batch, i, design, bench)
        work, end = bench.work, batch.alpha[i]
        count, room = work.active.count, work.members.size
        top, free, waiting = _begin(data, work, end)
        scale = max(end, 1e-3 * top)
        out.code[i], out.numbers[i, SCALE] = WAITING, scale
        if free > 0 or waiting > _PART * n or waiting > room:
            continue
        for _round in range(_ROUNDS):
            grow(data, work, end, room - count[COLUMNS], room, False)
            exact = follow(work.active, end, end, CHANGES + count[COLUMNS])
            look(data, work, end, end)
            if exact and work.found[VIOLATION] <= aim * scale:
                out.code[i] = SOLVED
                _read(data, work, batch, i, out, offset)
                break


@helper
def _unpenalised(data, work, free, end):
    """Fit the unpenalised columns; False where they depend on each other, or are too many."""
    if free > work.members.size:
        return False
    members, k = np.empty(free, dtype=np.int64), 0
    for j in range(work.place.size):
        if data.thresholds[j] == 0.0:
            members[k] = j
            k += 1
    admit(data, work, members, np.zeros(free))
    good = follow(work.active, end, end, CHANGES + 2 * free)
    look(data, work, end, end)
    return good and work.active.count[ACTIVE] == free


@kernel
def in_stages(batch, design, aim, which, memory, out):
    """The same by :func:`fastpiggy.active_set.quadratic.advance` for the problems `which`."""
    bench = _bench(memory[0], memory[1], 1, 1)
    for i in which:
        n, p = _shape(batch, i)
        if n != bench.y.size or p != bench.centre.size:
            bench = _bench(memory[0], memory[1], n, p)
        data, offset = _load(batch, i, design, bench)
        work, end = bench.work, batch.alpha[i]
        top, free, _ = _begin(data, work, end)
        if free > 0:
            if not _unpenalised(data, work, free, end):
                continue
            top = work.found[LARGEST]
        scale = max(end, 1e-3 * top)
        out.numbers[i, SCALE] = scale
        out.code[i], _ = advance(data, work, max(top, end), end, aim * scale)
        if out.code[i] == SOLVED:
            _read(data, work, batch, i, out, offset)
