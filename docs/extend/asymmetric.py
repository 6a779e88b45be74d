"""A penalty of one's own: an l1 norm that is steeper on one side."""

from typing import NamedTuple

import fastpiggy as fp
from fastpiggy.penalties import CoordinatePenalty


@fp.record(CoordinatePenalty)
class Asymmetric(NamedTuple):
    alpha: float
    up: float
    down: float

    def value(self, j, x):
        return self.alpha * (self.up * x if x > 0.0 else -self.down * x)

    def prox(self, j, u, step):
        t = step * self.alpha * (self.up if u > 0.0 else -self.down)
        return 0.0 if abs(u) <= abs(t) else u - t

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        slope, dslope = (self.up, d.up[k]) if u > 0.0 else (-self.down, -d.down[k])
        t = step * self.alpha * slope
        dt = step * (d.alpha[k] * slope + self.alpha * dslope)
        side = 1.0 if abs(u) > abs(t) or t == 0.0 else q if abs(u) == abs(t) else 0.0
        return side * (du - dt)
