"""Least squares with soft thresholds, exactly: the level falls in stages to its end.

Each stage lets columns join the working set (:mod:`fastpiggy.active_set.growth`), descends in Gram
space, and, where few have joined, ends exactly (:mod:`fastpiggy.active_set.homotopy`).  One pass
over X gives the candidates of the next stage and the optimality of this one.
"""

import numpy as np

from fastpiggy.active_set.cost_model import (
    CHANGES,
    CLOSELY,
    TALL,
    WIDE,
    crowded,
    few,
    joiners,
    next_level,
)
from fastpiggy.active_set.growth import grow, look
from fastpiggy.active_set.homotopy import follow
from fastpiggy.active_set.work import (
    COLUMNS,
    CROWDED,
    SOLVED,
    SUPPORT,
    UNSOLVED,
    VIOLATION,
)
from fastpiggy.compile import helper

_STAGES = 100


def by(grow, follow, look):
    """:func:`advance` by these kernels, which may have been prepared."""

    def advance(problem, work, lam, end, tol):
        """Lower the level from `lam` to `end`, and stop at a violation of at most `tol` there.

        Plain Python around kernels, or compiled as a whole into a kernel that calls it.

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
            # As Python's own integers where this is not compiled: those of NumPy are slow.
            size, k = int(count[COLUMNS]), int(count[SUPPORT])
            if room - size < min(32, p - size):
                return CROWDED, lam
            close, before = crowded(k, waiting, n), lam
            if lam > end and (stage == 0 or exact or not close):
                lam = next_level(lam, end, CLOSELY if close else factor)
            direct = exact and close
            joined = grow(problem, work, lam, min(joiners(n, p, size), room - size), few(k), direct)
            exact = False
            if direct or (joined <= few(k) and (close or lam == end)):
                exact = follow(work.active, before if direct else lam, lam, CHANGES + k)
            waiting = look(problem, work, lam, max(end, factor * lam))
            if lam == end and exact:
                violation = float(found[VIOLATION])
                if violation <= tol:
                    return SOLVED, lam
                stale = stale + 1 if joined == 0 and not violation < 0.5 * best else 0
                best = violation
                if stale > 2:
                    break
        return UNSOLVED, lam

    return advance


advance = helper(by(grow, follow, look))
