"""The derivative's system ``(I - D W) J = D dc`` at an equilibrium, for each input its own D."""

from typing import Any

import numpy as np

from fastpiggy.algorithms.composite import prox
from fastpiggy.algorithms.equilibrium import factor, slopes, substitute

#: Growth of entries in the factors from which on a solve is refined.
_GROWTH = 30.0


def still(activation: Any, m: int) -> Any:
    """m directions of zeros of a penalty's parameters."""
    return type(activation)(*(np.zeros((m, *np.shape(value))) for value in activation))


class Diagonal:
    """D diagonal: LU factors on the units where it is not zero.

    Parameters
    ----------
    W : ndarray of shape (n, n)
    D : ndarray of shape (N, n)
    """

    def __init__(self, W: np.ndarray, D: np.ndarray) -> None:
        self.W, self.D = W, D
        self.sizes = np.zeros(len(D), dtype=np.int64)
        total = int((np.count_nonzero(D, axis=1) ** 2).sum())
        self.lu = np.empty(total)
        self.growth = factor(W, D, self.sizes, self.lu)

    def solve(self, R: np.ndarray, transposed: bool = False) -> np.ndarray:
        """``(I - D W)^-1 R`` of (N, m, n); transposed ``D (I - W' D)^-1 R``."""
        found = np.array(R, order="C")
        substitute(self.W, self.D, self.sizes, self.lu, found, transposed)
        if self.growth > _GROWTH:
            rest = self._rest(R, found, transposed)
            substitute(self.W, self.D, self.sizes, self.lu, rest, transposed)
            found += rest
        return found

    def _rest(self, R: np.ndarray, found: np.ndarray, transposed: bool) -> np.ndarray:
        """What a solution leaves of the right-hand sides, as right-hand sides."""
        D = self.D[:, None, :]
        if not transposed:
            return R - found + D * (found @ self.W.T)
        # ``g = D (W' g + r)``: where D is zero so is g, whatever stands there.
        on = D != 0.0
        return np.where(on, R + found @ self.W - found / np.where(on, D, 1.0), 0.0)

    def times(self, T: np.ndarray) -> np.ndarray:
        """``D T``."""
        return self.D[:, None, :] * T

    def at(self, D: np.ndarray) -> Any:
        """The system of another D, rows that it shares not factored again."""
        rows = np.flatnonzero((self.D != D).any(axis=1))
        return Patched(self, rows, Diagonal(self.W, D[rows])) if rows.size else self


class Patched:
    """Some rows of another system replaced: base, rows, what stands there."""

    def __init__(self, base: Any, rows: np.ndarray, patch: Diagonal) -> None:
        self.base, self.rows, self.patch, self.W = base, rows, patch, patch.W
        self.D = base.D.copy()
        self.D[rows] = patch.D

    def solve(self, R: np.ndarray, transposed: bool = False) -> np.ndarray:
        """As of :class:`Diagonal`."""
        found = self.base.solve(R, transposed)
        found[self.rows] = self.patch.solve(R[self.rows], transposed)
        return found

    times, at = Diagonal.times, Diagonal.at


class Dense:
    """D any symmetric matrices of shape (N, n, n), for activations that couple units."""

    def __init__(self, W: np.ndarray, D: np.ndarray) -> None:
        self.W, self.D, self.K = W, D, np.eye(len(W)) - D @ W

    def solve(self, R: np.ndarray, transposed: bool = False) -> np.ndarray:
        """As of :class:`Diagonal`."""
        if transposed:
            w = np.linalg.solve(np.swapaxes(self.K, 1, 2), np.swapaxes(R, 1, 2))
            return np.swapaxes(self.D @ w, 1, 2)
        return np.swapaxes(np.linalg.solve(self.K, np.swapaxes(R, 1, 2)), 1, 2)

    def times(self, T: np.ndarray) -> np.ndarray:
        """``D T``."""
        return T @ np.swapaxes(self.D, 1, 2)

    def at(self, D: np.ndarray) -> "Dense":
        """The system of another D."""
        return self if np.array_equal(self.D, D) else Dense(self.W, D)


def activate(problem: Any, V: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``prox_g`` of the rows of V, and its derivatives D: diagonals of (N, n), or (N, n, n)."""
    activation, n = problem.activation, V.shape[1]
    Z = np.empty_like(V)
    if problem.separable:
        D = np.empty_like(V)
        slopes(activation, V, Z, D, q, still(activation, 1))
        return Z, D
    D, eye, d, ones = np.empty((len(V), n, n)), np.eye(n), still(activation, n), np.ones(n)
    for v, z, slope, side in zip(V, Z, D, q, strict=True):
        prox(activation, v, ones, z, eye, slope, d, n, side)
    return Z, D
