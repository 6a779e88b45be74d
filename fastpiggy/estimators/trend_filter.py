"""Trend filtering as a regression on one feature, the position."""

from typing import Any

import numpy as np
from scipy.interpolate import make_interp_spline
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted

from fastpiggy.estimators import checks
from fastpiggy.estimators.base import plain
from fastpiggy.estimators.described import described
from fastpiggy.solving import solve
from fastpiggy.structured.trend_filter import trend_filter


@described
class TrendFilter(RegressorMixin, BaseEstimator):
    """A piecewise polynomial of the position with few knots.

    ``sum_i sample_weight_i (x_i - y_i)^2 / 2 + alpha norm1(D x)`` as in
    :func:`fastpiggy.trend_filter`, over the rows sorted by position; rows at one position count
    once, by their weighted mean and the sum of their weights.

    Parameters
    ----------
    alpha : float, default=1.0
        Not negative.
    degree : int, default=1
        0 (piecewise constant), 1 (piecewise linear), 2 or 3; the last two for positions at equal
        distances.
    {tol}
    {max_iter}

    Attributes
    ----------
    X_thresholds_, y_thresholds_ : ndarray of shape (k,)
        The positions, sorted, and the fit there; named as in ``IsotonicRegression``.
    n_iter_ : int
    certificate_ : Certificate

    Examples
    --------
    >>> from fastpiggy.estimators import TrendFilter
    >>> model = TrendFilter(alpha=1.0, degree=0).fit([0, 1, 2, 3], [0.0, 0.0, 3.0, 3.0])
    >>> model.predict([0, 3])
    array([0.5, 2.5])
    """

    def __init__(
        self, alpha: float = 1.0, *, degree: int = 1, tol: float = 1e-9, max_iter: int | None = None
    ) -> None:
        self.alpha = alpha
        self.degree = degree
        self.tol = tol
        self.max_iter = max_iter

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit the model.

        Parameters
        ----------
        X : array_like of shape (n,) or (n, 1)
            Positions, in any order.
        y : array_like of shape (n,)
        sample_weight : float or array_like of shape (n,), optional
            Not negative, taken as they are; rows of weight zero are left out.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If data or a parameter are not allowed; the message names it.
        """
        t = _positions(X)
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        if y.ndim != 1:
            raise ValueError(f"y must have one dimension, got shape {y.shape}")
        check_consistent_length(t, y)
        w = checks.sample_weight(sample_weight, t)
        w = np.ones(t.size) if w is None else w
        if np.any(w < 0):
            raise ValueError(f"sample_weight must not be negative, got {w.min()}")
        kept = w > 0
        positions, where = np.unique(t[kept], return_inverse=True)
        mass = np.bincount(where, w[kept])
        signal = np.bincount(where, w[kept] * y[kept]) / mass
        problem = trend_filter(signal, self.alpha, self.degree, mass, positions)
        sol = solve(problem, derivative="none", tol=self.tol, max_iter=self.max_iter)
        self.X_thresholds_, self.y_thresholds_ = positions, sol.x
        self.n_iter_ = max(1, int(sol.iterations))
        self.certificate_ = plain(sol.certificate)
        return self

    def predict(self, T: Any) -> np.ndarray:
        """The fit at positions: between those fitted by a spline of the degree through them.

        Outside their range it is held constant.

        Parameters
        ----------
        T : array_like of shape (k,) or (k, 1)

        Returns
        -------
        ndarray of shape (k,)
        """
        check_is_fitted(self)
        t, known = _positions(T), self.X_thresholds_
        t = np.clip(t, known[0], known[-1])
        if self.degree == 0:
            return self.y_thresholds_[np.searchsorted(known, t, side="right") - 1]
        if self.degree == 1:
            return np.interp(t, known, self.y_thresholds_)
        return make_interp_spline(known, self.y_thresholds_, k=self.degree)(t)


def _positions(X: Any) -> np.ndarray:
    found = check_array(X, ensure_2d=False, dtype=np.float64, input_name="X")
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1:
        raise ValueError(f"X must be positions of shape (n,) or (n, 1), got shape {found.shape}")
    return found
