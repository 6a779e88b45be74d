"""The graphical Lasso: given alpha, and alpha searched."""

from typing import Any

import numpy as np
from sklearn.covariance import EmpiricalCovariance
from sklearn.utils.validation import validate_data

from fastpiggy.estimators import search
from fastpiggy.estimators.base import plain
from fastpiggy.estimators.described import described
from fastpiggy.solving import solve
from fastpiggy.structured.sparse_inverse_covariance import sparse_inverse_covariance


class _Precision(EmpiricalCovariance):
    def _keep(self, solution: Any) -> None:
        self.precision_ = solution.x
        covariance = np.linalg.inv(solution.x)
        self.covariance_ = 0.5 * (covariance + covariance.T)
        self.n_iter_ = max(1, int(solution.iterations))
        self.certificate_ = plain(solution.certificate)

    def _rows(self, X: Any) -> np.ndarray:
        return validate_data(self, X, dtype=np.float64, ensure_min_samples=2, ensure_min_features=2)

    def _located(self, X: np.ndarray) -> np.ndarray:
        return np.zeros(X.shape[1]) if self.assume_centered else X.mean(axis=0)


@described
class GraphicalLasso(_Precision):
    """A sparse inverse covariance: ``-logdet P + <S, P> + alpha sum_{i != j} abs(P_ij)``.

    Parameters
    ----------
    alpha : float or array_like of shape (p, p), default=0.01
        Not negative; a matrix is symmetric.
    covariance : {"precomputed"}, optional
        Whether ``fit`` is given a covariance in place of rows.
    {tol}
    {max_iter}
    assume_centered : bool, default=False
        Whether the mean is zero.

    Attributes
    ----------
    {fitted_covariance}

    Examples
    --------
    >>> from fastpiggy.estimators import GraphicalLasso
    >>> model = GraphicalLasso(alpha=0.1, covariance="precomputed").fit([[1.0, 0.5], [0.5, 1.0]])
    >>> model.precision_.round(4).tolist()
    [[1.1905, -0.4762], [-0.4762, 1.1905]]
    """

    def __init__(
        self, alpha: Any = 0.01, *, covariance: str | None = None, tol: float = 1e-9,
        max_iter: int | None = None, assume_centered: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(assume_centered=assume_centered)
        self.alpha = alpha
        self.covariance = covariance
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: Any, y: Any = None) -> Any:
        """Fit the model to rows, or to a covariance.

        Parameters
        ----------
        X : array_like of shape (n, p), or (p, p) where the covariance is precomputed
        y : None
            Not used.

        Returns
        -------
        self
        """
        if self.covariance not in (None, "precomputed"):
            raise ValueError(f"covariance must be None or 'precomputed', got {self.covariance!r}")
        X = self._rows(X)
        if self.covariance == "precomputed":
            S, self.location_ = X, np.zeros(X.shape[1])
        else:
            self.location_ = self._located(X)
            centred = X - self.location_
            S = centred.T @ centred / len(X)
        problem = sparse_inverse_covariance(S, self.alpha)
        self._keep(solve(problem, derivative="none", tol=self.tol, max_iter=self.max_iter))
        return self


@described
class GraphicalLassoCV(_Precision):
    """The graphical Lasso with alpha searched by the slope of the cross-validated likelihood.

    Parameters
    ----------
    alphas : int or array_like, default=4
        An array: the best of it is taken.  A number: alpha is searched, whatever the number.
    cv : int, splitter or iterable, optional
        5 folds by default.
    {tol}
    {n_jobs}

    Attributes
    ----------
    alpha_, criterion_ : float
        The best alpha, and the mean over folds of ``-logdet P + <C, P>`` there.
    gradient_ : dict
    history_ : tuple of Evaluation
    cv_results_ : dict of ndarray
        ``"alphas"`` and the criterion in ``"mean_test_value"`` and ``"split0_test_value"`` and so
        on; the smaller the better.
    {fitted_covariance}

    Notes
    -----
    There is no ``assume_centered``: rows that judge are taken about the mean of those fitted.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.estimators import GraphicalLassoCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 4)) @ (np.eye(4) + 0.5 * np.eye(4, k=1))
    >>> GraphicalLassoCV().fit(X).precision_.shape
    (4, 4)
    """

    def __init__(
        self, *, alphas: Any = 4, cv: Any = None, tol: float = 1e-9, n_jobs: int | None = None
    ) -> None:
        self.alphas = alphas
        self.cv = cv
        self.tol = tol
        self.n_jobs = n_jobs

    # What EmpiricalCovariance takes from a parameter of its own.
    assume_centered = False
    store_precision = True

    def fit(self, X: Any, y: Any = None) -> Any:
        """Fit the model.

        Parameters
        ----------
        X : array_like of shape (n, p)
        y : None
            Not used.

        Returns
        -------
        self
        """
        X = self._rows(X)
        self.location_ = X.mean(axis=0)
        problem = sparse_inverse_covariance(None, 1.0, data=X)
        found = search.best(
            problem, search.splits(self.cv, X, None), self.alphas, tol=self.tol, n_jobs=self.n_jobs
        )
        self._keep(found.solution)
        self.alpha_, self.criterion_ = float(found.params["alpha"]), float(found.value)
        self.gradient_, self.history_ = found.gradient, found.history
        folds = {f"split{k}_test_value": v for k, v in enumerate(found.fold_values.T)}
        self.cv_results_ = {
            "alphas": found.alphas, "mean_test_value": found.fold_values.mean(axis=1), **folds
        }  # fmt: skip
        return self
