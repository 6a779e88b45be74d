"""Groups of a working set in Gram space: block coordinate descent, and Newton's method.

On the active groups the objective is smooth: ``K = G + lam c_g (I - v v') / norm2(w_g)`` with
``v = w_g / norm2(w_g)`` is its Hessian.  Descent finds the groups, Newton steps end it.
"""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set import blas
from fastpiggy.active_set.homotopy import combine, gather
from fastpiggy.active_set.triangle import backward, forward
from fastpiggy.active_set.work import (
    ACTIVE,
    CHANGES,
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    FACTORISATIONS,
    PATH,
    RATE,
    ROTATED,
    SAVED,
    SCRATCH,
    STEP,
    SWEEPS,
)
from fastpiggy.compile import kernel, routine

#: Proximal steps on one block, which make up nearly its exact minimum.
_INNER = 6

#: A pivot below this, over the diagonal entry, counts as zero; what is then added to it.
_PIVOT, _LIFTS = 1e-12, (0.0, 1e-10, 1e-6)

_HALVINGS = 12

#: Columns of a block that is solved for exactly, and steps to the root that takes.
_LARGEST_BLOCK, _SECULAR = 64, 30


class Groups(NamedTuple):
    """The groups of columns, and what is known of them.

    Parameters
    ----------
    weights : ndarray of shape (groups,)
        c; a group of weight 0 is always in the working set.
    offsets, order : ndarray of int
        Group g holds the columns ``order[offsets[g]:offsets[g + 1]]``.
    first : ndarray of shape (groups,), int
        The place of its first column, the others behind it; -1 out of the working set.
    members, queue : ndarray of shape (groups,), int
        Groups of the working set in the order of their places, and a heap of candidates.
    pull : ndarray of shape (groups,)
        The level from which each would be active.
    curvature : ndarray of shape (groups,)
        A bound of the eigenvalues of the Gram matrix of each group of the working set.
    count : ndarray of shape (2,), int
        Groups in the working set, and active ones, which the queue lists while there is a factor.
    """

    weights: np.ndarray
    offsets: np.ndarray
    order: np.ndarray
    first: np.ndarray
    members: np.ndarray
    queue: np.ndarray
    pull: np.ndarray
    curvature: np.ndarray
    count: np.ndarray

    @classmethod
    def of(cls, weights: np.ndarray, offsets: np.ndarray, order: np.ndarray) -> "Groups":
        """All of them out of the working set."""
        integers, vectors = np.zeros((2, weights.size), dtype=np.int64), np.zeros((2, weights.size))
        return cls(
            weights, offsets, order, np.full(weights.size, -1), *integers, *vectors,
            np.zeros(2, dtype=np.int64),
        )  # fmt: skip


@routine
def size_of(v, lo, hi):
    total = 0.0
    for a in range(lo, hi):
        total += v[a] * v[a]
    return np.sqrt(total)


@routine
def _block(active, lo, hi, top, bound):
    """Proximal steps on one block: its new coefficients in STEP; returns the largest change."""
    G, w, q = active.gram, active.vectors[COEFFICIENT], active.vectors[CORRELATION]
    new, h, delta = active.vectors[STEP], active.vectors[SCRATCH], active.vectors[ROTATED]
    for a in range(lo, hi):
        new[a], h[a] = w[a], q[a]
    begun = 0.0
    for _turn in range(_INNER):
        norm = 0.0
        for a in range(lo, hi):
            delta[a] = new[a] + h[a] / bound
            norm += delta[a] * delta[a]
        norm = np.sqrt(norm)
        keep = 1.0 - top / (bound * norm) if bound * norm > top else 0.0
        moved = 0.0
        for a in range(lo, hi):
            delta[a] = keep * delta[a] - new[a]
            new[a] += delta[a]
            moved = max(moved, abs(delta[a]))
        for a in range(lo, hi):
            row = G[a]
            for b in range(lo, hi):
                h[b] -= row[b] * delta[a]
        begun = max(begun, moved)
        if keep == 0.0 or moved <= 0.02 * begun or hi - lo == 1:
            return begun
    if hi - lo <= _LARGEST_BLOCK:
        begun = max(begun, _exact_block(active, lo, hi, top, bound))
    return begun


@routine
def _exact_block(active, lo, hi, top, bound):
    """The minimum over one block whose columns are too different for proximal steps, in STEP.

    It is ``z = inv(A + mu) h`` with ``mu norm2(z) = top``, and ``1/norm2(z) - mu/top`` is concave
    in mu: Newton's method comes down to its root from above (More and Sorensen, "Computing a trust
    region step", 1983, on the other side of the same equation).
    """
    G, R, size = active.gram, active.factor, hi - lo
    w, q = active.vectors[COEFFICIENT, lo:hi], active.vectors[CORRELATION, lo:hi]
    new, h, z = (active.vectors[STEP, lo:hi], active.vectors[SCRATCH, lo:hi],
                 active.vectors[ROTATED, lo:hi])  # fmt: skip
    for a in range(size):
        h[a] = q[a]
        for b in range(size):
            h[a] += G[lo + a, lo + b] * w[b]
    norm = size_of(h, 0, size)
    if norm <= top or top == 0.0:
        return 0.0
    mu = top * bound / (norm - top)
    for _turn in range(_SECULAR):
        for a in range(size):
            for b in range(a, size):
                R[a, b] = G[lo + a, lo + b]
            R[a, a] += mu
            z[a] = h[a]
        if not blas.cholesky(R, size):
            break
        forward(R, size, z)
        backward(R, size, z, new)
        for a in range(size):
            z[a] = new[a]
        forward(R, size, z)
        length, bent = size_of(new, 0, size), size_of(z, 0, size)
        fall = 1.0 / top - bent * bent / (length * length * length)
        step = (1.0 / length - mu / top) / fall
        if not (fall > 0.0 and mu + step > 0.0) or abs(step) <= 1e-12 * mu:
            break
        mu += step
    change = 0.0
    for a in range(size):
        change = max(change, abs(new[a] - w[a]))
    return change


@kernel(allocates=False)
def descend(active, groups, lam, sweeps):
    """Block coordinate descent; ends when no group has come or gone in two sweeps.

    Returns the largest violation in the working set.
    """
    G, w, q, new = (active.gram, active.vectors[COEFFICIENT], active.vectors[CORRELATION],
                    active.vectors[STEP])  # fmt: skip
    size, still = active.count[COLUMNS], 0
    for _sweep in range(sweeps):
        turned, largest = 0, 0.0
        for i in range(groups.count[0]):
            g = groups.members[i]
            lo, top, bound = groups.first[g], lam * groups.weights[g], groups.curvature[g]
            hi = lo + groups.offsets[g + 1] - groups.offsets[g]
            was = size_of(w, lo, hi) > 0.0
            if (not was and size_of(q, lo, hi) <= top) or bound <= 0.0:
                continue
            largest = max(largest, bound * _block(active, lo, hi, top, bound))
            now = False
            for a in range(lo, hi):
                row, change = G[a], new[a] - w[a]
                w[a] = new[a]
                now = now or new[a] != 0.0
                if change != 0.0:
                    for b in range(size):
                        q[b] -= change * row[b]
            turned += was != now
        active.count[SWEEPS] += 1
        active.count[CHANGES] += turned
        still = still + 1 if turned == 0 else 0
        if still >= 2 or largest == 0.0:
            break
    return _worst(active, groups, lam)


@routine
def gap(w, q, lo, hi, top):
    """The violation of optimality of one group with coefficients w and correlations q."""
    norm = size_of(w, lo, hi)
    if norm == 0.0 or top == 0.0:
        return max(size_of(q, lo, hi) - top, 0.0)
    total = 0.0
    for a in range(lo, hi):
        off = q[a] - top * (w[a] / norm)
        total += off * off
    return np.sqrt(total)


@routine
def _worst(active, groups, lam):
    w, q, worst = active.vectors[COEFFICIENT], active.vectors[CORRELATION], 0.0
    for i in range(groups.count[0]):
        g = groups.members[i]
        lo = groups.first[g]
        hi = lo + groups.offsets[g + 1] - groups.offsets[g]
        worst = max(worst, gap(w, q, lo, hi, lam * groups.weights[g]))
    return worst


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


@kernel(allocates=False)
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
