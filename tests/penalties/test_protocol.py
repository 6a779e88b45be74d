"""The defaults that a penalty of one's own gets, and what a record must write itself."""

from typing import NamedTuple

import numpy as np
import pytest
from tables import compiled_prox

from fastpiggy.algorithms.composite import penalty_value
from fastpiggy.compile import record
from fastpiggy.penalties import BlockPenalty, CoordinatePenalty, Penalty


@record(BlockPenalty)
class Pairs(NamedTuple):
    """``alpha (x_0 + x_1)^2 / 2`` over neighbours: smooth, coupled, contiguous."""

    alpha: float

    def blocks(self, p):
        return p // 2

    def block(self, b):
        return 2 * b, 2 * b + 2

    def value_block(self, b, x):
        return 0.5 * self.alpha * (x[0] + x[1]) ** 2

    def prox_block(self, b, u, step, z, du, dz, d, m, q):
        c = step * self.alpha / (1.0 + 2.0 * step * self.alpha)
        total = u[0] + u[1]
        z[0], z[1] = u[0] - c * total, u[1] - c * total
        for k in range(m):
            dc = step * d.alpha[k] / (1.0 + 2.0 * step * self.alpha) ** 2
            moved = c * (du[k, 0] + du[k, 1]) + dc * total
            dz[k, 0], dz[k, 1] = du[k, 0] - moved, du[k, 1] - moved


def test_blocks_of_ones_own():
    rng = np.random.default_rng(0)
    penalty, u, du = Pairs(0.7), rng.standard_normal(6), rng.standard_normal((2, 6))
    M = np.eye(6) + 0.3 * 0.7 * np.kron(np.eye(3), np.ones((2, 2)))
    z, dz = compiled_prox(penalty, u, 0.3, du, Pairs(np.array([1.0, -2.0])))
    np.testing.assert_allclose(z, np.linalg.solve(M, u), rtol=1e-13)
    moved = 0.3 * np.outer([1.0, -2.0], np.kron(np.eye(3), np.ones((2, 2))) @ z)
    np.testing.assert_allclose(dz, np.linalg.solve(M, (du - moved).T).T, rtol=1e-13)
    wanted = 0.35 * ((u[::2] + u[1::2]) ** 2).sum()
    assert penalty_value(penalty, u) == pytest.approx(wanted)
    assert not penalty.flat_block(0, u[:2], 0.3, 0.0)
    assert penalty.member(4) == 4


@pytest.mark.parametrize(
    ("role", "missing"),
    [(Penalty, "prox_all"), (BlockPenalty, "block"), (CoordinatePenalty, "prox")],
)
def test_what_has_no_default_must_be_written(role, missing):
    class Nothing(NamedTuple):
        alpha: float

    with pytest.raises(TypeError, match=rf"Nothing must define \w+\(.*to be a {role.__name__}"):
        record(role)(Nothing)
    assert not hasattr(Nothing, missing)
