"""The search that everyone knows, for comparison: 100 alphas, largest first, warm started."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

POINTS = 100


@dataclass(frozen=True)
class GridSearch:
    """What the grid found.

    Attributes
    ----------
    points : int
        How many alphas were tried.
    alpha, value : float
        The best of them, and the criterion there.
    seconds : float
        How long it took.
    finished : bool
        False if it was interrupted.
    """

    points: int
    alpha: float
    value: float
    seconds: float
    finished: bool


def grid_alphas(low: float, high: float) -> np.ndarray:
    """Give the grid over the range of the search, the largest alpha first, in equal ratios."""
    return np.geomspace(high, low, POINTS)


def search_grid(
    evaluate: Callable[[float], float], alphas: np.ndarray, shown: Callable[[int, int], Any]
) -> GridSearch:
    """Evaluate a criterion on a grid.

    Parameters
    ----------
    evaluate : callable
        Gives the criterion at one alpha.
    alphas : ndarray
        In the order in which to go.
    shown : callable
        Told after every point how many are done, and of how many.

    Returns
    -------
    GridSearch
        Not finished, with what it had, if Ctrl-C was pressed.
    """
    best, alpha, done, finished = np.inf, np.nan, 0, False
    start = time.perf_counter()
    try:
        for place in alphas:
            value = evaluate(float(place))
            done += 1
            if value < best:
                best, alpha = value, float(place)
            shown(done, alphas.size)
        finished = True
    except KeyboardInterrupt:
        pass
    return GridSearch(done, alpha, best, time.perf_counter() - start, finished)
