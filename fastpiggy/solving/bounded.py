"""A parametric active set for least squares with bounds, and a linear term, exact from any start.

At any x within its bounds let q be a gradient with which x would be the solution: zero where x_j
is inside, of the bound's sign at a bound.  x then solves the problem with ``e'x`` added to the
loss, ``e = q - g``.  The term is driven to zero, ``(1 - t) e`` for t from 0 to 1; x is linear in t
until a coordinate meets a bound or the gradient at a bound changes its sign (Best, "An algorithm
for the solution of the parametric quadratic programming problem", 1996).
"""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.penalties import Box, NonnegativeElasticNet, NonnegativeL1
from fastpiggy.solving import inverse, parametric
from fastpiggy.solving.linearisation import Linearisation

#: Changes at the most, for each coordinate.
_CHANGES = 4


def applies(binding: Any) -> bool:
    """Whether this is least squares with bounds, not too large for its Gram matrix."""
    composite = binding.composite
    return (
        isinstance(composite.penalty, Box | NonnegativeL1 | NonnegativeElasticNet)
        and composite.loss.quadratic()
        and binding.shape[1] <= parametric.COLUMNS
    )


def finish(point: Linearisation) -> Linearisation | None:
    """The solution, from x or else from a corner; None where rounding stands in the way."""
    bounds, slope, ridge = _bounds(point)
    G = parametric.gram(point)
    G[np.diag_indices_from(G)] += ridge
    x, g = np.clip(point.x, bounds.lower, bounds.upper), point.gradient + ridge * point.x + slope
    for start in (x, bounds.corner(x)):
        end = follow(G, g + G @ (start - point.x), start, bounds)
        if end is not None:
            return Linearisation(point.binding, end)
    return None


def _bounds(point: Linearisation) -> tuple["Bounds", np.ndarray, np.ndarray]:
    """Bounds of all coordinates, and within them the penalty's slope and squared l2 part."""
    penalty, p = point.binding.composite.penalty, point.binding.penalised
    lower, upper = np.full(point.x.size, -np.inf), np.full(point.x.size, np.inf)
    slope, ridge = np.zeros(point.x.size), np.zeros(point.x.size)
    if isinstance(penalty, Box):
        lower[:p], upper[:p] = penalty.lower, penalty.upper
    else:
        ratio = getattr(penalty, "l1_ratio", 1.0)
        lower[:p], slope[:p] = 0.0, penalty.alpha * ratio * penalty.weights
        ridge[:p] = penalty.alpha * (1.0 - ratio)
    return Bounds(lower, upper), slope, ridge


class Bounds(NamedTuple):
    """Bounds of every coordinate, infinite where there are none."""

    lower: np.ndarray
    upper: np.ndarray

    def corner(self, x: np.ndarray) -> np.ndarray:
        """x with every coordinate at its nearer bound, or as it is where it has none."""
        nearer = np.where(x - self.lower <= self.upper - x, self.lower, self.upper)
        return np.where(np.isfinite(nearer), nearer, x)

    def side(self, x: np.ndarray) -> np.ndarray:
        """1 at lower bounds, -1 at upper ones, 0 inside."""
        return np.where(x <= self.lower, 1.0, np.where(x >= self.upper, -1.0, 0.0))


def follow(G: np.ndarray, g: np.ndarray, x: np.ndarray, bounds: Bounds) -> np.ndarray | None:
    """Drive the perturbation to zero; `g` is the gradient at x."""
    start, x, side = x, x.copy(), bounds.side(x)
    fixed = bounds.lower == bounds.upper
    # Where the sign at a bound is wrong q is anything of the right one: were all of these zero, all
    # would change at once, and might do so in circles.
    apart = np.random.default_rng(0).uniform(0.5, 1.5, x.size)
    q = np.where(side * g < 0, -apart * g, np.where(side == 0, 0.0, g))
    q[fixed] = g[fixed]
    e, t, barred = q - g, 0.0, fixed.copy()
    S = np.flatnonzero(side == 0)
    M = inverse.of(G, S)
    left = -1
    for _change in range(_CHANGES * (x.size + 1)):
        if M is None:
            return None
        d = M @ e[S]
        slope = d @ G[S] - e
        leave, enter = _leave(x[S], d, bounds, S), _enter(q, slope, side, barred, left)
        step = min(leave[0], enter[0], 1.0 - t)
        x[S] += step * d
        q += step * slope
        q[S] = 0.0
        t += step
        if t >= 1.0 - 1e-14:
            return _refined(G, g, start, x, S)
        left = -1
        if leave[0] <= enter[0]:
            left = _stop(x, side, bounds, S, leave[1], d[leave[1]])
            M, S = inverse.without(M, leave[1]), np.delete(S, leave[1])
            barred[:] = fixed
            continue
        j = enter[1]
        v = M @ G[S, j]
        if G[j, j] - G[S, j] @ v > inverse.PIVOT * G[j, j]:
            M, S = inverse.with_(M, G[S, j], G[j, j]), np.append(S, j)
            side[j] = 0.0
            continue
        # The column depends on the free ones: along it the objective is flat.
        d = -side[j] * v
        reach, k = _leave(x[S], d, bounds, S)
        own = bounds.upper[j] - bounds.lower[j]
        if not min(reach, own) < np.inf:
            barred[j] = True
            continue
        x[S] += min(reach, own) * d
        x[j] += side[j] * min(reach, own)
        if own <= reach:
            x[j] = bounds.upper[j] if side[j] > 0 else bounds.lower[j]
            side[j] = -side[j]
            continue
        left = _stop(x, side, bounds, S, k, d[k])
        M, S = inverse.without(M, k), np.delete(S, k)
        M, S, side[j] = inverse.with_(M, G[S, j], G[j, j]), np.append(S, j), 0.0
    return None


def _stop(
    x: np.ndarray, side: np.ndarray, bounds: Bounds, S: np.ndarray, k: int, speed: float
) -> int:
    """Free coordinate number k comes to rest at the bound that it moves to."""
    j = int(S[k])
    x[j] = bounds.lower[j] if speed < 0 else bounds.upper[j]
    side[j] = 1.0 if speed < 0 else -1.0
    return j


def _leave(x: np.ndarray, d: np.ndarray, bounds: Bounds, S: np.ndarray) -> tuple[float, int]:
    """The first step at which a free coordinate meets a bound."""
    if not S.size:
        return np.inf, 0
    steps, noise = np.full(x.size, np.inf), 1e-12 * np.abs(d).max()
    down, up = d < -noise, d > noise
    steps[down] = (bounds.lower[S][down] - x[down]) / d[down]
    steps[up] = (bounds.upper[S][up] - x[up]) / d[up]
    k = int(np.argmin(steps))
    return max(float(steps[k]), 0.0), k


def _enter(
    q: np.ndarray, slope: np.ndarray, side: np.ndarray, barred: np.ndarray, left: int
) -> tuple[float, int]:
    """The first step at which the gradient at a bound changes its sign.

    What has just come to rest stays there for this step.
    """
    turns = (side != 0) & ~barred & (side * slope < 0)
    if left >= 0:
        turns[left] = False
    steps = np.full(q.size, np.inf)
    steps[turns] = np.maximum(-q[turns] / slope[turns], 0.0)
    k = int(np.argmin(steps))
    return float(steps[k]), k


def _refined(
    G: np.ndarray, g: np.ndarray, start: np.ndarray, x: np.ndarray, S: np.ndarray
) -> np.ndarray:
    """One step more with a fresh factor: the changes have left their rounding behind."""
    M = inverse.of(G, S)
    if M is not None:
        x[S] -= M @ (g[S] + G[S] @ (x - start))
    return x
