"""Cone programs: solution with derivative, and iterations on the embedding with tangents."""

import numpy as np

import fastpiggy as fp
from benchmarks.cones import MIXED, program
from benchmarks.suite import Benchmark
from fastpiggy.problems.directions import Direction
from fastpiggy.solving.request import check


class ConeProgram(Benchmark):
    """Solution and derivative along b, 50 variables."""

    def setup(self) -> None:
        self.A, self.b, self.c, self.truth = program(MIXED, 50, 0)
        self.time_solve()

    def _solve(self) -> fp.ConeSolution:
        problem = fp.cone_program(self.A, self.b, self.c, MIXED)
        return fp.solve(problem, wrt={"b": np.ones(self.b.size)})  # type: ignore[return-value]

    def time_solve(self) -> None:
        self._solve()

    def track_error(self) -> float:
        """Of x, against the solution that the program was made of."""
        return float(np.abs(self._solve().x - self.truth[0]).max())

    track_error.unit = "largest error of x"  # type: ignore[attr-defined]


class Embedding(Benchmark):
    """A hundred iterations, with so many tangents."""

    params = ([0, 1],)
    param_names = ("tangents",)

    def setup(self, tangents: int) -> None:
        A, b, c, _ = program(MIXED, 50, 0)
        self.problem = fp.cone_program(A, b, c, MIXED)
        self.time_iterations(tangents)

    def time_iterations(self, tangents: int) -> None:
        system = self.problem.system()
        request = check(
            system.coordinates, system.algorithms, None, "auto", "auto", 1e-9, None, None, 0.0,
            False, None,
        )  # fmt: skip
        along = [Direction("b", np.ones((1, self.problem.b.size)), ())] * tangents
        options = system.algorithms["douglas_rachford"]()
        system.run(options, along, request).advance(100, 0.0, 0.0)
