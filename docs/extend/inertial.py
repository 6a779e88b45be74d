"""An algorithm of one's own: forward-backward with momentum, and its tangent."""

from typing import NamedTuple

import numpy as np

import fastpiggy as fp
from fastpiggy.algorithms.composite import gradient_at
from fastpiggy.algorithms.protocol import Algorithm, Move


@fp.record(Algorithm)
class Inertial(NamedTuple):
    """``v = x + b (x - x_before)``, then ``x+ = prox(v - step grad f(v))``."""

    steps: np.ndarray  # (p,)
    b: float
    x_before: np.ndarray  # (p,), memory
    J_before: np.ndarray  # (m, p), memory

    def step(self, problem, d, state, m, moving):
        x, J, z, Z, u, U = state.x, state.J, state.z, state.Z, state.u, state.U
        for j in range(x.size):
            u[j] = x[j] + self.b * (x[j] - self.x_before[j]) if moving else x[j]
            for k in range(m):
                U[k, j] = J[k, j] + self.b * (J[k, j] - self.J_before[k, j])
        gradient_at(problem, d, state, u, U, m)
        for j in range(x.size):
            u[j] -= self.steps[j] * state.g[j]
            for k in range(m):
                U[k, j] -= self.steps[j] * state.G[k, j]
        problem.penalty.prox_all(u, self.steps, z, U, Z, d.penalty, m, problem.selection)

        change, tangent_change, tangent_size, residual, moved = 0.0, 0.0, 0.0, 0.0, 0
        for j in range(x.size):
            change += (z[j] - x[j]) ** 2
            residual = max(residual, abs(z[j] - x[j]) / self.steps[j])
            moved += 1 if (z[j] == 0.0) != (x[j] == 0.0) else 0
            if moving:
                self.x_before[j], x[j] = x[j], z[j]
            for k in range(m):
                tangent_change += (Z[k, j] - J[k, j]) ** 2
                tangent_size += Z[k, j] ** 2
                self.J_before[k, j], J[k, j] = J[k, j], Z[k, j]
        return Move(change, tangent_change, tangent_size, residual, moved)
