"""Trend filtering: a problem without a design matrix."""

from typing import Any

import numpy as np

import fastpiggy as fp
from benchmarks.common import relative
from benchmarks.suite import Benchmark, by_profile


def zigzag(n: int) -> np.ndarray:
    """A piecewise linear signal with noise."""
    t = np.arange(n)
    return np.abs(t % 100 - 50.0) / 10.0 + 0.5 * np.random.default_rng(0).standard_normal(n)


def slope_on_knots(x: np.ndarray, degree: int) -> np.ndarray:
    """``dx/dalpha`` with the knots held: minus the projection of ``D'sign(D x)`` on their splines.

    By the normal equations of the rows of D without a knot: an independent way, for small n.
    """
    D = np.diff(np.eye(x.size), degree + 1, axis=0)
    difference = D @ x
    knots = np.abs(difference) > 1e-7 * np.abs(difference).max()
    pull = D[knots].T @ np.sign(difference[knots])
    Q, _ = np.linalg.qr(D[~knots].T)
    return -(pull - Q @ (Q.T @ pull))


class TrendFilter(Benchmark):
    params = ([0, 1], by_profile([300], [1000, 10_000]))
    param_names = ("degree", "points")

    def setup(self, degree: int, points: int) -> None:
        if not hasattr(fp, "trend_filter"):
            raise NotImplementedError("this version has no trend_filter")
        self.degree = degree
        self.y = zigzag(40)
        self.solve(wrt="alpha")
        self.y = zigzag(points)

    def solve(self, **options: Any) -> fp.Solution:
        return fp.solve(fp.trend_filter(self.y, alpha=2.0, degree=self.degree), **options)

    def time_solve(self, *_: Any) -> None:
        self.solve()

    def time_derivative(self, *_: Any) -> None:
        self.solve(wrt="alpha")

    def track_error(self, *_: Any) -> float:
        if self.y.size > 2000:
            # The independent way is cubic.
            return float("nan")
        found = self.solve(wrt="alpha")
        return relative(found.jacobian["alpha"], slope_on_knots(found.x, self.degree))

    track_error.unit = "relative"


class GeneralizedLasso(Benchmark):
    """Total variation of an image."""

    params = (by_profile([8], [16, 40]),)
    param_names = ("side",)

    def setup(self, side: int) -> None:
        if not hasattr(fp, "generalized_lasso"):
            raise NotImplementedError("this version has no generalized_lasso")
        step = np.diff(np.eye(side), axis=0)
        self.D = np.vstack([np.kron(step, np.eye(side)), np.kron(np.eye(side), step)])
        corner = np.zeros((side, side))
        corner[side // 3 :, side // 3 :] = 2.0
        noise = np.random.default_rng(0).standard_normal(corner.shape)
        self.y = (corner + 0.4 * noise).ravel()
        self.solve()

    def solve(self) -> fp.Solution:
        return fp.solve(fp.generalized_lasso(self.y, self.D, alpha=0.5), wrt="alpha")

    def time_derivative(self, *_: Any) -> None:
        self.solve()

    def track_error(self, *_: Any) -> float:
        sol = self.solve()
        z = self.D @ sol.x
        flat = np.abs(z) < 1e-8
        P = np.eye(self.y.size) - np.linalg.pinv(self.D[flat]) @ self.D[flat]
        return relative(sol.jacobian["alpha"], -P @ self.D.T @ np.where(flat, 0.0, np.sign(z)))

    track_error.unit = "relative"
