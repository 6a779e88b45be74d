"""Total variation by the algorithm of Chambolle and Pock, as a compiled map."""

from typing import NamedTuple

import fastpiggy as fp
from fastpiggy.algorithms.fixed_point import Map


@fp.record(Map)
class ChambollePock(NamedTuple):
    """x is n points and n - 1 dual variables; theta is alpha, then y."""

    tau: float
    sigma: float

    def step(self, x, theta, z):
        n = (x.size + 1) // 2
        for i in range(n):
            pull = (x[n + i - 1] if i > 0 else 0.0) - (x[n + i] if i < n - 1 else 0.0)
            z[i] = (x[i] - self.tau * (pull - theta[1 + i])) / (1.0 + self.tau)
        for i in range(n - 1):
            ahead = 2.0 * (z[i + 1] - z[i]) - (x[i + 1] - x[i])
            z[n + i] = min(max(x[n + i] + self.sigma * ahead, -theta[0]), theta[0])

    def step_tangent(self, x, theta, z, dx, dtheta, dz):
        n = (x.size + 1) // 2
        for i in range(n):
            pull = (dx[n + i - 1] if i > 0 else 0.0) - (dx[n + i] if i < n - 1 else 0.0)
            dz[i] = (dx[i] - self.tau * (pull - dtheta[1 + i])) / (1.0 + self.tau)
        for i in range(n - 1):
            ahead = 2.0 * (dz[i + 1] - dz[i]) - (dx[i + 1] - dx[i])
            dz[n + i] = dx[n + i] + self.sigma * ahead
            if abs(z[n + i]) == theta[0]:  # on the bound: it moves with alpha
                dz[n + i] = dtheta[0] if z[n + i] > 0 else -dtheta[0]
