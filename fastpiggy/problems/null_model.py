"""The model with every penalised coefficient at zero, and the alpha from which it is optimal."""

from typing import Any

import numpy as np

from fastpiggy.algorithms.composite import rows, starts
from fastpiggy.compile import roles
from fastpiggy.designs import matrix
from fastpiggy.losses import LeastSquares

_STEPS, _DOUBLINGS = 100, 100

#: What Newton's step leaves of the gradient, over it, where its matrix is flat.
_FLAT = 1e-6


def alpha_max(problem: Any) -> float:
    """See :meth:`fastpiggy.problems.Problem.alpha_max`."""
    penalty = problem.penalty
    smallest = getattr(penalty, "alpha_max", None)
    if smallest is None:
        raise ValueError(
            f"alpha_max does not exist for the penalty {type(penalty).__name__}: it has no method "
            "alpha_max(g); give the range of its parameters yourself"
        )
    p = problem.shape[1]
    free = unpenalised(penalty, p)
    ridge = getattr(penalty, "l1_ratio", 1.0) < 1.0 and np.any(free)
    if not ridge:
        return float(smallest(gradient_at_null(problem, free)))

    # The squared l2 part holds for unpenalised columns too: they shrink as alpha grows, and the
    # alpha sought is the fixed point of alpha -> smallest(gradient(alpha)).
    from scipy.optimize import brentq

    def excess(alpha: float) -> float:
        l2 = alpha * (1.0 - penalty.l1_ratio)
        return smallest(gradient_at_null(problem, free, l2)) - alpha

    smallest(np.zeros(p))
    high = max(smallest(gradient_at_null(problem, np.zeros(p, dtype=bool))), 1e-300)
    while excess(high) > 0:
        high *= 2.0
    if excess(0.0) <= 0.0:
        return 0.0
    return float(brentq(excess, 0.0, high, xtol=1e-15 * high, rtol=1e-14))


def unpenalised(penalty: Any, p: int) -> np.ndarray:
    """Which coordinates the penalty leaves alone, whatever alpha is."""
    weights = getattr(penalty, "weights", None)
    free = np.zeros(p, dtype=bool)
    if weights is None or roles(penalty)[0] == "Penalty":
        return free  # weights of a sorted norm are not those of coordinates
    if hasattr(penalty, "offsets"):
        free[penalty.order] = np.repeat(weights == 0, np.diff(penalty.offsets))
        return free
    return weights == 0


def gradient_at_null(problem: Any, free: np.ndarray, l2: float = 0.0) -> np.ndarray:
    """Gradient of the loss, on all p columns, where only `free` ones and the intercept are fitted.

    `l2` adds ``l2/2 norm(x)^2`` on the free columns.
    """
    n = problem.shape[0]
    if type(problem.loss) is LeastSquares and not problem.fit_intercept and not np.any(free):
        loss = problem.loss
        return -problem.once_for_loss(
            "X'sy", lambda: matrix.scatter(problem.design, loss.sample_weight * loss.y)
        )
    A = matrix.block(problem.design, np.flatnonzero(free))
    if problem.fit_intercept:
        A = np.column_stack([A, np.ones(n)])
    start, r, h = np.empty(n), np.empty(n), np.empty(n)
    starts(problem.loss, start, h)
    x = np.zeros(A.shape[1])
    if problem.fit_intercept:
        x[-1] = intercept_alone(problem.loss, n)
    value = rows(problem.loss, start + x[-1:].sum(), r, h)
    if A.shape[1]:
        curb = np.full(A.shape[1], l2)
        curb[int(free.sum()) :] = 0.0
        r = _newton(problem.loss, A, start, r, h, value, curb, x)
    return matrix.scatter(problem.design, r)


def intercept_alone(loss: Any, n: int) -> float:
    """The intercept that fits best by itself, where Newton's method may not find it from 0.

    Where most rows stand where the loss is linear there is no curvature to tell how far to go; the
    slopes add up to zero at a point that bisection finds.  0.0 where there is enough of it.
    """
    if hasattr(loss, "roughness"):
        return 0.0
    start, most, r, h = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    starts(loss, start, most)
    rows(loss, start, r, h)
    if 2.0 * h.sum() >= most.sum():
        return 0.0

    def slope(b: float) -> float:
        rows(loss, start + b, r, h)
        return float(r.sum())

    sense = -np.sign(slope(0.0))
    near, far = 0.0, sense * (float(np.abs(start).max()) or 1.0)
    for _ in range(_DOUBLINGS):
        if not slope(far) * sense < 0.0:
            break
        near, far = far, 2.0 * far
    while True:
        middle = 0.5 * (near + far)
        if middle in (near, far):
            return far
        near, far = (middle, far) if slope(middle) * sense < 0.0 else (near, middle)


def _newton(
    loss: Any, A: np.ndarray, start: np.ndarray, r: np.ndarray, h: np.ndarray, value: float,
    curb: np.ndarray, x: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Damped Newton steps on the columns of A from x; returns the slopes at the minimum."""
    scale = np.sqrt((A * A).sum(axis=0))
    scale[scale == 0] = 1.0
    A = A / scale
    curb = curb / scale**2
    x, first = x * scale, None
    # A quadratic is at its minimum after one step; the second takes away the rounding.
    for _ in range(2 if loss.quadratic() else _STEPS):
        g = A.T @ r + curb * x
        size = np.abs(g).max()
        first = size if first is None else first
        if size <= 1e-15 * first or size == 0.0:
            break
        H = (A.T * h) @ A + np.diag(curb)
        step = -np.linalg.lstsq(H, g, rcond=1e-13)[0]
        if np.abs(g + H @ step).max() > _FLAT * size:
            # The curvatures say nothing along g: those of parabolas above the loss do.
            above = np.maximum(h, np.abs(r) / np.maximum(np.abs(start + A @ x), 1e-300))
            H = (A.T * above) @ A + np.diag(curb)
            step = -np.linalg.lstsq(H, g, rcond=1e-13)[0]
        for halving in range(40):
            trial = x + step * 0.5**halving
            new_r, new_h = np.empty_like(r), np.empty_like(h)
            new = rows(loss, start + A @ trial, new_r, new_h) + 0.5 * curb @ trial**2
            if new <= value + 1e-14 * abs(value):
                break
        moved = np.abs(trial - x).max()
        x, r, h, value = trial, new_r, new_h, new
        if moved <= 1e-15 * np.abs(x).max():
            break
    return r
