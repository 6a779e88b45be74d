"""Coordinate descent."""

from typing import NamedTuple

import numpy as np

from fastpiggy.algorithms.protocol import Algorithm, Move
from fastpiggy.compile import helper, record


@helper
def _row_is_zero(J, m, j):
    for k in range(m):
        if J[k, j] != 0.0:
            return False
    return True


@helper
def _shuffle(order, seed):
    """Fisher-Yates in place, from the minimal standard generator of Park and Miller."""
    for n in range(order.size - 1, 0, -1):
        seed[0] = (seed[0] * 48271) % 2147483647
        other = seed[0] % (n + 1)
        order[n], order[other] = order[other], order[n]


@helper
def _tangents(problem, d, state, m, j, u, step, z, penalised):
    """New row j of J in ``state.Z``: True where it differs from the old one."""
    design, penalty, q = problem.design, problem.penalty, problem.selection[j]
    flat = penalised and penalty.flat(j, u, step, q)
    differs = False
    for k in range(m):
        dz = 0.0
        if not flat:
            slope = design.dot(j, 0.0, state.R[k]) + d.design.dot(k, j, state.r)
            dz = state.J[k, j] - step * slope
            if penalised:
                dz = penalty.prox_tangent(j, u, step, z, dz, d.penalty, k, q)
        state.Z[k, j] = dz
        state.U[k, j] = dz - state.J[k, j]
        differs = differs or dz != state.J[k, j]
    return differs


@record(Algorithm)
class CoordinateDescent(NamedTuple):
    """One sweep over the coordinates, then up to `inner` sweeps over those that are not zero.

    Coordinate j takes a proximal step of length ``1/lipschitz[j]``; states, slopes and their
    tangents follow in the same loop.  Rows of J change only where the prox's selection is not flat.
    (Bertrand et al., 2105.01637, for the descent and its forward derivative.)

    Parameters
    ----------
    lipschitz : ndarray of shape (p,)
        Bounds of the curvature along each coordinate; positive.
    order : ndarray of shape (p,), int
        The order of a sweep.
    inner : int
        Sweeps over the nonzero coordinates per sweep over all; 0 is plain descent.
    seed : ndarray of shape (1,), int
        Positive: each step draws a new order from this state and moves it; 0: `order` stays.
    """

    lipschitz: np.ndarray
    order: np.ndarray
    inner: int
    seed: np.ndarray

    def step(self, problem, d, state, m, moving):
        change, tangent_change, largest, first, moved = 0.0, 0.0, 0.0, 0.0, 0
        p = state.x.size
        penalised = p - problem.design.free()
        if self.seed[0] > 0:
            _shuffle(self.order, self.seed)
        for sweep in range(1 + self.inner):
            largest = 0.0
            for n in range(p):
                j = self.order[n]
                x = state.x[j]
                if sweep > 0 and x == 0.0 and _row_is_zero(state.J, m, j):
                    continue
                step = 1.0 / self.lipschitz[j]
                u = x - step * problem.design.dot(j, 0.0, state.r)
                z = problem.penalty.prox(j, u, step) if j < penalised else u
                delta = z - x
                # NaN compares false both ways: the negation lets it through.
                if not abs(delta) * self.lipschitz[j] <= largest:
                    largest = abs(delta) * self.lipschitz[j]
                change += delta * delta
                differs = _tangents(problem, d, state, m, j, u, step, z, j < penalised)
                if not moving:
                    delta = 0.0
                if delta == 0.0 and not differs:
                    continue
                if (z == 0.0) != (x == 0.0):
                    moved += 1
                for k in range(m):
                    tangent_change += state.U[k, j] * state.U[k, j]
                    state.J[k, j] = state.Z[k, j]
                if moving:
                    state.x[j] = z
                problem.design.advance(
                    j, 0.0, delta, state.U[:, j], m, problem.loss, d.loss, d.design,
                    state.s, state.r, state.S, state.R,
                )  # fmt: skip
            if sweep == 0:
                first = largest
            if largest <= 0.1 * first:
                break
        tangent_size = 0.0
        for k in range(m):
            for j in range(p):
                tangent_size += state.J[k, j] * state.J[k, j]
        return Move(change, tangent_change, tangent_size, first, moved)
