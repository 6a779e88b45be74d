"""A working set that another problem with the same data has left: its Gram matrix holds."""

from fastpiggy.active_set.cost_model import CHANGES, EARLY, crowded
from fastpiggy.active_set.descent import descend
from fastpiggy.active_set.homotopy import combine, follow
from fastpiggy.active_set.work import (
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    DIAGONAL,
    PATH,
    SCRATCH,
    THRESHOLD,
)
from fastpiggy.compile import kernel


@kernel
def resume(problem, work, start, before):
    """Coefficients of `start`, thresholds and squared l2 part of a problem in its working set.

    Parameters
    ----------
    problem : Quadratic
        Of the same data as the one that has left the working set.
    start : ndarray of shape (p,)
        Coefficients out of the working set are left out.
    before : float
        The squared l2 part of the former problem.
    """
    active, size = work.active, work.active.count[COLUMNS]
    G, vectors = active.gram, active.vectors
    w, q, diagonal, values = (vectors[COEFFICIENT], vectors[CORRELATION], vectors[DIAGONAL],
                              vectors[SCRATCH])  # fmt: skip
    active.count[:] = 0
    active.count[COLUMNS] = size
    support, k = active.order, 0
    for a in range(size):
        j = work.members[a]
        diagonal[a] += problem.ridge[j] - before
        G[a, a], w[a] = diagonal[a], start[j]
        vectors[THRESHOLD, a] = problem.thresholds[j]
        if w[a] != 0.0:
            support[k], values[k] = a, w[a]
            k += 1
    combine(G, support, values, k, size, vectors[PATH])
    for a in range(size):
        q[a] = work.target[work.members[a]] - vectors[PATH, a]
    return k


@kernel
def continue_(active, k, n, begin, end):
    """From the solution at one level towards that of another, without X.

    Along the path where the support of k nears the number of rows, else by descent.
    """
    if crowded(k, 0, n):
        return follow(active, begin, end, CHANGES + k)
    descend(active, end, EARLY)
    return False
