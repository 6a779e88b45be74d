"""The result of a search along exact paths."""

import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from fastpiggy.certificate import FastpiggyWarning
from fastpiggy.criteria.criterion import Criterion
from fastpiggy.criteria.evaluation import Evaluation
from fastpiggy.solving import solve
from fastpiggy.tuning.path import PathSearch, search
from fastpiggy.tuning.result import SearchStatus, TuneResult, message
from fastpiggy.tuning.scales import Scale


def run(
    criterion: Criterion, scale: Scale, callback: Callable[[Evaluation], Any] | None, begin: float
) -> tuple[TuneResult | None, str]:
    """Search over alpha; and why the path broke off, if it did: None if before it saw anything.

    The history holds the best, read off the paths: there are no solutions of the folds in it.
    """
    found, interrupted = search(criterion, scale.low, scale.high), False
    solution = None
    try:
        found.run()
        if found.broken and not found.stretches:
            return None, found.broken
        problem = criterion.problem.replace(alpha=found.best[0])
        with warnings.catch_warnings():
            # On a knot of one fold's path that is the whole problem it stands on a kink, which the
            # message says; all else is told by `troubles`.
            warnings.simplefilter("ignore", FastpiggyWarning)
            solution = solve(problem, "alpha", tol=criterion.tol, x0=_start(found.coefficients))
    except KeyboardInterrupt:
        interrupted = True
    curve, bounds = found.curve, {scale.name: (scale.low, scale.high)}
    if curve is None:
        text = "interrupted before the first stretch of the path"
        return TuneResult({}, np.inf, {}, None, (), SearchStatus.INTERRUPTED, text, bounds, 0,
                          time.perf_counter() - begin, "path"), ""  # fmt: skip
    alpha, value = found.best
    minima = curve.minima()[0].size
    status = SearchStatus.INTERRUPTED if interrupted else _status(found, curve, scale)
    below, above = curve.slopes(alpha)
    looked = f"alpha from {scale.high:.4g} down to {found.visited:.4g}"
    if criterion.jumps:
        looked += "; the criterion jumps at the knots of the path, which were all compared"
    elif below != above:
        looked += f"; on a knot, with slopes {below:.3g} and {above:.3g}"
    # Between the two slopes, the nearest to zero.
    slope = min(max(0.0, min(below, above)), max(below, above))
    params, gradient = {"alpha": alpha}, {"alpha": slope}
    text = message(status, params, value, minima, looked, bounds, _how(found))
    at = Evaluation(
        params, value, gradient, curve.fold_values(alpha), {"alpha": curve.fold_slopes(alpha)}, (),
        time.perf_counter() - begin,
    )  # fmt: skip
    result = TuneResult(
        params, value, gradient, solution, (at,), status, text, bounds, minima,
        time.perf_counter() - begin, "path", curve,
    )  # fmt: skip
    if callback is not None and not interrupted:
        try:
            callback(at)
        except KeyboardInterrupt:
            result = replace(result, status=SearchStatus.INTERRUPTED, solution=None)
    return result, found.broken


def _start(x: np.ndarray) -> np.ndarray:
    """The mean of the folds' coefficients where half of them agree that there is one."""
    agreed = 2 * np.count_nonzero(x, axis=0) >= len(x)
    return np.where(agreed, x.mean(axis=0), 0.0)


def _status(found: PathSearch, curve: Any, scale: Scale) -> SearchStatus:
    low, high = curve.lowest[1].min(), np.max(curve(curve.knots))
    if high - low <= 1e-12 * abs(high):
        return SearchStatus.FLAT
    alpha = found.best[0]
    # From alpha_max on there is nothing: a wider range would not help.
    at_high = alpha >= scale.high and not found.empty
    return (
        SearchStatus.EDGE_OF_RANGE if alpha <= scale.low or at_high else SearchStatus.CONVERGED
    )  # fmt: skip


def _how(found: PathSearch) -> str:
    if found.broken:
        return f"the path broke off ({found.broken}); the best of what was seen"
    if found.empty:
        return "the null model is best: no column helps"
    return "the global minimum of what was visited, by the exact path"
