"""What proves that a quadratic program has no solution: linear programs, by HiGHS."""

from typing import Any

import numpy as np

#: What a ray must gain, over the size of what it adds up, to prove anything.
_GAIN = 1e-9


def infeasible(C: Any, d: np.ndarray, e: int) -> np.ndarray | None:
    """u with ``C'u = 0``, ``u_i >= 0`` for inequalities, ``d'u < 0`` (Farkas); None without one."""
    rows, n = C.shape
    if not rows:
        return None
    lengths = _lengths(C)
    bounds = [(-1.0, 1.0)] * e + [(0.0, 1.0)] * (rows - e)
    unit, right = _scaled(C, 1.0 / lengths), d / lengths
    found = _linprog(right, None, None, unit.T, np.zeros(n), bounds)
    if found is None or not float(right @ found) < -_GAIN * (float(np.abs(right).max()) or 1.0):
        return None
    return found / lengths


def proves_infeasible(u: np.ndarray, C: Any, d: np.ndarray, e: int) -> bool:
    """Whether u does, to rounding."""
    size = float((np.abs(u) * _lengths(C)).max(initial=0.0))
    gain = float(d @ u)
    span = float(np.abs(d) @ np.abs(u))
    rest = float(np.abs(C.T @ u).max(initial=0.0))
    positive = bool(np.all(u[e:] >= -1e-12 * (np.abs(u).max(initial=0.0) or 1.0)))
    return positive and gain < -_GAIN * span and rest <= 1e-9 * size


def unbounded(P: Any, q: np.ndarray, C: Any, e: int) -> np.ndarray | None:
    """x with ``P x = 0``, ``C_e x = 0``, ``C_i x <= 0``, ``q'x < 0``; None where there is none."""
    n, size = q.size, float(np.abs(q).max(initial=0.0))
    if size == 0.0:
        return None
    unit = _scaled(C, 1.0 / _lengths(C))
    scale = float(abs(P).max()) or 1.0
    stack = _stack([P / scale, unit[:e]])
    found = _linprog(
        q / size, unit[e:], np.zeros(C.shape[0] - e), stack, np.zeros(stack.shape[0]),
        [(-1.0, 1.0)] * n,
    )  # fmt: skip
    if found is None or not float(q @ found) < -_GAIN * size:
        return None
    # HiGHS keeps its conditions to 1e-9 or so: what is left of P x is curvature, or is not.
    return found if float(found @ (P @ found)) <= 1e-12 * scale else None


def _lengths(C: Any) -> np.ndarray:
    found = np.sqrt(np.asarray((C * C).sum(axis=1))).ravel()
    return np.where(found > 0, found, 1.0)


def _scaled(C: Any, factor: np.ndarray) -> Any:
    if hasattr(C, "tocsc"):
        from scipy.sparse import diags_array

        return (diags_array(factor) @ C).tocsr()
    return factor[:, None] * C


def _stack(parts: list[Any]) -> Any:
    if any(hasattr(part, "tocsc") for part in parts):
        from scipy.sparse import vstack

        return vstack(parts, format="csr")
    return np.vstack(parts)


def _linprog(c: Any, A_ub: Any, b_ub: Any, A_eq: Any, b_eq: Any, bounds: Any) -> np.ndarray | None:
    from scipy.optimize import linprog

    some = A_ub is not None and A_ub.shape[0] > 0
    options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    found = linprog(
        c, A_ub if some else None, b_ub if some else None, A_eq, b_eq, bounds, "highs",
        options=options,
    )  # fmt: skip
    return found.x if found.status == 0 else None
