"""The elastic net: given alpha, and alpha searched."""

from typing import Any

import numpy as np

from fastpiggy.estimators import search
from fastpiggy.estimators.base import OneAlpha, SearchedAlpha, nonnegative
from fastpiggy.estimators.described import described
from fastpiggy.estimators.lasso import _LassoFamily
from fastpiggy.problems import elastic_net


class _ElasticNetFamily(_LassoFamily):
    def _with_ratio(self, X: Any, y: Any, weight: Any, alpha: Any, ratio: Any) -> Any:
        found = elastic_net(
            X, y, alpha, ratio, sample_weight=weight, fit_intercept=self.fit_intercept
        )
        return nonnegative(found) if self.positive else found


@described
class ElasticNet(_ElasticNetFamily, OneAlpha):
    """Least squares with an l1 and a squared l2 penalty.

    ``norm2(y - X w - b)^2 / (2n) + alpha l1_ratio norm1(w) + alpha (1 - l1_ratio)/2 norm2(w)^2``.

    Parameters
    ----------
    {alpha}
    l1_ratio : float, default=0.5
        In [0, 1].
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
    >>> from fastpiggy.estimators import ElasticNet
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 2.0])
    >>> ElasticNet(alpha=0.1).fit(X, y).coef_.round(4)
    array([0.8605])
    """

    def __init__(
        self, alpha: Any = 1.0, *, l1_ratio: float = 0.5, fit_intercept: bool = True,
        precompute: Any = False, max_iter: int | None = None, copy_X: bool = True,
        tol: float = 1e-9, warm_start: bool = False, positive: bool = False,
        random_state: Any = None, selection: str = "cyclic",
    ) -> None:  # fmt: skip
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    def _problem(self, X: Any, y: Any, weight: Any, alpha: Any) -> Any:
        return self._with_ratio(X, y, weight, alpha, self.l1_ratio)


@described
class ElasticNetCV(_ElasticNetFamily, SearchedAlpha):
    """The elastic net with alpha searched by the slopes of cross-validation.

    Parameters
    ----------
    l1_ratio : float or array_like, default=0.5
        In [0, 1]; of several the best is taken.
    {eps}
    {alphas}
    {fit_intercept}
    {tol}
    {cv}
    {n_jobs}
    {positive}
    {no_effect_cv}

    Attributes
    ----------
    l1_ratio_ : float or ndarray of shape (q,)
        The best l1_ratio.
    {searched}
    {fitted}

    Notes
    -----
    What is said of the search is that at the best l1_ratio.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.estimators import ElasticNetCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 20))
    >>> y = X[:, 0] - X[:, 1] + 0.5 * rng.standard_normal(60)
    >>> model = ElasticNetCV(l1_ratio=[0.5, 0.9]).fit(X, y)
    >>> model.l1_ratio_, bool(abs(model.gradient_["alpha"]) < 1e-2)
    (0.9, True)
    """

    def __init__(
        self, *, l1_ratio: Any = 0.5, eps: float = 1e-3, alphas: Any = 100,
        fit_intercept: bool = True, precompute: Any = "auto", max_iter: int | None = None,
        tol: float = 1e-9, cv: Any = None, copy_X: bool = True, verbose: Any = 0,
        n_jobs: int | None = None, positive: bool = False, random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:  # fmt: skip
        self.l1_ratio = l1_ratio
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.precompute = precompute
        self.max_iter = max_iter
        self.tol = tol
        self.cv = cv
        self.copy_X = copy_X
        self.verbose = verbose
        self.n_jobs = n_jobs
        self.positive = positive
        self.random_state = random_state
        self.selection = selection

    def _fit_one(self, X: Any, y: Any, weight: Any, k: int, targets: int) -> search.Found:
        folds, found = search.splits(self.cv, X, y), []
        for ratio in np.atleast_1d(self.l1_ratio).tolist():
            problem = self._with_ratio(X, y, weight, 1.0, ratio)
            at = search.best(
                problem, folds, self.alphas, self.eps, tol=self.tol, n_jobs=self.n_jobs
            )
            at.params["l1_ratio"] = ratio
            found.append(at)
        return min(found, key=lambda at: at.value)

    def _keep(self, found: list[Any]) -> None:
        super()._keep(found)
        self.l1_ratio_ = self._each([f.params["l1_ratio"] for f in found])
