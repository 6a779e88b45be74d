"""Support vector machines: a solution with its Jacobian in C and the width, and its accuracy."""

import numpy as np

import fastpiggy as fp
from benchmarks.suite import Benchmark


class Machine(Benchmark):
    """Two classes that a product of two features tells apart."""

    params = ([60, 150],)
    param_names = ("rows",)

    def setup(self, rows: int) -> None:
        rng = np.random.default_rng(0)
        X = rng.standard_normal((rows, 2))
        y = np.sign(X[:, 0] * X[:, 1] + 0.1 * rng.standard_normal(rows))
        self.problem = fp.support_vector_machine(X, y, C=1.0, width=0.7)
        self.solution()

    def solution(self) -> fp.Solution:
        return fp.solve(self.problem, wrt=["C", "width"])

    def time_solution_and_jacobian(self, rows: int) -> None:
        self.solution()

    def track_optimality(self, rows: int) -> float:
        return self.solution().certificate.optimality
