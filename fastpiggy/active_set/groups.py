"""Least squares with a norm on each group, exactly: the level falls in stages to its end.

The problem is ``sum_i s_i (y_i - X_i w)^2 / 2 + lam sum_g c_g norm2(w_g)``, columns and y centred
where an intercept is fitted.  Groups join the working set whole, those first whose correlations are
largest over their weight, and their columns extend the Gram matrix, where
:mod:`fastpiggy.active_set.group_newton` solves; the path is curved, so that no homotopy follows it.
One pass over X gives the groups that are to join and the optimality.
"""

import numpy as np

from fastpiggy.active_set.cost_model import STALE, TALL, WIDE, joiners, next_level
from fastpiggy.active_set.group_descent import gap, size_of
from fastpiggy.active_set.group_newton import settle
from fastpiggy.active_set.growth import extend, residual, take
from fastpiggy.active_set.queue import heapify, pop
from fastpiggy.active_set.work import (
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    CROWDED,
    DIAGONAL,
    LARGEST,
    PASSES,
    SCRATCH,
    SOLVED,
    UNSOLVED,
    VIOLATION,
)
from fastpiggy.compile import kernel, routine

_STAGES = 60

#: Sweeps on the way, at the end, and Newton steps on one working set there.
_EARLY, _LATE, _ROUNDS = 10, 30, 40

#: Violations over the level that Newton steps are for on the way.
_ROUGH = 0.1


@routine
def _take(problem, work, groups, g):
    """Take the columns of a group into the next places; their Gram rows are not yet known."""
    groups.first[g] = work.active.count[COLUMNS]
    groups.members[groups.count[0]] = g
    groups.count[0] += 1
    for i in range(groups.offsets[g], groups.offsets[g + 1]):
        take(problem, work, groups.order[i])
    return groups.first[g], work.active.count[COLUMNS]


@routine
def _extend(work, groups, before, first):
    """Gram rows of the places from `first` on, and bounds for the groups from `before` on."""
    extend(work, first)
    G = work.active.gram
    for i in range(before, groups.count[0]):
        g = groups.members[i]
        lo = groups.first[g]
        hi = lo + groups.offsets[g + 1] - groups.offsets[g]
        squares, largest = 0.0, 0.0
        for a in range(lo, hi):
            row = 0.0
            for b in range(lo, hi):
                row += abs(G[a, b])
                squares += G[a, b] * G[a, b]
            largest = max(largest, row)
        groups.curvature[g] = min(np.sqrt(squares), largest)


@kernel
def admit(problem, work, groups, wanted, coefficients):
    """Take groups into the working set with given coefficients, whatever their pull."""
    before, start = groups.count[0], work.active.count[COLUMNS]
    for g in wanted:
        lo, hi = _take(problem, work, groups, g)
        for a in range(lo, hi):
            work.active.vectors[COEFFICIENT, a] = coefficients[work.members[a]]
    _extend(work, groups, before, start)


@kernel
def grow(problem, work, groups, lam, most):
    """Let groups join that pull harder than a level, the strongest first.

    One sweep of descent in residual space looks at them: only those that still pull harder when
    their turn comes join.  It ends with `most` columns or six times as many seen, or where the next
    group has no room.

    Returns
    -------
    int
        How many groups joined.
    """
    r, root, vectors, count = work.residual, problem.root, work.active.vectors, work.active.count
    pulls, waiting, before, start = vectors[SCRATCH], 0, groups.count[0], count[COLUMNS]
    for g in range(groups.weights.size):
        if groups.first[g] < 0 and groups.pull[g] > lam:
            groups.queue[waiting] = g
            waiting += 1
    heapify(groups.queue, waiting, groups.pull)
    seen = 0
    for turn in range(waiting):
        g = pop(groups.queue, waiting - turn, groups.pull)
        size = groups.offsets[g + 1] - groups.offsets[g]
        if count[COLUMNS] + size > work.members.size:
            break
        if turn > 0 and (count[COLUMNS] - start >= most or seen >= 6 * most):
            break
        seen += size
        for i in range(size):
            j = groups.order[groups.offsets[g] + i]
            pulls[i] = problem.design.dot(j, problem.shift[j], r)
        norm, top = size_of(pulls, 0, size), lam * groups.weights[g]
        if norm <= top:
            continue
        lo, hi = _take(problem, work, groups, g)
        trace = 0.0
        for a in range(lo, hi):
            trace += vectors[DIAGONAL, a]
        for a in range(lo, hi):
            w = pulls[a - lo] * (1.0 - top / norm) / trace if trace > 0.0 else 0.0
            vectors[COEFFICIENT, a] = w
            column = work.columns[a]
            for i in range(r.size):
                r[i] -= w * root[i] * column[i]
    if groups.count[0] > before:
        _extend(work, groups, before, start)
    return groups.count[0] - before


@kernel
def look(problem, work, groups, lam, next_):
    """One pass over X: correlations, pulls, and the largest violation at a level.

    Returns how many columns of groups outside the working set pull harder than the level `next_`.
    """
    residual(problem, work)
    active, c = work.active, work.correlation
    w, q = active.vectors[COEFFICIENT], active.vectors[CORRELATION]
    problem.design.correlate(problem.shift, work.residual, c)
    active.count[PASSES] += 1
    for a in range(active.count[COLUMNS]):
        q[a] = c[work.members[a]]
    worst, largest, waiting = 0.0, 0.0, 0
    for g in range(groups.weights.size):
        lo, weight = groups.first[g], groups.weights[g]
        size = groups.offsets[g + 1] - groups.offsets[g]
        if lo >= 0:
            found = gap(w, q, lo, lo + size, lam * weight)
        else:
            squares = 0.0
            for i in range(groups.offsets[g], groups.offsets[g + 1]):
                squares += c[groups.order[i]] ** 2
            norm = np.sqrt(squares)
            groups.pull[g] = norm / weight
            largest = max(largest, groups.pull[g])
            waiting += size * (groups.pull[g] > next_)
            found = max(norm - lam * weight, 0.0)
        # The negation lets NaN through.
        if not found <= worst:
            worst = found
    work.found[LARGEST], work.found[VIOLATION] = largest, worst
    return waiting


@routine
def advance(problem, work, groups, lam, end, tol):
    """Lower the level from `lam` to `end`, and stop at a violation of at most `tol` there.

    Returns a code and the level, as :func:`fastpiggy.active_set.quadratic.advance` does.
    """
    count, found = work.active.count, work.found
    n, p, room = work.residual.size, work.place.size, work.members.size
    fall = WIDE if n < p else TALL
    largest, best, stale = np.diff(groups.offsets).max(), np.inf, 0
    for _stage in range(_STAGES):
        size = count[COLUMNS]
        if room - size < min(max(32, largest), p - size):
            return CROWDED, lam
        lam = next_level(lam, end, fall)
        before = found[VIOLATION]
        joined = grow(problem, work, groups, lam, joiners(n, p, size))
        if lam > end:
            settle(work.active, groups, lam, _ROUGH * lam, _EARLY, 2)
        else:
            # While groups are still to join it need not be exact.
            goal = 0.3 * tol if joined == 0 else max(0.3 * tol, 1e-3 * before)
            settle(work.active, groups, lam, goal, _LATE, _ROUNDS)
        look(problem, work, groups, lam, end)
        if lam == end:
            if found[VIOLATION] <= tol:
                return SOLVED, lam
            stale = stale + 1 if joined == 0 and not found[VIOLATION] < 0.5 * best else 0
            best = min(best, found[VIOLATION])
            if stale > STALE:
                break
    return UNSOLVED, lam


@kernel
def read(problem, work, groups, lam, x):
    """Write the coefficients into x, which holds zeros.

    Returns
    -------
    distance : float
        To the nearest kink: of the correlations of a group to their threshold, and of its
        coefficients to zero, both over the threshold.
    curvature, term : float
        The largest trace of a group, and the largest product of one with its coefficients: what
        rounding is made of.
    """
    active, offsets, c = work.active, groups.offsets, work.correlation
    w, diagonal = active.vectors[COEFFICIENT], active.vectors[DIAGONAL]
    distance, curvature, term = np.inf, 0.0, 0.0
    for g in range(groups.weights.size):
        lo, top, size = groups.first[g], lam * groups.weights[g], offsets[g + 1] - offsets[g]
        trace, norm = 0.0, 0.0
        if lo >= 0:
            norm = size_of(w, lo, lo + size)
            for a in range(lo, lo + size):
                trace += diagonal[a]
                x[work.members[a]] = w[a]
        curvature, term = max(curvature, trace), max(term, trace * norm)
        if top == 0.0:
            continue
        if norm > 0.0:
            near = trace * norm / top
        else:
            squares = 0.0
            for i in range(offsets[g], offsets[g + 1]):
                squares += c[groups.order[i]] ** 2
            near = 1.0 - np.sqrt(squares) / top
        distance = min(distance, near)
    return distance, curvature, term
