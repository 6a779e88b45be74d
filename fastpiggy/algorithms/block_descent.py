"""Block coordinate descent."""

from typing import NamedTuple

import numpy as np

from fastpiggy.algorithms.protocol import Algorithm, Move
from fastpiggy.compile import helper, record


@helper
def _descend(problem, d, state, members, size, step, m, b):
    """Fill z and Z of one block, in the order of its members; b < 0 is the free coordinate."""
    design, penalty, q = problem.design, problem.penalty, problem.selection[members[0]]
    for i in range(size):
        j = members[i]
        state.u[i] = state.x[j] - step * design.dot(j, 0.0, state.r)
        state.z[i] = state.u[i]
    # Where the prox and its tangents are zero none needs X.
    flat = b >= 0 and penalty.flat_block(b, state.u[:size], step, q)
    for k in range(m):
        for i in range(size):
            j = members[i]
            slope = 0.0
            if not flat:
                slope = design.dot(j, 0.0, state.R[k]) + d.design.dot(k, j, state.r)
            state.U[k, i] = state.J[k, j] - step * slope
            state.Z[k, i] = state.U[k, i]
    if b >= 0:
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
        free = problem.design.free()
        blocks = problem.penalty.blocks(p - free)
        members = np.empty(p, dtype=np.int64)
        C = np.empty(m)
        for b in range(blocks + free):
            if b < blocks:
                lo, hi = problem.penalty.block(b)
                for i in range(lo, hi):
                    members[i - lo] = problem.penalty.member(i)
                size = hi - lo
            else:
                members[0] = p - 1
                size = 1
            step = 1.0 / self.lipschitz[b]
            _descend(problem, d, state, members, size, step, m, b if b < blocks else -1)
            for i in range(size):
                j = members[i]
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
                    C[k] = state.Z[k, i] - state.J[k, j]
                    differs = differs or C[k] != 0.0
                    tangent_change += C[k] * C[k]
                    tangent_size += state.Z[k, i] * state.Z[k, i]
                    state.J[k, j] = state.Z[k, i]
                if moving:
                    state.x[j] = state.z[i]
                if differs:
                    problem.design.advance(
                        j, 0.0, delta, C, m, problem.loss, d.loss, d.design,
                        state.s, state.r, state.S, state.R,
                    )  # fmt: skip
        return Move(change, tangent_change, tangent_size, residual, moved)
