"""The Newton model of a curved problem on its working set, and the terms it is made of."""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set import blas
from fastpiggy.active_set.triangle import backward, forward
from fastpiggy.active_set.work import (
    ACTIVE,
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    DIAGONAL,
    ROTATED,
    SAVED,
    SIDE,
    STEP,
    THRESHOLD,
)
from fastpiggy.compile import routine


class Curved(NamedTuple):
    """The data of a problem, by columns.

    Parameters
    ----------
    design : Columns
        With the intercept as its last column, if one is fitted.
    loss : Loss
    shift, thresholds, ridge : ndarray of shape (p,)
        As in :class:`fastpiggy.active_set.growth.Quadratic`, the intercept included.
    """

    design: object
    loss: object
    shift: np.ndarray
    thresholds: np.ndarray
    ridge: np.ndarray


class States(NamedTuple):
    """What a curved problem keeps by rows.

    Parameters
    ----------
    z, along, curvature : ndarray of shape (n,)
        States, their change along a step, and the second derivatives.
    scaled : ndarray of shape (room, n)
        The working set's columns times the roots of the curvatures.
    """

    z: np.ndarray
    along: np.ndarray
    curvature: np.ndarray
    scaled: np.ndarray


@routine
def slopes(problem, work, states):
    """The slopes of the loss at the states, with their sign turned."""
    for i in range(states.z.size):
        work.residual[i] = -problem.loss.slope(i, states.z[i])


@routine
def correlate(problem, work, states):
    """Slopes at the states, and the correlations of the working set with them."""
    vectors, r = work.active.vectors, work.residual
    slopes(problem, work, states)
    for a in range(work.active.count[COLUMNS]):
        column, total = work.columns[a], 0.0
        for i in range(r.size):
            total += column[i] * r[i]
        total -= problem.ridge[work.members[a]] * vectors[COEFFICIENT, a]
        vectors[CORRELATION, a] = total


@routine
def violation(work, lam):
    """The largest of the working set at a level."""
    vectors, worst = work.active.vectors, 0.0
    w, q, level = vectors[COEFFICIENT], vectors[CORRELATION], vectors[THRESHOLD]
    for a in range(work.active.count[COLUMNS]):
        top = lam * level[a]
        off = w[a] == 0.0
        found = max(abs(q[a]) - top, 0.0) if off else abs(q[a] - np.copysign(top, w[a]))
        # The negation lets NaN through.
        if not found <= worst:
            worst = found
    return worst


@routine
def model(problem, work, states, lift):
    """The Gram matrix of the working set at the states.

    If `lift`, a column that the curvatures leave flat takes the size of the others: its Newton step
    is a gradient step.
    """
    active, n, size = work.active, states.z.size, work.active.count[COLUMNS]
    G, diagonal = active.gram, active.vectors[DIAGONAL]
    for i in range(n):
        states.curvature[i] = np.sqrt(max(problem.loss.curvature(i, states.z[i]), 0.0))
    for a in range(size):
        column, scaled = work.columns[a], states.scaled[a]
        for i in range(n):
            scaled[i] = states.curvature[i] * column[i]
    blas.products(states.scaled, 0, size, G)
    largest = 0.0
    for a in range(size):
        largest = max(largest, G[a, a])
    for a in range(size):
        if lift and G[a, a] <= 0.0:
            G[a, a] = largest if largest > 0.0 else 1.0
        G[a, a] += problem.ridge[work.members[a]]
        diagonal[a] = G[a, a]
        for b in range(a):
            G[b, a] = G[a, b]


@routine
def objective(problem, states, step):
    total = 0.0
    for i in range(states.z.size):
        total += problem.loss.value(i, states.z[i] + step * states.along[i])
    return total


@routine
def penalty(problem, work, lam, step):
    """Of the working set, `step` of the way from the saved coefficients to the present ones."""
    vectors, total = work.active.vectors, 0.0
    w, old, level = vectors[COEFFICIENT], vectors[SAVED], vectors[THRESHOLD]
    for a in range(work.active.count[COLUMNS]):
        x = old[a] + step * (w[a] - old[a])
        total += lam * level[a] * abs(x) + 0.5 * problem.ridge[work.members[a]] * x * x
    return total


@routine
def left(work, states, lam):
    """How far the Newton step that is left would move a state, by the factor of the last model."""
    active, R, order = work.active, work.active.factor, work.active.order
    vectors, along, k, farthest = active.vectors, states.along, active.count[ACTIVE], 0.0
    v, d = vectors[ROTATED], vectors[STEP]
    for i in range(k):
        a = order[i]
        v[i] = vectors[CORRELATION, a] - lam * vectors[THRESHOLD, a] * vectors[SIDE, a]
    forward(R, k, v)
    backward(R, k, v, d)
    for i in range(along.size):
        along[i] = 0.0
    for j in range(k):
        column, x = work.columns[order[j]], d[j]
        for i in range(along.size):
            along[i] += x * column[i]
    for i in range(along.size):
        # The negation lets NaN through.
        if not abs(along[i]) <= farthest:
            farthest = abs(along[i])
    return farthest
