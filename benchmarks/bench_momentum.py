"""Momentum with its derivative, a map of one's own, and the set-valued fixed point."""

import numpy as np

import fastpiggy as fp
from benchmarks.common import dense_case
from benchmarks.suite import Benchmark


class Momentum(Benchmark):
    """A Lasso by inertial forward-backward, tangents in the same loops."""

    params = (["heavy_ball", "nesterov", "fista"],)
    param_names = ("algorithm",)

    def setup(self, algorithm: str) -> None:
        X, y = dense_case(200, 50)[:2]
        problem = fp.lasso(X, y, alpha=1.0)
        self.problem = problem.replace(alpha=0.1 * problem.alpha_max())
        self.time_solve(algorithm)

    def time_solve(self, algorithm: str) -> fp.Solution:
        return fp.solve(self.problem, "alpha", algorithm=algorithm, derivative="piggyback")

    def track_tangent_error(self, algorithm: str) -> float:
        exact = fp.solve(self.problem, "alpha").jacobian["alpha"]
        found = self.time_solve(algorithm).jacobian["alpha"]
        return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


class OwnMap(Benchmark):
    """Gradient descent on a ridge, written by its user in plain Python."""

    def setup(self) -> None:
        X, y = dense_case(100, 20)[:2]
        H, b = X.T @ X / 100, X.T @ y / 100
        a = 1.0 / (np.linalg.norm(H, 2) + 0.1)
        self.step = lambda x, t: x - a * (H @ x - b + t * x)
        self.tangent = lambda x, t, dx, dt: dx - a * (H @ dx + t * dx + dt * x)

    def time_piggyback(self) -> fp.Solution:
        return fp.piggyback(self.step, np.zeros(20), 0.1, step_tangent=self.tangent)

    def track_tangent_error(self) -> float:
        return self.time_piggyback().certificate.tangent_error


class Attractor(Benchmark):
    """The implicit set of a Lasso on a knot."""

    def setup(self) -> None:
        X, y = dense_case(60, 10)[:2]
        problem = fp.lasso(X, y, alpha=1.0)
        self.problem = problem.replace(alpha=problem.alpha_max())
        self.time_attractor()

    def time_attractor(self) -> object:
        return fp.attractor(self.problem)

    def track_vertices(self) -> int:
        return len(fp.attractor(self.problem).vertices)
