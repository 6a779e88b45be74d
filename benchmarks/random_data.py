"""Random data for random_cases: shapes, matrices, storages, weights of rows, targets."""

from typing import Any

import numpy as np
from scipy import sparse

STORAGES = ("C", "F", "strided", "C32", "F32", "csc", "csr", "csc32")


def shape(rng: np.random.Generator, low: int) -> tuple[int, int]:
    """1 to 300 rows and columns, at least `low` rows."""
    n, p = (int(round(np.exp(rng.uniform(np.log(a), np.log(300.4))))) for a in (low, 1))
    regime = rng.random()
    if regime < 0.12:
        n, p = int(rng.integers(max(low, 2), 40)), int(rng.integers(150, 301))
    elif regime < 0.24:
        n, p = int(rng.integers(150, 301)), int(rng.integers(1, 40))
    elif regime < 0.27:
        n = low
    elif regime < 0.30:
        p = 1
    return n, p


def matrix(rng: np.random.Generator, n: int, p: int) -> tuple[np.ndarray, bool, list[str]]:
    """A matrix, whether its entries are round, and what is special about it."""
    base = rng.choice(["normal", "correlated", "chain", "integer", "signs", "orthogonal"])
    words = [str(base)]
    X = rng.standard_normal((n, p))
    if base == "correlated":
        rho = rng.choice([0.3, 0.7, 0.9, 0.99])
        X = np.sqrt(1 - rho) * X + np.sqrt(rho) * rng.standard_normal((n, 1))
    elif base == "chain":
        rho = rng.choice([0.5, 0.9, 0.99])
        for j in range(1, p):
            X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * X[:, j]
    elif base == "integer":
        X = rng.integers(-2, 3, (n, p)).astype(float)
    elif base == "signs":
        X = rng.choice([-1.0, 1.0], (n, p))
    elif base == "orthogonal":
        # Rows of a Hadamard matrix, or of the identity where there are more columns.
        size = 1 << max(n - 1, p - 1, 1).bit_length()
        H = np.ones((1, 1))
        while len(H) < size:
            H = np.block([[H, H], [H, -H]])
        X = H[:n, :p].copy() if rng.random() < 0.5 else np.eye(n, p) * np.sqrt(n)
    ties = base in ("integer", "signs", "orthogonal")
    if rng.random() < 0.25 and not ties:
        X += rng.normal(0, 3, p)
        words.append("off centre")
    for name in ("duplicate", "negated", "near 1e-7", "near 1e-10", "zero", "constant"):
        if rng.random() < 0.1 and p > 1:
            i, j = rng.choice(p, 2, replace=False)
            noise = rng.standard_normal(n)
            X[:, i] = {"duplicate": X[:, j], "negated": -X[:, j], "zero": 0 * noise,
                       "near 1e-7": X[:, j] + 1e-7 * noise, "near 1e-10": X[:, j] + 1e-10 * noise,
                       "constant": 0 * noise + 1.0}[name]  # fmt: skip
            words.append(name)
    spread = rng.choice([0, 4, 8], p=[0.65, 0.2, 0.15])
    if spread:
        X = X * 10.0 ** rng.uniform(-spread, spread, p)
        words.append(f"scales 1e{spread}")
    return X, ties, words


def store(rng: np.random.Generator, X: np.ndarray, storage: str) -> tuple[Any, np.ndarray]:
    """X as handed in, and the same numbers in float64."""
    if storage.endswith("32"):
        X = X.astype(np.float32)
    if storage.startswith("cs"):
        X = X * (rng.random(X.shape) < rng.choice([0.1, 0.3, 0.7]))
        form = sparse.csc_array if storage.startswith("csc") else sparse.csr_array
        return form(X), X.astype(float)
    exact = X.astype(float)
    if storage == "strided":
        wide = np.zeros((2 * X.shape[0], 3 * X.shape[1]), dtype=X.dtype)
        wide[::2, ::3] = X
        return wide[::2, ::3], exact
    return (np.asfortranarray(X) if storage.startswith("F") else np.ascontiguousarray(X)), exact


def sample_weights(rng: np.random.Generator, n: int) -> np.ndarray | None:
    """None, whole numbers, random ones, or some of them zero."""
    how = rng.choice(4, p=[0.4, 0.2, 0.2, 0.2])
    if how == 0:
        return None
    found = rng.integers(1, 5, n).astype(float) if how == 1 else rng.uniform(0.2, 3, n)
    if how == 3:
        found[rng.random(n) < 0.3] = 0.0
        found[rng.choice(n, min(2, n), replace=False)] = 1.0
    return found


def target(rng: np.random.Generator, X: np.ndarray, ties: bool) -> np.ndarray:
    """A signal with noise, in several sizes; constant at times; round where X is."""
    n, p = X.shape
    rms = np.sqrt((X**2).mean(axis=0))
    rms[rms == 0] = 1.0
    w = np.zeros(p)
    k = int(rng.integers(1, min(p, 8) + 1))
    w[rng.choice(p, k, replace=False)] = rng.choice([-1.0, 1.0], k) * (
        1.0 if ties else rng.uniform(0.5, 2.0, k)
    )
    y = (X / rms) @ w + rng.choice([0.0, 0.1, 1.0]) * rng.standard_normal(n)
    if ties and rng.random() < 0.7:
        y = np.round(y)
    if rng.random() < 0.04:
        y = np.full(n, rng.choice([0.0, 1.0, 2.5]))
    if rng.random() < 0.2:
        y = y * 10 ** rng.uniform(-3, 3)
    if rng.random() < 0.1:
        y = y + 100.0
    return y


def labels(
    rng: np.random.Generator, X: np.ndarray, s: np.ndarray, raw: np.ndarray | None
) -> np.ndarray:
    """-1 and 1, both on rows of positive weight."""
    y = target(rng, X, False)
    y = np.where(y + 0.5 * np.std(y) * rng.standard_normal(len(y)) > np.median(y), 1.0, -1.0)
    counted = np.flatnonzero(s > 0)
    y[counted[0]], y[counted[-1]] = -1.0, 1.0
    if len(counted) == 1:
        raw[:] = 1.0
        s[:] = 1.0 / len(s)
        y[0], y[-1] = -1.0, 1.0
    return y
