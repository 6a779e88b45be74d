"""Other ways to a prox, ``(penalty, u, step)``, where tests/naive has none."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import sqrtm
from scipy.optimize import brentq, isotonic_regression


def by_shift(clip: Callable[..., Any]) -> Callable[..., Any]:
    """Projection ``clip(u, tau)`` with the tau for which the magnitudes sum to the radius."""

    def project(penalty, u, step):
        def excess(tau):
            return abs(clip(penalty, u, tau)).sum() - penalty.radius

        low, high = -abs(u).max() - penalty.radius - 5, abs(u).max() + penalty.radius + 5
        return clip(penalty, u, brentq(excess, low, high, xtol=1e-15, rtol=1e-15))

    return project


def cut(penalty, u, tau):
    """What is left of magnitudes when tau is taken off; nothing is where tau is not positive."""
    return np.sign(u) * np.maximum(abs(u) - max(tau, 0.0), 0.0)


def l1_ball(penalty, u, step):
    return u if abs(u).sum() <= penalty.radius else by_shift(cut)(penalty, u, step)


def sorted_prox(penalty, u, step):
    order = np.argsort(-abs(u), kind="stable")
    less = abs(u)[order] - step * penalty.alpha * penalty.weights
    z = np.empty(u.size)
    z[order] = np.maximum(isotonic_regression(less, increasing=False).x, 0.0)
    return np.sign(u) * z


def singular_prox(penalty, u, step):
    U, s, V = np.linalg.svd(u.reshape(penalty.rows, -1), full_matrices=False)
    return (U * np.maximum(s - step * penalty.alpha, 0.0) @ V).ravel()


def symmetric_part(u):
    A = u.reshape(int(np.sqrt(u.size)), -1)
    return (A + A.T) / 2


def semidefinite(penalty, u, step):
    """``(A + abs(A))/2``, the modulus by the square root of the square."""
    A = symmetric_part(u)
    d, Q = np.linalg.eigh(A)
    return ((A + (Q * abs(d)) @ Q.T) / 2).ravel()


def log_det_prox(penalty, u, step):
    t = step * penalty.alpha
    A = symmetric_part(u - t * penalty.S)
    return np.real(A + sqrtm(A @ A + 4 * t * np.eye(len(A)))).ravel() / 2
