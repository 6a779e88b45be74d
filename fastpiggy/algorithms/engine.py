"""The one loop that drives every algorithm."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import kernel

#: What :func:`run` ends with.
UNFINISHED, CONVERGED, NOT_FINITE, GROWING, TANGENTS_DUE = range(5)

#: Columns of the trace: norms of x+ - x, J+ - J and J+, the residual, the number of tangents run.
CHANGE, TANGENT_CHANGE, TANGENT_SIZE, RESIDUAL, TANGENTS = range(5)


class Policy(NamedTuple):
    """When tangents run, and when to stop.

    Parameters
    ----------
    steps : int
        At most this many iterations in this call.
    tol : float
        On the optimality residual.
    tangent_tol : float
        On ``norm(J+ - J)`` over the largest ``norm(J)`` of the run.
    patience : int
        Start the tangents once no coordinate changed side for so many iterations; 0: at once.
    moving : bool
        False: x is held, only the tangents move.
    """

    steps: int
    tol: float
    tangent_tol: float
    patience: int
    moving: bool


class Progress(NamedTuple):
    """What outlives one call of :func:`run`: counters, in arrays so that kernels can write.

    ``Progress.start()`` makes those of a new run.

    Parameters
    ----------
    count : ndarray of shape (3,), int
        Iterations done, iterations since a coordinate moved, tangents that run.
    largest : ndarray of shape (1,)
        The largest norm of J so far.
    """

    count: np.ndarray
    largest: np.ndarray

    @classmethod
    def start(cls) -> "Progress":
        return cls(np.zeros(3, dtype=np.int64), np.zeros(1))


@kernel
def run(algorithm, problem, d, state, m, policy, progress, trace):
    """Iterate an algorithm with its tangents until both residuals are small.

    Parameters
    ----------
    algorithm, problem, d : records
        The map, what it solves, and the directions of both.
    state : NamedTuple of arrays
        The iterate, its tangents and work arrays; updated in place.
    m : int
        Number of tangents.
    policy : Policy
    progress : Progress
        Updated in place, so that a run can be resumed.
    trace : ndarray of shape (policy.steps, 5)
        One row per iteration, filled: norms of ``x+ - x``, ``J+ - J`` and ``J+``, the residual,
        the number of tangents that ran (columns CHANGE, TANGENT_CHANGE, TANGENT_SIZE, RESIDUAL,
        TANGENTS).

    Returns
    -------
    code : int
        UNFINISHED, CONVERGED, NOT_FINITE, GROWING, or TANGENTS_DUE: no coordinate has moved for
        `patience` iterations; what the algorithm carries along with the tangents must be brought
        to x and J before the run is resumed.
    done : int
        Iterations of this call, the rows of `trace` that were written.
    """
    count = progress.count
    for step in range(policy.steps):
        settled = count[1] >= policy.patience
        active = m if settled or count[2] > 0 else 0
        if active > count[2] and count[0] > 0:
            count[2] = active
            return TANGENTS_DUE, step
        move = algorithm.step(problem, d, state, active, policy.moving)
        count[0] += 1
        count[1] = 0 if move.moved > 0 else count[1] + 1
        count[2] = active
        trace[step, 0] = np.sqrt(move.change)
        trace[step, 1] = np.sqrt(move.tangent_change)
        trace[step, 2] = np.sqrt(move.tangent_size)
        trace[step, 3] = move.residual
        trace[step, 4] = active
        if not np.isfinite(move.change) or not np.isfinite(move.residual):
            return NOT_FINITE, step + 1
        # Squares of finite tangents overflow at 1e154: stop while they can still be shown.
        if not move.tangent_size < 1e200:
            return GROWING, step + 1
        # The largest J sets the scale: tangents along the starting point vanish themselves.
        progress.largest[0] = max(progress.largest[0], trace[step, 2])
        # Above zero, for an infinite tolerance times tangents of zero.
        still = not trace[step, 1] > policy.tangent_tol * max(progress.largest[0], 1e-300)
        if move.residual <= policy.tol and active == m and still:
            return CONVERGED, step + 1
    return UNFINISHED, policy.steps
