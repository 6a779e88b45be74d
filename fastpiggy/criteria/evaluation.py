"""The value of a criterion at one setting of the hyperparameters."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastpiggy.certificate import Status


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Value and gradient of a criterion.

    Parameters
    ----------
    params : dict of str to float or ndarray
        The hyperparameters that were set.
    value : float
        The criterion; for cross-validation the plain mean of `fold_values`.
    gradient : dict of str to float or ndarray
        With respect to every hyperparameter of the penalty, in natural units.
    fold_values : ndarray of shape (folds,)
        The loss on each held-out part, a mean weighted by the sample weights.
    fold_gradients : dict of str to ndarray of shape (folds, ...)
        The gradient of each.
    solutions : tuple of Solution
        One a fold; none where a search by path has read the values off.
    seconds : float
        What the evaluation took.
    """

    params: dict[str, Any]
    value: float
    gradient: dict[str, Any]
    fold_values: np.ndarray
    fold_gradients: dict[str, np.ndarray]
    solutions: tuple[Any, ...]
    seconds: float

    @property
    def solves(self) -> int:
        """Number of problems that were solved."""
        return len(self.solutions)

    @property
    def troubled(self) -> tuple[str, ...]:
        """Statuses of the folds that did not converge."""
        found = (solution.certificate.status for solution in self.solutions)
        return tuple(str(status) for status in found if status != Status.CONVERGED)

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={value:.4g}" for name, value in self.params.items() if np.ndim(value) == 0
        )
        return f"<Evaluation {self.value:.6g} at {shown or 'arrays'}, {self.solves} solves>"
