"""Coordinate descent in Gram space, with the correlations of the whole working set kept."""

from fastpiggy.active_set.work import COEFFICIENT, COLUMNS, CORRELATION, SWEEPS, THRESHOLD
from fastpiggy.compile import routine


@routine
def descend(active, lam, sweeps):
    """At most so many sweeps at a level; ends when the signs have stood still for two of them."""
    count, G = active.count, active.gram
    w, q = active.vectors[COEFFICIENT], active.vectors[CORRELATION]
    level = active.vectors[THRESHOLD]
    size, still = count[COLUMNS], 0
    for _sweep in range(sweeps):
        turned, largest = 0, 0.0
        for a in range(size):
            row, old = G[a], w[a]
            if old == 0.0 and abs(q[a]) <= lam * level[a]:
                continue
            u, top = q[a] + row[a] * old, lam * level[a]
            new = 0.0
            if u > top:
                new = (u - top) / row[a]
            elif u < -top:
                new = (u + top) / row[a]
            change = new - old
            if change == 0.0:
                continue
            if (new > 0.0) != (old > 0.0) or (new < 0.0) != (old < 0.0):
                turned += 1
            w[a] = new
            for j in range(size):
                q[j] -= change * row[j]
            size_of = abs(change) * row[a]
            largest = size_of if size_of > largest else largest
        count[SWEEPS] += 1
        still = still + 1 if turned == 0 else 0
        if still >= 2 or largest == 0.0:
            break
