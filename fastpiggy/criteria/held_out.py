"""The loss on rows that were held out, and its slopes."""

import copy
from typing import Any

import numpy as np

from fastpiggy.criteria import metrics
from fastpiggy.criteria.criterion import Criterion
from fastpiggy.criteria.part import RowsPart
from fastpiggy.criteria.splits import make_splits
from fastpiggy.designs import matrix
from fastpiggy.problems import Problem, checks


class _OnRows(Criterion):
    """A mean of losses on held-out rows, with its gradient by one adjoint solve a part."""

    def __init__(self, problem: Any, metric: Any, tol: float, n_jobs: int) -> None:
        if hasattr(problem, "held_out"):
            if metric is not None:
                raise ValueError(
                    f"metric is for linear models; {type(problem).__name__} is judged in its own "
                    f"way, got {metric!r}"
                )
            super().__init__(problem, tol, n_jobs)
            return
        if getattr(problem, "family", None) != "composite":
            raise TypeError(
                "problem must have rows to hold out, as those of fastpiggy.lasso and its like, "
                f"got {type(problem).__name__}"
            )
        if not {"y", "sample_weight"} <= set(problem.loss._fields):
            raise TypeError(
                f"the loss {type(problem.loss).__name__} must have fields y and sample_weight for "
                "rows to be held out"
            )
        super().__init__(problem, tol, n_jobs)
        self.metric = metrics.parse(metric, problem)


class HeldOut(_OnRows):
    """The loss on validation data.

    Parameters
    ----------
    problem : Problem
        Fitted on its own data.
    X_val : array_like or sparse of shape (k, p)
        The validation rows.
    y_val : array_like of shape (k,)
        For classification, labels among those of the problem.  None for a covariance, which is
        judged by the likelihood ``-logdet P + <C, P>``, C the second moments of the rows about the
        mean of those fitted.
    sample_weight : array_like of shape (k,), optional
        Of the validation rows.
    metric : str or callable, optional
        What judges: ``"mse"``, ``"mae"``, ``"log_loss"``, ``"deviance"``, ``"smoothed_hinge"``, an
        instance of :class:`fastpiggy.criteria.Huber`, or a function of targets (labels as -1 and
        +1) and linear predictions that returns values and their slopes in the predictions, by row.
        By default the problem's own loss: the mean squared error for least squares (without the
        half), the log-loss for logistic regression.
    tol : float, default=1e-9
        Of the solves.

    Raises
    ------
    ValueError, TypeError
        If shapes or types do not fit; the message names the argument.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> X, y = np.eye(3), np.array([3.0, 0.5, -2.0])
    >>> criterion = fp.HeldOut(fp.lasso(X, y, alpha=0.5), X, y)
    >>> found = criterion.evaluate(alpha=0.5)
    >>> round(found.value, 4), round(found.gradient["alpha"], 4)
    (1.5833, 6.0)
    """

    def __init__(
        self, problem: Any, X_val: Any, y_val: Any = None, *, sample_weight: Any = None,
        metric: Any = None, tol: float = 1e-9,
    ) -> None:  # fmt: skip
        super().__init__(problem, metric, tol, 1)
        if hasattr(problem, "held_out"):
            # Targets, where the problem has any.
            targets = [y_val] if hasattr(problem, "y") else []
            if sample_weight is not None or (y_val is not None and not targets):
                takes = "rows and targets" if targets else "rows"
                raise ValueError(f"{type(problem).__name__} takes {takes} alone to judge on")
            self._only: list[Any] = [problem.held_out(X_val, *targets)]
            return
        X = checks.matrix(X_val, "X_val")
        if X.shape[1] != problem.shape[1]:
            raise ValueError(
                f"X_val must have {problem.shape[1]} columns like X, got shape {X.shape}"
            )
        n = X.shape[0]
        checks.finite(X, matrix.scatter(matrix.as_design(X), np.ones(n)), "X_val")
        y = _labels(y_val, problem.classes, n)
        s, _ = checks.sample_weight(sample_weight, n)
        loss = problem.loss._replace(y=y, sample_weight=s)
        self._only = [RowsPart(problem, loss, matrix.as_design(X), self.metric)]

    @property
    def parts(self) -> list[Any]:
        return self._only

    def on(self, rows: np.ndarray) -> "HeldOut":
        """The same on some of the validation rows."""
        (part,) = self._only
        s = _masked(part.loss.sample_weight, rows, "judging")
        found = copy.copy(self)
        found.warm = []
        loss = part.loss._replace(sample_weight=s / s.sum())
        found._only = [RowsPart(part.problem, loss, part.design, part.metric)]
        return found

    @property
    def each_row_once(self) -> bool:
        """False: the rows that judge are not the problem's."""
        return False


class CrossVal(_OnRows):
    """The mean over folds of the loss on the fold that was left out.

    X is not copied: a fold is a set of rows whose weight is zero.

    Parameters
    ----------
    problem : Problem or SparseInverseCovariance
        Its hyperparameters are where :func:`fastpiggy.tune` starts.  A covariance must have its
        rows (``data=``).
    cv : int, splitter, or iterable of (train, test) index pairs, default=5
        An integer makes contiguous folds as scikit-learn's KFold does, for classification
        stratified ones; a splitter has ``split(X, y)``.
    metric : str or callable, optional
        What judges: ``"mse"``, ``"mae"``, ``"log_loss"``, ``"deviance"``, ``"smoothed_hinge"``, an
        instance of :class:`fastpiggy.criteria.Huber`, or a function of targets (labels as -1 and
        +1) and linear predictions that returns values and their slopes in the predictions, by row.
        By default the problem's own loss: the mean squared error for least squares (without the
        half), the log-loss for logistic regression.
    tol : float, default=1e-9
        Of the solves.
    n_jobs : int, default=1
        Threads over folds.

    Raises
    ------
    ValueError, TypeError
        If folds and problem do not fit; the message names the argument.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((40, 10))
    >>> y = X[:, 0] + 0.1 * rng.standard_normal(40)
    >>> criterion = fp.CrossVal(fp.lasso(X, y, alpha=0.1, fit_intercept=True), cv=5)
    >>> found = criterion.evaluate(alpha=0.05)
    >>> found.fold_values.shape, bool(found.value == found.fold_values.mean())
    ((5,), True)
    """

    def __init__(
        self, problem: Any, cv: Any = 5, *, metric: Any = None, tol: float = 1e-9, n_jobs: int = 1
    ) -> None:
        super().__init__(problem, metric, tol, n_jobs)
        if hasattr(problem, "fold"):
            if problem.data is None:
                raise ValueError(
                    f"cv needs rows to split: make the {type(problem).__name__} with data="
                )
            labels, classes = (getattr(problem, name, None) for name in ("y", "classes"))
            self.splits = make_splits(cv, len(problem.data), labels, classes, labels)
            self._folds: list[Any] = [problem.fold(*pair) for pair in self.splits]
            return
        labels = problem.loss.y
        self.splits = make_splits(
            cv, problem.shape[0], labels, problem.classes, problem.parameters.get("y", labels)
        )
        self._folds = [self.fold(train, test) for train, test in self.splits]

    @property
    def parts(self) -> list[Any]:
        return self._folds

    @property
    def each_row_once(self) -> bool:
        """Whether every row is judged in one fold and trains in all others."""
        n = self.problem.shape[0]
        judged = np.sort(np.concatenate([test for _, test in self.splits]))
        return np.array_equal(judged, np.arange(n)) and all(
            np.array_equal(np.sort(np.concatenate(pair)), np.arange(n)) for pair in self.splits
        )

    def fold(self, train: np.ndarray, test: np.ndarray) -> RowsPart:
        """A fit to some rows that is judged on others."""
        problem = self.problem
        raw = problem.parameters["sample_weight"]
        s = _masked(raw, train, "train")
        if problem.total_weight is None:
            # One's own loss: what its weights add up to is kept.
            loss = problem.loss._replace(sample_weight=s * (raw.sum() / s.sum()))
            fitted = Problem(
                loss, problem.penalty, problem.design, problem.fit_intercept,
                classes=problem.classes, shared=problem.shared,
            )  # fmt: skip
        else:
            fitted = problem.replace(sample_weight=s)
        judged = _masked(raw, test, "test")
        return RowsPart(
            fitted, problem.loss._replace(sample_weight=judged / judged.sum()), None, self.metric
        )


def _masked(raw: np.ndarray, members: np.ndarray, part: str) -> np.ndarray:
    s = np.zeros_like(raw)
    # Counted, so that a row that a bootstrap splitter draws twice weighs twice.
    np.add.at(s, members, raw[members])
    if not s.sum() > 0:
        raise ValueError(
            f"cv must leave rows of positive sample_weight in every {part} part, got one without"
        )
    return s


def _labels(y: Any, classes: np.ndarray | None, n: int) -> np.ndarray:
    if classes is None:
        return checks.vector(y, "y_val", n, "row of X_val")
    found = np.asarray(y.to_numpy() if hasattr(y, "to_numpy") else y)
    if found.shape != (n,):
        raise ValueError(
            f"y_val must have shape ({n},), one label a row of X_val, got {found.shape}"
        )
    other = ~np.isin(found, classes)
    if np.any(other):
        raise ValueError(
            f"y_val must hold the problem's labels {classes.tolist()}, got {found[other][0]!r}"
        )
    return np.where(found == classes[1], 1.0, -1.0)
