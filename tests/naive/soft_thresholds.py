"""Quadratics and curved losses with soft thresholds: long descent, violations, linear systems."""

from types import SimpleNamespace

import numpy as np
from scipy.sparse import issparse


def violations(g, w, top):
    """Of ``g`` in ``top sign(w)``, or in ``[-top, top]`` where w is zero; g the negative slope."""
    off = np.maximum(np.abs(g) - top, 0.0)
    return np.where((w == 0) & (top > 0), off, np.abs(g - top * np.sign(w)))


def descend(G, b, top, sweeps=100_000, tol=1e-14):
    """The minimum of ``w'Gw/2 - b'w + sum top |w|`` by coordinate descent to the end."""
    w, scale = np.zeros(b.size), np.abs(b).max()
    for _sweep in range(sweeps):
        for j in np.flatnonzero(np.diagonal(G)):
            u = b[j] - G[j] @ w + G[j, j] * w[j]
            w[j] = np.sign(u) * max(abs(u) - top[j], 0.0) / G[j, j]
        S = np.flatnonzero((w != 0) | (top == 0))
        # Once the signs are right the rest is a linear system.
        if np.linalg.matrix_rank(G[np.ix_(S, S)]) == S.size:
            end = np.zeros(b.size)
            end[S] = np.linalg.solve(G[np.ix_(S, S)], b[S] - top[S] * np.sign(w[S]))
            if np.array_equal(np.sign(end), np.sign(w)) or not S.size:
                if violations(b - G @ end, end, top).max() <= tol * scale * b.size:
                    return end
    raise AssertionError("descent has not come to its end")


def matrix(problem):
    """X of a problem, dense and in float64."""
    design = problem.design
    if hasattr(design, "X"):
        return np.asarray(design.X, dtype=float)
    from scipy.sparse import csc_array

    found = csc_array((design.data, design.indices, design.indptr), shape=problem.shape)
    assert issparse(found)
    return found.toarray().astype(float)


def at(problem, sol):
    """What a solution should satisfy, in plain NumPy.

    The largest violation, and the derivatives along alpha and l1_ratio by a linear solve with the
    Hessian of the active columns.
    """
    X, penalty, loss = matrix(problem), problem.penalty, problem.loss
    p = X.shape[1]
    alpha, ratio = penalty.alpha, getattr(penalty, "l1_ratio", 1.0)
    z = X @ sol.x + sol.intercept
    slope, curvature = _rows(loss, z)
    top, ridge = alpha * ratio * penalty.weights, alpha * (1 - ratio)
    g = -X.T @ slope - ridge * sol.x
    violation = violations(g, sol.x, top).max()
    if problem.fit_intercept:
        violation = max(violation, abs(slope.sum()))
    S = np.flatnonzero((sol.x != 0) | (top == 0))
    A = X[:, S]
    if problem.fit_intercept:
        # Centred in the curvatures' own weights: the system stays well conditioned.
        mean = curvature @ A / curvature.sum()
        A = A - mean
    K = (A.T * curvature) @ A + ridge * np.eye(S.size)
    sign = penalty.weights[S] * np.sign(sol.x[S])
    moves = {
        "alpha": ratio * sign + (1 - ratio) * sol.x[S],
        "l1_ratio": alpha * sign - alpha * sol.x[S],
    }
    J, along = {}, {}
    for name, move in moves.items():
        J[name], along[name] = np.zeros(p), 0.0
        if S.size:
            J[name][S] = -np.linalg.solve(K, move)
            along[name] = -mean @ J[name][S] if problem.fit_intercept else 0.0
    return SimpleNamespace(violation=violation, J=J, along=along, support=S)


def _rows(loss, z):
    """Slopes and curvatures of the rows."""
    y, s = loss.y, loss.sample_weight
    name = type(loss).__name__
    if name == "LeastSquares":
        return s * (z - y), s
    if name == "Huber":
        r = z - y
        return s * np.clip(r, -loss.delta, loss.delta), s * (np.abs(r) <= loss.delta)
    if name == "SquaredHinge":
        short = y * z < 1
        return -2 * s * y * np.where(short, 1 - y * z, 0.0), 2 * s * short
    assert name == "Logistic"
    q = 1 / (1 + np.exp(-y * z))
    return -s * y * (1 - q), s * q * (1 - q)
