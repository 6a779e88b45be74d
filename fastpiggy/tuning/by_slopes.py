"""The searches that evaluate the criterion with its slopes."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fastpiggy.criteria.criterion import Criterion
from fastpiggy.criteria.evaluation import Evaluation
from fastpiggy.criteria.information import OfFit
from fastpiggy.solving import solve
from fastpiggy.tuning import many
from fastpiggy.tuning.cubic import Node
from fastpiggy.tuning.one import OneSearch
from fastpiggy.tuning.result import SearchStatus, TuneResult, message
from fastpiggy.tuning.scales import Scale
from fastpiggy.tuning.walk import walk

#: Held-out rows a tuned number below which the value is said to be too good, and below which
#: vectors fit those rows themselves.
_FEW, _FITTED = 20, 5


def run(
    criterion: Criterion, scales: list[Scale], max_evals: int, tol: float | None,
    callback: Callable[[Evaluation], Any] | None, begin: float, reason: str,
) -> TuneResult:  # fmt: skip
    """Search; `reason` says why a path broke off, if one was tried."""
    search = _Search(criterion, scales, max_evals, callback)
    rows, numbers = _rows_and_numbers(criterion, scales)
    try:
        status, minima, looked = search.run(tol, 0 < rows < _FITTED * numbers)
    except KeyboardInterrupt:
        status, minima, looked = SearchStatus.INTERRUPTED, 0, ""
    bounds = {scale.name: (scale.low, scale.high) for scale in scales}
    if not search.history:
        return TuneResult({}, np.inf, {}, None, (), status, "interrupted before the first "
                          "evaluation", bounds, 0, time.perf_counter() - begin)  # fmt: skip
    best = min(search.history, key=lambda found: found.value)
    n, *p = criterion.problem.shape
    if p and n < p[0]:
        looked += (
            "; slopes look locally, and with fewer rows than columns such curves are rugged: "
            "another minimum may be lower"
        )
    if 0 < rows < _FEW * numbers:
        # What is to be said of a value that many hyperparameters were fitted to.
        looked += (
            f"; {numbers} numbers were fitted to {rows} held-out rows: the value is lower than the "
            "error on new rows, which estimate=True judges"
        )
    if reason:
        looked += f"; not by path: {reason}"
    text = message(status, best.params, best.value, minima, looked, bounds)
    solution = None
    if status != SearchStatus.INTERRUPTED:
        names = [s.name for s in scales if np.ndim(s.value) == 0]
        problem = criterion.problem.replace(**best.params)
        solution = solve(problem, wrt=names or None, tol=criterion.tol)
    return TuneResult(
        best.params, best.value, best.gradient, solution, tuple(search.history), status, text,
        bounds, minima, time.perf_counter() - begin,
    )  # fmt: skip


def _rows_and_numbers(criterion: Criterion, scales: list[Scale]) -> tuple[int, int]:
    """Rows that judge, 0 where none do, and numbers that are tuned."""
    rows = sum(np.count_nonzero(part.loss.sample_weight)
               for part in criterion.parts if hasattr(part, "loss"))  # fmt: skip
    return int(rows), sum(scale.size for scale in scales)


class _Search:
    """Evaluations of a criterion in the search's variables, all kept."""

    def __init__(
        self, criterion: Criterion, scales: list[Scale], max_evals: int,
        callback: Callable[[Evaluation], Any] | None,
    ) -> None:  # fmt: skip
        self.criterion, self.scales, self.max_evals = criterion, scales, max_evals
        self.callback = callback
        self.history: list[Evaluation] = []
        self.places = np.empty((16, sum(scale.size for scale in scales)))
        self.seen: dict[bytes, tuple[float, np.ndarray]] = {}

    def evaluate(self, t: np.ndarray) -> tuple[float, np.ndarray]:
        known = self.seen.get(t.tobytes())
        if known is not None:
            return known
        if len(self.history) >= self.max_evals:
            raise many.Enough
        parts = np.split(t, np.cumsum([scale.size for scale in self.scales])[:-1])
        pairs = list(zip(self.scales, parts, strict=True))
        params = {scale.name: scale.outward(part) for scale, part in pairs}
        if self.history:
            # The last evaluation may be far off, at the end of another line.
            nearest = int(np.abs(self.places[: len(self.history)] - t).max(axis=1).argmin())
            self.criterion.warm = list(self.history[nearest].solutions)
        found = self.criterion.along(params, tuple(params))
        if len(self.history) == len(self.places):
            self.places = np.concatenate([self.places, np.empty_like(self.places)])
        self.places[len(self.history)] = t
        self.history.append(found)
        if self.callback is not None:
            self.callback(found)
        slopes = [scale.slope(found.gradient[scale.name], part) for scale, part in pairs]
        self.seen[t.tobytes()] = found.value, np.concatenate(slopes)
        return self.seen[t.tobytes()]

    def run(self, tol: float | None, overfits: bool) -> tuple[SearchStatus, int, str]:
        only = self.scales[0]
        if len(self.scales) > 1 or np.ndim(only.value):
            return many.search(self.evaluate, self.scales, tol, self.max_evals, overfits)

        def curve(t: float) -> Node:
            value, slope = self.evaluate(np.array([t]))
            return Node(t, value, float(slope[0]))

        edges = (only.widens("low"), only.widens("high"))
        one = OneSearch(curve, *only.range, self.max_evals, edges, only.name == "alpha")
        status = one.run()
        lowest = only.outward(np.array([one.looked_down_to]))
        looked = f"{only.name} from {only.high:.4g} down to {lowest:.4g}"
        looked += self._walk(only)
        best = min(self.history, key=lambda found: found.value).params[only.name]
        if status == SearchStatus.EDGE_OF_RANGE and only.low < best < only.high:
            status = SearchStatus.CONVERGED  # the walk left the edge
        return status, one.minima(), looked

    def _walk(self, only: Scale) -> str:
        """Where a criterion of the fit jumps in alpha, the pieces around the best."""
        steps = isinstance(self.criterion, OfFit) and not hasattr(self.criterion.problem, "penalty")
        if not steps or only.name != "alpha":
            return ""

        def evaluate(alpha: float) -> Evaluation:
            t = np.array([only.inward(alpha)])
            self.evaluate(t)
            # It need not be the last: what was seen is not evaluated again.
            return self.history[int(np.flatnonzero(self.places[: len(self.history), 0] == t)[0])]

        left = self.max_evals - len(self.history)
        found = walk(evaluate, self.history, only.low, only.high, left)
        if found is None:
            return ""
        return f", and between all knots from {found[0]:.4g} to {found[1]:.4g}"
