"""Ridge regression in scikit-learn's scaling: given alpha, and alpha searched."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fastpiggy.certificate import FastpiggyWarning
from fastpiggy.criteria import CrossVal, Evaluation
from fastpiggy.designs import matrix
from fastpiggy.estimators import checks, scores, search
from fastpiggy.estimators.base import OneAlpha, SearchedAlpha, nonnegative
from fastpiggy.estimators.described import described
from fastpiggy.problems import ridge
from fastpiggy.tuning import alpha_range, spectra
from fastpiggy.tuning.leave_one_out import LeaveOneOut, basis
from fastpiggy.tuning.smooth_curve import SmoothCurve

#: Rows of ``mse_path_`` after a search.
_SHOWN = 100


class _Scaled:
    def _scaled(self, X: Any, y: Any, weight: Any, alpha: Any) -> Any:
        """The problem, alpha already that of the mean loss."""
        return ridge(X, y, alpha, sample_weight=weight, fit_intercept=self.fit_intercept)


@described
class Ridge(_Scaled, OneAlpha):
    """Least squares with a squared l2 penalty, not divided by n.

    ``sum_i sample_weight_i (y_i - X_i w - b)^2 + alpha norm2(w)^2``: alpha is n times that of
    :func:`fastpiggy.ridge`.

    Parameters
    ----------
    {alpha}
    {fit_intercept}
    {max_iter}
    {tol}
    {positive}
    copy_X, solver, random_state
        scikit-learn's; without effect.

    Attributes
    ----------
    {fitted}

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

    def _problem(self, X: Any, y: Any, weight: Any, alpha: Any) -> Any:
        found = self._scaled(X, y, weight, alpha / checks.total_weight(X, weight))
        return nonnegative(found) if self.positive else found


@described
class RidgeCV(_Scaled, SearchedAlpha):
    """Ridge regression with alpha searched by cross-validation, in closed form.

    Parameters
    ----------
    alphas : array_like or None, default=(0.1, 1.0, 10.0)
        The best of them is taken, as scikit-learn does; None: alpha is searched on the curve of the
        squared error.
    {fit_intercept}
    scoring : str, callable or None, default=None
        What chooses among the alphas, as in scikit-learn: by default the squared error where one
        row at a time is left out, the mean r2 of the folds else.
    cv : int, splitter or iterable, optional
        By default one row at a time is left out.
    gcv_mode
        scikit-learn's; without effect.
    store_cv_results : bool, default=False
        Whether to keep ``cv_results_``, where one row at a time is left out.
    alpha_per_target : bool, default=False
        Whether each target has an alpha of its own; else there is one for all.
    {tol}
    {n_jobs}

    Attributes
    ----------
    {searched}
    {fitted}
    best_score_ : float or ndarray of shape (q,)
        By `scoring`; ``-criterion_`` where that is None and one row at a time is left out.
    cv_results_ : ndarray of shape (n, alphas) or (n, q, alphas)
        With ``store_cv_results=True``, of each row left out: the squared error, its prediction
        where `scoring` is given.

    Notes
    -----
    Whatever chooses alpha, ``criterion_``, ``gradient_``, ``history_`` and ``mse_path_`` are of the
    squared error.  Searched for all targets together, alpha and what is said of the search are one;
    losses are means over targets.  Rows that are left out one at a time count by their sample
    weights, and ``mse_path_`` has one column, their mean.

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
        self, alphas: Any = (0.1, 1.0, 10.0), *, fit_intercept: bool = True, scoring: Any = None,
        cv: Any = None, gcv_mode: str | None = None, store_cv_results: bool = False,
        alpha_per_target: bool = False, tol: float = 1e-9, n_jobs: int | None = None,
    ) -> None:  # fmt: skip
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.scoring = scoring
        self.cv = cv
        self.gcv_mode = gcv_mode
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target
        self.tol = tol
        self.n_jobs = n_jobs

    # What `_solved` takes from a parameter of the others: there is one linear system to solve.
    max_iter = None

    def _check_parameters(self) -> None:
        self._judge = scores.scorer(self.scoring, None if self.cv is None else "r2")
        if self.scoring is not None and self.alphas is None:
            raise ValueError(
                f"scoring must be None with alphas=None, got {self.scoring!r}: the curve that is "
                "searched is that of the squared error; give alphas to choose from"
            )
        if self.gcv_mode not in (None, "auto", "svd", "eigen"):
            raise ValueError(f"gcv_mode must be 'auto', 'svd' or 'eigen', got {self.gcv_mode!r}")
        if self.store_cv_results and self.cv is not None:
            raise ValueError("store_cv_results=True is for cv=None, one row left out at a time")

    @property
    def _one_search(self) -> bool:  # type: ignore[override]
        return not self.alpha_per_target

    def _fit_all(self, X: Any, targets: list[np.ndarray], weight: Any) -> list[search.Found]:
        total = checks.total_weight(X, weight)
        alphas = None if self.alphas is None else search.given(self.alphas)
        if self.cv is None and self._judge is not None and weight is not None and not weight.all():
            raise ValueError(
                "scoring needs a prediction of every row that is left out, and a row of "
                "sample_weight 0 has none: leave such rows out, or give cv"
            )
        problems = [self._scaled(X, y, weight, 1.0) for y in targets]
        losses = self._losses(X, targets, problems, alphas)
        asked, chosen, tables = None, [None] * len(targets), None
        if alphas is not None:
            # Of equal scores the first one counts, in the order given.
            asked = np.atleast_1d(np.asarray(self.alphas, dtype=float)) / total
            if self._judge is not None:
                tables = self._tables(losses, problems, asked, weight)
                chosen = [int(np.nanargmax(row)) for row in tables]
                chosen = chosen * len(targets) if self._one_search else chosen
        if self.store_cv_results:
            rows = [
                each.rows(asked)[0] if self._judge is None else each.predictions(problem, asked)
                for each, problem in zip(losses, problems, strict=True)
            ]
            self.cv_results_ = np.stack(rows, axis=1) if self._several else rows[0]
        searched = [_Mean(losses)] * len(targets) if self._one_search else losses
        found = []
        for k, (problem, own, loss) in enumerate(zip(problems, losses, searched, strict=True)):
            same = found and self._one_search
            pick = None if chosen[k] is None else total * asked[chosen[k]]
            at = found[0] if same else _searched(loss, alphas, problem, total, pick)
            alpha = at.params["alpha"] / total
            start = own.coefficients(problem, alpha) if self.cv is None else None
            solution = self._solved(problem.replace(alpha=alpha), start)
            found.append(replace(at, solution=solution))
        if self._judge is not None:
            if tables is None:
                ends = np.array([at.params["alpha"] / total for at in found])
                tables = self._tables(losses, problems, ends, weight)
                chosen = range(len(targets))
            best = np.array([row[i] for row, i in zip(tables, chosen, strict=False)])
            each = self._several and not self._one_search
            self.best_score_ = best if each else float(best[0])
        return found

    def _tables(
        self, losses: list[Any], problems: list[Any], alphas: np.ndarray, weight: Any
    ) -> np.ndarray:
        """Scores at alphas, one row a target, or one for all of them."""
        if self.cv is None:
            pairs = zip(losses, problems, strict=True)
            judged = [[each.predictions(problem, alphas)] for each, problem in pairs]
            parts = [np.arange(problems[0].shape[0])]
        else:
            judged = [each.predictions(alphas) for each in losses]
            parts = losses[0].rows
        y = np.column_stack([problem.loss.y for problem in problems])
        all_targets = self._one_search and self._several
        found = []
        for group in [slice(None)] if all_targets else range(y.shape[1]):
            by_part = []
            for v, rows in enumerate(parts):
                Z = np.stack([each[v] for each in judged], axis=1)[:, group]
                s = None if weight is None else weight[rows]
                by_part.append(scores.scores(self._judge, y[rows][:, group], Z, s))
            found.append(np.mean(by_part, axis=0))
        if np.isnan(found).all(axis=1).any():
            raise ValueError(f"scoring={self.scoring!r} gave no score for any of the alphas")
        return np.array(found)

    def _losses(self, X: Any, targets: list[Any], problems: list[Any], alphas: Any) -> list[Any]:
        """Losses and slopes over alpha of the folds, or rows, of each target."""
        if self.cv is not None:
            return [
                _Folds.of(CrossVal(
                    problem, search.splits(self.cv, X, y), tol=self.tol,
                    n_jobs=search.jobs(self.n_jobs),
                ))
                for problem, y in zip(problems, targets, strict=True)
            ]  # fmt: skip
        if X.shape[0] < 2:
            raise ValueError("leaving out one row needs two at least, got 1 sample")
        if alphas is not None and not alphas[-1] > 0:
            raise ValueError(
                "alphas must be positive where one row at a time is left out (cv=None)"
            )
        shared = basis(problems[0])
        return [LeaveOneOut.of(shared, problem) for problem in problems]

    def _keep(self, found: list[Any]) -> None:
        super()._keep(found)
        if self._judge is None:
            self.best_score_ = -self.criterion_


class _Folds(NamedTuple):
    """The folds of a cross-validation: each in closed form, or by solves where X is large.

    In each the sum of losses and the penalty are weighed as in the fit to all rows, as where one
    row is left out.
    """

    criterion: Any
    closed: list[spectra.Predictions]
    spectra: list[Any]
    shares: list[float]

    @classmethod
    def of(cls, criterion: Any) -> "_Folds":
        whole = criterion.problem.total_weight
        shares = [whole / part.problem.total_weight for part in criterion.parts]
        if spectra.applies(criterion, ["alpha"]):
            return cls(criterion, [], [], shares)
        closed = spectra.predictions(criterion)
        return cls(criterion, closed, spectra.judged(criterion, closed), shares)

    @property
    def rows(self) -> list[np.ndarray]:
        """Those that judge, by fold."""
        return [np.flatnonzero(part.loss.sample_weight) for part in self.criterion.parts]

    def at(self, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.spectra:
            pairs = zip(self.spectra, self.shares, strict=True)
            found = [
                (value, f * slope) for part, f in pairs for value, slope in [part.at(f * alpha)]
            ]
            values, slopes = zip(*found, strict=True)
            return np.array(values), np.array(slopes)
        table = self._solved(alpha, ("alpha",))
        values = [[value for value, _, _ in row] for row in table]
        slopes = [[f * gradient["alpha"] for _, gradient, _ in row]
                  for f, row in zip(self.shares, table, strict=True)]  # fmt: skip
        return np.array(values), np.array(slopes)

    def predictions(self, alpha: np.ndarray) -> list[np.ndarray]:
        """On the judging rows of each fold, of shape (rows, alphas)."""
        if self.closed:
            return [part.at(f * alpha) for part, f in zip(self.closed, self.shares, strict=True)]
        found = []
        for rows, row in zip(self.rows, self._solved(alpha, ()), strict=True):
            x = np.column_stack([solution.x for _, _, solution in row])
            b = np.array([solution.intercept for _, _, solution in row])
            found.append((matrix.predict(self.criterion.problem.design, x) + b)[rows])
        return found

    def _solved(self, alpha: np.ndarray, names: tuple[str, ...]) -> list[list[Any]]:
        """What each part says, by alpha."""

        def one(k: int) -> list[Any]:
            part, warm, found = self.criterion.parts[k], None, []
            for a in alpha:
                params = {"alpha": float(self.shares[k] * a)}
                found.append(part.evaluate(params, names, warm, self.criterion.tol))
                warm = found[-1][2]
            return found

        with ThreadPoolExecutor(self.criterion.n_jobs) as pool:
            return list(pool.map(one, range(len(self.criterion.parts))))


class _Mean(NamedTuple):
    """The mean over targets."""

    targets: list[Any]

    def at(self, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, slopes = zip(*(target.at(alpha) for target in self.targets), strict=True)
        return np.mean(values, axis=0), np.mean(slopes, axis=0)


class _Curve(NamedTuple):
    """The mean over folds or rows, which is searched."""

    loss: Any

    def at(self, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, slopes = self.loss.at(alpha)
        return values.mean(axis=0), slopes.mean(axis=0)


def _searched(
    loss: Any, alphas: np.ndarray | None, problem: Any, total: float, pick: float | None
) -> search.Found:
    """The best alpha, of those given or on the curve; alphas are those of a sum of losses.

    `pick` is the one among those given that a score has chosen, where one has.
    """
    tried = alphas
    if alphas is None:
        low, high = alpha_range(problem)
        if not high > 0:
            low, high = 1e-6, 1.0  # every column is constant
        curve = SmoothCurve(np.array([high, low]), (_Curve(loss),))
        best, seen = curve.minimum()[0], curve.grid[1]
        if best in (low, high) and np.ptp(seen) > 1e-12 * np.abs(seen).max():
            warnings.warn(
                f"the best alpha lies on the {'lower' if best == low else 'upper'} edge of the "
                "range that was searched: give alphas to look further",
                FastpiggyWarning,
                stacklevel=4,
            )
        tried = total * np.array([best])
        alphas = total * np.clip(np.geomspace(high, low, _SHOWN), low, high)
    values, slopes = loss.at(tried / total)
    history = tuple(
        Evaluation(
            {"alpha": float(a)}, float(v.mean()), {"alpha": float(g.mean())}, v, {"alpha": g}, (),
            0.0,
        )
        for a, v, g in zip(tried, values.T, slopes.T / total, strict=True)
    )  # fmt: skip
    at = min(history, key=lambda evaluation: evaluation.value)
    if pick is not None:
        at = history[int(np.argmin(np.abs(tried - pick)))]
    table = values if tried is alphas else loss.at(alphas / total)[0]
    return search.Found(None, at.params, at.value, at.gradient, history, alphas, table.T)
