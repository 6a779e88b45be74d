"""How good what a search finds is on rows that the search has not seen: nested splits."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastpiggy.certificate import FastpiggyWarning
from fastpiggy.criteria.held_out import CrossVal, HeldOut
from fastpiggy.criteria.part import RowsPart
from fastpiggy.criteria.splits import make_splits


@dataclass(frozen=True, eq=False)
class OuterEstimate:
    """The loss on rows that neither a fit nor a search has seen.

    The search is made anew for every outer split, without the rows that judge it.

    Parameters
    ----------
    fold_values : ndarray of shape (folds,)
        The loss on each outer part.
    params : tuple of dict
        What each search found.
    """

    fold_values: np.ndarray
    params: tuple[dict[str, Any], ...]

    @property
    def value(self) -> float:
        """The mean over outer parts."""
        return float(self.fold_values.mean())

    @property
    def standard_error(self) -> float:
        """Standard deviation of the outer parts over the root of their number; NaN of one."""
        if self.fold_values.size < 2:
            return float("nan")
        return float(self.fold_values.std(ddof=1) / np.sqrt(self.fold_values.size))

    def __repr__(self) -> str:
        return f"<OuterEstimate {self.value:.6g} +- {self.standard_error:.2g}>"


def checked(criterion: Any, estimate: Any) -> Any:
    """`estimate` as index pairs over the rows that judge, or None; checked before any work."""
    if estimate is None or estimate is False:
        return None
    if type(criterion) not in (CrossVal, HeldOut) or not all(
        type(part) is RowsPart for part in criterion.parts
    ):
        raise TypeError(
            "estimate is for CrossVal and HeldOut of problems with rows and a target, got "
            f"{type(criterion).__name__} of {type(criterion.problem).__name__}: judge the result "
            "on rows of your own"
        )
    if type(criterion) is CrossVal:
        if estimate is True:
            estimate = criterion.splits
        n, labels = criterion.problem.shape[0], criterion.problem.loss.y
    else:
        labels = criterion.parts[0].loss.y
        n, estimate = labels.size, 5 if estimate is True else estimate
    pairs = make_splits(estimate, n, labels, criterion.problem.classes, labels)
    if len(pairs) < 2:
        raise ValueError(f"estimate must give two splits at least, got {len(pairs)}")
    # Made now, so that a split that leaves nothing to search with is told before any work.
    return list(_without(criterion, pairs))


def run(pairs: list[tuple[Any, Any]], search: Callable[[Any], Any]) -> OuterEstimate:
    """Search without each outer part, and judge there."""
    values, params = [], []
    for inner, judge in pairs:
        with warnings.catch_warnings():
            # What the search on all rows has to say is said once.
            warnings.simplefilter("ignore", FastpiggyWarning)
            found = search(inner)
            if found.status == "interrupted":
                raise KeyboardInterrupt
            values.append(judge.evaluate(found.params, (), None, inner.tol)[0])
        params.append(found.params)
    return OuterEstimate(np.array(values), tuple(params))


def _without(criterion: Any, pairs: Any) -> Iterator[tuple[Any, RowsPart]]:
    """For every outer split the criterion without it, and what judges on it."""
    for train, test in pairs:
        if type(criterion) is CrossVal:
            judge = criterion.fold(train, test)
            s = judge.problem.loss.sample_weight
            inner = [
                (a, b)
                for a, b in (
                    (a[np.isin(a, train)], b[np.isin(b, train)]) for a, b in criterion.splits
                )
                if s[a].sum() > 0.0 and s[b].sum() > 0.0
            ]
            if not inner:
                raise ValueError(
                    "estimate must leave folds to search with: every fold of the criterion lies "
                    "in the outer part, or has nothing else to train on"
                )
            yield (
                CrossVal(
                    judge.problem, inner, metric=criterion.metric, tol=criterion.tol,
                    n_jobs=criterion.n_jobs,
                ),
                judge,
            )  # fmt: skip
        else:
            yield criterion.on(train), criterion.on(test).parts[0]
