"""Where the projection on the dual cone has no derivative: strict complementarity fails."""

import numpy as np

from fastpiggy.algorithms.homogeneous_embedding import dual_projection
from fastpiggy.penalties import ConeProduct

#: Jump of the Jacobian that tells a border of an exponential cone.
_JUMP = 0.05
_SIX = ConeProduct(0, 0, np.zeros(0, np.int64), np.zeros(0, np.int64), 6, 0)


def snap(
    cone: ConeProduct, v: np.ndarray, s: np.ndarray, near: float
) -> tuple[np.ndarray, np.ndarray]:
    """``v = y - s`` with what is near to a kink moved onto it, and the rows of the cones moved.

    Rows of zero and nonnegative parts stand for themselves, other cones for all their rows.
    """
    found, touched = v.copy(), np.zeros(v.size, dtype=bool)
    lo = cone.zero + cone.nonnegative
    straight = np.abs(v[cone.zero : lo]) <= near
    found[cone.zero : lo][straight] = 0.0
    touched[cone.zero : lo] = straight
    for size in cone.second_order:
        part = slice(lo, lo + size)
        touched[part] = _snap_second_order(found[part], near)
        lo += size
    for side in cone.semidefinite:
        part = slice(lo, lo + side * (side + 1) // 2)
        touched[part] = _snap_matrix(found[part], int(side), near)
        lo = part.stop
    y = s + v
    for k in range(cone.exponential + cone.dual_exponential):
        part = slice(lo, lo + 3)
        lo += 3
        primal = k < cone.exponential
        inside, outside = (s[part], y[part]) if primal else (y[part], s[part])
        # On the curved surface, with something left over, there is no kink.
        if inside[1] > 1e3 * near and np.abs(outside).max() > 1e3 * near:
            continue
        # The dual of the dual cone is the cone itself: P(v) = v + P*(-v).
        touched[part] = _on_border(v[part] if primal else -v[part], near)
    return found, np.flatnonzero(touched)


def _snap_second_order(v: np.ndarray, near: float) -> bool:
    """On the borders of the cone and of its polar ``abs(t) = norm(z)``."""
    r = float(np.linalg.norm(v[1:]))
    if abs(abs(v[0]) - r) > near:
        return False
    v[0] = np.copysign(r, v[0])
    if r <= near:
        v[:] = 0.0
    return True


def _snap_matrix(v: np.ndarray, side: int, near: float) -> bool:
    """Eigenvalues of zero."""
    i, j = np.triu_indices(side)
    scale = np.where(i == j, 1.0, np.sqrt(0.5))
    V = np.zeros((side, side))
    V[j, i] = V[i, j] = v * scale
    d, Q = np.linalg.eigh(V)
    small = np.abs(d) <= near
    if not small.any():
        return False
    d[small] = 0.0
    v[:] = ((Q * d) @ Q.T)[i, j] / scale
    return True


def _on_border(v: np.ndarray, near: float) -> bool:
    """Whether the Jacobian of the projection on the dual exponential cone jumps around v."""
    if float(np.abs(v).max()) <= near:
        return True
    # Six cones, one for each step, so that it is one call.
    around = (v + 2.0 * near * np.vstack([np.eye(3), -np.eye(3)])).ravel()
    D = np.empty((18, 18))
    dual_projection(_SIX, around, np.empty(18), D, np.zeros(18), True)
    jacobians = [D[i : i + 3, i : i + 3] for i in range(0, 18, 3)]
    return bool(np.ptp(jacobians, axis=0).max() > _JUMP)
