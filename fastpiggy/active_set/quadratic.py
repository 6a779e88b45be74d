"""Least squares with soft thresholds, exactly: the level falls in stages to its end.

Each stage lets columns join the working set (:mod:`fastpiggy.active_set.growth`), descends in Gram
space, and, where few have joined, ends exactly (:mod:`fastpiggy.active_set.homotopy`).  One pass
over X gives the candidates of the next stage and the optimality of this one.
"""

import numpy as np

from fastpiggy.active_set.cost_model import (
    CHANGES,
    CLOSELY,
    STALE,
    TALL,
    WIDE,
    brief,
    crowded,
    few,
    joiners,
    next_level,
)
from fastpiggy.active_set.growth import admit, grow, look
from fastpiggy.active_set.homotopy import follow
from fastpiggy.active_set.reading import report
from fastpiggy.active_set.work import (
    COLUMNS,
    CROWDED,
    LARGEST,
    SOLVED,
    SUPPORT,
    UNSOLVED,
    VIOLATION,
)
from fastpiggy.compile import kernel, routine

#: How a solve starts.
NEW, MOVED, GIVEN = range(3)

_STAGES = 100


@routine
def advance(problem, work, lam, end, tol):
    """Lower the level from `lam` to `end`, and stop at a violation of at most `tol` there.

    Returns
    -------
    code : int
        SOLVED; CROWDED: the working set needs more room, and the call can be made again with
        the level that is returned; UNSOLVED: it got nowhere any more.
    lam : float
    """
    count, found = work.active.count, work.found
    n, p, room = work.residual.size, work.place.size, work.members.size
    factor = WIDE if n < p else TALL
    exact, waiting, best, stale = False, 0, np.inf, 0
    for stage in range(_STAGES):
        size, k = count[COLUMNS], count[SUPPORT]
        if room - size < min(32, p - size):
            return CROWDED, lam
        close, before = crowded(k, waiting, n), lam
        if lam > end and (stage == 0 or exact or not close):
            lam = next_level(lam, end, CLOSELY if close else factor)
        direct = exact and close
        joined = grow(problem, work, lam, min(joiners(n, p, size), room - size), few(k), direct)
        exact = False
        settled = joined <= few(k) or brief(count[COLUMNS], n, p)
        if direct or (settled and (close or lam == end)):
            exact = follow(work.active, before if direct else lam, lam, CHANGES + k)
        waiting = look(problem, work, lam, max(end, factor * lam))
        if lam == end and (exact or joined == 0):
            violation = found[VIOLATION]
            if exact and violation <= tol:
                return SOLVED, lam
            stale = stale + 1 if joined == 0 and not violation < 0.5 * best else 0
            best = violation
            if stale > STALE:
                break
    return UNSOLVED, lam


@kernel
def solve(problem, work, columns, coefficients, start, lam, end, tol, asked, x, J):
    """:func:`advance` from a start, and what there is to :func:`report` at the end.

    Parameters
    ----------
    problem : Quadratic
    work : Work
    columns : ndarray of shape (k,), int
        What joins the working set first, with its `coefficients`.
    start : int
        NEW: `lam` and the residual are those of zero coefficients, or of where a call has ended
        CROWDED; MOVED: coefficients have been given, and are optimal on the working set; GIVEN:
        they need not be.
    lam, end : float
        The first level, 0 for the largest pull that is left; the last level.
    tol : float
        Largest violation.
    asked : Asked
    x, J : ndarray of shape (p,) and (m, p)
        Zeros, which are written over where the problem is solved.

    Returns
    -------
    code, lam
        As :func:`advance` returns them.
    found : tuple of float
        As :func:`report` returns them.
    """
    if columns.size > 0:
        admit(problem, work, columns, coefficients)
    if start == GIVEN:
        follow(work.active, end, end, CHANGES + 2 * columns.size)
    if start != NEW:
        look(problem, work, end, end)
    if lam == 0.0:
        lam = max(work.found[LARGEST], end)
    code, lam = advance(problem, work, lam, end, tol)
    if code == CROWDED:
        return code, lam, (0.0, 0.0, 0.0, 0.0, 0.0)
    return code, lam, report(problem, work, end, code == SOLVED, asked, x, J)
