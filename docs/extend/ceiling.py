"""A second penalty of one's own: a box whose upper bound is one number, a parameter."""

from typing import NamedTuple

import numpy as np

import fastpiggy as fp
from fastpiggy.penalties import CoordinatePenalty


@fp.record(CoordinatePenalty)
class Ceiling(NamedTuple):
    top: float

    def value(self, j, x):
        return 0.0 if 0.0 <= x <= self.top else np.inf

    def prox(self, j, u, step):
        return 0.0 if u < 0.0 else self.top if u > self.top else u

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        if u == self.top:
            return q * du + (1.0 - q) * d.top[k]
        if u == 0.0:
            return q * du
        return 0.0 if u < 0.0 else d.top[k] if u > self.top else du

    def flat(self, j, u, step, q):
        return u < 0.0 or (u == 0.0 and q == 0.0)
