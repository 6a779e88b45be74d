"""Curved losses with soft thresholds, exactly: Newton models whose minima the homotopy finds.

The problem is ``sum_i f_i(z_i) + lam sum_j c_j abs(w_j) + sum_j l2_j w_j^2 / 2`` with
``z = start + X w``, the intercept a column like the others.  On the working set the model at w has
the Gram matrix of the columns scaled by the roots of the curvatures; a line search on the objective
keeps its minimum in hand (Lee, Sun, Saunders, "Proximal Newton-type methods", 2014).  One pass over
X says which columns are to join.
"""

import numpy as np

from fastpiggy.active_set.cost_model import CHANGES, COSTLY, WIDE, next_level
from fastpiggy.active_set.growth import survey
from fastpiggy.active_set.homotopy import follow, refactor
from fastpiggy.active_set.newton_model import (
    correlate,
    left,
    model,
    objective,
    penalty,
    slopes,
    violation,
)
from fastpiggy.active_set.queue import heapify, pop
from fastpiggy.active_set.reading import report
from fastpiggy.active_set.work import (
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    CROWDED,
    DIAGONAL,
    LARGEST,
    SAVED,
    SLOPES,
    SOLVED,
    SWEEPS,
    THRESHOLD,
    UNSOLVED,
    VIOLATION,
)
from fastpiggy.compile import kernel, routine

_STAGES, _HALVINGS = 60, 25

#: With k columns in the working set a pass over ``_CHEAP + k^2 / 6`` of them costs less than a
#: Newton step; so many stages of one step each there may be.
_CHEAP, _SINGLE = 128, 20

#: Columns that pull less than this, over the hardest pull, wait: others may take theirs away.
_STRONG = 0.4

#: Newton steps on one working set; on what a warm start brings along, and on the intercept, and
#: what these leave of the first violation.
_STEPS, _FIRST_STEPS, _FIRST = 8, 20, 1e-12

#: Of the tolerance, what a step with the last model is to reach.
_SURE = 0.1

#: Added to the model's diagonal, over its entries: times the violation, and at the least.
_CURB, _LEAST_CURB = 1e-3, 1e-12


@routine
def begin(problem, work, states, start):
    """An empty working set but for the columns of `start` that are not zero or not penalised.

    Returns whether all of `start` that is penalised is zero.
    """
    cold = True
    for i in range(states.z.size):
        states.z[i] = problem.loss.start(i)
    for j in range(start.size):
        if start[j] != 0.0 or problem.thresholds[j] == 0.0:
            cold = cold and (start[j] == 0.0 or problem.thresholds[j] == 0.0)
            _take(problem, work, j, start[j])
            column = work.columns[work.active.count[COLUMNS] - 1]
            for i in range(column.size):
                states.z[i] += start[j] * column[i]
    return cold


@routine
def _take(problem, work, j, coefficient):
    count, vectors = work.active.count, work.active.vectors
    a = count[COLUMNS]
    problem.design.column(j, work.columns[a])
    work.place[j], work.members[a] = a, j
    vectors[COEFFICIENT, a], vectors[THRESHOLD, a] = coefficient, problem.thresholds[j]
    vectors[CORRELATION, a] = work.correlation[j]
    count[COLUMNS] = a + 1


@routine
def grow(problem, work, lam, most):
    """Let at most so many columns join that pull harder than a level; returns how many did."""
    waiting, place, pull = 0, work.place, work.pull
    for j in range(pull.size):
        if place[j] < 0 and pull[j] > lam:
            work.queue[waiting] = j
            waiting += 1
    heapify(work.queue, waiting, pull)
    joined = min(waiting, most)
    for seen in range(joined):
        _take(problem, work, pop(work.queue, waiting - seen, pull), 0.0)
    return joined


@routine
def newton(problem, work, states, lam, scale, tol, most):
    """At most so many Newton steps on the working set, to a violation of `tol` on it.

    Slopes and correlations are those of the states, here and at the end.  A step that halves the
    least violation so far is taken as it is; the objective decides about others.  Where the last
    step has gained so much that another like it would be the last, the model is not made anew.

    Returns
    -------
    bool
        False where no step lowered the objective.
    """
    active, n, size = work.active, states.z.size, work.active.count[COLUMNS]
    vectors = active.vectors
    w, old, q, level = (vectors[COEFFICIENT], vectors[SAVED], vectors[CORRELATION],
                        vectors[THRESHOLD])  # fmt: skip
    worst, last, models = violation(work, lam), np.inf, 0
    least = worst
    while not worst <= tol:
        if models == 0 or worst * worst > _SURE * tol * last:
            if models == most:
                break
            models += 1
            model(problem, work, states, True)
            curb = max(_CURB * min(worst / scale, 1.0), _LEAST_CURB)
            for a in range(size):
                active.gram[a, a] *= 1.0 + curb
                vectors[DIAGONAL, a] = active.gram[a, a]
        last = worst
        for a in range(size):
            old[a] = w[a]
        expected = 0.0
        for a in range(size):
            expected -= lam * level[a] * abs(w[a])
            vectors[SLOPES, a] = q[a]
        follow(active, lam, lam, CHANGES + 2 * size)
        active.count[SWEEPS] += 1
        for i in range(n):
            states.along[i] = 0.0
        for a in range(size):
            expected += lam * level[a] * abs(w[a]) - vectors[SLOPES, a] * (w[a] - old[a])
            d = w[a] - old[a]
            if d != 0.0:
                column = work.columns[a]
                for i in range(n):
                    states.along[i] += d * column[i]
        # The model is made: its curvatures leave room for the states.
        for i in range(n):
            states.curvature[i] = states.z[i]
            states.z[i] += states.along[i]
        correlate(problem, work, states)
        worst = violation(work, lam)
        if worst <= max(0.5 * least, tol):
            least = worst
            continue
        for i in range(n):
            states.z[i] = states.curvature[i]
        before = objective(problem, states, 0.0) + penalty(problem, work, lam, 0.0)
        noise, step, good = 1e-14 * abs(before), 1.0, False
        for _halving in range(_HALVINGS):
            value = objective(problem, states, step) + penalty(problem, work, lam, step)
            # Where what is promised drowns in rounding the step is taken as it is.
            if value <= before + 1e-4 * step * expected + noise:
                good = True
                break
            step *= 0.5
        for i in range(n if good else 0):
            states.z[i] += step * states.along[i]
        for a in range(size):
            d = w[a] - old[a]
            w[a] = w[a] if step == 1.0 else old[a] + step * d if good else old[a]
        correlate(problem, work, states)
        worst = violation(work, lam)
        # A model that has not gained is not used again.
        least, last = min(least, worst), 0.0
        if not good:
            return False
    return True


@routine
def advance(problem, work, states, lam, end, scale, tol):
    """Lower the level from `lam` to `end`, and stop at a violation of at most `tol` there.

    Returns a code and the level, as :func:`fastpiggy.active_set.quadratic.advance` does.
    """
    count, found = work.active.count, work.found
    n, p, room = states.z.size, work.place.size, work.members.size
    factor, stale, best = WIDE if n < p else COSTLY, 0, np.inf
    for stage in range(_STAGES):
        size = count[COLUMNS]
        if room - size < min(32, p - size):
            return CROWDED, lam
        lam = next_level(lam, end, factor)
        # On the way one step is enough: the model is made anew with the next columns.  Where a pass
        # over X costs less than a model, so it is at the end, and columns join as they are needed.
        close = lam == end and p <= _CHEAP + size * size // 6 and stage <= _SINGLE
        most, steps = 32 if close else max(32, p // 8), _STEPS if lam == end and not close else 1
        joined = grow(problem, work, max(lam, _STRONG * found[LARGEST]), min(most, room - size))
        going = newton(problem, work, states, lam, scale, 0.1 * tol, steps)
        survey(problem, work, lam, lam)
        if lam == end:
            worst = found[VIOLATION]
            if worst <= tol:
                return SOLVED, lam
            better = worst < 0.5 * best
            stale = 0 if joined > 0 or (going and (better or close)) else stale + 1
            best = min(best, worst)
            if stale > 1:
                break
    return UNSOLVED, lam


@kernel
def solve(problem, work, states, start, lam, end, scale, tol, asked, x, J):
    """:func:`advance` from a start, and what there is to :func:`report` at the end.

    Parameters
    ----------
    problem : Curved
    work : Work
        Empty, or as a call has left it that has ended CROWDED.
    states : States
    start : ndarray of shape (p,)
        Coefficients.
    lam, end : float
        The first level, 0 for `end` where some coefficient is not zero, else the largest pull; the
        last level.
    scale : float
        What violations are measured against; 0 for the larger of `end` and a thousandth of the
        first level, which is alpha_max then.
    tol : float
        Largest violation, over the scale.
    asked : Asked
    x, J : ndarray of shape (p,) and (m, p)
        Zeros, which are written over where the problem is solved.

    Returns
    -------
    code, lam
        As :func:`advance` returns them.
    scale : float
    size : float
        The norm of the states times their curvatures, of which rounding is made.
    rest : float
        How far the Newton step that is left would move a state.
    found : tuple of float
        As :func:`report` returns them.
    """
    if lam == 0.0:
        cold = begin(problem, work, states, start)
        slopes(problem, work, states)
        survey(problem, work, end, end)
        if work.active.count[COLUMNS] > 0:
            # In its own units: next to a large alpha the slope along the intercept is nothing.
            goal = _FIRST * work.found[VIOLATION]
            newton(problem, work, states, end, end, goal, _FIRST_STEPS)
            survey(problem, work, end, end)
        lam = max(work.found[LARGEST], end) if cold else end
        scale = scale if scale > 0.0 else max(end, 1e-3 * lam)
    code, lam = advance(problem, work, states, lam, end, scale, tol * scale)
    if code == CROWDED:
        return code, lam, scale, 0.0, 0.0, (0.0, 0.0, 0.0, 0.0, 0.0)
    model(problem, work, states, False)
    # Without what was added to the model columns may depend on others: that makes no other x.
    w, kept = work.active.vectors[COEFFICIENT], work.active.vectors[SAVED]
    for a in range(work.active.count[COLUMNS]):
        kept[a] = w[a]
    refactor(work.active)
    for a in range(work.active.count[COLUMNS]):
        w[a] = kept[a]
    squares = 0.0
    for i in range(states.z.size):
        squares += (states.curvature[i] * states.z[i]) ** 2
    rest = left(work, states, end)
    found = report(problem, work, end, code == SOLVED, asked, x, J)
    return code, lam, scale, np.sqrt(squares), rest, found
