"""A parametric active set: the exact solution from any start, where paths are piecewise linear.

At any (x, signs) put ``e_S = -alpha c_S s - g_S`` on the support S, and off it what brings
``g_j + e_j`` inside ``alpha c_j``: x then solves the problem with ``e'x`` added to the loss.  The
term is driven to zero, ``(1 - t) e`` for t from 0 to 1; x is linear in t until a coefficient
reaches zero or the gradient of an inactive one its threshold, and S changes by that coordinate.  It
needs about as many changes as coordinates were on the wrong side at the start.
"""

from typing import Any

import numpy as np

from fastpiggy.active_set.homotopy import APART, GOLDEN
from fastpiggy.designs import matrix
from fastpiggy.solving import inverse
from fastpiggy.solving.linearisation import Linearisation

#: Largest number of columns whose Gram matrix is formed.
COLUMNS = 600

#: Changes of the active set at the most, beside one for each active coordinate.
_CHANGES = 60

#: The inverse is made anew after so many changes.
_FRESH = 50


def applies(binding: Any) -> bool:
    """Whether paths are piecewise linear: a quadratic loss, soft thresholds."""
    return (
        binding.kind == "CoordinatePenalty"
        and hasattr(binding.composite.penalty, "thresholds")
        and binding.composite.loss.quadratic()
        and binding.shape[1] <= COLUMNS
    )


def finish(point: Linearisation) -> Linearisation | None:
    """The solution from x and its signs; None where the changes ran out or a pivot vanished."""
    level, ridge = levels(point)
    G = gram(point)
    G[np.diag_indices_from(G)] += ridge
    x = follow(G, point.gradient + ridge * point.x, point.x.copy(), level)
    return None if x is None else Linearisation(point.binding, x)


def levels(point: Linearisation) -> tuple[np.ndarray, np.ndarray]:
    """Thresholds of the gradient by coordinate, and the squared l2 part; zero for the intercept."""
    penalty, penalised = point.binding.composite.penalty, point.binding.penalised
    level, ridge = np.zeros(point.x.size), np.zeros(point.x.size)
    level[:penalised] = penalty.alpha * penalty.thresholds()
    ridge[:penalised] = penalty.alpha * (1.0 - getattr(penalty, "l1_ratio", 1.0))
    return level, ridge


def gram(point: Linearisation) -> np.ndarray:
    """``X' diag(f'') X``, made once for the data of a problem; a copy."""

    def make() -> np.ndarray:
        A = matrix.block(point.binding.design, np.arange(point.x.size))
        A *= np.sqrt(point.curvatures)[:, None]
        return A.T @ A

    problem = point.binding.problem
    return problem.once_for_loss(f"gram {problem.fit_intercept}", make).copy()


def follow(G: np.ndarray, g: np.ndarray, x: np.ndarray, level: np.ndarray) -> np.ndarray | None:
    """Drive the perturbation to zero; `g` is the gradient at x of all but the l1 part."""
    start = x.copy()
    active = (x != 0) | (level == 0)
    sign = np.sign(x) * (level > 0)
    # As in the compiled one: what is brought to the level together would tie.
    apart = 1.0 - APART * ((GOLDEN * np.arange(x.size)) % 1.0)
    inside = np.where(np.abs(g) > level, apart, 1.0) * level
    e = np.where(active, -level * sign, np.sign(g) * np.minimum(np.abs(g), inside)) - g
    q, t, barred = g + e, 0.0, (-1, 0.0)
    S = np.flatnonzero(active)
    M = inverse.of(G, S)
    for change in range(_CHANGES + 2 * S.size):
        if M is None:
            return None
        d = M @ e[S]
        # On S the perturbed gradient stands still; off it, it moves with x and with e.
        slope = d @ G[S] - e
        leave, enter = _leave(x[S], d, sign[S]), _enter(q, slope, level, active, barred)
        step = min(leave[0], enter[0], 1.0 - t)
        x[S] += step * d
        q += step * slope
        q[S] = -level[S] * sign[S]
        t += step
        if t >= 1.0 - 1e-14:
            return _refined(G, g, start, x, level * sign, S)
        if leave[0] <= enter[0]:
            k = leave[1]
            j = S[k]
            barred = (j, sign[j])
            x[j], sign[j], active[j] = 0.0, 0.0, False
            M, S = inverse.without(M, k), np.delete(S, k)
        else:
            j = enter[1]
            barred = (-1, 0.0)
            sign[j], active[j] = -np.sign(q[j]), True
            M, S = inverse.with_(M, G[S, j], G[j, j]), np.append(S, j)
        if change % _FRESH == _FRESH - 1:
            M = inverse.of(G, S)
    return None


def _refined(
    G: np.ndarray, g: np.ndarray, start: np.ndarray, x: np.ndarray, pull: np.ndarray, S: np.ndarray
) -> np.ndarray:
    """One step more with a fresh factor: the changes have left their rounding behind."""
    M = inverse.of(G, S)
    if M is not None:
        x[S] -= M @ (g[S] + G[S] @ (x - start) + pull[S])
    return x


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
