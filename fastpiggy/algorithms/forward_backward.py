"""Forward-backward splitting."""

from typing import NamedTuple

import numpy as np

from fastpiggy.algorithms.composite import gradient_at
from fastpiggy.algorithms.protocol import Algorithm, Move
from fastpiggy.compile import helper, record


@helper
def backward(problem, d, state, x, J, steps, m):
    """``z = prox(x - step g)`` with its tangents, the trailing free coordinates left as they are.

    x may be the array u itself, and J be U.

    A step that moves acts like a shift of the prox's argument by ``-(g + (u - z)/step) dstep``,
    since ``prox_{step + dstep}(u)`` is to first order ``prox_step(u - dstep (u - z)/step)``.
    """
    g, u, z, q = state.g, state.u, state.z, problem.selection
    G, U, Z, penalty = state.G, state.U, state.Z, problem.penalty
    penalised = x.size - problem.design.free()
    stretched = 0.0
    for k in range(m):
        stretched += abs(d.step[k])
    for j in range(x.size):
        u[j] = x[j] - steps[j] * g[j]
        z[j] = u[j]
    if stretched > 0.0:
        penalty.prox_all(u[:penalised], steps, z, U, Z, d.penalty, 0, q)
    for k in range(m):
        stretch = d.step[k]
        for j in range(x.size):
            U[k, j] = J[k, j] - steps[j] * G[k, j]
            if stretch != 0.0:
                U[k, j] -= stretch * (g[j] + (u[j] - z[j]) / steps[j])
            Z[k, j] = U[k, j]
    penalty.prox_all(u[:penalised], steps, z, U, Z, d.penalty, m, q)


@record(Algorithm)
class ForwardBackward(NamedTuple):
    """``x+ = prox_{step g}(x - step grad f(x))``, one pass over X for x and all tangents.

    ``J+ = P_v (J - step (H J + d_theta grad f)) + P_theta`` with [P_v, P_theta] one selection of
    the prox (Bolte, Pauwels, Vaiter, 2206.00457).  With a mu-strongly convex, L-smooth loss and
    step < 2/L it contracts with ``max(abs(1 - step mu), abs(1 - step L))``.

    Parameters
    ----------
    steps : ndarray of shape (p,)
        One step per coordinate; constant, unless the penalty is a sum over coordinates.
    """

    steps: np.ndarray

    def step(self, problem, d, state, m, moving):
        gradient_at(problem, d, state, state.x, state.J, m)
        steps, x, z, J, Z = self.steps, state.x, state.z, state.J, state.Z
        backward(problem, d, state, x, J, steps, m)
        change, tangent_change, tangent_size, residual, moved = 0.0, 0.0, 0.0, 0.0, 0
        for j in range(x.size):
            delta = z[j] - x[j]
            change += delta * delta
            # NaN compares false both ways: the negation lets it through.
            if not abs(delta) <= residual * steps[j]:
                residual = abs(delta) / steps[j]
            if (z[j] == 0.0) != (x[j] == 0.0):
                moved += 1
            if moving:
                x[j] = z[j]
        for k in range(m):
            for j in range(x.size):
                delta = Z[k, j] - J[k, j]
                tangent_change += delta * delta
                tangent_size += Z[k, j] * Z[k, j]
                J[k, j] = Z[k, j]
        return Move(change, tangent_change, tangent_size, residual, moved)
