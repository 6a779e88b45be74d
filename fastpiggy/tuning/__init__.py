"""Minimise a criterion over hyperparameters with its slopes."""

import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from fastpiggy.certificate import FastpiggyWarning
from fastpiggy.criteria.evaluation import Evaluation
from fastpiggy.criteria.held_out import Criterion, trouble
from fastpiggy.problems import checks
from fastpiggy.solving import solve
from fastpiggy.tuning import many
from fastpiggy.tuning.cubic import Node
from fastpiggy.tuning.one import OneSearch
from fastpiggy.tuning.result import SearchStatus, TuneResult
from fastpiggy.tuning.scales import Scale, alpha_range, scales_of

__all__ = ["SearchStatus", "TuneResult", "alpha_range", "tune"]


def tune(
    criterion: Criterion,
    wrt: str | Iterable[str] = "alpha",
    *,
    bounds: Mapping[str, tuple[float, float]] | tuple[float, float] | None = None,
    max_evals: int = 200,
    tol: float = 1e-8,
    callback: Callable[[Evaluation], Any] | None = None,
) -> TuneResult:
    """Find the hyperparameters at which a criterion is least.

    One number: a coarse set of points from the top of the range down, then safeguarded cubic steps
    in every basin that promises a gain, over log(alpha).  Several numbers, or weights: L-BFGS-B on
    logarithms, from several starts.  Both look locally: what they saw is in the result.

    Parameters
    ----------
    criterion : CrossVal or HeldOut
    wrt : str or iterable of str, default="alpha"
        Hyperparameters to tune; the others stay as in the problem.
    bounds : dict of str to (low, high), or (low, high), optional
        By default ``[alpha_max/1000, alpha_max]`` for alpha (for ridge from 1e-6 to 10 times the
        largest eigenvalue of the weighted Gram), [0.01, 1] for l1_ratio, three decades either way
        for weights.
    max_evals : int, default=200
        Evaluations of the criterion at the most.
    tol : float, default=1e-8
        Relative gain at which L-BFGS-B stops.
    callback : callable, optional
        Called with every :class:`~fastpiggy.Evaluation`.

    Returns
    -------
    TuneResult
        After Ctrl-C the best so far, with status ``"interrupted"``.

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed; the message names it.

    Warns
    -----
    FastpiggyWarning
        If the best lies on the edge of the range, the evaluations ran out, the criterion is flat,
        or the solves at the best did not converge.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 20))
    >>> y = X[:, 0] - X[:, 1] + 0.5 * rng.standard_normal(60)
    >>> result = fp.tune(fp.CrossVal(fp.lasso(X, y, alpha=1.0, fit_intercept=True)), wrt="alpha")
    >>> str(result.status), np.flatnonzero(np.abs(result.solution.x) > 0.5)
    ('converged', array([0, 1]))
    """
    if not isinstance(criterion, Criterion):
        raise TypeError(f"criterion must be a CrossVal or HeldOut, got {type(criterion).__name__}")
    if isinstance(max_evals, bool) or not isinstance(max_evals, int) or max_evals < 2:
        raise ValueError(f"max_evals must be an integer >= 2, got {max_evals!r}")
    tol = checks.number(tol, "tol", open_low=True)
    search = _Search(criterion, scales_of(criterion, wrt, bounds), max_evals, callback)
    begin = time.perf_counter()
    try:
        status, minima, looked = search.run(tol)
    except KeyboardInterrupt:
        status, minima, looked = SearchStatus.INTERRUPTED, 0, ""
    return search.result(status, minima, looked, begin)


class _Search:
    """Evaluations of a criterion in the search's variables, all kept."""

    def __init__(
        self, criterion: Criterion, scales: list[Scale], max_evals: int,
        callback: Callable[[Evaluation], Any] | None,
    ) -> None:  # fmt: skip
        self.criterion, self.scales, self.max_evals = criterion, scales, max_evals
        self.callback = callback
        self.history: list[Evaluation] = []

    def evaluate(self, t: np.ndarray) -> tuple[float, np.ndarray]:
        if len(self.history) >= self.max_evals:
            raise many.Enough
        parts = np.split(t, np.cumsum([scale.size for scale in self.scales])[:-1])
        pairs = list(zip(self.scales, parts, strict=True))
        params = {scale.name: scale.outward(part) for scale, part in pairs}
        found = self.criterion.evaluate_quietly(**params)
        self.history.append(found)
        if self.callback is not None:
            self.callback(found)
        slopes = [scale.slope(found.gradient[scale.name], part) for scale, part in pairs]
        return found.value, np.concatenate(slopes)

    def run(self, tol: float) -> tuple[SearchStatus, int, str]:
        only = self.scales[0]
        if len(self.scales) > 1 or np.ndim(only.value):
            status, minima = many.search(self.evaluate, self.scales, tol)
            return status, minima, "from 3 starts"

        def curve(t: float) -> Node:
            value, slope = self.evaluate(np.array([t]))
            return Node(t, value, float(slope[0]))

        edges = (only.widens("low"), only.widens("high"))
        one = OneSearch(curve, *only.range, self.max_evals, edges, only.name == "alpha")
        status = one.run()
        lowest = only.outward(np.array([one.looked_down_to]))
        return status, one.minima(), f"{only.name} from {only.high:.4g} down to {lowest:.4g}"

    def result(self, status: SearchStatus, minima: int, looked: str, begin: float) -> TuneResult:
        bounds = {scale.name: (scale.low, scale.high) for scale in self.scales}
        if not self.history:
            return TuneResult({}, np.inf, {}, None, (), status, "interrupted before the first "
                              "evaluation", bounds, 0, time.perf_counter() - begin)  # fmt: skip
        best = min(self.history, key=lambda found: found.value)
        message = _message(status, best, minima, looked, bounds)
        solution = None
        if status != SearchStatus.INTERRUPTED:
            names = [s.name for s in self.scales if np.ndim(s.value) == 0]
            problem = self.criterion.problem.replace(**best.params)
            solution = solve(problem, wrt=names or None, tol=self.criterion.tol)
        if status in (SearchStatus.EDGE_OF_RANGE, SearchStatus.MAX_EVALS, SearchStatus.FLAT):
            warnings.warn(message, FastpiggyWarning, stacklevel=3)
        if best.troubled:
            warnings.warn(trouble(best), FastpiggyWarning, stacklevel=3)
        return TuneResult(
            best.params, best.value, best.gradient, solution, tuple(self.history), status, message,
            bounds, minima, time.perf_counter() - begin,
        )  # fmt: skip


def _message(
    status: SearchStatus, best: Evaluation, minima: int, looked: str, bounds: dict[str, Any]
) -> str:
    where = (
        ", ".join(f"{k}={v:.6g}" for k, v in best.params.items() if np.ndim(v) == 0) or "weights"
    )
    seen = f"saw {minima} local minim{'um' if minima == 1 else 'a'}, looked {looked}"
    text = {
        SearchStatus.CONVERGED: "no basin promises a gain above the tolerance",
        SearchStatus.EDGE_OF_RANGE: f"the best lies on the edge of the range {bounds}: "
        "widen bounds=",
        SearchStatus.MAX_EVALS: "max_evals was reached: raise it",
        SearchStatus.FLAT: "the criterion does not change over the range",
        SearchStatus.INTERRUPTED: "interrupted; this is the best so far",
    }[status]
    return f"{status}: {text}; best value {best.value:.6g} at {where}; {seen}"
