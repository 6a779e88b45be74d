"""What a working set says at a solution: x, how near to a kink it is, and its tangents."""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set.triangle import backward, forward
from fastpiggy.active_set.work import (
    ACTIVE,
    COEFFICIENT,
    COLUMNS,
    DIAGONAL,
    ROTATED,
    SCRATCH,
    SIDE,
    STEP,
    THRESHOLD,
)
from fastpiggy.compile import routine

#: The least pivot over a diagonal entry with which a Gram matrix says enough of its columns.
PIVOT = 1e-7


class Asked(NamedTuple):
    """The tangents that are asked for.

    Parameters
    ----------
    slopes, ridges : ndarray of shape (m,)
        How the level and the squared l2 part move with each parameter.
    penalised : int
        Coordinates from here on, the intercept, have no squared l2 part.
    away : float
        How far from a kink a solution must be, over its threshold.
    """

    slopes: np.ndarray
    ridges: np.ndarray
    penalised: int
    away: float


@routine
def read(problem, work, lam, x):
    """Write the coefficients into x, which holds zeros.

    Returns
    -------
    distance : float
        To the nearest kink: of a correlation to its threshold, and of a coefficient to zero, both
        over the threshold.
    pivot : float
        The least pivot of the factor over its diagonal entry.
    curvature, term : float
        The largest diagonal entry of the working set, and the largest product of one with its
        coefficient: what rounding is made of.
    """
    vectors, count, order = work.active.vectors, work.active.count, work.active.order
    w, diagonal, R = vectors[COEFFICIENT], vectors[DIAGONAL], work.active.factor
    distance, pivot, curvature, term = np.inf, 1.0, 0.0, 0.0
    for a in range(count[COLUMNS]):
        x[work.members[a]] = w[a]
        curvature = max(curvature, diagonal[a])
        term = max(term, diagonal[a] * abs(w[a]))
    for j in range(x.size):
        top = lam * problem.thresholds[j]
        if top == 0.0:
            continue
        a = work.place[j]
        if x[j] != 0.0:
            gap = diagonal[a] * abs(x[j]) / top
        else:
            gap = 1.0 - abs(work.correlation[j]) / top
        distance = min(distance, gap)
    out = 0
    for a in range(count[COLUMNS]):
        out += w[a] != 0.0 or vectors[THRESHOLD, a] == 0.0
    for i in range(count[ACTIVE]):
        a = order[i]
        pivot = min(pivot, R[i, i] * R[i, i] / diagonal[a])
        out -= w[a] != 0.0 or vectors[THRESHOLD, a] == 0.0
    # A column of the support that the factor has left out depends on the others.
    pivot = 0.0 if out > 0 else pivot
    return distance, pivot, curvature, term


@routine
def tangents(work, penalised, slopes, ridges, J):
    """Derivatives of the solution along m directions of the level and of the squared l2 part.

    ``K dw_S = -slopes_k c_S s_S - ridges_k w_S``, with one refinement: the factor has come through
    many changes.

    Parameters
    ----------
    work : Work
        At a solution.
    penalised : int
        Coordinates from here on, the intercept, have no squared l2 part.
    slopes, ridges : ndarray of shape (m,)
    J : ndarray of shape (m, p)
        Filled on the active columns.

    Returns
    -------
    float
        The norm of the last correction over that of J, the largest over the directions.
    """
    active = work.active
    order, R, G, vectors = active.order, active.factor, active.gram, active.vectors
    w, side, level = vectors[COEFFICIENT], vectors[SIDE], vectors[THRESHOLD]
    d, t, v = vectors[STEP], vectors[SCRATCH], vectors[ROTATED]
    k, worst = active.count[ACTIVE], 0.0
    for m in range(slopes.size):
        for i in range(k):
            d[i] = 0.0
        size, change = 0.0, 0.0
        for turn in range(2):
            for i in range(k):
                a = order[i]
                row, v[i] = G[a], -slopes[m] * level[a] * side[a]
                if work.members[a] < penalised:
                    v[i] -= ridges[m] * w[a]
                if turn > 0:
                    for b in range(k):
                        v[i] -= row[order[b]] * d[b]
            forward(R, k, v)
            backward(R, k, v, t)
            size, change = 0.0, 0.0
            for i in range(k):
                d[i] += t[i]
                size += d[i] * d[i]
                change += t[i] * t[i]
        worst = max(worst, np.sqrt(change / size) if size > 0.0 else 0.0)
        for i in range(k):
            J[m, work.members[order[i]]] = d[i]
    return worst


@routine
def report(problem, work, lam, solved, asked, x, J):
    """Coefficients, and tangents where these follow from the factor.

    They do where the problem is solved, and neither a kink nor a vanishing pivot is near.

    Returns
    -------
    distance, pivot, curvature, term : float
        As :func:`read` has them.
    correction : float
        As :func:`tangents` has it; infinite where there are none.
    """
    distance, pivot, curvature, term = read(problem, work, lam, x)
    correction = np.inf
    if solved and distance > asked.away and pivot > PIVOT:
        correction = tangents(work, asked.penalised, asked.slopes, asked.ridges, J)
    return distance, pivot, curvature, term, correction
