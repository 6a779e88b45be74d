"""What a search returns."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from fastpiggy.certificate import Status
from fastpiggy.criteria.criterion import trouble
from fastpiggy.criteria.evaluation import Evaluation
from fastpiggy.tuning.outer import OuterEstimate


class SearchStatus(StrEnum):
    """Why a search stopped."""

    CONVERGED = "converged"
    EDGE_OF_RANGE = "edge_of_range"
    MAX_EVALS = "max_evals"
    FLAT = "flat"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, eq=False)
class TuneResult:
    """The best hyperparameters that a search found.

    Parameters
    ----------
    params : dict of str to float or ndarray
        The best hyperparameters.
    value : float
        The criterion there.
    gradient : dict of str to float or ndarray
        Its gradient there, in natural units.  Where the best lies on a knot of an exact curve,
        which has a slope on each side, 0: the element of the subdifferential between them.
    solution : Solution or None
        The problem solved at `params` on all its data; None where the search was interrupted.
    history : tuple of Evaluation
        Every evaluation, in order; a search by path makes one, at the best.
    status : SearchStatus
        Compares equal to its name.
    message : str
        Why the search stopped, how widely it looked, and what to do next.
    bounds : dict of str to tuple of float
        The range of each hyperparameter.
    n_minima : int
        Local minima that the search saw; on a path those that a rise of 0.1 % sets apart.
    seconds : float
        What the search took.
    method : str
        ``"path"``, ``"closed_form"`` or ``"slopes"``: how it looked.
    curve : Curve or SteppedCurve or SmoothCurve or None
        After a search by path or in closed form the whole curve, exact, wherever it was visited.
    estimate : OuterEstimate or None
        Where asked for, the loss on rows that the search has not seen.
    """

    params: dict[str, Any]
    value: float
    gradient: dict[str, Any]
    solution: Any
    history: tuple[Evaluation, ...]
    status: SearchStatus
    message: str
    bounds: dict[str, tuple[float, float]]
    n_minima: int
    seconds: float
    method: str = "slopes"
    curve: Any = None
    estimate: OuterEstimate | None = None

    @property
    def solves(self) -> int:
        """Number of problems solved, the one on all data not counted."""
        return sum(evaluation.solves for evaluation in self.history)

    @property
    def way(self) -> str:
        """What was done, in a few words, such as ``"path of 5 folds, 812 knots"``."""
        if self.curve is None:
            return f"{len(self.history)} evaluations, {self.solves} solves"
        folds = len(self.history[0].fold_values)
        of = f"of {folds} fold{'s' if folds > 1 else ''}"
        if self.method == "path":
            return f"path {of}, {self.curve.knots.size - 2} knots"
        return f"closed form {of}"

    def __repr__(self) -> str:
        return (
            f"<TuneResult {self.status}: value {self.value:.6g}, {self.way}, "
            f"{self.n_minima} minima seen>"
        )


def message(
    status: SearchStatus, params: dict[str, Any], value: float, minima: int, looked: str,
    bounds: dict[str, Any], how: str = "no basin promises a gain above the tolerance",
) -> str:  # fmt: skip
    """Why a search stopped, what it found, and how widely it looked, in a sentence."""
    where = ", ".join(f"{k}={v:.6g}" for k, v in params.items() if np.ndim(v) == 0) or "weights"
    seen = f"saw {minima} local minim{'um' if minima == 1 else 'a'}, looked {looked}"
    text = {
        SearchStatus.CONVERGED: how,
        SearchStatus.EDGE_OF_RANGE: f"the best lies on the edge of the range {bounds}: "
        "widen bounds=",
        SearchStatus.MAX_EVALS: "max_evals was reached: raise it",
        SearchStatus.FLAT: "the criterion does not change over the range",
        SearchStatus.INTERRUPTED: "interrupted; this is the best so far",
    }[status]
    return f"{status}: {text}; best value {value:.6g} at {where}; {seen}"


def troubles(result: TuneResult) -> list[str]:
    """What a search has to warn of."""
    found = []
    if result.status in (SearchStatus.EDGE_OF_RANGE, SearchStatus.MAX_EVALS, SearchStatus.FLAT):
        found.append(result.message)
    if result.method != "slopes":
        # The minimum of a curve with knots often lies on one: the message says so.
        known = (Status.CONVERGED, Status.AT_KINK)
        if result.solution is not None and result.solution.certificate.status not in known:
            found.append(result.solution.certificate.message)
    elif result.history:
        best = min(result.history, key=lambda evaluation: evaluation.value)
        if best.troubled:
            found.append(trouble(best))
    return found
