"""What a search returns."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastpiggy.criteria.evaluation import Evaluation


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
        Its gradient there, in natural units.
    solution : Solution or None
        The problem solved at `params` on all its data; None where the search was interrupted.
    history : tuple of Evaluation
        Every evaluation, in order.
    status : SearchStatus
        Compares equal to its name.
    message : str
        Why the search stopped, how widely it looked, and what to do next.
    bounds : dict of str to tuple of float
        The range of each hyperparameter.
    n_minima : int
        Local minima that the search saw.
    seconds : float
        What the search took.
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

    @property
    def solves(self) -> int:
        """Number of problems solved, the one on all data not counted."""
        return sum(evaluation.solves for evaluation in self.history)

    def __repr__(self) -> str:
        return (
            f"<TuneResult {self.status}: value {self.value:.6g}, {len(self.history)} evaluations, "
            f"{self.solves} solves, {self.n_minima} minima seen>"
        )
