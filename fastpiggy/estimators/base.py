"""What all linear estimators share: validation, targets one by one, fitted attributes."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from fastpiggy.estimators import checks
from fastpiggy.estimators.search import Found
from fastpiggy.penalties import NonnegativeElasticNet, SquaredL2
from fastpiggy.solving import solve

#: How X is taken for a fit.  The exact routes would make columns of rows themselves, and one
#: storage is less to compile for.
COLUMNS = {"accept_sparse": ("csc", "csr"), "dtype": np.float64, "order": "F"}


class Linear(BaseEstimator):
    """A linear model whose families say by ``_problem`` what is solved."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _rows(self, X: Any) -> Any:
        """Checked rows of data to predict for."""
        check_is_fitted(self)
        return validate_data(
            self, X, accept_sparse=("csc", "csr"), dtype=np.float64, reset=False
        )  # fmt: skip

    def _solved(self, problem: Any, start: Any = None) -> Any:
        return solve(
            problem, derivative="none", tol=self.tol, max_iter=self.max_iter, x0=start
        )  # fmt: skip


class LinearRegressor(MultiOutputMixin, RegressorMixin, Linear):
    """A linear regression; several targets are fitted one by one."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit the model.

        Parameters
        ----------
        X : array_like or sparse of shape (n, p)
        y : array_like of shape (n,) or (n, q)
        sample_weight : float or array_like of shape (n,), optional
            Not negative, at least one positive.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            If data or a parameter are not allowed; the message names it.
        """
        self._check_parameters()
        X, y = validate_data(
            self, X, y, **COLUMNS, multi_output=True, y_numeric=True
        )  # fmt: skip
        y = np.asarray(y, dtype=np.float64)
        weight = checks.sample_weight(sample_weight, X)
        if hasattr(X, "tocsc"):
            X = X.tocsc()
        targets = [y] if y.ndim == 1 else [np.ascontiguousarray(column) for column in y.T]
        self._several = y.ndim == 2
        self._keep(self._fit_all(X, targets, weight))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict the targets of rows.

        Parameters
        ----------
        X : array_like or sparse of shape (n, p)

        Returns
        -------
        ndarray of shape (n,) or (n, q)
        """
        return self._rows(X) @ self.coef_.T + self.intercept_

    def _check_parameters(self) -> None:
        """Raise for a parameter that is not allowed."""

    def _fit_all(self, X: Any, targets: list[np.ndarray], weight: Any) -> list[Any]:
        """Fit all targets."""
        return [self._fit_one(X, t, weight, k, len(targets)) for k, t in enumerate(targets)]

    def _fit_one(self, X: Any, y: Any, weight: Any, k: int, targets: int) -> Any:
        """Fit target number k."""
        raise NotImplementedError

    def _each(self, values: list[Any]) -> Any:
        """One value, or an array or list with one a target."""
        if not self._several:
            return values[0]
        numbers = all(np.ndim(v) == 0 and np.issubdtype(type(v), np.number) for v in values)
        return np.array(values) if numbers else list(values)

    def _keep(self, found: list[Any]) -> None:
        solutions = [f.solution for f in found]
        coefficients = np.array([sol.x for sol in solutions])
        self.coef_ = coefficients if self._several else coefficients[0]
        self.intercept_ = self._each([float(sol.intercept) for sol in solutions])
        # An exact route that needs no iteration still counts as one, as scikit-learn's classes do.
        self.n_iter_ = self._each([max(1, int(sol.iterations)) for sol in solutions])
        self.certificate_ = self._each([plain(sol.certificate) for sol in solutions])


class OneAlpha(LinearRegressor):
    """Alpha is given, a number or one a target."""

    def _fit_one(self, X: Any, y: Any, weight: Any, k: int, targets: int) -> Found:
        alpha = checks.per_target(self.alpha, "alpha", targets)[k]
        start = None
        if getattr(self, "warm_start", False) and hasattr(self, "coef_"):
            rows = np.atleast_2d(self.coef_)
            start = rows[k] if rows.shape == (targets, X.shape[1]) else None
        return Found(self._solved(self._problem(X, y, weight, alpha), start))


class SearchedAlpha(LinearRegressor):
    """Hyperparameters are searched by cross-validation, for each target on its own."""

    #: Whether one search was for all targets.
    _one_search = False

    def _keep(self, found: list[Any]) -> None:
        super()._keep(found)

        def each(values: list[Any]) -> Any:
            return values[0] if self._one_search else self._each(values)

        self.alpha_ = each([float(f.params["alpha"]) for f in found])
        self.criterion_ = each([float(f.value) for f in found])
        self.gradient_ = each([f.gradient for f in found])
        self.history_ = each([f.history for f in found])
        self.alphas_ = each([f.alphas for f in found])
        self.mse_path_ = each([f.fold_values for f in found])


def nonnegative(problem: Any) -> Any:
    """The problem with coefficients that must not be negative, of the same l1 and l2 parts."""
    penalty = problem.penalty
    ratio = getattr(penalty, "l1_ratio", 0.0 if isinstance(penalty, SquaredL2) else 1.0)
    weights = getattr(penalty, "weights", np.ones(problem.shape[1]))
    return replace(problem, penalty=NonnegativeElasticNet(penalty.alpha, ratio, weights))


def plain(certificate: Any) -> Any:
    """The certificate without what computes more on demand, which holds the data."""
    return replace(
        certificate, find_message=certificate.message, find_tangent=None, find_margin=None
    )
