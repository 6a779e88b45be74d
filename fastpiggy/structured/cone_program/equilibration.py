"""A cone program in units in which its data are about 1."""

from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.structured.cone_program.problem import ConeProgram

_ROUNDS = 6


class Equilibrated:
    """``D A E, t D b, r E c``: rows and columns of A with a largest entry of about 1.

    Ruiz's iteration, D one number on each cone so that it maps K onto itself; t and r bring b and
    c to a largest entry of 1.  ``x = E x^/t, y = D y^/r, s = s^/(t D)``.

    Parameters
    ----------
    problem : ConeProgram

    Attributes
    ----------
    A, b, c : ndarray
        The scaled data.
    units : ndarray of shape (n + 2 m,)
        What x^, y^, s^ are multiplied with.
    """

    def __init__(self, problem: ConeProgram) -> None:
        self.problem, self.cone = problem, problem.cones
        m, n = problem.A.shape
        D, E, size = np.ones(m), np.ones(n), np.abs(problem.A)
        blocks = problem.blocks
        lengths = np.diff(np.append(blocks, m))
        for _ in range(_ROUNDS):
            rows = np.maximum.reduceat(size.max(axis=1), blocks)
            d = np.repeat(_root(rows), lengths)
            e = _root(size.max(axis=0))
            size *= d[:, None]
            size *= e
            D *= d
            E *= e
        b, c = D * problem.b, E * problem.c
        self.t = 1.0 / (np.abs(b).max() or 1.0)
        self.r = 1.0 / (np.abs(c).max() or 1.0)
        self.A = np.ascontiguousarray(D[:, None] * problem.A * E)
        self.b, self.c, self.D, self.E = self.t * b, self.r * c, D, E
        self.units = np.concatenate([E / self.t, D / self.r, 1.0 / (self.t * D)])

    def directions(
        self, dA: np.ndarray, db: np.ndarray, dc: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Directions of the data, one a row, or one data each, in the scaled units."""
        return self.D[:, None] * dA * self.E, self.t * self.D * db, self.r * self.E * dc

    @cached_property
    def nothing(self) -> np.ndarray:
        """A matrix that stands for no Jacobian."""
        return np.zeros((0, 0))

    def whole(self, x: np.ndarray, y: np.ndarray, s: np.ndarray) -> np.ndarray:
        """(x, y, s) in the problem's own units."""
        return np.concatenate([x, y, s]) * self.units


def _root(largest: np.ndarray) -> Any:
    """``1/sqrt``, and 1 for rows of zeros."""
    return 1.0 / np.sqrt(np.where(largest > 0.0, largest, 1.0))
