"""One program whose P may be singular: proximal steps, each by the dual active-set method.

``x+ = argmin x'P x / 2 + q'x + c norm2(x - x_k)^2 / 2`` has the working set of a solution after
finitely many steps, mostly the first few; a solve with its KKT matrix then ends it.
"""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set.dual import INFEASIBLE, SOLVED, programs, solve_programs
from fastpiggy.certificate import Status
from fastpiggy.structured.quadratic_program import rays
from fastpiggy.structured.quadratic_program.working import WorkingSystem

#: Proximal steps at most, and before it is asked whether the program is bounded.
_STEPS, _DOUBT = 200, 4


class Ended(NamedTuple):
    """How one program ended: its x and multipliers, a status where there is no solution, a ray."""

    x: np.ndarray
    u: np.ndarray
    status: Status | None
    ray: dict[str, np.ndarray] | None


def solve_one(P: np.ndarray, q: np.ndarray, C: np.ndarray, d: np.ndarray, e: int) -> Ended:
    """Solve a dense program whose P is positive semidefinite; e rows of C are equalities."""
    n = q.size
    x, u, best = np.zeros(n), np.zeros(d.size), np.inf
    shift, found = _first_shift(P, q, C, d), (x, u)
    for step in range(_STEPS):
        inner = programs((P + shift * np.eye(n))[None], (q - shift * x)[None], C[None], d[None])
        solve_programs(inner, e)
        if inner.code[0] == INFEASIBLE:
            ray = inner.u[0]
            if not rays.proves_infeasible(ray, C, d, e):
                ray = rays.infeasible(C, d, e)
            if ray is not None:
                return Ended(x, u, Status.INFEASIBLE, {"y": ray[:e], "z": ray[e:]})
        if inner.code[0] != SOLVED:
            break
        x, u = inner.x[0].copy(), inner.u[0].copy()
        working = np.sort(inner.working[0, : inner.count[0]])
        candidate = _finish(P, q, C, d, working, x, u)
        violation = _violation(P, q, C, d, e, *candidate)
        if violation < best:
            best, found = violation, candidate
        if best <= 1e-13:
            break
        if step == _DOUBT:
            ray = rays.unbounded(P, q, C, e)
            if ray is not None:
                return Ended(x, u, Status.UNBOUNDED, {"x": ray})
        shift = max(0.2 * shift, 1e-7 * (float(np.abs(P).max()) or shift))
    return Ended(*found, None, None)


def _first_shift(P: np.ndarray, q: np.ndarray, C: np.ndarray, d: np.ndarray) -> float:
    """The curvature of P, or what q and the distance of the constraints make of one."""
    curvature = float(np.trace(P)) / len(P)
    if curvature > 0:
        return 0.1 * curvature
    lengths = np.sqrt((C * C).sum(axis=1))
    away = float((np.abs(d) / np.where(lengths > 0, lengths, 1.0)).max(initial=0.0)) or 1.0
    return 0.1 * float(np.abs(q).max()) / away or 1.0


def _finish(
    P: np.ndarray, q: np.ndarray, C: np.ndarray, d: np.ndarray, working: np.ndarray, x: np.ndarray,
    u: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The KKT point of the working set that is next to (x, u)."""
    system = WorkingSystem(P, C, working, np.zeros(working.size))
    for _ in range(2):
        a, w = system.solve(-(P @ x + q + C.T @ u), d - C @ x)
        x, u = x + a, u + w
    return x, u


def _violation(
    P: np.ndarray, q: np.ndarray, C: np.ndarray, d: np.ndarray, e: int, x: np.ndarray, u: np.ndarray
) -> float:
    """The largest of the KKT conditions' violations, over the sizes of what they compare."""
    parts = (P @ x, q, C.T @ u)
    scale = max(float(np.abs(part).max(initial=0.0)) for part in parts) or 1.0
    gradient = float(np.abs(sum(parts)).max()) / scale
    rows = np.sqrt((C * C).sum(axis=1)) * np.linalg.norm(x) + np.abs(d)
    slack = (C @ x - d) / np.where(rows > 0, rows, 1.0)
    slack[e:] = np.maximum(slack[e:], 0.0)
    negative = -float((u[e:] * np.sqrt((C[e:] ** 2).sum(axis=1))).min(initial=0.0)) / scale
    return max(gradient, float(np.abs(slack).max(initial=0.0)), negative)
