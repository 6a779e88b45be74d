"""Minimise a criterion over hyperparameters with its slopes."""

import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from fastpiggy.certificate import FastpiggyWarning
from fastpiggy.criteria.criterion import Criterion
from fastpiggy.criteria.evaluation import Evaluation
from fastpiggy.problems import checks
from fastpiggy.tuning import by_closed_form, by_path, by_slopes, outer, path, spectra
from fastpiggy.tuning.result import SearchStatus, TuneResult, troubles
from fastpiggy.tuning.scales import Scale, alpha_range, scales_of

__all__ = ["SearchStatus", "TuneResult", "alpha_range", "tune"]


def tune(
    criterion: Criterion,
    wrt: str | Iterable[str] = "alpha",
    *,
    method: str = "auto",
    bounds: Mapping[str, tuple[float, float]] | tuple[float, float] | None = None,
    tie: Any = None,
    estimate: Any = None,
    max_evals: int = 200,
    tol: float | None = None,
    callback: Callable[[Evaluation], Any] | None = None,
) -> TuneResult:
    """Find the hyperparameters at which a criterion is least.

    By path, for alpha of a Lasso judged by squared error or by a criterion of the fit: the exact
    paths of all folds are followed from the top down until alpha is well below the best one and
    the curve well above its value.  The minimum is global on what was visited, and the whole curve
    is in the result.

    In closed form, for alpha of ridge regression judged likewise: one eigendecomposition a fold
    gives the whole curve, which is looked at closely enough that little can turn unseen.

    By slopes, for all else.  One number: a coarse set of points from the top of the range down,
    then safeguarded cubic steps in every basin that promises a gain, over log(alpha).  Several
    numbers: coarse lines along alpha, then L-BFGS-B on logarithms from their lowest points.
    Weights: L-BFGS-B from several starts; where they are more than a fifth of the held-out
    rows, which they then fit, from where the problem stands alone, as long as it pays.  All look
    locally: what they saw is in the result.

    Parameters
    ----------
    criterion : CrossVal, HeldOut, Sure, Gcv, Aic, Bic, Ebic, or one's own Criterion
    wrt : str or iterable of str, default="alpha"
        Hyperparameters to tune; the others stay as in the problem.
    method : {"auto", "path", "closed_form", "slopes"}, default="auto"
        ``"auto"`` is the path or the closed form where there is one.
    bounds : dict of str to (low, high), or (low, high), optional
        By default ``[alpha_max/1000, alpha_max]`` for alpha (for ridge from 1e-6 to 10 times the
        largest eigenvalue of the weighted Gram), [0.01, 1] for l1_ratio, three decades either way
        for weights.
    tie : array_like of shape (p,), optional
        For weights: labels of blocks of features, of which each gets one weight.
    estimate : bool, int, splitter, or iterable of (train, test) index pairs, optional
        Judge the search itself on rows that it has not seen: it is made anew without each outer
        part, and what it finds judged there.  True takes the folds of CrossVal, or five parts of
        the validation rows of HeldOut; the pairs are of the rows that judge.
    max_evals : int, default=200
        Evaluations of the criterion at the most.
    tol : float, optional
        Relative gain at which L-BFGS-B stops: that of a step, by default 1e-6; of weights that fit
        the held-out rows the mean gain of the last ten evaluations, by default 5e-4.
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
        raise TypeError(
            f"criterion must be a CrossVal, HeldOut, Sure or the like, got "
            f"{type(criterion).__name__}"
        )
    if isinstance(max_evals, bool) or not isinstance(max_evals, int) or max_evals < 2:
        raise ValueError(f"max_evals must be an integer >= 2, got {max_evals!r}")
    tol = None if tol is None else checks.number(tol, "tol", open_low=True)
    if method not in ("auto", "path", "closed_form", "slopes"):
        raise ValueError(
            f'method must be "auto", "path", "closed_form" or "slopes", got {method!r}'
        )
    begin = time.perf_counter()
    scales = scales_of(criterion, wrt, bounds, tie)
    outer_parts = outer.checked(criterion, estimate)

    def search(inner: Criterion) -> TuneResult:
        return _search(inner, scales_of(inner, wrt, bounds, tie), method, max_evals, tol, None)

    result = _search(criterion, scales, method, max_evals, tol, callback)
    if outer_parts is not None and result.status != SearchStatus.INTERRUPTED:
        try:
            result = replace(result, estimate=outer.run(outer_parts, search))
        except KeyboardInterrupt:
            text = f"{result.message}; interrupted before the outer estimate was there"
            result = replace(result, status=SearchStatus.INTERRUPTED, message=text)
    result = replace(result, seconds=time.perf_counter() - begin)
    for message in troubles(result):
        warnings.warn(message, FastpiggyWarning, stacklevel=2)
    return result


def _search(
    criterion: Criterion, scales: list[Scale], method: str, max_evals: int, tol: float | None,
    callback: Callable[[Evaluation], Any] | None,
) -> TuneResult:  # fmt: skip
    """Choose the way to search, and go it."""
    begin = time.perf_counter()
    result, broken, names = None, "", [scale.name for scale in scales]
    reason, curved = path.applies(criterion, names), spectra.applies(criterion, names)
    for name, why in (("path", reason), ("closed_form", curved)):
        if method == name and why:
            raise ValueError(f'method="{name}" does not fit: {why}; use method="slopes"')
    if criterion.jumps and (reason or method == "slopes"):
        raise ValueError(
            f"{type(criterion).__name__} jumps where the active set changes, so that slopes say "
            'nothing: tune alpha alone, with method="path"' + (f" ({reason})" if reason else "")
        )
    if method != "slopes" and not curved:
        result = by_closed_form.run(criterion, scales[0], callback, begin)
    elif method != "slopes" and not reason:
        result, broken = by_path.run(criterion, scales[0], callback, begin)
        if result is None and (method == "path" or criterion.jumps):
            raise ValueError(f'method="path" broke off before it had seen anything: {broken}')
    if result is None or (broken and method == "auto" and not criterion.jumps):
        other = by_slopes.run(criterion, scales, max_evals, tol, callback, begin, broken)
        result = other if result is None or other.value < result.value else result
    elif broken:
        warnings.warn(result.message, FastpiggyWarning, stacklevel=3)
    return result
