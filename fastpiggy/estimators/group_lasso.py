"""The group Lasso: given alpha, and alpha searched."""

from typing import Any

import numpy as np

from fastpiggy.estimators import search
from fastpiggy.estimators.base import OneAlpha, SearchedAlpha
from fastpiggy.estimators.described import described
from fastpiggy.problems import group_lasso


class _GroupLassoFamily:
    def _problem(self, X: Any, y: Any, weight: Any, alpha: Any) -> Any:
        labels = self.groups
        if np.ndim(labels) == 0:
            if isinstance(labels, bool) or not isinstance(labels, int | np.integer) or labels < 1:
                raise ValueError(f"groups must be a positive integer or labels, got {labels!r}")
            labels = np.arange(X.shape[1]) // int(labels)
        return group_lasso(
            X, y, alpha, labels, weights=self.weights, sample_weight=weight,
            fit_intercept=self.fit_intercept,
        )  # fmt: skip


@described
class GroupLasso(_GroupLassoFamily, OneAlpha):
    """Least squares with a norm on each group of coefficients.

    ``norm2(y - X w - b)^2 / (2n) + alpha sum_g weights_g norm2(w_g)``.

    Parameters
    ----------
    groups : int or array_like of shape (p,), default=1
        A label a column of X, or the size of groups of neighbours.
    {alpha}
    weights : array_like of shape (number of groups,), optional
        In the order of the sorted labels; by default the square roots of the groups' sizes.
    {fit_intercept}
    {max_iter}
    {tol}
    {warm_start}

    Attributes
    ----------
    {fitted}

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.estimators import GroupLasso
    >>> X, y = np.eye(4), np.array([3.0, 4.0, 0.1, 0.2])
    >>> model = GroupLasso(2, alpha=0.5, weights=[1, 1], fit_intercept=False).fit(X, y)
    >>> model.coef_.round(6)
    array([1.8, 2.4, 0. , 0. ])
    """

    def __init__(
        self, groups: Any = 1, alpha: Any = 1.0, *, weights: Any = None,
        fit_intercept: bool = True, max_iter: int | None = None, tol: float = 1e-9,
        warm_start: bool = False,
    ) -> None:  # fmt: skip
        self.groups = groups
        self.alpha = alpha
        self.weights = weights
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start


@described
class GroupLassoCV(_GroupLassoFamily, SearchedAlpha):
    """The group Lasso with alpha searched by the slopes of cross-validation.

    Parameters
    ----------
    groups, weights
        As in :class:`GroupLasso`.
    {eps}
    {alphas}
    {fit_intercept}
    {tol}
    {cv}
    {n_jobs}

    Attributes
    ----------
    {searched}
    {fitted}

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.estimators import GroupLassoCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 20))
    >>> y = X[:, 0] - X[:, 1] + 0.5 * rng.standard_normal(60)
    >>> model = GroupLassoCV(groups=2).fit(X, y)
    >>> np.flatnonzero(np.abs(model.coef_) > 0.5)
    array([0, 1])
    """

    def __init__(
        self, groups: Any = 1, *, weights: Any = None, eps: float = 1e-3, alphas: Any = 100,
        fit_intercept: bool = True, tol: float = 1e-9, cv: Any = None, n_jobs: int | None = None,
    ) -> None:  # fmt: skip
        self.groups = groups
        self.weights = weights
        self.eps = eps
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.cv = cv
        self.n_jobs = n_jobs

    def _fit_one(self, X: Any, y: Any, weight: Any, k: int, targets: int) -> search.Found:
        return search.best(
            self._problem(X, y, weight, 1.0), search.splits(self.cv, X, y), self.alphas, self.eps,
            tol=self.tol, n_jobs=self.n_jobs,
        )  # fmt: skip
