"""Ridge regression in scikit-learn's scaling: given alpha, and alpha searched."""

from typing import Any

import numpy as np

from fastpiggy.estimators import checks, search
from fastpiggy.estimators.base import OneAlpha, SearchedAlpha
from fastpiggy.problems import ridge


class Ridge(OneAlpha):
    """Least squares with a squared l2 penalty, not divided by n.

    ``sum_i sample_weight_i (y_i - X_i w - b)^2 + alpha norm2(w)^2``: alpha is n times that of
    :func:`fastpiggy.ridge`.

    Parameters
    ----------
    alpha : float or array_like of shape (q,), default=1.0
        Not negative; one for all targets or one each.
    fit_intercept : bool, default=True
    copy_X, solver, random_state
        scikit-learn's; without effect.
    max_iter, tol
        As in :class:`~fastpiggy.estimators.Lasso`.
    positive : bool, default=False
        Must be False.

    Attributes
    ----------
    coef_, intercept_, n_iter_, certificate_
        As in :class:`~fastpiggy.estimators.Lasso`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.estimators import Ridge
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0])
    >>> Ridge(alpha=2.0).fit(X, y).coef_.round(4)
    array([0.5])
    """

    def __init__(
        self, alpha: Any = 1.0, *, fit_intercept: bool = True, copy_X: bool = True,
        max_iter: int | None = None, tol: float = 1e-9, solver: str = "auto",
        positive: bool = False, random_state: Any = None,
    ) -> None:  # fmt: skip
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.solver = solver
        self.positive = positive
        self.random_state = random_state

    def _check_parameters(self) -> None:
        checks.not_positive(self.positive)

    def _problem(self, X: Any, y: Any, weight: Any, alpha: Any) -> Any:
        scaled = alpha / checks.total_weight(X, weight)
        return ridge(X, y, scaled, sample_weight=weight, fit_intercept=self.fit_intercept)


class RidgeCV(SearchedAlpha):
    """Ridge regression with alpha searched by cross-validation, for each target on its own.

    Parameters
    ----------
    alphas : array_like or None, default=(0.1, 1.0, 10.0)
        The best of them is taken, as scikit-learn does; None: alpha is
        searched on the curve in closed form.
    fit_intercept : bool, default=True
    cv : int, splitter or iterable, optional
        5 folds by default, where scikit-learn leaves out one row at a time.  In a fold alpha is
        scaled by its share of the rows, which scikit-learn does not do: losses differ a little.
    tol : float, default=1e-9
    n_jobs : int, optional
        Threads over folds.

    Attributes
    ----------
    alpha_, criterion_, gradient_, history_, alphas_, mse_path_
        As in :class:`~fastpiggy.estimators.LassoCV`, alpha in the scaling of
        :class:`~fastpiggy.estimators.Ridge`.
    coef_, intercept_, n_iter_, certificate_
        As in :class:`~fastpiggy.estimators.Lasso`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.estimators import RidgeCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 20))
    >>> y = X[:, 0] - X[:, 1] + 0.5 * rng.standard_normal(60)
    >>> float(RidgeCV().fit(X, y).alpha_)
    1.0
    """

    def __init__(
        self, alphas: Any = (0.1, 1.0, 10.0), *, fit_intercept: bool = True, cv: Any = None,
        tol: float = 1e-9, n_jobs: int | None = None,
    ) -> None:  # fmt: skip
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.tol = tol
        self.n_jobs = n_jobs

    def _fit_one(self, X: Any, y: Any, weight: Any, k: int, targets: int) -> search.Found:
        total = checks.total_weight(X, weight)
        alphas = None if self.alphas is None else np.atleast_1d(self.alphas) / total
        problem = ridge(X, y, 1.0, sample_weight=weight, fit_intercept=self.fit_intercept)
        found = search.best(
            problem, search.splits(self.cv, X, y), alphas, tol=self.tol, n_jobs=self.n_jobs
        )
        return found.rescaled(lambda alpha: alpha * total, lambda alpha: 1 / total)
