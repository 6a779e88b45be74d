"""The Lasso: given alpha, alpha searched, and one penalty weight a feature searched."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from fastpiggy.criteria import CrossVal
from fastpiggy.estimators import checks, search
from fastpiggy.estimators.base import OneAlpha, SearchedAlpha
from fastpiggy.problems import lasso
from fastpiggy.tuning import tune


class _LassoFamily:
    def _check_parameters(self) -> None:
        checks.no_effect(self.precompute, self.selection)
        checks.not_positive(self.positive)

    def _problem(self, X: Any, y: Any, weight: Any, alpha: Any) -> Any:
        return lasso(X, y, alpha, sample_weight=weight, fit_intercept=self.fit_intercept)

    @property
    def sparse_coef_(self) -> Any:
        """The coefficients as a sparse array of shape (1, p) or (q, p)."""
        return csr_array(np.atleast_2d(self.coef_))


class Lasso(_LassoFamily, OneAlpha):
    """Least squares with an l1 penalty: ``norm2(y - X w - b)^2 / (2n) + alpha norm1(w)``.

    Parameters
    ----------
    alpha : float or array_like of shape (q,), default=1.0
        Not negative; one for all targets or one each.
    fit_intercept : bool, default=True
    precompute, copy_X, random_state, selection
        scikit-learn's; without effect: the solution is exact, X is never changed.
    max_iter : int, optional
        Iterations of the algorithm at the most.
    tol : float, default=1e-9
        On the optimality of the certificate, not on scikit-learn's duality gap.
    warm_start : bool, default=False
        Start from the last fit.
    positive : bool, default=False
        Must be False.

    Attributes
    ----------
    coef_ : ndarray of shape (p,) or (q, p)
    intercept_ : float or ndarray of shape (q,)
    n_iter_ : int or ndarray of shape (q,)
    certificate_ : Certificate, or a list with one a target
        How far the solution can be trusted.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.estimators import Lasso
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0])
    >>> model = Lasso(alpha=0.1).fit(X, y)
    >>> model.coef_.round(4), round(model.intercept_, 4)
    (array([0.85]), 0.15)
    """

    def __init__(
        self, alpha: Any = 1.0, *, fit_intercept: bool = True, precompute: Any = False,
        copy_X: bool = True, max_iter: int | None = None, tol: float = 1e-9,
        warm_start: bool = False, positive: bool = False, random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:  # fmt: skip
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.copy_X = copy_X
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection


class LassoCV(_LassoFamily, SearchedAlpha):
    """The Lasso with alpha searched by cross-validation, on the exact paths of all folds.

    Parameters
    ----------
    eps : float, default=1e-3
        The search looks from alpha_max down to eps times that at the furthest.
    alphas : int or array_like, default=100
        An array: the best of it is taken, as scikit-learn does.  A number: alpha is searched
        exactly, and ``mse_path_`` has so many rows.
    cv : int, splitter or iterable, optional
        As in scikit-learn: 5 folds by default.
    n_jobs : int, optional
        Threads over folds.
    fit_intercept, tol
        As in :class:`Lasso`.
    max_iter, precompute, copy_X, verbose, random_state, selection
        scikit-learn's; without effect.
    positive : bool, default=False
        Must be False.

    Attributes
    ----------
    alpha_, criterion_ : float or ndarray of shape (q,)
        The best alpha, and the mean squared error over folds there.
    gradient_ : dict, or a list with one a target
        The slope of the criterion at the best.
    history_ : tuple of Evaluation, or a list with one a target
    alphas_ : ndarray of shape (k,), or a list
        From the largest down.
    mse_path_ : ndarray of shape (k, folds), or a list
    coef_, intercept_, n_iter_, certificate_
        As in :class:`Lasso`.

    Notes
    -----
    The mean over folds is not weighted by what the folds' sample weights add up to.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.estimators import LassoCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 20))
    >>> y = X[:, 0] - X[:, 1] + 0.5 * rng.standard_normal(60)
    >>> model = LassoCV().fit(X, y)
    >>> np.flatnonzero(np.abs(model.coef_) > 0.5), model.mse_path_.shape
    (array([0, 1]), (100, 5))
    """

    def __init__(
        self, *, eps: float = 1e-3, alphas: Any = 100, fit_intercept: bool = True,
        precompute: Any = "auto", max_iter: int | None = None, tol: float = 1e-9,
        copy_X: bool = True, cv: Any = None, verbose: Any = False, n_jobs: int | None = None,
        positive: bool = False, random_state: Any = None, selection: str = "cyclic",
    ) -> None:  # fmt: skip
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.copy_X = copy_X
        self.cv = cv
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    def _fit_one(self, X: Any, y: Any, weight: Any, k: int, targets: int) -> search.Found:
        return search.best(
            self._problem(X, y, weight, 1.0), search.splits(self.cv, X, y), self.alphas, self.eps,
            tol=self.tol, n_jobs=self.n_jobs,
        )  # fmt: skip


class WeightedLassoCV(LassoCV):
    """The Lasso with a penalty weight a feature, all searched by the slopes of cross-validation.

    Alpha is searched first, as by :class:`LassoCV`; the weights start at 1 and stay within three
    decades either way.  As many numbers as features fit the folds closely: judge the model on
    other data.

    Parameters
    ----------
    max_evals : int, default=200
        Evaluations of the criterion at the most.
    eps, alphas, fit_intercept, precompute, max_iter, tol, copy_X, cv, verbose, n_jobs, positive
        As in :class:`LassoCV`.
    random_state, selection
        As in :class:`LassoCV`.

    Attributes
    ----------
    weights_ : ndarray of shape (p,), or a list with one a target
        The penalty of feature j is ``alpha_ weights_[j]``.
    alpha_, criterion_, gradient_, history_, alphas_, mse_path_
        As in :class:`LassoCV`; the last two are of the search for alpha.
    coef_, intercept_, n_iter_, certificate_
        As in :class:`Lasso`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.estimators import LassoCV, WeightedLassoCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 5))
    >>> y = X[:, 0] - X[:, 1] + 0.5 * rng.standard_normal(60)
    >>> bool(WeightedLassoCV().fit(X, y).criterion_ < LassoCV().fit(X, y).criterion_)
    True
    """

    def __init__(
        self, *, max_evals: int = 200, eps: float = 1e-3, alphas: Any = 100,
        fit_intercept: bool = True, precompute: Any = "auto", max_iter: int | None = None,
        tol: float = 1e-9, copy_X: bool = True, cv: Any = None, verbose: Any = False,
        n_jobs: int | None = None, positive: bool = False, random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:  # fmt: skip
        super().__init__(
            eps=eps, alphas=alphas, fit_intercept=fit_intercept, precompute=precompute,
            max_iter=max_iter, tol=tol, copy_X=copy_X, cv=cv, verbose=verbose, n_jobs=n_jobs,
            positive=positive, random_state=random_state, selection=selection,
        )  # fmt: skip
        self.max_evals = max_evals

    def _fit_one(self, X: Any, y: Any, weight: Any, k: int, targets: int) -> search.Found:
        first = super()._fit_one(X, y, weight, k, targets)
        alpha = first.params["alpha"]
        folds = search.splits(self.cv, X, y)
        start = lasso(
            X, y, alpha, weights=np.ones(X.shape[1]), sample_weight=weight,
            fit_intercept=self.fit_intercept,
        )  # fmt: skip
        criterion = CrossVal(start, folds, tol=self.tol, n_jobs=search.jobs(self.n_jobs))
        result = tune(criterion, "weights", max_evals=self.max_evals)
        return search.Found(
            result.solution, {"alpha": alpha, **result.params}, result.value, result.gradient,
            search.light(result.history), first.alphas, first.fold_values,
        )  # fmt: skip

    def _keep(self, found: list[Any]) -> None:
        super()._keep(found)
        self.weights_ = self._each([f.params["weights"] for f in found])
