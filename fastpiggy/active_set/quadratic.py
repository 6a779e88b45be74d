"""Least squares with soft thresholds, exactly: the level falls in stages to its end.

Each stage lets columns join the working set (:mod:`fastpiggy.active_set.growth`), descends in Gram
space, and, where few have joined, ends exactly (:mod:`fastpiggy.active_set.homotopy`).  One pass
over X gives the candidates of the next stage and the optimality of this one.
"""

import numpy as np

from fastpiggy.active_set.growth import grow, look
from fastpiggy.active_set.homotopy import follow
from fastpiggy.active_set.work import (
    COLUMNS,
    SUPPORT,
    VIOLATION,
)
from fastpiggy.compile import helper

#: What :func:`advance` returns.
SOLVED, CROWDED, UNSOLVED = range(3)

_STAGES = 100

#: The support nears the number of rows, now or by what waits: the path is then followed closely.
_FULL, _FILLING = 0.85, 0.9


@helper
def advance(problem, work, lam, end, tol):
    """Lower the level from `lam` to `end`, and stop at a violation of at most `tol` there.

    Plain Python around kernels, or compiled as a whole into a kernel that calls it.

    Returns
    -------
    code : int
        SOLVED; CROWDED: the working set needs more room, and the call can be made again with the
        level that is returned; UNSOLVED: it got nowhere any more.
    lam : float
    """
    count, found = work.active.count, work.found
    n, p, room = work.residual.size, work.place.size, work.members.size
    ratio = 0.4 if n < p else 0.1
    exact, waiting, best, stale = False, 0, np.inf, 0
    for stage in range(_STAGES):
        size, k = count[COLUMNS], count[SUPPORT]
        if room - size < min(32, p - size):
            return CROWDED, lam
        crowd = k >= _FULL * n or (k >= 0.3 * n and k + 0.15 * waiting > _FILLING * n)
        before = lam
        if lam > end and (stage == 0 or exact or not crowd):
            lam = max(end, lam * (0.75 if crowd else ratio))
            lam = end if lam < 1.15 * end else lam
        direct = exact and crowd
        most = min(max(32, 10 * p // (size + 1)), room - size)
        few = max(8, k // 10)
        joined = grow(problem, work, lam, most, few, direct)
        exact = False
        if direct or (joined <= few and (crowd or lam == end)):
            exact = follow(work.active, before if direct else lam, lam, 60 + k)
        waiting = look(problem, work, lam, max(end, ratio * lam))
        if lam == end and exact:
            if found[VIOLATION] <= tol:
                return SOLVED, lam
            stale = stale + 1 if joined == 0 and not found[VIOLATION] < 0.5 * best else 0
            best = found[VIOLATION]
            if stale > 2:
                break
    return UNSOLVED, lam
