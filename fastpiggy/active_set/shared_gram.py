"""Least squares with soft thresholds for many targets, in the Gram matrix that they share.

The stages of :mod:`fastpiggy.active_set.quadratic`, without rows: a column that joins brings its
products with it, and the correlations of all columns are one combination of rows of the matrix.
Only the working set's own part is copied, so that a target may have a squared l2 part of its own.
"""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set.cost_model import (
    CHANGES,
    CLOSELY,
    EARLY,
    LATE,
    STALE,
    crowded,
    few,
    next_level,
)
from fastpiggy.active_set.descent import descend
from fastpiggy.active_set.growth import judge
from fastpiggy.active_set.homotopy import combine, follow
from fastpiggy.active_set.queue import heapify, pop
from fastpiggy.active_set.reading import read, tangents
from fastpiggy.active_set.work import (
    ACTIVE,
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    DIAGONAL,
    LARGEST,
    SCRATCH,
    SOLVED,
    SUPPORT,
    THRESHOLD,
    UNSOLVED,
    VIOLATION,
)
from fastpiggy.compile import kernel, routine

#: Columns of ``Outcome.numbers``; the first eight as :mod:`fastpiggy.active_set.many` has them.
(VIOLATED, SCALE, DISTANCE, PIVOT, CURVATURE, TERM, TOP, CORRECTION) = range(8)

#: The level falls by this factor at a stage: a look at all columns costs little here.
_FACTOR = 0.4

_STAGES = 100


class Common(NamedTuple):
    """What all targets share; nothing of it is written to.

    Parameters
    ----------
    gram : ndarray of shape (p, p)
        Products of the weighted columns, centred where an intercept is fitted.
    thresholds : ndarray of shape (p,)
    rows : int
    """

    gram: np.ndarray
    thresholds: np.ndarray
    rows: int


class Block(NamedTuple):
    """What differs from target to target, an entry or a row each.

    Parameters
    ----------
    products : ndarray of shape (count, p)
        Of the columns with the targets.
    levels, ridge : ndarray of shape (count,)
        The end of the level, and the squared l2 part.
    slopes, ridges : ndarray of shape (count, m)
        How both move along each direction.
    """

    products: np.ndarray
    levels: np.ndarray
    ridge: np.ndarray
    slopes: np.ndarray
    ridges: np.ndarray


class Outcome(NamedTuple):
    """What the loop writes.

    Parameters
    ----------
    x : ndarray of shape (count, p)
    J : ndarray of shape (count, m, p)
    code : ndarray of shape (count,), int
        All else is whole where it is SOLVED.
    numbers : ndarray of shape (count, 8)
        As of :class:`fastpiggy.active_set.many.Outcome`, and the smallest level at which nothing
        penalised is active.
    """

    x: np.ndarray
    J: np.ndarray
    code: np.ndarray
    numbers: np.ndarray


@routine
def _take(common, work, ridge, j, w):
    """Column j joins with a coefficient; the correlations of all columns follow."""
    active, count, members = work.active, work.active.count, work.members
    vectors, G, row, a = active.vectors, active.gram, common.gram[j], active.count[COLUMNS]
    members[a], work.place[j] = j, a
    for b in range(a):
        G[a, b] = row[members[b]]
        G[b, a] = G[a, b]
    G[a, a] = row[j] + ridge
    vectors[DIAGONAL, a], vectors[THRESHOLD, a] = G[a, a], common.thresholds[j]
    vectors[COEFFICIENT, a] = w
    count[COLUMNS] = a + 1
    if w != 0.0:
        c = work.correlation
        for i in range(c.size):
            c[i] -= w * row[i]
        c[j] -= w * ridge


@routine
def _grow(common, work, ridge, lam, most, few_, direct):
    """Let columns join as :func:`fastpiggy.active_set.growth.grow` does; how many did."""
    count, pull, c, waiting = work.active.count, work.pull, work.correlation, 0
    q, first = work.active.vectors[CORRELATION], count[COLUMNS]
    for j in range(pull.size):
        if work.place[j] < 0 and pull[j] > lam:
            work.queue[waiting] = j
            waiting += 1
    heapify(work.queue, waiting, pull)
    for seen in range(waiting):
        if count[COLUMNS] - first >= most:
            break
        j = pop(work.queue, waiting - seen, pull)
        top = lam * common.thresholds[j]
        if abs(c[j]) > top:
            w = (c[j] - np.copysign(top, c[j])) / (common.gram[j, j] + ridge)
            _take(common, work, ridge, j, 0.0 if direct else w)
    joined = count[COLUMNS] - first
    for a in range(count[COLUMNS]):
        q[a] = c[work.members[a]]
    if not direct:
        descend(work.active, lam, LATE if joined <= few_ else EARLY)
    return joined


@routine
def _look(common, work, products, ridge, lam, next_):
    """Correlations and pulls of all columns, and the largest violation at a level.

    Returns how many columns outside the working set pull harder than the level `next_`.
    """
    active, c = work.active, work.correlation
    vectors, size = active.vectors, active.count[COLUMNS]
    w, q, values, support, k = vectors[COEFFICIENT], vectors[CORRELATION], vectors[SCRATCH], (
        work.queue
    ), 0  # fmt: skip
    for a in range(size):
        if w[a] != 0.0:
            support[k], values[k] = work.members[a], w[a]
            k += 1
    active.count[SUPPORT] = k
    combine(common.gram, support, values, k, c.size, c)
    for j in range(c.size):
        c[j] = products[j] - c[j]
    for a in range(size):
        c[work.members[a]] -= ridge * w[a]
        q[a] = c[work.members[a]]
    return judge(work, common.thresholds, lam, next_)


@routine
def _begin(common, work, products, ridge, end):
    """Only unpenalised columns, fitted; False where they depend on each other or lack room."""
    active, free = work.active, 0
    for a in range(active.count.size):
        active.count[a] = 0
    for j in range(products.size):
        work.place[j], work.correlation[j] = -1, products[j]
        free += common.thresholds[j] == 0.0
    if free > work.members.size:
        return False
    if free > 0:
        for j in range(products.size):
            if common.thresholds[j] == 0.0:
                _take(common, work, ridge, j, 0.0)
        for a in range(free):
            active.vectors[CORRELATION, a] = products[work.members[a]]
        if not follow(active, end, end, CHANGES + 2 * free) or active.count[ACTIVE] < free:
            return False
    _look(common, work, products, ridge, end, end)
    return True


@routine
def _advance(common, work, products, ridge, end, tol):
    """Lower the level to its end; whether the violation there is at most `tol`."""
    count, found, room, rows = work.active.count, work.found, work.members.size, common.rows
    lam = max(found[LARGEST], end)
    exact, waiting, best, stale = False, 0, np.inf, 0
    for stage in range(_STAGES):
        size, k = count[COLUMNS], count[SUPPORT]
        if room - size < min(32, products.size - size):
            return False
        close, before = crowded(k, waiting, rows), lam
        if lam > end and (stage == 0 or exact or not close):
            lam = next_level(lam, end, CLOSELY if close else _FACTOR)
        direct = exact and close
        joined = _grow(common, work, ridge, lam, room - size, few(k), direct)
        exact = False
        if direct or (joined <= few(k) and (close or lam == end)):
            exact = follow(work.active, before if direct else lam, lam, CHANGES + k)
        waiting = _look(common, work, products, ridge, lam, max(end, _FACTOR * lam))
        if lam == end and (exact or joined == 0):
            violation = found[VIOLATION]
            if exact and violation <= tol:
                return True
            stale = stale + 1 if joined == 0 and not violation < 0.5 * best else 0
            best = violation
            if stale > STALE:
                break
    return False


@kernel
def solve_block(common, block, aim, first, last, work, out):
    """Solve and differentiate for the targets `first` to `last`.

    Parameters
    ----------
    common : Common
    block : Block
    aim : float
        The violation that is aimed at, over ``max(level, TOP / 1000)``.
    first, last : int
    work : Work
        Without rows, for this call alone.
    out : Outcome
        Zeros.
    """
    for t in range(first, last):
        products, ridge, end = block.products[t], block.ridge[t], block.levels[t]
        numbers, x, J = out.numbers[t], out.x[t], out.J[t]
        out.code[t] = UNSOLVED
        if not _begin(common, work, products, ridge, end):
            continue
        numbers[TOP] = work.found[LARGEST]
        numbers[SCALE] = max(end, 1e-3 * numbers[TOP])
        if not _advance(common, work, products, ridge, end, aim * numbers[SCALE]):
            continue
        out.code[t], numbers[VIOLATED] = SOLVED, work.found[VIOLATION]
        numbers[DISTANCE], numbers[PIVOT], numbers[CURVATURE], numbers[TERM] = read(
            common, work, end, x
        )
        numbers[CORRECTION] = tangents(work, x.size, block.slopes[t], block.ridges[t], J)
