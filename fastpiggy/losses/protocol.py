"""The protocol of a loss: the smooth part ``f(x; theta) = sum_i f_i(z_i)``, row by row."""

from typing import NamedTuple

from fastpiggy.compile import helper, protocol, record, specialise


@protocol
class Loss:
    """A sum over rows of functions of one number each, the *state* ``z_i = start(i) + X_i x``.

    `d` is a record of the loss's own class that holds directions: each field has a leading axis
    over ``m`` directions, and `k` picks one.
    """

    def start(self, i):
        """State of row i at x = 0.  Least squares: -y_i, so that the state is the residual."""

    def start_tangent(self, i, d, k):
        """Derivative of ``start(i)`` along direction k."""

    def value(self, i, z):
        """f_i(z)."""

    def slope(self, i, z):
        """f_i'(z)."""

    def curvature(self, i, z):
        """f_i''(z), or one element of the Clarke derivative of f_i' at a kink."""

    def slope_tangent(self, i, z, d, k):
        """Derivative of ``slope(i, z)`` along direction k of the parameters, z held."""

    def bound(self, i):
        """An upper bound of ``curvature(i, z)`` over z."""

    def quadratic(self):
        """True where curvatures do not depend on z: slopes can then follow without the states."""
        return False


@protocol
class Still:
    """The role of :class:`Constant`."""


@record(Still)
class Constant(NamedTuple):
    """Stands for the directions of a record none of whose fields move.

    It is known by type, so that the terms which would multiply zeros are not compiled at all.
    """

    zero: float = 0.0


@helper
def _moves(d):
    return True


@specialise(0, Still, otherwise=_moves)
def moves(d):
    """False where the loss does not move, known when compiling."""
    return False


@helper
def _start_tangent(loss, d, i, k):
    return loss.start_tangent(i, d, k)


@helper
def _slope_tangent(loss, d, i, z, k):
    return loss.slope_tangent(i, z, d, k)


@specialise(1, Still, otherwise=_start_tangent)
def start_tangent(loss, d, i, k):
    """``loss.start_tangent``, or zero where the loss does not move."""
    return 0.0


@specialise(1, Still, otherwise=_slope_tangent)
def slope_tangent(loss, d, i, z, k):
    """``loss.slope_tangent``, or zero where the loss does not move."""
    return 0.0
