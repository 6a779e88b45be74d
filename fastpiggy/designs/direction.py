"""Directions of X."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.designs.protocol import Direction


@record(Direction)
class Fixed(NamedTuple):
    """X does not move.  Known by type, so that nothing is compiled for it."""

    zero: float = 0.0

    def moves(self):
        return False

    def predict(self, k, i, x):
        return 0.0

    def scatter(self, k, i, r, g):
        return None

    def dot(self, k, j, r):
        return 0.0

    def axpy(self, k, j, c, s):
        return None


@record(Direction)
class Moving(NamedTuple):
    """X moves along ``values[k]``.

    Parameters
    ----------
    values : ndarray of shape (m, n, p)
        The directions, dense whatever the storage of X.
    """

    values: np.ndarray

    def moves(self):
        return True

    def predict(self, k, i, x):
        total = 0.0
        for j in range(self.values.shape[2]):
            total += self.values[k, i, j] * x[j]
        return total

    def scatter(self, k, i, r, g):
        for j in range(self.values.shape[2]):
            g[j] += r * self.values[k, i, j]

    def dot(self, k, j, r):
        total = 0.0
        if j < self.values.shape[2]:
            for i in range(r.size):
                total += self.values[k, i, j] * r[i]
        return total

    def axpy(self, k, j, c, s):
        if j < self.values.shape[2]:
            for i in range(s.size):
                s[i] += c * self.values[k, i, j]
