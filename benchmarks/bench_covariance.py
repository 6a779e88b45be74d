"""Sparse inverse covariance: the exact way with its derivative, and an iteration of the paper's."""

from typing import Any

import numpy as np

import fastpiggy as fp
from benchmarks.suite import Benchmark
from fastpiggy.problems.directions import Direction
from fastpiggy.solving.request import check


def chain(p: int) -> Any:
    """A chain of p variables from 4 p rows, at a tenth of alpha_max."""
    rng = np.random.default_rng(0)
    precision = np.eye(p) + 0.4 * (np.eye(p, k=1) + np.eye(p, k=-1))
    factor = np.linalg.cholesky(np.linalg.inv(precision))
    rows = rng.standard_normal((4 * p, p)) @ factor.T
    problem = fp.sparse_inverse_covariance(None, 1.0, data=rows)
    return problem.replace(alpha=0.1 * problem.alpha_max())


class Covariance(Benchmark):
    """Solution and derivative along alpha."""

    params = ([50, 100],)
    param_names = ("p",)

    def setup(self, p: int) -> None:
        self.problem = chain(p)
        self.time_solve(p)

    def time_solve(self, p: int) -> None:
        fp.solve(self.problem, wrt="alpha")


class DouglasRachford(Benchmark):
    """A hundred iterations, with so many tangents."""

    params = ([0, 1],)
    param_names = ("tangents",)

    def setup(self, tangents: int) -> None:
        self.problem = chain(60)
        self.time_iterations(tangents)

    def time_iterations(self, tangents: int) -> None:
        system = self.problem.system()
        request = check(
            system.coordinates, system.algorithms, None, "auto", "auto", 1e-9, None, None, 0.0,
            False, None,
        )  # fmt: skip
        along = [Direction("alpha", np.ones(1), ())] * tangents
        run = system.run(fp.DouglasRachford(), along, request)
        run.advance(100, 0.0, 0.0)
