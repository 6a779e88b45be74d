"""The intercept as a last, unpenalised coordinate of any design."""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.compile import helper, record
from fastpiggy.designs.by_column import lift_slopes
from fastpiggy.designs.protocol import Columns, Design
from fastpiggy.losses.protocol import moves, slope_tangent


@helper
def _offset(x, mean):
    """What the intercept and the centring add to every row."""
    b = x[mean.size]
    for j in range(mean.size):
        b -= mean[j] * x[j]
    return b


@helper
def _sum(r):
    total = 0.0
    for i in range(r.size):
        total += r[i]
    return total


@helper
def _gradient(self, loss, d, dX, x, J, m, s, r, S, R, g, G):
    b = _offset(x, self.mean)
    for i in range(s.size):
        s[i] += b
    for k in range(m):
        b = _offset(J[k], self.mean)
        for i in range(s.size):
            S[k, i] += b
    self.design.gradient(loss, d, dX, x, J, m, s, r, S, R, g, G)
    p = self.mean.size
    g[p] = _sum(r)
    for j in range(p):
        g[j] -= self.mean[j] * g[p]
    for k in range(m):
        G[k, p] = _sum(R[k])
        for j in range(p):
            G[k, j] -= self.mean[j] * G[k, p]


@record(Design)
class Intercept(NamedTuple):
    """``[X - 1 mean', 1]`` without forming it.

    Parameters
    ----------
    design : Design
        The design of X.
    mean : ndarray of shape (p,)
        Any constants.  The weighted column means make the intercept independent of the other
        coordinates; whatever they are, they are held when X or the sample weights move.
    """

    design: Any
    mean: np.ndarray

    def gradient(self, loss, d, dX, x, J, m, s, r, S, R, g, G):
        _gradient(self, loss, d, dX, x, J, m, s, r, S, R, g, G)

    def free(self):
        return 1


@record(Columns)
class InterceptColumns(NamedTuple):
    """:class:`Intercept` around a design stored by columns."""

    design: Any
    mean: np.ndarray

    def gradient(self, loss, d, dX, x, J, m, s, r, S, R, g, G):
        _gradient(self, loss, d, dX, x, J, m, s, r, S, R, g, G)

    def free(self):
        return 1

    def dot(self, j, shift, r):
        if j == self.mean.size:
            return _sum(r)
        return self.design.dot(j, self.mean[j], r)

    def column(self, j, out):
        if j == self.mean.size:
            for i in range(out.size):
                out[i] = 1.0
            return
        self.design.column(j, out)
        for i in range(out.size):
            out[i] -= self.mean[j]

    def correlate(self, shift, r, c):
        self.design.correlate(self.mean, r, c)
        c[self.mean.size] = _sum(r)

    def advance(self, j, shift, c, C, m, loss, d, dX, s, r, S, R):
        if j < self.mean.size:
            self.design.advance(j, self.mean[j], c, C, m, loss, d, dX, s, r, S, R)
            return
        if loss.quadratic() and not moves(d) and not dX.moves():
            lift_slopes(c, 1.0, C, m, loss, r, R)
            return
        for i in range(s.size):
            s[i] += c
            r[i] = loss.slope(i, s[i])
        for k in range(m):
            for i in range(s.size):
                S[k, i] += C[k]
                R[k, i] = loss.curvature(i, s[i]) * S[k, i] + slope_tangent(loss, d, i, s[i], k)
