"""The engine's records for a trend filter by ADMM: a problem without a design matrix."""

from math import comb

import numpy as np

from benchmarks.blocks import Setting
from fastpiggy.algorithms.admm import ADMM, Fused, FusedDirections, splitting
from fastpiggy.algorithms.operators import Banded, banded
from fastpiggy.penalties import L1


def admm_setting(n: int, m: int, order: int = 2, rho: float = 1.0, alpha: float = 1.0) -> Setting:
    """ADMM on n points of a noisy zigzag with differences of an order, m tangents along alpha."""
    rng = np.random.default_rng(0)
    y = np.abs(np.arange(n) % 100 - 50.0) / 10.0 + rng.standard_normal(n)
    rows = n - order
    stencil = np.array([(-1.0) ** (order - j) * comb(order, j) for j in range(order + 1)])
    operator = np.repeat(stencil[:, None], rows, axis=1)
    problem = Fused(Banded(operator), y, np.ones(n), L1(alpha, np.ones(rows)), np.zeros(rows))
    d = L1(np.ones(m), np.zeros((m, rows)))
    directions = FusedDirections(np.zeros((m, n)), np.zeros((m, n)), d, np.zeros(m), 0)
    algorithm = ADMM(rho, np.full(rows, 1.0 / rho), banded(operator, np.ones(n), rho))
    state = splitting(n, rows, m)
    start = {name: np.zeros_like(getattr(state, name)) for name in state._fields}
    start["x"] += y
    start["X"][0] = y
    return Setting(algorithm, problem, directions, state, m, start)
