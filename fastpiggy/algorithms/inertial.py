"""Forward-backward splitting with momentum: heavy ball, Nesterov, FISTA."""

from typing import NamedTuple

import numpy as np

from fastpiggy.algorithms.composite import gradient_at
from fastpiggy.algorithms.forward_backward import backward
from fastpiggy.algorithms.protocol import Algorithm, Move
from fastpiggy.compile import helper, record

#: Where the gradient is taken, and what the momentum is.
HEAVY_BALL, NESTEROV, FISTA = range(3)


@helper
def _look_ahead(state, x_before, J_before, b, m, moving):
    """``v = x + b (x - x_before)`` into u, with its tangents into U."""
    x, J, u, U = state.x, state.J, state.u, state.U
    for j in range(x.size):
        u[j] = x[j] + b * (x[j] - x_before[j]) if moving else x[j]
    for k in range(m):
        for j in range(x.size):
            U[k, j] = J[k, j] + b * (J[k, j] - J_before[k, j])


@record(Algorithm)
class Inertial(NamedTuple):
    """``x+ = prox(v - step grad f(w))`` with ``v = x + b (x - x_before)``, one pass over X.

    Heavy ball has ``w = x``, Nesterov's method ``w = v``, both with a constant momentum b (Polyak
    1964; Nesterov 1983; with a prox, Ochs et al., iPiano, 1404.4805).  FISTA has ``w = v`` and
    ``b = (t - 1)/t+``, ``t+ = (1 + sqrt(1 + 4 t^2))/2`` (Beck and Teboulle 2009), started again
    at t = 1 where the step turns against the momentum (O'Donoghue and Candes, 1204.3982).

    ``J+ = P_v (V - step (H W + d_theta grad f)) + P_theta`` with the same combinations V and W of
    J and its predecessor.  Two steps remembered make a map on ``(x, x_before)`` that contracts in
    no norm common to all selections: the iterates may converge while J grows (Bolte, Pauwels,
    Vaiter, 2206.00457).

    Where x is held, so are all but the tangents; FISTA then starts again by these.

    Parameters
    ----------
    steps : ndarray of shape (p,)
        One step per coordinate; constant, unless the penalty is a sum over coordinates.
    momentum : float
        b; FISTA does not read it.
    kind : int
        HEAVY_BALL, NESTEROV or FISTA.
    clock : ndarray of shape (2,)
        FISTA's t, updated in place, and whether it is ever set back: 1.0 or 0.0.
    x_before : ndarray of shape (p,)
        The last iterate but one, updated in place.
    J_before : ndarray of shape (m, p)
        Its tangents.
    """

    steps: np.ndarray
    momentum: float
    kind: int
    clock: np.ndarray
    x_before: np.ndarray
    J_before: np.ndarray

    def step(self, problem, d, state, m, moving):
        steps, x, z, J, Z = self.steps, state.x, state.z, state.J, state.Z
        u, U, x_before, J_before = state.u, state.U, self.x_before, self.J_before
        b, after = self.momentum, 1.0
        if self.kind == FISTA:
            after = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * self.clock[0] ** 2))
            b = (self.clock[0] - 1.0) / after
        _look_ahead(state, x_before, J_before, b, m, moving)
        behind = self.kind == HEAVY_BALL
        gradient_at(problem, d, state, x if behind else u, J if behind else U, m)
        backward(problem, d, state, u, U, steps, m)

        change, tangent_change, tangent_size, residual, moved = 0.0, 0.0, 0.0, 0.0, 0
        turned = 0.0
        for j in range(x.size):
            v = x[j] + b * (x[j] - x_before[j]) if moving else x[j]
            delta = z[j] - x[j]
            change += delta * delta
            # v - z alone is zero also where a smooth x runs through its optimum at full speed.
            # NaN compares false both ways: the negations let it through.
            if not abs(delta) <= residual * steps[j]:
                residual = abs(delta) / steps[j]
            if not abs(v - z[j]) <= residual * steps[j]:
                residual = abs(v - z[j]) / steps[j]
            if (z[j] == 0.0) != (x[j] == 0.0):
                moved += 1
            if moving:
                turned += (v - z[j]) * delta
                x_before[j] = x[j]
                x[j] = z[j]
        for k in range(m):
            for j in range(x.size):
                delta = Z[k, j] - J[k, j]
                tangent_change += delta * delta
                tangent_size += Z[k, j] * Z[k, j]
                if not moving:
                    V = J[k, j] + b * (J[k, j] - J_before[k, j])
                    turned += (V - Z[k, j]) * delta
                J_before[k, j] = J[k, j]
                J[k, j] = Z[k, j]
        self.clock[0] = 1.0 if turned * self.clock[1] > 0.0 else after
        return Move(change, tangent_change, tangent_size, residual, moved)


def inertial(
    kind: int, steps: np.ndarray, momentum: float, x: np.ndarray, J: np.ndarray,
    restart: bool = True,
) -> Inertial:  # fmt: skip
    """The algorithm at rest at x, with tangents J there."""
    clock = np.array([1.0, float(restart)])
    return Inertial(steps, float(momentum), kind, clock, x.copy(), J.copy())
