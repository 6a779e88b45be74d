"""Quadratic programs: a batch with its backward pass, and one with a Jacobian."""

import numpy as np

import fastpiggy as fp
from benchmarks.quadratic import batch, ours, slopes_by_kkt
from benchmarks.suite import Benchmark, by_profile


class Layer(Benchmark):
    """A batch: solutions and the backward pass."""

    params = ([20, 50],)
    param_names = ("n",)

    def setup(self, n: int) -> None:
        self.data = batch(by_profile(10, 100), n, 2 * n, 2)
        ours(self.data)

    def time_solution_and_backward(self, n: int) -> None:
        ours(self.data)

    def track_error(self, n: int) -> float:
        x, slopes = ours(self.data)
        exact = slopes_by_kkt(self.data, x)
        return float(np.linalg.norm(slopes - exact) / np.linalg.norm(exact))


class Jacobian(Benchmark):
    """One program with the Jacobian with respect to h."""

    params = ([50, 200],)
    param_names = ("n",)

    def setup(self, n: int) -> None:
        self.data = {name: value[0] for name, value in batch(1, n, n, 2).items()}
        self.time_jacobian(n)

    def time_jacobian(self, n: int) -> None:
        d = self.data
        fp.solve(fp.quadratic_program(d["P"], d["q"], d["A"], d["b"], d["G"], d["h"]), wrt="h")
