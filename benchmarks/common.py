"""What suite and scripts share: seeded problems, and checks independent of fastpiggy."""

from functools import cache
from typing import Any

import numpy as np

#: Mixing of the elastic net, and size of the groups, in all problems.
L1_RATIO, GROUP = 0.5, 5


def ar1(n: int, p: int, rho: float, rng: np.random.Generator) -> np.ndarray:
    """Columns of an autoregression: neighbours have correlation rho.  Fortran order."""
    Z = rng.standard_normal((n, p))
    X = np.empty((n, p), order="F")
    X[:, 0] = Z[:, 0]
    for j in range(1, p):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * Z[:, j]
    return X


@cache
def dense_case(
    n: int, p: int, rho: float = 0.5, frac: float = 0.05, snr: float = 3.0, n_val: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """X, y and held-out X, y of a sparse linear model with noise; one seed for all sizes."""
    rng = np.random.default_rng(0)
    n_val = n_val or max(n // 2, 50)
    X = ar1(n + n_val, p, rho, rng)
    b = np.zeros(p)
    k = max(1, int(frac * p))
    b[rng.choice(p, k, replace=False)] = rng.choice([-1.0, 1.0], k)
    signal = X @ b
    y = signal + rng.standard_normal(n + n_val) * signal.std() / snr
    # Slices of a Fortran array are not contiguous.
    return np.asfortranarray(X[:n]), y[:n], np.asfortranarray(X[n:]), y[n:]


@cache
def sparse_case(n: int, p: int, density: float) -> tuple[Any, np.ndarray]:
    """A random CSC matrix and a sparse linear model on it."""
    from scipy.sparse import csc_array, random

    rng = np.random.default_rng(0)
    X = csc_array(random(n, p, density, "csc", random_state=rng, data_rvs=rng.standard_normal))
    b = np.zeros(p)
    k = max(1, p // 20)
    b[rng.choice(p, k, replace=False)] = rng.choice([-1.0, 1.0], k)
    signal = X @ b
    return X, signal + rng.standard_normal(n) * signal.std() / 3.0


def shape_of(case: str) -> tuple[int, int]:
    """``"200x1000"`` as numbers."""
    n, p = case.split("x")
    return int(n), int(p)


def stored(X: np.ndarray, storage: str) -> Any:
    """A dense matrix in C or Fortran order, float32 (Fortran order), or sparse."""
    if storage == "sparse":
        from scipy.sparse import csc_array

        return csc_array(X)
    if storage == "float32":
        return np.asfortranarray(X, dtype=np.float32)
    return np.asarray(X, order=storage)


def labels(y: np.ndarray) -> np.ndarray:
    """Two classes from a target."""
    return np.where(y > np.median(y), 1.0, -1.0)


def build(model: str, X: Any, y: np.ndarray, alpha: float) -> Any:
    """A problem by name."""
    import fastpiggy as fp

    if model == "lasso":
        return fp.lasso(X, y, alpha)
    if model == "elastic_net":
        return fp.elastic_net(X, y, alpha, L1_RATIO)
    if model == "ridge":
        return fp.ridge(X, y, alpha)
    if model == "logistic":
        return fp.logistic(X, labels(y), alpha)
    if model == "squared_hinge":
        return fp.squared_hinge(X, labels(y), alpha)
    if model == "huber":
        return fp.huber(X, y, alpha, delta=0.5 * float(np.std(y)))
    return fp.group_lasso(X, y, alpha, groups=np.arange(X.shape[1]) // GROUP)


def alpha_of(model: str, X: Any, y: np.ndarray, part: float) -> float:
    """A part of alpha_max; for ridge of the largest entry of the gradient at 0."""
    if model == "ridge":
        return part * float(np.abs(X.T @ y).max()) / X.shape[0]
    return part * build(model, X, y, 1.0).alpha_max()


def violation(model: str, X: Any, y: np.ndarray, w: np.ndarray, alpha: float) -> float:
    """The largest entry of ``w - prox(w - gradient)`` over alpha, in plain NumPy."""
    n = X.shape[0]
    if model == "logistic":
        side = labels(y)
        g = X.T @ (-side / (1.0 + np.exp(side * (X @ w)))) / n
    elif model == "squared_hinge":
        side = labels(y)
        g = X.T @ (-2.0 * side * np.maximum(0.0, 1.0 - side * (X @ w))) / n
    else:
        delta = 0.5 * np.std(y) if model == "huber" else np.inf
        g = X.T @ np.clip(X @ w - y, -delta, delta) / n
    u = w - g
    if model == "ridge":
        z = u / (1.0 + alpha)
    elif model == "group_lasso":
        starts = np.arange(0, u.size, GROUP)
        sizes = np.diff([*starts, u.size])
        norms = np.sqrt(np.add.reduceat(u**2, starts))
        keep = np.maximum(0.0, 1.0 - alpha * np.sqrt(sizes) / np.maximum(norms, 1e-300))
        z = u * np.repeat(keep, sizes)
    else:
        l1 = alpha * (L1_RATIO if model == "elastic_net" else 1.0)
        z = np.sign(u) * np.maximum(np.abs(u) - l1, 0.0) / (1.0 + alpha - l1)
    return float(np.abs(w - z).max() / alpha)


def on_support(X: np.ndarray, w: np.ndarray, rhs: np.ndarray) -> np.ndarray:
    """``inv(X_S'X_S) rhs_S`` on the support S of w, zero elsewhere; columns of rhs go along."""
    support = np.flatnonzero(w)
    out = np.zeros((w.size, *np.shape(rhs)[1:]))
    if support.size:
        A = X[:, support].astype(float)
        out[support] = np.linalg.solve(A.T @ A, rhs[support])
    return out


def lasso_slope(X: np.ndarray, w: np.ndarray) -> np.ndarray:
    """``dw/dalpha`` of the Lasso on the active set: ``-n inv(X_S'X_S) sign(w_S)``."""
    return on_support(X, w, -X.shape[0] * np.sign(w))


def relative(found: np.ndarray, exact: np.ndarray) -> float:
    """Relative error in the Euclidean norm."""
    return float(np.linalg.norm(found - exact) / max(np.linalg.norm(exact), 1e-300))
