"""The protocol of an algorithm: one fused update of the iterate and its tangents."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import protocol, record


class Move(NamedTuple):
    """What one step did.

    Parameters
    ----------
    change : float
        Squared norm of ``x+ - x``.
    tangent_change : float
        Squared Frobenius norm of ``J+ - J``.
    tangent_size : float
        Squared Frobenius norm of ``J+``.
    residual : float
        Largest entry of the optimality residual the step saw.
    moved : int
        Coordinates that changed side.
    """

    change: float
    tangent_change: float
    tangent_size: float
    residual: float
    moved: int


@protocol
class Algorithm:
    """A map ``x+ = F(x, theta)`` with its tangent ``J+ = A J + B``, [A, B] one selection at x.

    An algorithm is a record of its own parameters.  It contains no loop over iterations: the
    engine, :func:`fastpiggy.algorithms.engine.run`, owns that.
    """

    def step(self, problem, d, state, m, moving):
        """Update ``state`` once, with its first m tangents, and return a :class:`Move`.

        `d` holds the directions of the problem and of the algorithm's own parameters.  Where
        `moving` is False, x is held and only the tangents move, with A and B taken at x.
        """


@protocol
class Problem:
    """The role of the records that algorithms solve: what binds losses, penalties and data."""


@protocol
class Directions:
    """The role of the records that hold the tangents of everything a problem is made of."""


@protocol
class State:
    """The role of work arrays."""


@record(State)
class Iterate(NamedTuple):
    """Work arrays of the algorithms for ``loss(X x) + penalty(x)``; :func:`iterate` makes them.

    Small letters are vectors, capitals their tangents, one a row: x and J the iterate and its
    tangents, s and S the states of the loss, r and R its slopes, g and G the gradient, u and U the
    argument of the prox, z and Z the prox.
    """

    x: np.ndarray  # (p,) the iterate, the intercept last
    J: np.ndarray  # (m, p) its tangents, by rows
    s: np.ndarray  # (n,) states of the loss
    r: np.ndarray  # (n,) slopes
    S: np.ndarray  # (m, n) tangents of the states
    R: np.ndarray  # (m, n) tangents of the slopes
    g: np.ndarray  # (p,) gradient
    G: np.ndarray  # (m, p) tangents of the gradient
    u: np.ndarray  # (p,) argument of the prox
    U: np.ndarray  # (m, p) its tangents
    z: np.ndarray  # (p,) the prox
    Z: np.ndarray  # (m, p) its tangents


def iterate(n: int, p: int, m: int) -> Iterate:
    """Work arrays of zeros for n rows, p coordinates and m tangents."""
    vectors = {"s": n, "r": n, "S": n, "R": n}
    arrays = {}
    for name in Iterate._fields:
        size = vectors.get(name, p)
        arrays[name] = np.zeros((m, size) if name.isupper() else size)
    return Iterate(**arrays)
