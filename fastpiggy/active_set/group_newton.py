"""Newton's method on the active groups of a working set in Gram space.

There the objective is smooth: ``K = G + lam c_g (I - v v') / norm2(w_g)`` with
``v = w_g / norm2(w_g)`` is its Hessian.  Descent finds the groups, Newton steps end it.
"""

import numpy as np

from fastpiggy.active_set import blas
from fastpiggy.active_set.group_descent import descend, size_of
from fastpiggy.active_set.homotopy import combine, gather
from fastpiggy.active_set.triangle import backward, forward
from fastpiggy.active_set.work import (
    ACTIVE,
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    FACTORISATIONS,
    PATH,
    RATE,
    ROTATED,
    SAVED,
    STEP,
)
from fastpiggy.compile import kernel, routine

#: A pivot below this, over the diagonal entry, counts as zero; what is then added to it.
_PIVOT, _LIFTS = 1e-12, (0.0, 1e-10, 1e-6)

_HALVINGS = 12


@routine
def _system(active, groups, lam, lift):
    """Active groups and places, and K in the factor's upper triangle; its diagonal in ROTATED."""
    R, order, w = active.factor, active.order, active.vectors[COEFFICIENT]
    k, groups.count[1] = 0, 0
    for i in range(groups.count[0]):
        g = groups.members[i]
        lo = groups.first[g]
        hi = lo + groups.offsets[g + 1] - groups.offsets[g]
        if groups.weights[g] > 0.0 and size_of(w, lo, hi) == 0.0:
            continue
        groups.queue[groups.count[1]] = g
        groups.count[1] += 1
        for a in range(lo, hi):
            order[k] = a
            k += 1
    gather(active, k)
    begin = 0
    for i in range(groups.count[1]):
        g = groups.queue[i]
        lo, size = groups.first[g], groups.offsets[g + 1] - groups.offsets[g]
        norm, top = size_of(w, lo, lo + size), lam * groups.weights[g]
        for a in range(size if top > 0.0 else 0):
            row, v = R[begin + a], w[lo + a] / norm
            row[begin + a] += top / norm * max(1.0 - v * v, 0.0)
            for b in range(a + 1, size):
                row[begin + b] -= top / norm * v * (w[lo + b] / norm)
        begin += size
    for i in range(k):
        R[i, i] *= 1.0 + lift
        active.vectors[ROTATED, i] = R[i, i]
    return k


@routine
def _factor(active, groups, lam):
    """The factor of K on the active groups, its diagonal lifted a little where it is singular.

    Returns the lift, over the diagonal, or -1 where none helps.
    """
    count, R, diagonal = active.count, active.factor, active.vectors[ROTATED]
    for lift in _LIFTS:
        k = _system(active, groups, lam, lift)
        count[FACTORISATIONS] += 1
        good, count[ACTIVE] = blas.cholesky(R, k), k
        for i in range(k):
            good = good and R[i, i] * R[i, i] > _PIVOT * diagonal[i]
        if good:
            return lift
    return -1.0


@routine
def _direction(active, groups, lam):
    """The Newton step in STEP, by position of the order.

    Returns the largest ``norm(d_g) / norm(w_g)``.
    """
    vectors, k = active.vectors, active.count[ACTIVE]
    w, q, d, v = vectors[COEFFICIENT], vectors[CORRELATION], vectors[STEP], vectors[ROTATED]
    i, longest = 0, 0.0
    for b in range(groups.count[1]):
        lo, hi, top = _active(groups, lam, b)
        norm = size_of(w, lo, hi)
        for a in range(lo, hi):
            v[i] = q[a] - (top * (w[a] / norm) if top > 0.0 else 0.0)
            i += 1
    forward(active.factor, k, v)
    backward(active.factor, k, v, d)
    i = 0
    for b in range(groups.count[1]):
        lo, hi, top = _active(groups, lam, b)
        norm, length = size_of(w, lo, hi), size_of(d, i, i + hi - lo)
        if length > longest * norm:
            longest = length / norm if norm > 0.0 else np.inf
        i += hi - lo
    return longest


@routine
def _active(groups, lam, b):
    """First and last place of an active group, and its threshold."""
    g = groups.queue[b]
    lo = groups.first[g]
    return lo, lo + groups.offsets[g + 1] - groups.offsets[g], lam * groups.weights[g]


@routine
def _crossings(active, groups, lam, out):
    """When the step leads each active group past zero, inf where it does not; and the first."""
    w, d, first, i = active.vectors[COEFFICIENT], active.vectors[STEP], np.inf, 0
    for b in range(groups.count[1]):
        lo, hi, top = _active(groups, lam, b)
        squares, along, out[b] = 0.0, 0.0, np.inf
        for a in range(lo, hi):
            squares += w[a] * w[a]
            along -= w[a] * d[i]
            i += 1
        if top > 0.0 and along > 0.0:
            out[b] = squares / along
            first = min(first, out[b])
    return first


@routine
def _change(active, groups, lam, step, crossings, last, share, new):
    """The change of coefficients by so much of the step, in `new` by position of the order.

    Groups that cross up to `last` go that `share` of their way to zero instead.  Returns how the
    objective changes, and what rounding makes of that.
    """
    w, d, q = active.vectors[COEFFICIENT], active.vectors[STEP], active.vectors[CORRELATION]
    order, k, moved = active.order, active.count[ACTIVE], active.vectors[RATE]
    i, change, total = 0, 0.0, 0.0
    for b in range(groups.count[1]):
        lo, hi, top = _active(groups, lam, b)
        squares = 0.0
        for a in range(lo, hi):
            new[i] = -share * w[a] if crossings[b] <= last else step * d[i]
            squares += (w[a] + new[i]) ** 2
            change -= q[a] * new[i]
            i += 1
        norm = size_of(w, lo, hi)
        change += top * (np.sqrt(squares) - norm)
        total += top * norm
    combine(active.gram, order, new, k, active.count[COLUMNS], moved)
    for i in range(k):
        change += 0.5 * new[i] * moved[order[i]]
    return change, 1e-15 * total


@kernel
def newton(active, groups, lam):
    """One Newton step on the active groups, with those at zero that it leads past it.

    Of several ways the one that lowers the objective most; where none does, ever shorter steps.

    Returns
    -------
    good : bool
        False where none lowers it.
    pivot : float
        The least pivot of the factor of K over its diagonal entry; 0 where K is singular.
    loose : float
        The largest ``norm(d_g) / norm(w_g)`` of Newton's step.
    """
    lift, pivot = _factor(active, groups, lam), 1.0
    if lift < 0.0:
        return False, 0.0, np.inf
    for i in range(active.count[ACTIVE]):
        pivot = min(pivot, active.factor[i, i] ** 2 / active.vectors[ROTATED, i])
    pivot = pivot if lift == 0.0 else 0.0
    vectors, new, crossings = active.vectors, active.vectors[PATH], active.vectors[SAVED]
    loose = _direction(active, groups, lam)
    first = _crossings(active, groups, lam, crossings)
    change, noise = _change(active, groups, lam, 1.0, crossings, 1.0, 1.0, new)
    if first < 1.0:
        # All at zero that cross, the first alone, and the way to the former.
        best, step, last, share = change, 1.0, 1.0, 1.0
        change, _ = _change(active, groups, lam, first, crossings, first, 1.0, new)
        if change < best:
            best, step, last = change, first, first
        part = 0.5
        for _halving in range(_HALVINGS):
            change, _ = _change(active, groups, lam, part, crossings, 1.0, part, new)
            if change < best:
                best, step, last, share = change, part, 1.0, part
            part *= 0.5
        change, _ = _change(active, groups, lam, step, crossings, last, share, new)
    step = 1.0
    for _halving in range(_HALVINGS):
        # Where what is promised drowns in rounding the step is taken as it is.
        if change <= noise:
            break
        step *= 0.5
        change, _ = _change(active, groups, lam, step, crossings, -1.0, 1.0, new)
    if change > noise:
        return False, pivot, loose
    for i in range(active.count[ACTIVE]):
        vectors[COEFFICIENT, active.order[i]] += new[i]
    for a in range(active.count[COLUMNS]):
        vectors[CORRELATION, a] -= vectors[RATE, a]
    return True, pivot, loose


@routine
def settle(active, groups, lam, goal, sweeps, rounds):
    """Descent on the working set, then Newton steps and sweeps in turn, to a violation `goal`.

    Plain Python around kernels.
    """
    worst = descend(active, groups, lam, sweeps)
    for _round in range(rounds):
        if worst <= goal:
            break
        good, _, _ = newton(active, groups, lam)
        worst = descend(active, groups, lam, 1 if good else sweeps)
