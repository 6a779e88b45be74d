"""The result of a search along a curve that is known in closed form."""

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
from fastpiggy.tuning.result import SearchStatus, TuneResult, message
from fastpiggy.tuning.scales import Scale
from fastpiggy.tuning.smooth_curve import SmoothCurve
from fastpiggy.tuning.spectra import spectra


def run(
    criterion: Criterion, scale: Scale, callback: Callable[[Evaluation], Any] | None, begin: float
) -> TuneResult:
    """Search over alpha; the history holds the best, without solutions of the folds."""
    bounds = {scale.name: (scale.low, scale.high)}
    try:
        curve = SmoothCurve(np.array([scale.high, scale.low]), tuple(spectra(criterion)))
        alpha, value = curve.minimum()
    except KeyboardInterrupt:
        text = "interrupted before the curve was known"
        return TuneResult({}, np.inf, {}, None, (), SearchStatus.INTERRUPTED, text, bounds, 0,
                          time.perf_counter() - begin, "closed_form")  # fmt: skip
    slope, minima = curve.slopes(alpha)[0], curve.minima()[0].size
    params, gradient = {"alpha": alpha}, {"alpha": slope}
    at = Evaluation(
        params, value, gradient, curve.fold_values(alpha), {"alpha": curve.fold_slopes(alpha)}, (),
        time.perf_counter() - begin,
    )  # fmt: skip
    status, solution = _status(curve, alpha, scale), None
    try:
        with warnings.catch_warnings():
            # Told by `troubles`.
            warnings.simplefilter("ignore", FastpiggyWarning)
            solution = solve(criterion.problem.replace(alpha=alpha), "alpha", tol=criterion.tol)
        if callback is not None:
            callback(at)
    except KeyboardInterrupt:
        status, solution = SearchStatus.INTERRUPTED, None
    looked = f"at all alpha from {scale.high:.4g} down to {scale.low:.4g}"
    text = message(
        status, params, value, minima, looked, bounds,
        "the lowest minimum on the curve in closed form",
    )  # fmt: skip
    result = TuneResult(
        params, value, gradient, solution, (at,), status, text, bounds, minima, 0.0,
        "closed_form", curve,
    )  # fmt: skip
    return replace(result, seconds=time.perf_counter() - begin)


def _status(curve: SmoothCurve, alpha: float, scale: Scale) -> SearchStatus:
    seen = curve.grid[1][np.isfinite(curve.grid[1])]
    if not seen.size or np.ptp(seen) <= 1e-12 * np.abs(seen).max():
        return SearchStatus.FLAT
    edge = alpha <= scale.low or alpha >= scale.high
    return SearchStatus.EDGE_OF_RANGE if edge else SearchStatus.CONVERGED
