"""A small problem of every constructor, and what its derivative is taken along."""

from collections.abc import Callable
from typing import Any

import numpy as np

import fastpiggy as fp

_RNG = np.random.default_rng(0)
_X = _RNG.standard_normal((20, 6))
_Y = _X @ [2.0, -1.5, 0.0, 0.0, 1.0, 0.0] + 0.1 * _RNG.standard_normal(20)
_LABELS = np.where(_X @ [1.0, -1.0, 0.0, 0.0, 0.5, 0.0] + _RNG.standard_normal(20) > 0, 1.0, -1.0)
_GROUPS = [0, 0, 1, 1, 2, 2]
_SIGNAL = np.cumsum(_RNG.standard_normal(12))
_M, _G = _RNG.standard_normal((5, 5)), _RNG.standard_normal((7, 5))
_P, _R = _RNG.standard_normal((2, 5, 5)) / 3
_S = np.cov(_RNG.standard_normal((30, 4)).T)
_F = np.array([[0.0, 0.0], [-2.0, 0.0], [-1.0, -1.0]])
_Q = _M @ _M.T + np.eye(5)


def _half(x: np.ndarray, theta: np.ndarray) -> np.ndarray:
    return 0.5 * np.tanh(x) + np.maximum(theta, 0.0)


def _half_jacobian(x: np.ndarray, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.diag(0.5 / np.cosh(x) ** 2), np.diag(1.0 * (theta > 0))


#: By the constructor's name: a new problem joins by one line.
PROBLEMS: dict[str, tuple[Callable[[], Any], str]] = {
    "lasso": (lambda: fp.lasso(_X, _Y, 0.1), "alpha"),
    "elastic_net": (lambda: fp.elastic_net(_X, _Y, 0.1, 0.5), "alpha"),
    "ridge": (lambda: fp.ridge(_X, _Y, 0.1), "alpha"),
    "huber": (lambda: fp.huber(_X, _Y, 0.05, delta=0.5), "alpha"),
    "logistic": (lambda: fp.logistic(_X, _LABELS, 0.02), "alpha"),
    "squared_hinge": (lambda: fp.squared_hinge(_X, _LABELS, 0.05), "alpha"),
    "group_lasso": (lambda: fp.group_lasso(_X, _Y, 0.1, _GROUPS), "alpha"),
    "sparse_inverse_covariance": (lambda: fp.sparse_inverse_covariance(_S, 0.05), "alpha"),
    "trend_filter": (lambda: fp.trend_filter(_SIGNAL, 0.5), "alpha"),
    "trend_filter, degree 0": (lambda: fp.trend_filter(_SIGNAL, 0.5, degree=0), "alpha"),
    "generalized_lasso": (
        lambda: fp.generalized_lasso(_SIGNAL[:8], np.diff(np.eye(8), axis=0), 0.3), "alpha",
    ),
    "quadratic_program": (
        lambda: fp.quadratic_program(_Q, _Y[:5], G=_G, h=np.full(7, 0.3)), "h",
    ),
    "cone_program": (
        lambda: fp.cone_program(_F, [1.0, 0.0, 0.0], [-1.0, -1.0], {"q": [3]}), "b",
    ),
    "equilibrium": (
        lambda: fp.equilibrium(fp.monotone_weights(_P, _R, 0.5), _X[:5, :3], _Y[:5], _X[:2, 3:]),
        "b",
    ),
    "support_vector_machine": (
        lambda: fp.support_vector_machine(_X[:, :2], _LABELS, 1.0, 0.8), "width",
    ),
    "support_vector_regression": (
        lambda: fp.support_vector_regression(_X[:12, :2], _Y[:12], 1.0, 0.8, 0.2, ridge=1e-2),
        "width",
    ),
    "Problem": (
        lambda: fp.Problem(fp.losses.LeastSquares(_Y, np.full(20, 0.05)),
                           fp.penalties.Box(np.full(6, -1.0), np.full(6, 1.0)), _X), "upper",
    ),
    "FixedPoint": (
        lambda: fp.FixedPoint(_half, np.zeros(3), np.array([1.0, -0.5, 0.3]),
                              jacobian=_half_jacobian), "theta",
    ),
}  # fmt: skip

#: Problems on a kink.
KINKS: dict[str, tuple[Callable[[], Any], str]] = {
    "lasso": (lambda: fp.lasso(_X, _Y, fp.lasso(_X, _Y, 0.1).alpha_max()), "alpha"),
    "quadratic_program": (
        lambda: fp.quadratic_program(np.eye(2), [-1.0, -0.3], G=[[1.0, 0.0]], h=[1.0]), "q",
    ),
}  # fmt: skip
