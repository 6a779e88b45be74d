"""The l1 norm on a symmetric box: the dual penalty of support vector regression."""

from typing import NamedTuple

import numpy as np

import fastpiggy as fp


@fp.record(fp.penalties.CoordinatePenalty)
class BoundedL1(NamedTuple):
    """``epsilon sum_j abs(x_j)`` for ``abs(x_j) <= C``; the prox thresholds, then clips.

    At either kink q is what is taken of the side on which the coordinate moves freely.
    """

    epsilon: float
    C: float

    def value(self, j, x):
        return self.epsilon * abs(x) if abs(x) <= self.C else np.inf

    def prox(self, j, u, step):
        return np.copysign(min(max(abs(u) - step * self.epsilon, 0.0), self.C), u)

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        above = abs(u) - step * self.epsilon
        free = du - np.sign(u) * step * d.epsilon[k]
        bound = np.sign(u) * d.C[k]
        if above < 0.0 or above > self.C:
            return 0.0 if above < 0.0 else bound
        if above == 0.0:
            return q * free
        return q * free + (1.0 - q) * bound if above == self.C else free
