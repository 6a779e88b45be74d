"""Every loss: how to make one at random."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastpiggy.losses import Huber, LeastSquares, Logistic, SquaredHinge


def labels(rng, n):
    """Of two classes."""
    return np.where(rng.random(n) < 0.5, -1.0, 1.0)


LOSSES: dict[str, Callable[..., Any]] = {
    "LeastSquares": lambda rng, n: LeastSquares(
        rng.standard_normal(n), rng.uniform(0.5, 1.5, n) / n
    ),
    "Logistic": lambda rng, n: Logistic(labels(rng, n), rng.uniform(0.5, 1.5, n) / n),
    "SquaredHinge": lambda rng, n: SquaredHinge(labels(rng, n), rng.uniform(0.5, 1.5, n) / n),
    "Huber": lambda rng, n: Huber(
        2 * rng.standard_normal(n), rng.uniform(0.5, 1.5, n) / n, 1.1, 0.0
    ),
}

#: Those of two classes.
LABELLED = ("Logistic", "SquaredHinge")
