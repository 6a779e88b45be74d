"""The protocols of a penalty: the nonsmooth part, its prox, and the selection at kinks.

A penalty may couple all coordinates, blocks of them, or none.  Algorithms that move one coordinate
or block at a time ask for the narrower protocols; those that move all at once take any.
"""

import numpy as np

from fastpiggy.compile import protocol


@protocol
class Penalty:
    """A function g of the whole vector.

    `d` is a record of the penalty's own class that holds directions: each field has a leading axis
    over ``m`` directions.  `q` is the selection at kinks, one number in [0, 1] per coordinate.
    """

    def value_all(self, x):
        """g(x)."""

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        """``z = prox_{step g}(u)`` and its tangents ``dz_k`` along ``(du_k, d_k)``.

        Shapes are (p,) and (m, p); arrays may be longer than u, which has p entries.  One step per
        coordinate: equal within a block, and equal everywhere where all coordinates are coupled.
        """


@protocol
class BlockPenalty(Penalty):
    """A sum over blocks of coordinates.  Blocks need not be contiguous; none is empty."""

    def blocks(self, p):
        """Number of blocks that p coordinates fall into."""

    def block(self, b):
        """``lo, hi``: block b holds the coordinates ``member(lo), ..., member(hi - 1)``."""

    def member(self, i):
        """The coordinate at position i."""
        return i

    def value_block(self, b, x):
        """g_b of the coordinates of block b."""

    def prox_block(self, b, u, step, z, du, dz, d, m, q):
        """As ``prox_all``, for the coordinates of block b; `q` is one number."""

    def flat_block(self, b, u, step, q):
        """True only where ``prox_block`` gives zero and so do all its tangents, whatever moves."""
        return False

    def value_all(self, x):
        total = 0.0
        for b in range(self.blocks(x.size)):
            lo, hi = self.block(b)
            xb = np.empty(hi - lo)
            for i in range(lo, hi):
                xb[i - lo] = x[self.member(i)]
            total += self.value_block(b, xb)
        return total

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        p = u.size
        ub, zb = np.empty(p), np.empty(p)
        dub, dzb = np.empty((m, p)), np.empty((m, p))
        for b in range(self.blocks(p)):
            lo, hi = self.block(b)
            for i in range(lo, hi):
                ub[i - lo] = u[self.member(i)]
                for k in range(m):
                    dub[k, i - lo] = du[k, self.member(i)]
            first = self.member(lo)
            size = hi - lo
            self.prox_block(b, ub[:size], steps[first], zb[:size], dub, dzb, d, m, q[first])
            for i in range(lo, hi):
                z[self.member(i)] = zb[i - lo]
                for k in range(m):
                    dz[k, self.member(i)] = dzb[k, i - lo]


@protocol
class CoordinatePenalty(BlockPenalty):
    """A sum over coordinates: two scalar formulas, and the rest follows."""

    def value(self, j, x):
        """g_j(x), x a number."""

    def prox(self, j, u, step):
        """``argmin_z (z - u)^2 / 2 + step g_j(z)``."""

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        """Derivative of ``z = prox(j, u, step)`` along (du, d_k); q picks an element at a kink."""

    def flat(self, j, u, step, q):
        """True only where ``prox`` and ``prox_tangent`` give zero, whatever moves: descent then
        needs no tangent of the gradient.  (A coordinate on a bound that moves is not flat.)"""
        return False

    def blocks(self, p):
        return p

    def block(self, b):
        return b, b + 1

    def value_block(self, b, x):
        return self.value(b, x[0])

    def prox_block(self, b, u, step, z, du, dz, d, m, q):
        z[0] = self.prox(b, u[0], step)
        for k in range(m):
            dz[k, 0] = self.prox_tangent(b, u[0], step, z[0], du[k, 0], d, k, q)

    def flat_block(self, b, u, step, q):
        return self.flat(b, u[0], step, q)

    def value_all(self, x):
        total = 0.0
        for j in range(x.size):
            total += self.value(j, x[j])
        return total

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        for j in range(u.size):
            z[j] = self.prox(j, u[j], steps[j])
        for k in range(m):
            for j in range(u.size):
                dz[k, j] = self.prox_tangent(j, u[j], steps[j], z[j], du[k, j], d, k, q[j])
