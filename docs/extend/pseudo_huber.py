"""A loss of one's own: quadratic near zero, linear far from it, smooth between."""

from typing import NamedTuple

import numpy as np

import fastpiggy as fp
from fastpiggy.losses import Loss


@fp.record(Loss)
class PseudoHuber(NamedTuple):
    y: np.ndarray
    sample_weight: np.ndarray
    delta: float

    def start(self, i):
        return -self.y[i]

    def start_tangent(self, i, d, k):
        return -d.y[k, i]

    def value(self, i, z):
        root = np.sqrt(1.0 + (z / self.delta) ** 2)
        return self.sample_weight[i] * z * z / (1.0 + root)

    def slope(self, i, z):
        return self.sample_weight[i] * z / np.sqrt(1.0 + (z / self.delta) ** 2)

    def curvature(self, i, z):
        return self.sample_weight[i] / (1.0 + (z / self.delta) ** 2) ** 1.5

    def slope_tangent(self, i, z, d, k):
        r = z / self.delta
        root = np.sqrt(1.0 + r * r)
        along = d.delta[k] * (r / root) ** 3
        return d.sample_weight[k, i] * z / root + self.sample_weight[i] * along

    def bound(self, i):
        return self.sample_weight[i]

    def roughness(self):
        return 1.5 / self.delta
