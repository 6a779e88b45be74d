"""How the working set grows: which columns join, and one pass over X to see which might.

The problem is ``sum_i s_i (y_i - X_i w)^2 / 2 + lam sum_j c_j abs(w_j) + sum_j l2_j w_j^2 / 2``,
with columns and y centred where an intercept is fitted.
"""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set import blas
from fastpiggy.active_set.cost_model import AGAIN, EARLY, LATE
from fastpiggy.active_set.descent import descend
from fastpiggy.active_set.homotopy import combine
from fastpiggy.active_set.queue import heapify, pop
from fastpiggy.active_set.work import (
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    DIAGONAL,
    LARGEST,
    PASSES,
    SCRATCH,
    SUPPORT,
    THRESHOLD,
    VIOLATION,
)
from fastpiggy.compile import routine


class Quadratic(NamedTuple):
    """The data of a problem, by columns.

    Parameters
    ----------
    design : Columns
    shift : ndarray of shape (p,)
        Subtracted from the columns in products with them; zeros where products with centred
        residuals need no shift.
    centre : ndarray of shape (p,)
        The weighted means of the columns, or zeros without an intercept.
    root : ndarray of shape (n,)
        Square roots of the sample weights.
    y : ndarray of shape (n,)
        Targets, centred where an intercept is fitted.
    thresholds, ridge : ndarray of shape (p,)
        c and l2.
    """

    design: object
    shift: np.ndarray
    centre: np.ndarray
    root: np.ndarray
    y: np.ndarray
    thresholds: np.ndarray
    ridge: np.ndarray


@routine
def take(problem, work, j):
    """Take column j of X into the next place; its Gram row is not yet known."""
    vectors, count = work.active.vectors, work.active.count
    a = count[COLUMNS]
    row, root, centre = work.columns[a], problem.root, problem.centre[j]
    problem.design.column(j, row)
    total = 0.0
    for i in range(row.size):
        row[i] = root[i] * (row[i] - centre)
        total += row[i] * row[i]
    work.place[j], work.members[a] = a, j
    vectors[COEFFICIENT, a], vectors[THRESHOLD, a] = 0.0, problem.thresholds[j]
    vectors[DIAGONAL, a] = total + problem.ridge[j]
    count[COLUMNS] = a + 1
    return a


@routine
def extend(work, first):
    """Gram rows of the places from `first` on, and the correlations that follow from them."""
    active, size = work.active, work.active.count[COLUMNS]
    G, vectors = active.gram, active.vectors
    w, q = vectors[COEFFICIENT], vectors[CORRELATION]
    blas.products(work.columns, first, size, G)
    for a in range(first, size):
        row = G[a]
        row[a] = vectors[DIAGONAL, a]
        q[a] = work.target[work.members[a]]
        for b in range(a):
            G[b, a] = row[b]
        for b in range(first):
            q[a] -= row[b] * w[b]
    for a in range(first, size):
        if w[a] != 0.0:
            row = G[a]
            for b in range(size):
                q[b] -= row[b] * w[a]


@routine
def admit(problem, work, columns, coefficients):
    """Take columns into the working set with given coefficients, whatever their pull."""
    first = work.active.count[COLUMNS]
    for i in range(columns.size):
        a = take(problem, work, columns[i])
        work.active.vectors[COEFFICIENT, a] = coefficients[i]
    extend(work, first)


@routine
def winnow(problem, work, lam, first):
    """Descend on, in residual space, over the places from `first` on; what comes to zero leaves.

    Columns that joined only because others came after them are found out before their Gram rows
    are computed.
    """
    r, root, place, members = work.residual, problem.root, work.place, work.members
    vectors, size = work.active.vectors, work.active.count[COLUMNS]
    w, diagonal, level = vectors[COEFFICIENT], vectors[DIAGONAL], vectors[THRESHOLD]
    for _sweep in range(AGAIN):
        for a in range(first, size):
            j, column, top = members[a], work.columns[a], lam * level[a]
            u = problem.design.dot(j, problem.shift[j], r) + (diagonal[a] - problem.ridge[j]) * w[a]
            new = 0.0 if abs(u) <= top else (u - np.copysign(top, u)) / diagonal[a]
            change = new - w[a]
            if change != 0.0:
                w[a] = new
                for i in range(r.size):
                    r[i] -= change * root[i] * column[i]
    a = first
    while a < size:
        if w[a] != 0.0 or level[a] == 0.0:
            a += 1
            continue
        size -= 1
        place[members[a]] = -1
        if a < size:
            members[a], w[a], diagonal[a], level[a] = (
                members[size], w[size], diagonal[size], level[size],
            )  # fmt: skip
            place[members[a]] = a
            column, last = work.columns[a], work.columns[size]
            for i in range(column.size):
                column[i] = last[i]
    work.active.count[COLUMNS] = size


@routine
def grow(problem, work, lam, most, few, direct):
    """Let columns join that pull harder than a level, then descend in Gram space.

    One sweep of descent in residual space looks at them, the strongest first: only those that still
    pull harder when their turn comes join.  It ends with `most` joined or six times as many seen.
    Descent takes more sweeps where only `few` have joined.  If `direct`, a path will be continued
    from where it is: what joins stays at zero, and there is no descent.

    Returns
    -------
    int
        How many joined.
    """
    r, root, place, pull = work.residual, problem.root, work.place, work.pull
    vectors, count, waiting = work.active.vectors, work.active.count, 0
    first = count[COLUMNS]
    for j in range(pull.size):
        if place[j] < 0 and pull[j] > lam:
            work.queue[waiting] = j
            waiting += 1
    heapify(work.queue, waiting, pull)
    for seen in range(min(waiting, 6 * most)):
        if count[COLUMNS] - first >= most:
            break
        j = pop(work.queue, waiting - seen, pull)
        top = lam * problem.thresholds[j]
        u = problem.design.dot(j, problem.shift[j], r)
        if abs(u) <= top:
            continue
        a = take(problem, work, j)
        w = (u - np.copysign(top, u)) / vectors[DIAGONAL, a]
        vectors[COEFFICIENT, a] = w
        column = work.columns[a]
        for i in range(r.size):
            r[i] -= w * root[i] * column[i]
    if not direct:
        winnow(problem, work, lam, first)
    joined = count[COLUMNS] - first
    if direct:
        for a in range(first, count[COLUMNS]):
            vectors[COEFFICIENT, a] = 0.0
    if joined > 0:
        extend(work, first)
    if not direct:
        descend(work.active, lam, LATE if joined <= few else EARLY)
    return joined


@routine
def residual(problem, work):
    r, root, w = work.residual, problem.root, work.active.vectors[COEFFICIENT]
    # The queue is empty here, and its place serves as a list.
    support, values, k = work.queue, work.active.vectors[SCRATCH], 0
    for a in range(work.active.count[COLUMNS]):
        if w[a] != 0.0:
            support[k], values[k] = a, w[a]
            k += 1
    work.active.count[SUPPORT] = k
    combine(work.columns, support, values, k, r.size, r)
    for i in range(r.size):
        r[i] = root[i] * (root[i] * problem.y[i] - r[i])


@routine
def judge(work, thresholds, lam, next_):
    """Pulls, and the largest violation at a level, from the correlations of all columns.

    Returns how many columns outside the working set pull harder than the level `next_`.
    """
    c, place, w = work.correlation, work.place, work.active.vectors[COEFFICIENT]
    worst, largest, waiting = 0.0, 0.0, 0
    for j in range(c.size):
        a, top = place[j], lam * thresholds[j]
        work.pull[j] = abs(c[j]) / thresholds[j] if thresholds[j] > 0.0 else 0.0
        if a < 0:
            largest = max(largest, work.pull[j])
            waiting += work.pull[j] > next_
        off = a < 0 or w[a] == 0.0
        found = max(abs(c[j]) - top, 0.0) if off else abs(c[j] - np.copysign(top, w[a]))
        # The negation lets NaN through.
        if not found <= worst:
            worst = found
    work.found[LARGEST], work.found[VIOLATION] = largest, worst
    return waiting


@routine
def survey(problem, work, lam, next_):
    """One pass over X with the residual: correlations, which are then :func:`judge`-d."""
    active, c = work.active, work.correlation
    w, q, size = active.vectors[COEFFICIENT], active.vectors[CORRELATION], active.count[COLUMNS]
    problem.design.correlate(problem.shift, work.residual, c)
    active.count[PASSES] += 1
    for a in range(size):
        j = work.members[a]
        c[j] -= problem.ridge[j] * w[a]
        q[a] = c[j]
    return judge(work, problem.thresholds, lam, next_)


@routine
def look(problem, work, lam, next_):
    """The residual, and :func:`survey`."""
    residual(problem, work)
    return survey(problem, work, lam, next_)
