"""Picard iteration of a map that a user has written as a record."""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.algorithms.protocol import Algorithm, Directions, Move, Problem, State
from fastpiggy.compile import protocol, record


@protocol
class Map:
    """A map ``x+ = F(x, theta)`` on vectors, with its tangent: the role of one's own algorithm.

    x is flat, and theta holds the entries of all parameters one after the other.
    """

    def step(self, x, theta, z):
        """Fill z with ``F(x, theta)``."""

    def step_tangent(self, x, theta, z, dx, dtheta, dz):
        """Fill dz with ``A dx + B dtheta``, [A, B] one selection at x; z is what `step` found."""


@record(Problem)
class Mapped(NamedTuple):
    """A map at given parameters.

    Parameters
    ----------
    map : Map
        A record of that role.
    theta : ndarray of shape (q,)
    """

    map: Any
    theta: np.ndarray


@record(Directions)
class MapDirections(NamedTuple):
    """m directions of the parameters.

    Parameters
    ----------
    theta : ndarray of shape (m, q)
    """

    theta: np.ndarray


@record(State)
class MapState(NamedTuple):
    """The iterate with its tangents, one a row, and room for the next."""

    x: np.ndarray  # (p,)
    J: np.ndarray  # (m, p)
    z: np.ndarray  # (p,)
    Z: np.ndarray  # (m, p)


def map_state(x: np.ndarray, m: int) -> MapState:
    """The state at x with m tangents of zero."""
    p = x.size
    return MapState(x.copy(), np.zeros((m, p)), np.zeros(p), np.zeros((m, p)))


@record(Algorithm)
class Picard(NamedTuple):
    """``x+ = F(x, theta)``, ``J+ = A J + B dtheta``, F and [A, B] those of a :class:`Map`.

    The last finite x and J are kept where the next are not.

    Parameters
    ----------
    unused : int
        A record has a field at least.
    """

    unused: int

    def step(self, problem, d, state, m, moving):
        x, J, z, Z, theta = state.x, state.J, state.z, state.Z, problem.theta
        problem.map.step(x, theta, z)
        for k in range(m):
            problem.map.step_tangent(x, theta, z, J[k], d.theta[k], Z[k])
        change, tangent_change, tangent_size, residual, moved = 0.0, 0.0, 0.0, 0.0, 0
        for j in range(x.size):
            delta = z[j] - x[j]
            change += delta * delta
            # NaN compares false both ways: the negation lets it through.
            if not abs(delta) <= residual:
                residual = abs(delta)
            if (z[j] == 0.0) != (x[j] == 0.0):
                moved += 1
        for k in range(m):
            for j in range(x.size):
                delta = Z[k, j] - J[k, j]
                tangent_change += delta * delta
                tangent_size += Z[k, j] * Z[k, j]
        if moving and np.isfinite(change):
            for j in range(x.size):
                x[j] = z[j]
        if np.isfinite(tangent_size):
            for k in range(m):
                for j in range(x.size):
                    J[k, j] = Z[k, j]
        return Move(change, tangent_change, tangent_size, residual, moved)
