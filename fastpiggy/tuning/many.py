"""The search over several hyperparameters: SciPy's L-BFGS-B with the gradient, several starts.

Of alpha and other numbers the starts are the lowest points of a few coarse lines along alpha, from
where nothing is active down to where the criterion has risen: dense solutions cost most and are
never the way to the minimum.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastpiggy.tuning.result import SearchStatus
from fastpiggy.tuning.scales import Scale


#: Where the lines lie, as shares of the other numbers' ranges; points per factor e of alpha.
_LINES, _DENSITY = (1.0, 0.5, 0.1), 1.0

#: A line ends where the criterion is this far above its lowest there.
_RISEN = 1.01

#: Lines whose lowest point is this far above the best one are no start.
_HOPELESS = 1.1


class Enough(Exception):
    """Raised inside SciPy when the evaluations are used up."""


def search(
    evaluate: Callable[[np.ndarray], tuple[float, np.ndarray]], scales: list[Scale], tol: float
) -> tuple[SearchStatus, int]:
    """Minimise from several starts; returns the status and how many distinct minima were seen.

    `evaluate` takes the search's variables to value and gradient, and keeps what it has seen.
    """
    from scipy.optimize import minimize

    box = np.concatenate([np.tile(scale.range, (scale.size, 1)) for scale in scales])
    ends: list[tuple[float, np.ndarray]] = []
    try:
        for start in _lowest_of_lines(evaluate, scales) or starts(scales):
            found = minimize(
                evaluate, start, jac=True, method="L-BFGS-B", bounds=box,
                options={"maxiter": 200, "ftol": tol, "gtol": 1e-8},
            )  # fmt: skip
            ends.append((float(found.fun), found.x))
    except Enough:
        return SearchStatus.MAX_EVALS, _distinct(ends)
    _, x = min(ends, key=lambda end: end[0])
    if np.ptp([end[0] for end in ends]) == 0 and np.allclose(evaluate(x)[1], 0):
        return SearchStatus.FLAT, len(ends)
    # Weights run to their ends as a matter of course: those features are dropped.  And beyond
    # l1_ratio = 1 there is nothing.
    open_low, open_high = (
        np.concatenate([np.full(s.size, np.ndim(s.value) == 0 and s.widens(side)) for s in scales])
        for side in ("low", "high")
    )
    edge = (np.isclose(x, box[:, 0]) & open_low) | (np.isclose(x, box[:, 1]) & open_high)
    return (SearchStatus.EDGE_OF_RANGE if edge.any() else SearchStatus.CONVERGED), _distinct(ends)


def _lowest_of_lines(
    evaluate: Callable[[np.ndarray], tuple[float, np.ndarray]], scales: list[Scale]
) -> list[np.ndarray]:
    """Starts for alpha beside other numbers, the best two; none for other searches."""
    names = [scale.name for scale in scales]
    if "alpha" not in names or len(scales) < 2 or any(np.ndim(s.value) for s in scales):
        return []
    k, lows, best = names.index("alpha"), [], np.inf
    low, high = scales[k].range
    down = np.linspace(high, low, int(np.ceil(_DENSITY * (high - low))) + 1)
    for share in _LINES:
        point = np.array([s.range[0] + share * (s.range[1] - s.range[0]) for s in scales])
        here: tuple[float, np.ndarray] = (np.inf, point)
        for t in down:
            point[k] = t
            value = evaluate(point)[0]
            here = min(here, (value, point.copy()), key=lambda seen: seen[0])
            if value > here[0] + (_RISEN - 1.0) * abs(here[0]):
                break
        lows.append(here)
        best = min(best, here[0])
    lows.sort(key=lambda seen: seen[0])
    return [point for value, point in lows[:2] if value <= best + (_HOPELESS - 1.0) * abs(best)]


def starts(scales: list[Scale]) -> list[np.ndarray]:
    """Where the problem stands, and points spread along the ranges of its numbers."""
    here = [np.clip(_inward(s), *s.range) for s in scales]
    found = [np.concatenate(here)]
    for share in (0.75, 0.5):
        point = [
            np.full(s.size, s.range[0] + share * (s.range[1] - s.range[0]))
            if np.ndim(s.value) == 0
            else _inward(s) + np.log(10.0) * (0.5 - share)
            for s in scales
        ]
        found.append(np.concatenate(point))
    return found


def _inward(scale: Scale) -> np.ndarray:
    value: Any = np.atleast_1d(scale.value)[scale.free].astype(float)
    return np.asarray(scale.inward(np.clip(value, scale.low, scale.high)))


def _distinct(ends: list[tuple[float, np.ndarray]]) -> int:
    """Ends that differ in place, to a thousandth of the logarithm."""
    seen: list[np.ndarray] = []
    for _, x in ends:
        if not any(np.abs(x - other).max() < 1e-3 for other in seen):
            seen.append(x)
    return len(seen)
