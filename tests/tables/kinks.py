"""Points at which a penalty's prox has a kink: ``(penalty, u, step)`` to a list of points."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np


def coordinates(*values: Callable[[Any, float], Any]) -> Callable[..., list]:
    """Kinks of a separable penalty: one coordinate at a time at one of its thresholds."""

    def make(penalty, u, step):
        found = []
        for j, value in product(range(u.size), values):
            at = u.copy()
            at[j] = np.broadcast_to(value(penalty, step), u.shape)[j]
            # An unpenalised coordinate has none, a side that is open neither.
            if at[j] != 0 and np.isfinite(at[j]):
                found.append(at)
        return found

    return make


def group_kinks(penalty, u, step):
    found = []
    for b in np.flatnonzero(penalty.weights):
        at = u.copy()
        members = penalty.order[penalty.offsets[b] : penalty.offsets[b + 1]]
        at[members] = 0.0
        # Along an axis, so that the norm is the threshold to the last bit.
        at[members[0]] = -step * penalty.alpha * penalty.weights[b]
        found.append(at)
    return found


def simplex_kinks(penalty, u, step):
    at = np.full(u.size, -3.0 * penalty.radius)
    at[:3] = 0.75 * penalty.radius, 0.25 * penalty.radius, 0.0
    return [at, at - 1.0]


def variation_kinks(penalty, u, step):
    t = step * penalty.alpha
    step_up = np.zeros(u.size)
    step_up[u.size // 2 :] = 2 * t * (1 / (u.size // 2) + 1 / (u.size - u.size // 2)) / 2
    return [step_up, 1.0 - step_up]


def at(*points: Any) -> Callable[..., list]:
    """Kinks at points that do not depend on the penalty."""
    return lambda penalty, u, step: [np.array(point, dtype=float) for point in points]


def with_zero(penalty, u, step):
    return [np.where(np.arange(u.size) == j, 0.0, u) for j in range(u.size)]


def plane(penalty, u, step):
    a = penalty.normal
    for _ in range(3):
        u = u - (a @ u - penalty.offset) / (a @ a) * a
    return [u]


def level_kinks(penalty, u, step):
    """Of the l-infinity norm: the sum of magnitudes is t, or one just touches the level."""
    t = step * penalty.alpha
    return [t * np.array([0.5, -0.25, 0.125, 0.125]), np.array([1.0 + t, -1.0, 0.3, -0.2])]


def sorted_kinks(penalty, u, step):
    """Two clusters meet, or one reaches zero."""
    t = step * penalty.alpha
    w = t * penalty.weights
    return [
        np.array([-1.0 - w[1], 0.1 * w[3], 1.0 + w[0], 0.1 * w[3]]),
        np.array([3.0, w[2], -2.0, 0.1 * w[3]]),
    ]


def singular_kinks(penalty, u, step):
    U, _, V = np.linalg.svd(u.reshape(penalty.rows, -1), full_matrices=False)
    s = np.array([3.0, step * penalty.alpha])
    return [(U * s @ V).ravel()]


def eigen_kinks(penalty, u, step):
    """One eigenvalue of zero beside a positive one, and beside a negative one."""
    v = np.array([0.6, 0.8])
    return [sign * np.outer(v, v).ravel() for sign in (1.0, -1.0)]


def product_kinks(penalty, u, step):
    u = u.copy()
    u[1] = 0.0
    return [u]


#: Points on the borders of the exponential cone, of its polar cone, and of what lies between.
EXPONENTIAL = np.array([
    [1.0, 1.0, np.e], [-2.0, 0.5, 0.5 * np.exp(-4.0)], [1.0, 0.5, -np.exp(-0.5)],
    [-1.0, 0.0, 0.5], [-1.0, -1.0, 0.0], [-1.0, 0.0, -1.0], [0.0, -1.0, 1.0],
])  # fmt: skip
