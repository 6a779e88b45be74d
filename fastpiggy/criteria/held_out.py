"""Losses on data that were held out, and their slopes."""

import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.algorithms.composite import rows, starts
from fastpiggy.certificate import FastpiggyWarning
from fastpiggy.criteria.evaluation import Evaluation
from fastpiggy.criteria.splits import make_splits
from fastpiggy.designs import matrix
from fastpiggy.losses import LeastSquares
from fastpiggy.problems import Problem, checks
from fastpiggy.solving import solve


class Criterion:
    """A mean of losses on held-out rows, with its gradient by one adjoint solve a part.

    The loss is the problem's own: the mean squared error for least squares (without the half),
    log-loss for logistic, the squared hinge and Huber's loss for those.
    """

    def __init__(self, problem: Any, tol: float, n_jobs: int) -> None:
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
        self.problem = problem
        self.tol = checks.number(tol, "tol", open_low=True)
        if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs < 1:
            raise ValueError(f"n_jobs must be a positive integer, got {n_jobs!r}")
        self.n_jobs = n_jobs
        self._warm: list[Any] = []

    @cached_property
    def hyperparameters(self) -> tuple[str, ...]:
        """Parameters of the penalty: what the gradient is with respect to."""
        known = self.problem.parameters
        return tuple(name for name in known if self.problem.block_of(name) == "penalty")

    @property
    def _parts(self) -> list["Part"]:
        raise NotImplementedError

    def evaluate(self, **params: Any) -> Evaluation:
        """Value and gradient at some hyperparameters; those not named stay as in the problem.

        Every solve starts from the last one of its part.

        Parameters
        ----------
        **params
            Values by name, such as ``alpha=0.05``.

        Returns
        -------
        Evaluation

        Raises
        ------
        ValueError
            For names or values that are not allowed.

        Warns
        -----
        FastpiggyWarning
            If a part did not converge, or stands on a kink.
        """
        found = self.evaluate_quietly(**params)
        if found.troubled:
            warnings.warn(trouble(found), FastpiggyWarning, stacklevel=2)
        return found

    def evaluate_quietly(self, **params: Any) -> Evaluation:
        """:meth:`evaluate` without its warning; the statuses are in the result."""
        begin = time.perf_counter()
        self.problem.replace(**params)
        parts = self._parts
        warm = self._warm or [None] * len(parts)

        def run(k: int) -> tuple[float, dict[str, Any], Any]:
            return parts[k].evaluate(params, self.hyperparameters, warm[k], self.tol)

        with warnings.catch_warnings():
            # Told once for all parts, by `evaluate`, or by the search for the point it takes.
            warnings.simplefilter("ignore", FastpiggyWarning)
            if self.n_jobs == 1 or len(parts) == 1:
                results = [run(k) for k in range(len(parts))]
            else:
                with ThreadPoolExecutor(min(self.n_jobs, len(parts))) as pool:
                    results = list(pool.map(run, range(len(parts))))
        self._warm = [solution for _, _, solution in results]
        values = np.array([value for value, _, _ in results])
        gradients = {
            name: np.array([gradient[name] for _, gradient, _ in results])
            for name in self.hyperparameters
        }
        mean = {name: _plain(found.mean(axis=0)) for name, found in gradients.items()}
        return Evaluation(
            params, float(values.mean()), mean, values, gradients, tuple(self._warm),
            time.perf_counter() - begin,
        )  # fmt: skip


class Part:
    """One problem to fit, and the rows its solution is judged on.

    Parameters
    ----------
    problem : Problem
        What is fitted.
    loss : Loss
        On the judging rows, its sample weights normalised there.
    design : Design or None
        Rows to judge on; None for those of the problem itself, all in the same order.
    """

    def __init__(self, problem: Problem, loss: Any, design: Any = None) -> None:
        self.problem, self.loss, self.design = problem, loss, design
        # The mean squared error has no half.
        self.factor = 2.0 if isinstance(loss, LeastSquares) else 1.0

    def evaluate(
        self, params: dict[str, Any], names: tuple[str, ...], warm: Any, tol: float
    ) -> tuple[float, dict[str, Any], Any]:
        """Value, gradient and solution."""
        problem = self.problem.replace(**params)
        design = problem.design if self.design is None else self.design
        start = np.empty(matrix.shape(design)[0])
        starts(self.loss, start, np.empty_like(start))
        few = all(np.ndim(problem.parameters[name]) == 0 for name in names)
        # Few numbers: their tangents and one product with X; a vector of weights: one adjoint.
        solution = solve(problem, names if few else None, x0=warm, tol=tol)
        along = solution.jacobian if few and solution.jacobian else {}
        x = np.column_stack([solution.x, *along.values()])
        b = np.array([solution.intercept, *(solution.intercept_jacobian[name] for name in along)])
        Z = matrix.predict(design, x) + b
        z = start + Z[:, 0]
        r, h = np.empty_like(z), np.empty_like(z)
        value = self.factor * rows(self.loss, z, r, h)
        if few:
            slopes = self.factor * (r @ Z[:, 1:])
            return value, dict(zip(along, map(float, slopes), strict=True)), solution
        v = self.factor * matrix.scatter(design, r)
        return value, solution.vjp(v, self.factor * float(r.sum()), names), solution


class HeldOut(Criterion):
    """The loss on validation data.

    Parameters
    ----------
    problem : Problem
        Fitted on its own data.
    X_val : array_like or sparse of shape (k, p)
        The validation rows.
    y_val : array_like of shape (k,)
        For classification, labels among those of the problem.
    sample_weight : array_like of shape (k,), optional
        Of the validation rows.
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
        self, problem: Any, X_val: Any, y_val: Any, *, sample_weight: Any = None, tol: float = 1e-9
    ) -> None:
        super().__init__(problem, tol, 1)
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
        self._only = [Part(problem, loss, matrix.as_design(X))]

    @property
    def _parts(self) -> list[Part]:
        return self._only


class CrossVal(Criterion):
    """The mean over folds of the loss on the fold that was left out.

    X is not copied: a fold is a set of rows whose weight is zero.

    Parameters
    ----------
    problem : Problem
        Its hyperparameters are where :func:`fastpiggy.tune` starts.
    cv : int, splitter, or iterable of (train, test) index pairs, default=5
        An integer makes contiguous folds as scikit-learn's KFold does, for classification
        stratified ones; a splitter has ``split(X, y)``.
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

    def __init__(self, problem: Any, cv: Any = 5, *, tol: float = 1e-9, n_jobs: int = 1) -> None:
        super().__init__(problem, tol, n_jobs)
        self.splits = make_splits(problem, cv)
        self._folds = [self._fold(train, test) for train, test in self.splits]

    @property
    def _parts(self) -> list[Part]:
        return self._folds

    def _fold(self, train: np.ndarray, test: np.ndarray) -> Part:
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
        return Part(fitted, problem.loss._replace(sample_weight=judged / judged.sum()))


def _plain(value: Any) -> Any:
    """A float where there is one number, else the array."""
    return float(value) if np.ndim(value) == 0 else value


def trouble(found: Evaluation) -> str:
    """What went wrong in an evaluation, in a sentence."""
    statuses = ", ".join(sorted(set(found.troubled)))
    return (
        f"{len(found.troubled)} of {found.solves} solves at {found!r} ended as {statuses}: "
        "value or gradient may be off; see .solutions[k].certificate.message"
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
