"""A parametric active set, from any start, where paths are piecewise linear.

At any coefficients w with signs s on their support S, and correlations h of the columns with the
residual, put ``e_S = lam s - h_S`` on S, and off it what brings ``h_j + e_j`` inside the level: w
then solves the problem whose correlations are ``h + e``.  The perturbation is driven to zero,
``(1 - t) e`` for t from 0 to 1, and the level lam to its end with it.  w is linear in t until a
coefficient reaches zero, or an inactive column the level, and S changes by that column.  One engine
serves as the finish of a descent, the continuation of a path, a repair, and a warm start.
"""

import numpy as np

from fastpiggy.active_set import blas
from fastpiggy.active_set.cost_model import IDLE
from fastpiggy.active_set.triangle import append, backward, forward, remove
from fastpiggy.active_set.work import (
    ACTIVE,
    CHANGES,
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    FACTORISATIONS,
    PATH,
    PERTURBATION,
    RATE,
    ROTATED,
    SCRATCH,
    SIDE,
    STEP,
    THRESHOLD,
)
from fastpiggy.compile import routine

#: A pivot below this, over the diagonal entry, counts as zero.
PIVOT = 1e-10

#: What pulls beyond the level starts inside it by up to this part of it, each place by another: put
#: on it all of them would tie, and changes of the active set at no step come round in a circle.
APART, GOLDEN = 0.5, 0.6180339887498949

#: A step of t up to here is none.
STILL = 1e-12


@routine
def gather(active, k):
    """The Gram matrix of the first k of the order, in the factor's upper triangle."""
    G, R, order = active.gram, active.factor, active.order
    for i in range(k):
        row, out = G[order[i]], R[i]
        for j in range(i, k):
            out[j] = row[order[j]]


@routine
def _one_by_one(active, wanted):
    """The factor column by column; one that depends on the others has its coefficient zeroed."""
    G, R, order, vectors = active.gram, active.factor, active.order, active.vectors
    w, q, side, t = vectors[COEFFICIENT], vectors[CORRELATION], vectors[SIDE], vectors[SCRATCH]
    k = 0
    for i in range(wanted):
        a = order[i]
        row = G[a]
        for j in range(k):
            t[j] = row[order[j]]
        if append(R, k, t, row[a], PIVOT * row[a]) > PIVOT * row[a]:
            order[k] = a
            k += 1
            continue
        for j in range(active.count[COLUMNS]):
            q[j] += w[a] * row[j]
        w[a], side[a] = 0.0, 0.0
    return k


@routine
def refactor(active):
    """The active places, and the factor of their Gram matrix."""
    count, order, G, R, vectors = (
        active.count, active.order, active.gram, active.factor, active.vectors,
    )  # fmt: skip
    w, side, level = vectors[COEFFICIENT], vectors[SIDE], vectors[THRESHOLD]
    k = 0
    for a in range(count[COLUMNS]):
        side[a] = 0.0 if level[a] == 0.0 else np.sign(w[a])
        if w[a] != 0.0 or level[a] == 0.0:
            order[k] = a
            k += 1
    gather(active, k)
    good = blas.cholesky(R, k)
    for i in range(k):
        good = good and R[i, i] * R[i, i] > PIVOT * G[order[i], order[i]]
    if not good:
        k = _one_by_one(active, k)
    count[ACTIVE] = k
    count[FACTORISATIONS] += 1
    return k


@routine
def combine(G, order, d, k, size, out):
    """``out = sum_i d_i G[order_i]``, four rows at a time."""
    for j in range(size):
        out[j] = 0.0
    whole = k - k % 4
    for i in range(0, whole, 4):
        a, b, c, e = G[order[i]], G[order[i + 1]], G[order[i + 2]], G[order[i + 3]]
        x, y, z, u = d[i], d[i + 1], d[i + 2], d[i + 3]
        for j in range(size):
            out[j] += x * a[j] + y * b[j] + z * c[j] + u * e[j]
    for i in range(whole, k):
        a, x = G[order[i]], d[i]
        for j in range(size):
            out[j] += x * a[j]


@routine
def _rates(active, k, d, size):
    """How correlations move with t: those of active places as the level does, here without it.

    ``rate = -G_S d - e``, by whichever are fewer: the rows of the active places, or those of the
    others, whose products are all that is needed.
    """
    G, order, vectors = active.gram, active.order, active.vectors
    rate, e, along = vectors[RATE], vectors[PERTURBATION], vectors[SCRATCH]
    if k < size - k:
        combine(G, order, d, k, size, rate)
        for a in range(size):
            rate[a] = -rate[a] - e[a]
        return
    for a in range(size):
        along[a], rate[a] = 0.0, 1.0
    for i in range(k):
        along[order[i]], rate[order[i]] = d[i], 0.0
    for a in range(size):
        if rate[a] != 0.0:
            row, total = G[a], 0.0
            for b in range(size):
                total += row[b] * along[b]
            rate[a] = -total - e[a]


@routine
def leave(active, k, i):
    """Position i of the order leaves at zero; what was barred may try again."""
    order, v, side = active.order, active.vectors[ROTATED], active.vectors[SIDE]
    a = order[i]
    remove(active.factor, k, i, v)
    side[a], active.vectors[COEFFICIENT, a] = 0.0, 0.0
    for b in range(i, k - 1):
        order[b] = order[b + 1]
    for b in range(active.count[COLUMNS]):
        active.barred[b] = 0
    return k - 1


@routine
def _exchange(active, k, sign, least, d):
    """Make room for a column that depends on the active ones: the objective is flat along it.

    Its coefficients in them, ``R c = scratch``, say how w moves while its own grows from zero with
    `sign`, X w unchanged.  None is found where its pivot would then be below `least`.

    Returns
    -------
    i : int
        The position whose coefficient comes to zero first, or -1 where none does.
    reach : float
        How far the column's own coefficient has grown then.
    """
    order, w, side = active.order, active.vectors[COEFFICIENT], active.vectors[SIDE]
    backward(active.factor, k, active.vectors[SCRATCH], d)
    first, reach = -1, np.inf
    for i in range(k):
        a, along = order[i], -sign * d[i]
        if side[a] * along < 0.0 and max(-w[a] / along, 0.0) < reach:
            first, reach = i, max(-w[a] / along, 0.0)
    if first < 0:
        return -1, 0.0
    # The pivot that the column will have: what the leaving one's distance to the others makes it.
    t, total = active.vectors[SCRATCH], 0.0
    for i in range(k):
        t[i] = 1.0 if i == first else 0.0
    forward(active.factor, k, t)
    for i in range(k):
        total += t[i] * t[i]
    if not d[first] * d[first] > 10.0 * least * total:
        return -1, 0.0
    for i in range(k):
        w[order[i]] -= sign * reach * d[i]
    return first, reach


@routine
def enter(active, k, a, sign, d):
    """Make room for place a, which enters with a sign; d is written over.

    Where its column depends on the active ones another leaves, or it is barred.

    Returns
    -------
    k : int
        How many are active before it.
    pivot : float
        The square of its pivot, 0 where it is barred; its column of the factor is in scratch.
    left : int
        The place that has left, or -1.
    last : float
        The side which that has left from.
    """
    order, side, scratch = active.order, active.vectors[SIDE], active.vectors[SCRATCH]
    row, left, last = active.gram[a], -1, 0.0
    least = PIVOT * row[a]
    for turn in range(2):
        for i in range(k):
            scratch[i] = row[order[i]]
        pivot = append(active.factor, k, scratch, row[a], least)
        if pivot > least or turn > 0:
            return k, pivot, left, last
        i, reach = _exchange(active, k, sign, least, d)
        if i < 0:
            active.barred[a] = 1
            return k, 0.0, left, last
        left, last = order[i], side[order[i]]
        k = leave(active, k, i)
        active.vectors[COEFFICIENT, a] = sign * reach
    return k, pivot, left, last


@routine
def follow(active, begin, end, most):
    """Drive the perturbation to zero and the level from `begin` to `end`, times the thresholds.

    Parameters
    ----------
    active : Active
    begin, end : float
        Levels.
    most : int
        Changes of the active set at the most.

    Returns
    -------
    bool
        True at the end; else the coefficients are those of the way.
    """
    count, order, barred, vectors, R = (
        active.count, active.order, active.barred, active.vectors, active.factor,
    )  # fmt: skip
    w, q, e, h = vectors[COEFFICIENT], vectors[CORRELATION], vectors[PERTURBATION], vectors[PATH]
    rate, side, level = vectors[RATE], vectors[SIDE], vectors[THRESHOLD]
    d, v, scratch = vectors[STEP], vectors[ROTATED], vectors[SCRATCH]
    size, drop, k = count[COLUMNS], end - begin, refactor(active)
    for a in range(size):
        top = begin * level[a]
        if side[a] != 0.0:
            h[a] = top * side[a]
        elif abs(q[a]) > top:
            h[a] = np.copysign(top * (1.0 - APART * ((GOLDEN * a) % 1.0)), q[a])
        else:
            h[a] = q[a]
        e[a] = h[a] - q[a]
        barred[a] = 0
    for i in range(k):
        a = order[i]
        v[i] = -e[a] - drop * side[a] * level[a]
    forward(R, k, v)
    t, left, last, event, changes, idle = 0.0, -1, 0.0, 0, 0, 0
    while True:
        backward(R, k, v, d)
        _rates(active, k, d, size)
        step, event, sign = 1.0 - t, -1, 0.0
        for i in range(k):
            a = order[i]
            if side[a] * d[i] < 0.0:
                reach = max(-w[a] / d[i], 0.0)
                if reach < step:
                    step, event = reach, i
        now = begin + t * drop
        for a in range(size):
            if side[a] != 0.0 or level[a] == 0.0 or barred[a] != 0:
                continue
            # What has just left may not come back at once on the side it left from.
            sense = 1.0 if rate[a] > drop * level[a] else -1.0
            for _turn in range(2):
                speed = sense * rate[a] - drop * level[a]
                if speed > 0.0 and not (a == left and last == sense):
                    reach = max((now * level[a] - sense * h[a]) / speed, 0.0)
                    if reach < step:
                        step, event, sign = reach, size + a, sense
                sense = -sense
        for i in range(k):
            w[order[i]] += step * d[i]
        if 0 <= event < size:
            # Rounding may have left it beyond zero.
            w[order[event]] = 0.0
        t += step
        now = begin + t * drop
        for a in range(size):
            h[a] = now * side[a] * level[a] if side[a] != 0.0 else h[a] + step * rate[a]
        idle = 0 if step > STILL else idle
        if event < 0 or changes >= most or idle > IDLE:
            break
        changes += 1
        left = -1
        if event < size:
            idle += 1
            left, last = order[event], side[order[event]]
            k = leave(active, k, event)
            continue
        a = event - size
        k, pivot, left, last = enter(active, k, a, sign, d)
        idle += left >= 0
        if pivot <= 0.0:
            continue
        total = -e[a] - drop * sign * level[a]
        for i in range(k):
            total -= scratch[i] * v[i]
        v[k] = total / np.sqrt(pivot)
        order[k], side[a] = a, sign
        k += 1
    count[ACTIVE] = k
    count[CHANGES] += changes
    for a in range(size):
        q[a] = h[a] if event < 0 else h[a] - (1.0 - t) * e[a]
    return event < 0
