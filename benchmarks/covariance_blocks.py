"""The engine's records for a sparse inverse covariance by Douglas-Rachford."""

from typing import Any

import numpy as np

from benchmarks.blocks import Setting
from fastpiggy.algorithms.douglas_rachford import DouglasRachford, Gaussian, symmetric
from fastpiggy.problems import directions as wrt
from fastpiggy.structured.sparse_inverse_covariance.system import (
    as_records,
    default_step,
    start_of,
)


def douglas_rachford_setting(problem: Any, m: int) -> Setting:
    """Douglas-Rachford on a covariance, with no tangent or the one along alpha."""
    p = len(problem.S)
    directions = wrt.parse(problem, "alpha", p * p) if m else []
    state = symmetric(p, m)
    start = {name: np.zeros_like(getattr(state, name)) for name in state._fields}
    start["X"][0] = start["Y"][0] = start_of(problem, None)
    return Setting(
        DouglasRachford(default_step(problem), 1.0),
        Gaussian(problem.S, problem.penalties, np.zeros((p, p))),
        as_records(problem, directions), state, m, start,
    )  # fmt: skip
