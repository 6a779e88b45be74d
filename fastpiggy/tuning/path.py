"""The search over alpha of a Lasso along the exact paths of all folds.

Between the knots every fold's held-out loss is a quadratic, so the curve is known wherever the
paths were followed, and its minimum there is global.  They are followed from the top down until
alpha is well below the best one and the curve well above its value.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastpiggy.active_set.cost_model import FREE
from fastpiggy.active_set.fold import Pieces
from fastpiggy.active_set.merge import LAST, LOWEST, WHERE
from fastpiggy.criteria.information import OfFit
from fastpiggy.criteria.part import RowsPart
from fastpiggy.losses import LeastSquares
from fastpiggy.penalties import L1
from fastpiggy.problems.fit_statistics import FitStatistics
from fastpiggy.tuning.curve import Curve, Quadratics, SteppedCurve
from fastpiggy.tuning.fold_columns import LARGEST, Broken
from fastpiggy.tuning.fold_paths import FoldPaths, Saved

#: Checkpoints, where all columns are looked at: one a step of this factor.
_STEP = 0.85

#: The end: this far below the best alpha, and so far above its loss, ``1 + rise + rugged / n``: the
#: fewer rows, and the more columns for each, the more rugged curves are.  For tall data, others,
#: and those of many columns and few rows.  The last was chosen on the 400 problems of
#: ``benchmarks.minima``, seeds 0 to 199, where a rise of 1 % alone misses 6.5 and 1 %; the first on
#: 1090 problems of six shapes from 80 x 40 to 2000 x 300, seeds from 5000, of which it misses none
#: by 1e-4.
_TALL, _OTHERS, _WIDE = (0.8, 0.0, 5.0), (0.7, 0.01, 4.0), (0.5, 0.01, 4.0)

#: Wide: more columns than so many times the rows, and fewer rows.
_COLUMNS, _ROWS = 2, 400

#: Rounds in which overlooked columns join at the best.
_ROUNDS = 10

#: How far the loss of the curve and that of coefficients computed anew may be apart, over the loss,
#: and over that of nothing, whose digits it has.
_SAME, _NOTHING = 1e-7, 1e-6

#: A criterion of the fit has risen by so much of what was gained since the top.
_GAINED = 0.05


def applies(criterion: Any, names: list[str]) -> str:
    """Why a criterion has no exact path over what is tuned; empty where it has."""
    problem = criterion.problem
    if names != ["alpha"]:
        return "more than alpha is tuned"
    if type(getattr(problem, "loss", None)) is not LeastSquares or type(problem.penalty) is not L1:
        return "it is for the Lasso"
    parts = criterion.parts
    if not isinstance(criterion, OfFit) and not all(
        type(part) is RowsPart and part.squared for part in parts
    ):
        return "it is for the mean squared error on held-out rows, and for criteria of the fit"
    if np.count_nonzero(problem.penalty.weights == 0.0) > FREE:
        return f"more than {FREE} columns are unpenalised"
    if 8 * len(parts) * min(problem.shape[1], 2048) ** 2 > LARGEST:
        return "the Gram matrices of all folds would not fit into memory"
    return ""


def end_of(n: int, p: int) -> tuple[float, float]:
    """How far below the best alpha, and above its loss, a search ends."""
    wide = p > _COLUMNS * n and n < _ROWS
    below, rise, rugged = _TALL if p <= n else _WIDE if wide else _OTHERS
    return below, 1.0 + rise + rugged / n


def search(criterion: Any, low: float, high: float) -> "PathSearch":
    """The search that a criterion asks for."""
    kind = StepSearch if isinstance(criterion, OfFit) else PathSearch
    return kind(criterion, low, high)


@dataclass
class PathSearch:
    """Follow the paths of all folds from the top down, with a rule to stop.

    Parameters
    ----------
    criterion : CrossVal or HeldOut
    low, high : float
        The range of alpha.
    """

    criterion: Any
    low: float
    high: float
    stretches: list[Pieces] = field(default_factory=list)
    #: Why the path broke off; empty where it did not.
    broken: str = ""
    best: tuple[float, float] = (np.nan, np.inf)
    visited: float = np.inf
    #: The largest violation of optimality of any fold at the best, over alpha.
    optimality: float = np.inf
    _saved: list[tuple[float, float, Saved]] = field(default_factory=list)
    _rise: float = np.inf

    def run(self) -> None:
        """Search; the curve is of what was visited, also after an interrupt or a break."""
        try:
            self.paths = self._paths()
            level = max(self.high, self.paths.level)
            self.paths.start(level)
            # What lies above the range is passed, not kept.
            while level > self.high:
                level = max(self.high, _STEP * level)
                self.paths.descend(level)
            self.paths.start(level)
            self.visited = level
            for _round in range(_ROUNDS):
                self._descend()
                if self._certified():
                    break
        except Broken as reason:
            self.broken = str(reason)

    def _paths(self) -> FoldPaths:
        given = self.criterion
        return FoldPaths(given.problem, given.parts, given.each_row_once, given.n_jobs)

    def _descend(self) -> None:
        paths, (below, self._rise) = self.paths, end_of(*self.criterion.problem.shape)
        while self.visited > self.low:
            end = max(self.low, _STEP * self.visited)
            pieces, found = paths.descend(end)
            alpha, value, last = self._look(pieces, found, end)
            self.stretches.append(pieces)
            self._saved.append((alpha, value, paths.saved))
            self.visited = end
            self.best = min((self.best, (alpha, value)), key=lambda point: point[1])
            if end < below * self.best[0] and self._risen(last):
                break

    def _certified(self) -> bool:
        """Look at all columns at the best too: one that came and went in a stretch was not seen.

        If so it joins, and the search goes back to the beginning of that stretch.
        """
        i = min(range(len(self._saved)), key=lambda i: self._saved[i][1])
        alpha, value, saved = self._saved[i]
        paths, size, reach = self.paths, self.paths.size, self.paths.reach
        # On the way there all of the working set is watched, and the loss must be the same.
        paths.reach = np.inf
        self.optimality = paths.visit(saved, alpha) / alpha
        same = reach == np.inf or abs(paths.loss - value) <= _SAME * (value + _NOTHING * paths.null)
        paths.reach = reach if same else np.inf
        if paths.size == size and same:
            return True
        self.paths.back(saved)
        del self.stretches[i:], self._saved[i:]
        self.visited = saved.begin
        past = [(alpha, value) for alpha, value, _ in self._saved]
        self.best = min(past, key=lambda point: point[1], default=(np.nan, np.inf))
        return False

    def _look(self, pieces: Pieces, found: np.ndarray, end: float) -> tuple[float, float, float]:
        """Where a stretch is lowest, its value there, and at its end."""
        share = 1.0 / len(self.paths.folds)
        return float(found[WHERE]), share * float(found[LOWEST]), share * float(found[LAST])

    def _risen(self, value: float) -> bool:
        return value > self._rise * self.best[1]

    @property
    def curve(self) -> Any:
        """The curve wherever the search has been; None if nowhere."""
        if not self.stretches or not np.isfinite(self.visited):
            return None
        joint = Quadratics.of(self.stretches, self.visited, 1.0 / len(self.paths.folds))
        folds = tuple(
            Quadratics.of([self.paths.losses(v, self.visited)], self.visited)
            for v in range(len(self.paths.folds))
        )
        return Curve(joint.knots, joint.value, joint.slope, joint.curvature, joint.active, folds)

    @property
    def coefficients(self) -> np.ndarray:
        """Of each fold at the best, of shape (folds, p)."""
        x = np.zeros((len(self.paths.folds), self.paths.p))
        for row, (members, values) in zip(x, self.paths.coefficients, strict=True):
            row[members] = values
        return x

    @property
    def empty(self) -> bool:
        """Whether the best is the null model: that of all folds, or that of all data."""
        top = min(float(self.paths.tops.max()), self.criterion.problem.alpha_max())
        return self.best[0] >= top * (1.0 - 1e-12)


class StepSearch(PathSearch):
    """The same for a criterion of the fit, which jumps at the knots: all of them are compared."""

    def _paths(self) -> FoldPaths:
        problem = self.criterion.problem
        found = FoldPaths(problem, [RowsPart(problem, problem.loss)], False)
        found.reach = np.inf
        return found

    def _formula(self, squares: Any, active: Any) -> tuple[Any, Any]:
        problem = self.criterion.problem
        n = int(np.count_nonzero(problem.loss.sample_weight))
        fit = FitStatistics(
            n * np.maximum(squares, 0.0), active + float(problem.fit_intercept), n,
            problem.shape[1], True, True, {}, {},
        )  # fmt: skip
        value, by_deviance, _ = self.criterion.formula(fit)
        return value, n * by_deviance

    def _look(self, pieces: Pieces, found: np.ndarray, end: float) -> tuple[float, float, float]:
        curve = SteppedCurve(Quadratics.of([pieces], end), self._formula)
        if not self.stretches:
            self._first = float(curve.lowest[1][0])
        return *curve.minimum(), float(curve.lowest[1][-1])

    def _risen(self, value: float) -> bool:
        # The values may be negative: they are measured against what was gained.
        return value > self.best[1] + _GAINED * max(self._first - self.best[1], 0.0)

    @property
    def curve(self) -> Any:
        if not self.stretches or not np.isfinite(self.visited):
            return None
        return SteppedCurve(Quadratics.of(self.stretches, self.visited), self._formula)
