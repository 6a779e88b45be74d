"""The search over several hyperparameters: SciPy's L-BFGS-B with the gradient, several starts.

Of alpha and other numbers the starts are the lowest points of a few coarse lines along alpha, from
where nothing is active down to where the criterion has risen: dense solutions cost most and are
never the way to the minimum.
"""

from collections.abc import Callable

import numpy as np

from fastpiggy.tuning.result import SearchStatus
from fastpiggy.tuning.scales import Scale

#: Where the lines lie, as shares of the other numbers' ranges; points per factor e of alpha.
_LINES, _DENSITY = (1.0, 0.5, 0.1), 1.0

#: A line ends where the criterion is this far above its lowest there.
_RISEN = 1.01

#: The first step of L-BFGS-B in its largest variable.  Left alone it is minus the gradient, whose
#: size means nothing: cut off at the bounds it lands where solutions are dense and solves are slow.
_STEP = 0.5

#: Relative gain of a step of L-BFGS-B that is its last, by default.
_TOL = 1e-6

#: Lines whose lowest point is this far above the best one are no start.
_HOPELESS = 1.1


#: Evaluations over whose mean gain a search that overfits is judged, and that gain by default.
_LATELY, SLOW = 10, 5e-4


class Enough(Exception):
    """Raised inside SciPy when the evaluations are used up."""


class Slow(Exception):
    """Raised inside SciPy when the last evaluations have gained too little to go on."""


def search(
    evaluate: Callable[[np.ndarray], tuple[float, np.ndarray]], scales: list[Scale],
    tol: float | None, max_evals: int, overfits: bool,
) -> tuple[SearchStatus, int, str]:  # fmt: skip
    """Minimise from several starts: the status, how many distinct minima were seen, and from where.

    `evaluate` takes the search's variables to value and gradient, and keeps what it has seen.
    Vectors that `overfits` are searched from one start, where the problem stands, and no longer
    than it pays: what is lower far from there is no better on new rows.
    """
    from scipy.optimize import minimize

    box = np.concatenate([np.tile(scale.range, (scale.size, 1)) for scale in scales])
    ends: list[tuple[float, np.ndarray, bool]] = []
    looked = "along the first line"
    short = overfits and any(np.ndim(scale.value) for scale in scales)
    least = (SLOW if tol is None else tol) if short else None
    try:
        begins = _lowest_of_lines(evaluate, scales)
        looked = f"along {len(_LINES)} lines and from {len(begins)} of their lowest points"
        if not begins:
            begins = starts(scales)
            if short:
                # From nothing there is no way down: then from half as much penalty, or a quarter.
                places = sorted(begins, key=np.sum, reverse=True)
                begins = [next((t for t in places if np.any(evaluate(t)[1])), places[0])]
            looked = f"from {len(begins)} start{'s' if len(begins) > 1 else ''}"
        for start in begins:
            found = minimize(
                _scaled(evaluate, start, box, least), start, jac=True, method="L-BFGS-B",
                bounds=box, options={
                    "maxiter": 200, "ftol": _TOL if tol is None else tol, "gtol": 1e-8,
                    # None takes what is meant for the others.
                    "maxfun": max(2, max_evals // len(begins) - 1),
                },
            )  # fmt: skip
            ends.append((evaluate(found.x)[0], found.x, found.status == 1))
    except Enough:
        return SearchStatus.MAX_EVALS, _distinct(ends), looked
    except Slow:
        looked += (
            f" until {_LATELY} evaluations gained less than {least:.4g} each, and a smaller tol "
            "goes on"
        )
        return SearchStatus.CONVERGED, 1, looked
    _, x, cut_off = min(ends, key=lambda end: end[0])
    if cut_off:
        return SearchStatus.MAX_EVALS, _distinct(ends), looked
    if np.ptp([end[0] for end in ends]) == 0 and np.allclose(evaluate(x)[1], 0):
        return SearchStatus.FLAT, len(ends), looked
    # Weights run to their ends as a matter of course: those features are dropped.  And beyond
    # l1_ratio = 1 there is nothing.
    open_low, open_high = (
        np.concatenate([np.full(s.size, np.ndim(s.value) == 0 and s.widens(side)) for s in scales])
        for side in ("low", "high")
    )
    edge = (np.isclose(x, box[:, 0]) & open_low) | (np.isclose(x, box[:, 1]) & open_high)
    status = SearchStatus.EDGE_OF_RANGE if edge.any() else SearchStatus.CONVERGED
    return status, _distinct(ends), looked


def _scaled(
    evaluate: Callable[[np.ndarray], tuple[float, np.ndarray]], start: np.ndarray, box: np.ndarray,
    least: float | None,
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:  # fmt: skip
    """The criterion times a factor that makes the first step `_STEP` long.

    It ends the search where its lowest falls by less than `least` an evaluation.
    """
    _, slope = evaluate(start)
    # What points out of the box does not move.
    outward = ((start <= box[:, 0]) & (slope > 0.0)) | ((start >= box[:, 1]) & (slope < 0.0))
    largest = np.abs(np.where(outward, 0.0, slope)).max()
    factor = _STEP / largest if largest > 0.0 else 1.0

    lowest: list[float] = []

    def scaled(t: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = evaluate(t)
        lowest.append(min([value, *lowest[-1:]]))
        if least is not None and len(lowest) > _LATELY:
            if lowest[-1 - _LATELY] - value < _LATELY * least * abs(value):
                raise Slow
        return factor * value, factor * slope

    return scaled


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
    """Where the problem stands, and points spread along the ranges of its numbers.

    Vectors begin at half and at a quarter of where they stand too, and there first: from a model
    with more active columns than needed the weights that rise drop the wrong ones, while the weight
    of a column that is not active has no slope and never brings it in.
    """
    found = []
    for factor, share in ((0.5, 0.75), (0.25, 0.5), (1.0, None)):
        point = [
            s.inward(np.clip(factor * s.start, s.low, s.high))
            if np.ndim(s.value)
            else s.inward(s.start)
            if share is None
            else np.full(s.size, s.range[0] + share * (s.range[1] - s.range[0]))
            for s in scales
        ]
        found.append(np.concatenate(point))
    return found if any(np.ndim(s.value) for s in scales) else found[::-1]


def _distinct(ends: list[tuple[float, np.ndarray, bool]]) -> int:
    """Ends that differ in place, to a thousandth of the logarithm."""
    seen: list[np.ndarray] = []
    for _, x, _ in ends:
        if not any(np.abs(x - other).max() < 1e-3 for other in seen):
            seen.append(x)
    return len(seen)
