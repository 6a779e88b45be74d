"""Equilibrium layers: forward and backward."""

from typing import Any

import numpy as np

import fastpiggy as fp
from benchmarks.common import relative
from benchmarks.suite import Benchmark, by_profile


class Equilibrium(Benchmark):
    params = (by_profile([20], [100]), by_profile([16], [256]))
    param_names = ("units", "inputs")

    def setup(self, units: int, inputs: int) -> None:
        if not hasattr(fp, "equilibrium"):
            raise NotImplementedError("this version has no equilibrium")
        rng = np.random.default_rng(0)
        P, R = rng.standard_normal((2, units, units)) / np.sqrt(units)
        self.weights = fp.monotone_weights(P, R, 0.5)
        self.U, self.b = rng.standard_normal((units, 50)) / 7, np.zeros(units)
        self.x, self.v = rng.standard_normal((inputs, 50)), rng.standard_normal((inputs, units))
        self.backward()

    def solve(self) -> fp.Solution:
        return fp.solve(fp.equilibrium(self.weights, self.U, self.b, self.x), tol=1e-8, wrt=None)

    def backward(self) -> dict[str, Any]:
        return self.solve().vjp(self.v)

    def time_forward(self, *_: Any) -> None:
        self.solve()

    def time_forward_and_backward(self, *_: Any) -> None:
        self.backward()

    def track_error(self, *_: Any) -> float:
        """Of the gradient of b, against batched direct solves at the solution."""
        W, z = self.weights.W, self.solve().x
        D = (z > 0).astype(float)
        K = np.eye(len(W)) - W.T * D[:, None, :]
        g = D * np.linalg.solve(K, self.v[:, :, None])[:, :, 0]
        return relative(self.backward()["b"], g.sum(axis=0))

    track_error.unit = "relative"
