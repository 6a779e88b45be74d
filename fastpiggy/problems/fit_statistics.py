"""What criteria of the fit ask of a solution: how well it fits, and how freely."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FitStatistics:
    """The fit of a solution to its own data.

    A structured problem offers Sure, Gcv and the information criteria by a method
    ``fit_statistics(solution, names)`` that returns this.

    Parameters
    ----------
    deviance : float
        ``-2 log likelihood`` up to a constant, of normal targets with variance 1 their residual sum
        of squares; sample weights count relative to their mean.
    degrees_of_freedom : float
        Trace of the derivative of the fitted values in the targets (Stein 1981; for the Lasso the
        rank of the active columns: Tibshirani and Taylor 2012).
    rows : int
        Observations.
    columns : int
        Candidates that a sparse model chooses from.
    normal : bool
        Whether the targets are normal, so that their variance scales the deviance.
    steps : bool
        Whether the degrees of freedom are constant but for jumps where the active set changes.
    deviance_slope, degrees_slope : dict of str to float or ndarray
        Derivatives by the names that were asked for.
    """

    deviance: float
    degrees_of_freedom: float
    rows: int
    columns: int
    normal: bool
    steps: bool
    deviance_slope: dict[str, Any]
    degrees_slope: dict[str, Any]
