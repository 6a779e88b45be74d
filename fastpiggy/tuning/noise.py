"""The standard deviation of the noise, also where there are more columns than rows."""

import warnings
from typing import Any

import numpy as np

from fastpiggy.certificate import FastpiggyWarning
from fastpiggy.criteria.held_out import CrossVal
from fastpiggy.designs import matrix
from fastpiggy.losses import LeastSquares
from fastpiggy.tuning import tune


def noise_level(problem: Any, cv: Any = 5) -> float:
    """Estimate the standard deviation of the noise from the residuals of a Lasso tuned by folds.

    ``sqrt(RSS / (n - df))`` at the alpha that cross-validation finds best, df the number of active
    columns and of the intercept.  With sample weights w, noise of variance
    ``sigma^2 mean(w)/w_i``.

    Parameters
    ----------
    problem : Problem
        Least squares with an l1 penalty; its alpha is not used.
    cv : int, splitter, or iterable of (train, test) index pairs, default=5
        As in :class:`fastpiggy.CrossVal`.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        If the problem is no Lasso.
    ValueError
        If the best model leaves no rows over to judge the noise by.

    Notes
    -----
    Reid, Tibshirani, Friedman, "A study of error variance estimation in Lasso regression" (2016),
    eq. 6: consistent for sparse signals, and of those that were compared there the one with the
    least error over a wide range of settings.  Where the signal is dense and p is above n it comes
    out too large.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((80, 200))
    >>> y = 3 * X[:, 0] + 0.5 * rng.standard_normal(80)
    >>> sigma = fp.noise_level(fp.lasso(X, y, alpha=1.0))
    >>> bool(0.4 < sigma < 0.6)
    True
    """
    is_lasso = type(getattr(problem, "loss", None)) is LeastSquares
    if not is_lasso or type(problem.penalty).__name__ != "L1":
        raise TypeError(f"problem must be a Lasso, as of fastpiggy.lasso, got {problem!r}")
    with warnings.catch_warnings():
        # That the null model is best, or the range too narrow, matters little here.
        warnings.simplefilter("ignore", FastpiggyWarning)
        solution = tune(CrossVal(problem, cv)).solution
    s = problem.loss.sample_weight
    n = int(np.count_nonzero(s))
    left = n - np.count_nonzero(solution.x) - int(problem.fit_intercept)
    if left <= 0:
        raise ValueError(
            f"the best model has as many active columns as the {n} rows: nothing is left to judge "
            "the noise by; give sigma yourself"
        )
    residual = problem.loss.y - matrix.predict(problem.design, solution.x) - solution.intercept
    return float(np.sqrt(n * (s @ residual**2) / left))
