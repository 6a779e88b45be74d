"""Sparse logistic regression for two classes: given C, and C searched."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from fastpiggy.estimators import checks, search
from fastpiggy.estimators.base import COLUMNS, Linear, plain
from fastpiggy.estimators.described import described
from fastpiggy.problems import checks as problem_checks
from fastpiggy.problems import logistic


class _TwoClasses(ClassifierMixin, Linear):
    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit the model.

        Parameters
        ----------
        X : array_like or sparse of shape (n, p)
        y : array_like of shape (n,)
            Two labels of any kind.
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
        X, y = validate_data(self, X, y, **COLUMNS)
        check_classification_targets(y)
        weight = checks.sample_weight(sample_weight, X)
        classes = np.unique(y)
        if classes.size != 2:
            few = "class" if classes.size == 1 else "classes"
            raise ValueError(
                "Only binary classification is supported: y must hold exactly two labels, got "
                f"{classes.size} {few}"
            )
        self.classes_ = classes
        if self.class_weight is not None:
            by_class = compute_sample_weight(self.class_weight, y)
            weight = by_class if weight is None else weight * by_class
        total = checks.total_weight(X, weight)
        if hasattr(X, "tocsc"):
            X = X.tocsc()
        found = self._found(X, y, weight, total)
        self.coef_ = found.solution.x.reshape(1, -1)
        self.intercept_ = np.array([float(found.solution.intercept)])
        self.n_iter_ = np.array([max(1, int(found.solution.iterations))])
        self.certificate_ = plain(found.solution.certificate)
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Logarithms of the odds of the larger label, of shape (n,)."""
        return self._rows(X) @ self.coef_[0] + self.intercept_[0]

    def predict(self, X: Any) -> np.ndarray:
        """Labels, of shape (n,)."""
        larger = self.decision_function(X) > 0
        return self.classes_[larger.astype(int)]

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of the probabilities of both labels, of shape (n, 2)."""
        odds = self.decision_function(X)
        return -np.logaddexp(0.0, np.column_stack([odds, -odds]))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of both labels, of shape (n, 2)."""
        return np.exp(self.predict_log_proba(X))

    def _problem(self, X: Any, y: Any, weight: Any, alpha: float) -> Any:
        return logistic(
            X, y, alpha, self.l1_ratio, sample_weight=weight, fit_intercept=self.fit_intercept
        )


@described
class SparseLogisticRegression(_TwoClasses):
    """Logistic regression for two classes with an l1 penalty, or an elastic net.

    ``C sum_i sample_weight_i log(1 + exp(-y_i (X_i w + b))) + l1_ratio norm1(w) +
    (1 - l1_ratio)/2 norm2(w)^2``: C as in scikit-learn's ``LogisticRegression``, that is
    ``1/(n alpha)`` of :func:`fastpiggy.logistic`.  The intercept is not penalised, other than by
    its ``solver="liblinear"``.

    Parameters
    ----------
    C : float, default=1.0
        Positive.
    l1_ratio : float, default=1.0
        In [0, 1].
    {tol}
    {fit_intercept}
    {class_weight}
    {max_iter}
    {warm_start}

    Attributes
    ----------
    {fitted_classes}

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.estimators import SparseLogisticRegression
    >>> X = np.array([[1.0], [2.0], [-1.0], [0.5]])
    >>> model = SparseLogisticRegression(C=2.5, fit_intercept=False).fit(X, ["b", "b", "a", "a"])
    >>> model.coef_.round(3), model.predict([[-3.0]])
    (array([[1.077]]), array(['a'], dtype='<U1'))
    """

    def __init__(
        self, C: float = 1.0, *, l1_ratio: float = 1.0, tol: float = 1e-9,
        fit_intercept: bool = True, class_weight: Any = None, max_iter: int | None = None,
        warm_start: bool = False,
    ) -> None:  # fmt: skip
        self.C = C
        self.l1_ratio = l1_ratio
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.max_iter = max_iter
        self.warm_start = warm_start

    def _found(self, X: Any, y: Any, weight: Any, total: float) -> search.Found:
        C = problem_checks.number(self.C, "C", open_low=True)
        start = None
        if self.warm_start and getattr(self, "coef_", np.zeros(0)).shape == (1, X.shape[1]):
            start = self.coef_[0]
        return search.Found(self._solved(self._problem(X, y, weight, 1 / (C * total)), start))


@described
class SparseLogisticRegressionCV(_TwoClasses):
    """Sparse logistic regression with C searched by the slopes of cross-validation.

    Parameters
    ----------
    Cs : int or array_like, default=10
        An array: the best of it is taken.  A number: C is searched, from 1/(n alpha_max) up to
        1/eps times that.
    eps : float, default=1e-3
    l1_ratio : float, default=1.0
        In [0, 1].
    cv : int, splitter or iterable, optional
        5 stratified folds by default.
    metric : str, default="log_loss"
        What judges, as for :class:`fastpiggy.CrossVal`; a smooth one, so not the accuracy.
    {tol}
    {fit_intercept}
    {class_weight}
    {n_jobs}

    Attributes
    ----------
    C_ : ndarray of shape (1,)
        The best C.
    Cs_ : ndarray of shape (k,)
        Those looked at, from the smallest up.
    scores_path_ : ndarray of shape (k, folds)
        The metric there, the smaller the better.
    criterion_ : float
    gradient_ : dict
        The slope of the criterion in C, under ``"C"``.
    history_ : tuple of Evaluation
        In C too.
    {fitted_classes}

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.estimators import SparseLogisticRegressionCV
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((80, 10))
    >>> y = X[:, 0] + 0.5 * rng.standard_normal(80) > 0
    >>> SparseLogisticRegressionCV().fit(X, y).score(X, y) > 0.8
    True
    """

    def __init__(
        self, *, Cs: Any = 10, eps: float = 1e-3, l1_ratio: float = 1.0, cv: Any = None,
        metric: Any = "log_loss", tol: float = 1e-9, fit_intercept: bool = True,
        class_weight: Any = None, n_jobs: int | None = None,
    ) -> None:  # fmt: skip
        self.Cs = Cs
        self.eps = eps
        self.l1_ratio = l1_ratio
        self.cv = cv
        self.metric = metric
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.n_jobs = n_jobs

    def _found(self, X: Any, y: Any, weight: Any, total: float) -> search.Found:
        given = np.ndim(self.Cs) > 0
        if given and not np.all(np.asarray(self.Cs, dtype=float) > 0):
            raise ValueError(f"Cs must be positive, got {self.Cs!r}")
        alphas = 1 / (np.asarray(self.Cs, dtype=float) * total) if given else self.Cs
        found = search.best(
            self._problem(X, y, weight, 1.0), search.splits(self.cv, X, y, classifier=True), alphas,
            self.eps, metric=self.metric, tol=self.tol, n_jobs=self.n_jobs,
        )  # fmt: skip
        found = found.rescaled(lambda a: 1 / (a * total), lambda a: -(a**2) * total, "C")
        self.C_, self.Cs_ = np.array([found.params["C"]]), found.alphas
        self.scores_path_, self.criterion_ = found.fold_values, float(found.value)
        self.gradient_, self.history_ = {"C": found.gradient["C"]}, found.history
        return found
