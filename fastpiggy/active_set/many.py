"""Many problems of :mod:`fastpiggy.active_set.quadratic` in one compiled loop.

The loop is compiled as a whole.  What a solve leaves to Python otherwise, the set-up and the
reading of the result, costs more than the solve where problems are small.
"""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set.cost_model import CHANGES
from fastpiggy.active_set.growth import Quadratic, admit, grow, look
from fastpiggy.active_set.homotopy import follow
from fastpiggy.active_set.quadratic import CROWDED, SOLVED, advance
from fastpiggy.active_set.reading import read, tangents
from fastpiggy.active_set.work import ACTIVE, COLUMNS, LARGEST, PASSES, VIOLATION, Active, Work
from fastpiggy.compile import helper, kernel
from fastpiggy.compile.address import doubles, remade, singles

#: How a matrix is stored, the columns of ``Batch.problems``, and those of ``Outcome.numbers``.
COLUMNS_64, ROWS_64, COLUMNS_32, ROWS_32 = range(4)
ADDRESS, STORAGE, ROW, COLUMN, INTERCEPT = range(5)
(VIOLATED, SCALE, DISTANCE, PIVOT, CURVATURE, TERM, SIZE, CORRECTION) = range(8)

#: Columns that a working set has room for at the most; what needs more is solved apart.
_ROOM = 1024

#: Rounds without stages, and the part of the rows up to which columns may wait for that: with
#: 50 to 400 columns it takes half to nine tenths of the time up to there, and far more beyond.
_ROUNDS, _FEW = 4, 0.7


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
        As :func:`fastpiggy.active_set.quadratic.advance` returns.
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
def _bench(n, p):
    room = min(p + 8, _ROOM)
    order, barred = np.zeros(room, dtype=np.int64), np.zeros(room, dtype=np.int64)
    active = Active(
        np.empty((room, room)), np.empty((room, room)), np.zeros((13, room)), order, barred,
        np.zeros(8, dtype=np.int64),
    )  # fmt: skip
    members, place, queue = (
        np.zeros(room, dtype=np.int64), np.zeros(p, dtype=np.int64), np.zeros(p, dtype=np.int64),
    )  # fmt: skip
    work = Work(
        active, np.empty((room, n)), members, place, queue, np.zeros(p), np.zeros(p), np.zeros(p),
        np.zeros(n), np.zeros(2),
    )  # fmt: skip
    return Bench(
        work, np.empty((p, n)), np.zeros(p), np.zeros(p), np.zeros(p), np.zeros(n), np.zeros(n)
    )  # fmt: skip


@helper
def _by_column(where, storage, n, p, scratch):
    """The matrix by columns in float64: in place, or copied where it is stored otherwise."""
    if storage == COLUMNS_64:
        return doubles(where, n, p)
    if storage == ROWS_64:
        rows = doubles(where, p, n)
        for j in range(p):
            for i in range(n):
                scratch[j, i] = rows[j, i]
    elif storage == COLUMNS_32:
        single = singles(where, n, p)
        for j in range(p):
            for i in range(n):
                scratch[j, i] = single[i, j]
    else:
        single = singles(where, p, n)
        for j in range(p):
            for i in range(n):
                scratch[j, i] = single[j, i]
    return doubles(scratch.ctypes.data, n, p)


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
    """The first level, and the smallest at which every penalised coefficient is zero."""
    free, top = 0, 0.0
    for a in range(work.active.count.size):
        work.active.count[a] = 0
    for j in range(work.place.size):
        work.place[j], work.correlation[j], work.pull[j] = -1, work.target[j], 0.0
        if data.thresholds[j] == 0.0:
            free += 1
            continue
        work.pull[j] = abs(work.target[j]) / data.thresholds[j]
        top = max(top, work.pull[j])
    if free == 0:
        return max(top, end), top
    if free > work.members.size:
        return -1.0, top
    members, k = np.empty(free, dtype=np.int64), 0
    for j in range(work.place.size):
        if data.thresholds[j] == 0.0:
            members[k] = j
            k += 1
    admit(data, work, members, np.zeros(free))
    good = follow(work.active, end, end, CHANGES + 2 * free)
    look(data, work, end, end)
    # Unpenalised columns that depend on each other are a matter for the general route.
    if not good or work.active.count[ACTIVE] < free:
        return -1.0, top
    return max(work.found[LARGEST], end), work.found[LARGEST]


@helper
def _directly(data, work, end, tol):
    """The level at its end from the first: where problems are small, stages cost more than changes.

    Returns False where it is not tried, or a few rounds have not been enough: stages can go on
    from there.
    """
    count, room, waiting = work.active.count, work.members.size, 0
    for j in range(work.pull.size):
        waiting += work.place[j] < 0 and work.pull[j] > end
    if waiting > _FEW * work.residual.size:
        return False
    for _round in range(_ROUNDS):
        grow(data, work, end, room - count[COLUMNS], room, False)
        exact = follow(work.active, end, end, CHANGES + count[COLUMNS])
        look(data, work, end, end)
        if exact and work.found[VIOLATION] <= tol:
            return True
    return False


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


@kernel
def run(batch, design, aim, first, last, out):
    """Solve and differentiate the problems `first` to `last`, from zero each.

    Parameters
    ----------
    batch : Batch
    design : Dense
        Any one; says what matrices are made into.
    aim : float
        The violation that is aimed at, over what it is measured against.
    first, last : int
    out : Outcome
        Zeros.
    """
    bench = _bench(1, 1)
    for i in range(first, last):
        problems = batch.problems
        n = problems[i + 1, ROW] - problems[i, ROW]
        p = problems[i + 1, COLUMN] - problems[i, COLUMN]
        if n != bench.y.size or p != bench.centre.size:
            bench = _bench(n, p)
        data, offset = _load(batch, i, design, bench)
        work, end = bench.work, batch.alpha[i]
        lam, top = _begin(data, work, end)
        scale = max(end, 1e-3 * top)
        out.numbers[i, SCALE] = scale
        out.code[i] = CROWDED
        if lam < 0.0:
            continue
        if _directly(data, work, end, aim * scale):
            out.code[i] = SOLVED
        else:
            lam = end if work.active.count[PASSES] > 1 else lam
            out.code[i], lam = advance(data, work, lam, end, aim * scale)
        _read(data, work, batch, i, out, offset)
