"""The problem ``loss(X x) + penalty(x)`` as kernels see it, and its directions."""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.algorithms.protocol import Directions, Problem
from fastpiggy.compile import helper, kernel, record
from fastpiggy.losses.protocol import slope_tangent, start_tangent


@record(Problem)
class Composite(NamedTuple):
    """A loss of a design's rows plus a penalty of its columns.

    Parameters
    ----------
    design, loss, penalty : records
        Of the roles :class:`~fastpiggy.designs.Design`, :class:`~fastpiggy.losses.Loss` and
        :class:`~fastpiggy.penalties.Penalty`.
    selection : ndarray of shape (p,)
        The number q of each coordinate.
    """

    design: Any
    loss: Any
    penalty: Any
    selection: np.ndarray


@record(Directions)
class CompositeDirections(NamedTuple):
    """m directions of everything in a :class:`Composite`, and of the steps.

    Parameters
    ----------
    design : Direction
        :class:`~fastpiggy.designs.Fixed` or :class:`~fastpiggy.designs.Moving`.
    loss : record
        Of the loss's own class, or :class:`~fastpiggy.losses.Constant`.
    penalty : record
        Of the penalty's own class.
    step : ndarray of shape (m,)
        Directions of the step size.
    """

    design: Any
    loss: Any
    penalty: Any
    step: np.ndarray


@helper
def gradient_at(problem, d, state, x, J, m):
    """States, slopes and gradient at x, with m tangents, in one pass over X."""
    loss, s, S = problem.loss, state.s, state.S
    for i in range(s.size):
        s[i] = loss.start(i)
    for k in range(m):
        for i in range(s.size):
            S[k, i] = start_tangent(loss, d.loss, i, k)
    problem.design.gradient(
        loss, d.loss, d.design, x, J, m, s, state.r, S, state.R, state.g, state.G
    )


@kernel
def gradient(problem, d, state, m):
    """Fill states, slopes, gradient and their tangents at ``state.x``."""
    gradient_at(problem, d, state, state.x, state.J, m)


@kernel
def rows(loss, z, r, h):
    """Fill slopes and curvatures at the states z, and return the loss."""
    total = 0.0
    for i in range(z.size):
        r[i] = loss.slope(i, z[i])
        h[i] = loss.curvature(i, z[i])
        total += loss.value(i, z[i])
    return total


@kernel
def starts(loss, z, h):
    """Fill the states at x = 0 and upper bounds of the curvatures."""
    for i in range(z.size):
        z[i] = loss.start(i)
        h[i] = loss.bound(i)


@kernel
def row_tangents(loss, d, z, Z, R, m):
    """Tangents of the starting states, and of the slopes at held states z, along m directions."""
    for k in range(m):
        for i in range(z.size):
            Z[k, i] = start_tangent(loss, d, i, k)
            R[k, i] = slope_tangent(loss, d, i, z[i], k)


@kernel
def prox(penalty, u, steps, z, du, dz, d, m, q):
    """``penalty.prox_all`` for callers in Python."""
    penalty.prox_all(u, steps, z, du, dz, d, m, q)


@kernel
def penalty_value(penalty, x):
    """``penalty.value_all`` for callers in Python."""
    return penalty.value_all(x)
