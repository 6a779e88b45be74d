"""The Lasso: given alpha, alpha searched, and one penalty weight a feature searched."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from fastpiggy.criteria import CrossVal
from fastpiggy.estimators import checks, search
from fastpiggy.estimators.base import OneAlpha, SearchedAlpha, nonnegative
from fastpiggy.estimators.described import described
from fastpiggy.problems import lasso
from fastpiggy.tuning import tune


class _LassoFamily:
    def _check_parameters(self) -> None:
        checks.no_effect(self.precompute, self.selection)

    def _problem(self, X: Any, y: Any, weight: Any, alpha: Any, weights: Any = None) -> Any:
        found = lasso(
            X, y, alpha, weights=weights, sample_weight=weight, fit_intercept=self.fit_intercept
        )
        return nonnegative(found) if self.positive else found

    @property
    def sparse_coef_(self) -> Any:
        """The coefficients as a sparse array of shape (1, p) or (q, p)."""
        return csr_array(np.atleast_2d(self.coef_))


@described
class Lasso(_LassoFamily, OneAlpha):
    """Least squares with an l1 penalty: ``norm2(y - X w - b)^2 / (2n) + alpha norm1(w)``.

    Parameters
    ----------
    {alpha}
    {fit_intercept}
    {max_iter}
    {tol}
    {warm_start}
    {positive}
    {no_effect}

    Attributes
    ----------
    {fitted}

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


@described
class LassoCV(_LassoFamily, SearchedAlpha):
    """The Lasso with alpha searched by cross-validation, on the exact paths of all folds.

    Parameters
    ----------
    {eps}
    alphas : int or array_like, default=100
        An array: the best of it is taken, as scikit-learn does.  A number: alpha is searched
        exactly, and ``mse_path_`` has so many rows (with ``positive=True`` by slopes, and the rows
        are what was visited).
    {fit_intercept}
    {tol}
    {cv}
    {n_jobs}
    {positive}
    {no_effect_cv}

    Attributes
    ----------
    {searched}
    {fitted}

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


@described
class WeightedLassoCV(LassoCV):
    """The Lasso with a penalty weight a feature, all searched by the slopes of cross-validation.

    Alpha is searched first, as by :class:`LassoCV`; the weights start at 1 and stay within three
    decades either way.  As many numbers as features fit the folds closely: judge the model on
    other data.

    Parameters
    ----------
    max_evals : int, default=200
        Evaluations of the criterion at the most.
    {eps}
    alphas : int or array_like, default=100
        Of the search for alpha, as in :class:`LassoCV`.
    {fit_intercept}
    {tol}
    {cv}
    {n_jobs}
    {positive}
    {no_effect_cv}

    Attributes
    ----------
    weights_ : ndarray of shape (p,), or a list with one a target
        The penalty of feature j is ``alpha_ weights_[j]``.
    {searched}
    {fitted}

    Notes
    -----
    ``alphas_`` and ``mse_path_`` are of the search for alpha.

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
        start = self._problem(X, y, weight, alpha, weights=np.ones(X.shape[1]))
        criterion = CrossVal(start, folds, tol=self.tol, n_jobs=search.jobs(self.n_jobs))
        result = tune(criterion, "weights", max_evals=self.max_evals)
        return search.Found(
            result.solution, {"alpha": alpha, **result.params}, result.value, result.gradient,
            search.light(result.history), first.alphas, first.fold_values,
        )  # fmt: skip

    def _keep(self, found: list[Any]) -> None:
        super()._keep(found)
        self.weights_ = self._each([f.params["weights"] for f in found])
