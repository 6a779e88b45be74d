"""A parametric active set: the exact solution from any start, where paths are piecewise linear.

At any (x, signs) put ``e_S = -alpha c_S s - g_S`` on the support S and ``e_j = clip(g_j, alpha c_j)
- g_j`` off it: x then solves the problem with ``e'x`` added to the loss.  The term is driven to
zero, ``(1 - t) e`` for t from 0 to 1; x is linear in t until a coefficient reaches zero or the
gradient of an inactive one its threshold, and S changes by that coordinate.  It needs about as many
changes as coordinates were on the wrong side at the start.
"""

from typing import Any

import numpy as np
from scipy import linalg

from fastpiggy.designs import matrix
from fastpiggy.solving.linearisation import Linearisation

#: Largest number of columns whose Gram matrix is formed.
_COLUMNS = 600

#: Changes of the active set at the most, beside one for each active coordinate.
_CHANGES = 60

_PIVOT = 1e-10


def applies(binding: Any) -> bool:
    """Whether paths are piecewise linear: a quadratic loss, soft thresholds."""
    return (
        binding.kind == "CoordinatePenalty"
        and hasattr(binding.composite.penalty, "thresholds")
        and binding.composite.loss.quadratic()
        and binding.shape[1] <= _COLUMNS
    )


def finish(point: Linearisation) -> Linearisation | None:
    """The solution from x and its signs; None where the changes ran out or a pivot vanished."""
    binding = point.binding
    penalised, p = binding.penalised, point.x.size
    penalty = binding.composite.penalty
    level = np.zeros(p)
    level[:penalised] = penalty.alpha * penalty.thresholds()
    G = _gram(point)
    g = point.gradient.copy()
    ridge = penalty.alpha * (1.0 - getattr(penalty, "l1_ratio", 1.0))
    g[:penalised] += ridge * point.x[:penalised]
    G[np.arange(penalised), np.arange(penalised)] += ridge
    x = _follow(G, g, point.x.copy(), level)
    return None if x is None else Linearisation(binding, x)


def _gram(point: Linearisation) -> np.ndarray:
    def make() -> np.ndarray:
        A = matrix.block(point.binding.design, np.arange(point.x.size))
        A *= np.sqrt(point.curvatures)[:, None]
        return A.T @ A

    problem = point.binding.problem
    return problem.once_for_loss(f"gram {problem.fit_intercept}", make).copy()


def _follow(G: np.ndarray, g: np.ndarray, x: np.ndarray, level: np.ndarray) -> np.ndarray | None:
    """Drive the perturbation to zero; `g` is the gradient at x of all but the l1 part."""
    active = (x != 0) | (level == 0)
    sign = np.sign(x) * (level > 0)
    e = np.where(active, -level * sign, np.clip(g, -level, level)) - g
    q, t, barred = g + e, 0.0, (-1, 0.0)
    for _ in range(_CHANGES + 2 * int(active.sum())):
        S = np.flatnonzero(active)
        d = _direction(G, e, S)
        if d is None:
            return None
        # On S the perturbed gradient stands still; off it, it moves with x and with e.
        slope = G[:, S] @ d - e
        leave, enter = _leave(x[S], d, sign[S]), _enter(q, slope, level, active, barred)
        step = min(leave[0], enter[0], 1.0 - t)
        x[S] += step * d
        q += step * slope
        q[S] = -level[S] * sign[S]
        t += step
        if t >= 1.0 - 1e-14:
            return x
        if leave[0] <= enter[0]:
            j = S[leave[1]]
            barred = (j, sign[j])
            x[j], sign[j], active[j] = 0.0, 0.0, False
        else:
            j = enter[1]
            barred = (-1, 0.0)
            sign[j], active[j] = -np.sign(q[j]), True
    return None


def _direction(G: np.ndarray, e: np.ndarray, S: np.ndarray) -> np.ndarray | None:
    """``inv(G_SS) e_S``; None where G_SS is singular to rounding."""
    if not S.size:
        return np.zeros(0)
    K = G[np.ix_(S, S)]
    diagonal = np.diagonal(K)
    if not np.all(diagonal > 0):
        return None
    scale = 1.0 / np.sqrt(diagonal)
    factor, info = linalg.lapack.dpotrf(K * scale[:, None] * scale, lower=1, overwrite_a=1)
    if info or np.min(np.diagonal(factor)) ** 2 < _PIVOT:
        return None
    return scale * linalg.lapack.dpotrs(factor, scale * e[S], lower=1)[0]


def _leave(x: np.ndarray, d: np.ndarray, sign: np.ndarray) -> tuple[float, int]:
    """The first step at which an active coefficient reaches zero."""
    falls = (sign != 0) & (d * sign < 0)
    steps = np.full(x.size, np.inf)
    steps[falls] = np.maximum(-x[falls] / d[falls], 0.0)
    k = int(np.argmin(steps)) if steps.size else 0
    return (float(steps[k]), k) if steps.size else (np.inf, 0)


def _enter(
    q: np.ndarray, slope: np.ndarray, level: np.ndarray, active: np.ndarray,
    barred: tuple[int, float],
) -> tuple[float, int]:  # fmt: skip
    """The first step at which an inactive gradient reaches its threshold.

    What has just left may not come back at once on the side it left from.
    """
    steps = np.full(q.size, np.inf)
    for side in (1.0, -1.0):
        rises = ~active & (side * slope > 0)
        if barred[0] >= 0 and barred[1] == -side:
            rises[barred[0]] = False
        reach = np.maximum((level[rises] - side * q[rises]) / (side * slope[rises]), 0.0)
        steps[rises] = np.minimum(steps[rises], reach)
    k = int(np.argmin(steps))
    return float(steps[k]), k
