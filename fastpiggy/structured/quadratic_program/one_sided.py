"""One-sided derivatives of quadratic programs: a complementarity problem on weakly active rows.

Along theta + h dtheta the solution moves as ``x + h a``, and a solves a program of its own: rows
with a positive multiplier stay met, rows W that are met with a multiplier of zero stay met or are
left (Robinson, "Strongly regular generalized equations", 1980).  With the others eliminated,

    a = a_0 - Z v,    0 <= v  perpendicular to  C_W Z v + (dd_W - dC_W x - C_W a_0) >= 0,

where a_0 is the derivative without W and Z the x part of ``inv(K) [C_W'; 0]``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastpiggy.solving.complementarity import complementary

_DEPENDENT = (
    "singular_active_set: the constraints that are met are linearly dependent, or leave a "
    "direction without curvature free, so that no one-sided derivative is determined; take out "
    "redundant rows, or add a little to P's diagonal"
)


def by_side(point: Any) -> Callable[[Any, float], np.ndarray]:
    """The function of a movement and a side that gives the derivative along side times it."""
    if point.ray is not None:
        raise ValueError("one_sided has nothing to differentiate: a program has no solution")
    if point.singular:
        raise np.linalg.LinAlgError(_DEPENDENT)
    if not point.kinks.size:
        return lambda move, side: side * point.solve(move)
    weak = point.tight & ~point.strong & (point.lengths > 0)
    ends = [_End(point, b, np.flatnonzero(weak[b])) for b in range(len(weak))]

    def derivative(move: Any, side: float) -> np.ndarray:
        g, e = move
        found = [end(side * g[b], side * e[b]) for b, end in enumerate(ends)]
        return point.unscaled(np.stack(found))

    return derivative


class _End:
    """One program: its system without weakly active rows, and how these move x."""

    def __init__(self, point: Any, b: int, weak: np.ndarray) -> None:
        self.system, self.weak = point.without_kinks(b), weak
        C = self.system.C[weak]
        self.C = C.toarray() if hasattr(C, "tocsc") else C
        rows = self.system.C.shape[0]
        self.Z = self.system.solve(self.C.T, np.zeros((rows, weak.size)))[0]
        self.M = self.C @ self.Z

    def __call__(self, g: np.ndarray, e: np.ndarray) -> np.ndarray:
        a = self.system.solve(g, e)[0]
        if not self.weak.size:
            return a
        rest = e[self.weak] - self.C @ a
        v = [complementary(self.M, None, column) for column in rest.T]
        return a - self.Z @ np.maximum(np.column_stack(v), 0.0)
