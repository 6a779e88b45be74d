"""Block coordinate descent."""

from typing import NamedTuple

import numpy as np

from fastpiggy.algorithms.protocol import Algorithm, Move
from fastpiggy.compile import helper, record


@helper
def _member(penalty, free, lo, i):
    """The coordinate at a position of a block; the free coordinate is the last of all."""
    return lo if free else penalty.member(lo + i)


@helper
def _descend(problem, d, state, b, free, lo, size, step, m):
    """Fill z and Z of one block, in the order of its members."""
    design, penalty = problem.design, problem.penalty
    q = problem.selection[_member(penalty, free, lo, 0)]
    for i in range(size):
        j = _member(penalty, free, lo, i)
        state.u[i] = state.x[j] - step * design.dot(j, 0.0, state.r)
        state.z[i] = state.u[i]
    # Where the prox and its tangents are zero none needs X.
    flat = not free and penalty.flat_block(b, state.u[:size], step, q)
    for k in range(m):
        for i in range(size):
            j = _member(penalty, free, lo, i)
            slope = 0.0
            if not flat:
                slope = design.dot(j, 0.0, state.R[k]) + d.design.dot(k, j, state.r)
            state.U[k, i] = state.J[k, j] - step * slope
            state.Z[k, i] = state.U[k, i]
    if not free:
        penalty.prox_block(
            b, state.u[:size], step, state.z[:size], state.U, state.Z, d.penalty, m, q
        )


@record(Algorithm)
class BlockDescent(NamedTuple):
    """One proximal step on each block of the penalty in turn, of length ``1/lipschitz[b]``.

    Parameters
    ----------
    lipschitz : ndarray of shape (blocks,) or (blocks + 1,)
        Bounds of the curvature on each block, the intercept's last; positive.
    """

    lipschitz: np.ndarray

    def step(self, problem, d, state, m, moving):
        change, tangent_change, tangent_size, residual, moved = 0.0, 0.0, 0.0, 0.0, 0
        p = state.x.size
        blocks = problem.penalty.blocks(p - problem.design.free())
        for b in range(blocks + problem.design.free()):
            free = b == blocks
            lo, hi = p - 1, p
            if not free:
                lo, hi = problem.penalty.block(b)
            _descend(problem, d, state, b, free, lo, hi - lo, 1.0 / self.lipschitz[b], m)
            for i in range(hi - lo):
                j = _member(problem.penalty, free, lo, i)
                delta = state.z[i] - state.x[j]
                change += delta * delta
                if not abs(delta) * self.lipschitz[b] <= residual:
                    residual = abs(delta) * self.lipschitz[b]
                if (state.z[i] == 0.0) != (state.x[j] == 0.0):
                    moved += 1
                if not moving:
                    delta = 0.0
                differs = delta != 0.0
                for k in range(m):
                    state.G[k, j] = state.Z[k, i] - state.J[k, j]
                    differs = differs or state.G[k, j] != 0.0
                    tangent_change += state.G[k, j] * state.G[k, j]
                    tangent_size += state.Z[k, i] * state.Z[k, i]
                    state.J[k, j] = state.Z[k, i]
                if moving:
                    state.x[j] = state.z[i]
                if differs:
                    problem.design.advance(
                        j, 0.0, delta, state.G[:, j], m, problem.loss, d.loss, d.design,
                        state.s, state.r, state.S, state.R,
                    )  # fmt: skip
        return Move(change, tangent_change, tangent_size, residual, moved)
