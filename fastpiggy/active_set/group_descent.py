"""Groups of a working set in Gram space, and block coordinate descent on them."""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set import blas
from fastpiggy.active_set.triangle import backward, forward
from fastpiggy.active_set.work import (
    CHANGES,
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    ROTATED,
    SCRATCH,
    STEP,
    SWEEPS,
)
from fastpiggy.compile import kernel, routine

#: Proximal steps on one block, which make up nearly its exact minimum.
_INNER = 6

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
def worst(active, groups, lam):
    w, q, worst = active.vectors[COEFFICIENT], active.vectors[CORRELATION], 0.0
    for i in range(groups.count[0]):
        g = groups.members[i]
        lo = groups.first[g]
        hi = lo + groups.offsets[g + 1] - groups.offsets[g]
        worst = max(worst, gap(w, q, lo, hi, lam * groups.weights[g]))
    return worst


@kernel
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
    return worst(active, groups, lam)
