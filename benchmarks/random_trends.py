"""Random trend filters for tangent_bound, with derivatives in extended precision."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.random_reference import Long, _back, _forward, _householder


@dataclass
class Trend:
    """``sum_i w_i (x_i - y_i)^2 / 2 + alpha norm1(D x)``.

    Parameters
    ----------
    y, w : ndarray of shape (n,)
    alpha : float
    degree : int
    V : ndarray of shape (n, 2)
        Directions of y.
    label : str
    """

    y: np.ndarray
    w: np.ndarray
    alpha: float
    degree: int
    V: np.ndarray
    label: str

    def build(self) -> Any:
        """The problem of fastpiggy."""
        import fastpiggy as fp

        return fp.trend_filter(self.y, self.alpha, self.degree, self.w)

    def derivative(self) -> np.ndarray | None:
        """Along alpha and V, on the knots of a solution; None where they are not a solution's.

        With N a basis of the signals without differences off the knots, x = N c minimises
        ``norm_W(N c - y)^2 / 2 + alpha s'D_K N c``, a least squares problem.
        """
        import fastpiggy as fp

        x = fp.solve(self.build(), tol=1e-12).x
        order, n = self.degree + 1, self.y.size
        D = np.diff(np.eye(n, dtype=Long), order, axis=0)
        noise = 2.0**order * 64 * np.finfo(float).eps * np.abs(x).max()
        rows = np.flatnonzero(np.abs(np.diff(x, order)) > noise)
        signs = np.sign(np.diff(x, order))[rows].astype(Long)
        # Truncated powers, orthogonalised as they are made: they are nearly dependent.
        T = np.linalg.inv(np.vstack([np.eye(order, n), np.asarray(D, float)]))
        N = np.asarray(np.round(T), dtype=Long)[:, [*range(order), *(order + rows)]]
        root = np.sqrt(self.w.astype(Long))[:, None]
        A = root * N
        size = np.sqrt((A * A).sum(axis=0))
        R, reflectors = _householder(A / size)
        pull = (D[rows] @ N).T @ signs / size

        def solve(targets: np.ndarray, rhs: np.ndarray) -> np.ndarray:
            padded = root * targets
            for k, v in enumerate(reflectors):
                padded[k:] -= np.outer(v, v @ padded[k:])
            return N @ (_back(R, padded[: len(R)] + _forward(R, rhs)) / size[:, None])

        none = np.zeros((n, 1), dtype=Long)
        refined = solve(self.y[:, None].astype(Long), -self.alpha * pull[:, None])[:, 0]
        u = self._dual(refined, order)
        off = np.ones(len(u), dtype=bool)
        off[rows] = False
        if (np.abs(u[off]) > self.alpha * (1 + 1e-9)).any() or (
            np.sign(np.diff(refined, order))[rows] != signs
        ).any():
            return None
        along_y = solve(self.V.astype(Long), np.zeros((len(R), self.V.shape[1]), dtype=Long))
        return np.column_stack([solve(none, -pull[:, None]), along_y])

    def _dual(self, x: np.ndarray, order: int) -> np.ndarray:
        """``D'u = W (y - x)`` by sums."""
        found = self.w * (self.y - x)
        for _ in range(order):
            found = -np.cumsum(found)
        return found[: self.y.size - order]


def draw_trend(seed: int, index: int) -> Trend:
    """The trend filter of that number."""
    rng = np.random.default_rng([seed, index, 1000])
    n, degree = int(rng.integers(8, 120)), int(rng.integers(0, 4))
    t = np.linspace(0, 1, n)
    y = 4 * np.abs(t - rng.uniform(0.2, 0.8)) + rng.choice([0.05, 0.3]) * rng.standard_normal(n)
    w = np.ones(n) if rng.random() < 0.5 else rng.uniform(0.3, 3.0, n)
    found = Trend(y, w, 1.0, degree, rng.standard_normal((n, 2)), "")
    found.alpha = float(found.build().alpha_max() * 10 ** rng.uniform(-4, 0.1))
    found.label = f"n {n}, degree {degree}, alpha {found.alpha:.2e}"
    return found
