"""Cross-validation for estimators: the best of given alphas, or a search of a range."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.model_selection import check_cv

from fastpiggy.criteria import CrossVal, Evaluation
from fastpiggy.problems import checks
from fastpiggy.solving import solve
from fastpiggy.tuning import tune


@dataclass(frozen=True)
class Found:
    """What was fitted to one target.

    Parameters
    ----------
    solution : Solution
    params : dict of str to float or ndarray
    value : float
        Of the criterion, at the best.
    gradient : dict of str to float or ndarray
    history : tuple of Evaluation
    alphas : ndarray of shape (k,)
        From the largest down.
    fold_values : ndarray of shape (k, folds)
    """

    solution: Any
    params: dict[str, Any] = field(default_factory=dict)
    value: float = np.nan
    gradient: dict[str, Any] = field(default_factory=dict)
    history: tuple[Any, ...] = ()
    alphas: np.ndarray | None = None
    fold_values: np.ndarray | None = None

    def rescaled(
        self, value: Callable[[Any], Any], factor: Callable[[Any], Any], name: str = "alpha"
    ) -> "Found":
        """The same in another scaling of alpha.

        Parameters
        ----------
        value, factor : callable
            From alpha to the new number, and to the derivative of alpha in it.
        name : str, default="alpha"
            What it is called.
        """

        def turned(params: dict[str, Any], slopes: dict[str, Any]) -> tuple[dict[str, Any], ...]:
            alpha = params["alpha"]
            others = [{k: v for k, v in d.items() if k != "alpha"} for d in (params, slopes)]
            new = {name: value(alpha)}, {name: slopes["alpha"] * factor(alpha)}
            return tuple(a | b for a, b in zip(new, others, strict=True))

        params, gradient = turned(self.params, self.gradient)
        history = []
        for at in self.history:
            there, slopes = turned(at.params, at.gradient)
            folds = turned(at.params, at.fold_gradients)[1]
            history.append(replace(at, params=there, gradient=slopes, fold_gradients=folds))
        return replace(
            self, params=params, gradient=gradient, history=tuple(history),
            alphas=value(self.alphas),
        )  # fmt: skip


def splits(cv: Any, X: Any, y: Any, classifier: bool = False) -> list[tuple[Any, Any]]:
    """The folds that scikit-learn's classes would take."""
    return list(check_cv(cv, y, classifier=classifier).split(X, y))


def jobs(n_jobs: Any) -> int:
    """Threads over folds, by scikit-learn's convention: None is 1, negative counts from all."""
    import os

    if n_jobs is None:
        return 1
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int | np.integer) or n_jobs == 0:
        raise ValueError(f"n_jobs must be None or an integer other than 0, got {n_jobs!r}")
    return int(n_jobs) if n_jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + int(n_jobs))


def best(
    problem: Any, folds: Any, alphas: Any, eps: float = 1e-3, *, wrt: Any = "alpha",
    metric: Any = None, tol: float = 1e-9, n_jobs: Any = None,
) -> Found:  # fmt: skip
    """The best of `alphas` where they are an array; a search of the range where a count or None.

    A search looks from alpha_max down to eps times that (the default range of ridge otherwise).
    """
    criterion = CrossVal(problem, folds, metric=metric, tol=tol, n_jobs=jobs(n_jobs))
    if alphas is not None and np.ndim(alphas) > 0:
        return _chosen(criterion, given(alphas))
    count = _count(alphas)
    eps = checks.number(eps, "eps", high=1.0, open_low=True)
    bounds = _range(problem, eps)
    if bounds is not None and not bounds["alpha"][1] > 0:
        # The targets are constant: every alpha gives the same model.
        return _chosen(criterion, np.array([1.0]))
    result = tune(criterion, wrt, bounds=bounds)
    alphas_, values = _table(result, count)
    return Found(
        result.solution, result.params, result.value, result.gradient, light(result.history),
        alphas_, values,
    )  # fmt: skip


def _range(problem: Any, eps: float) -> dict[str, tuple[float, float]] | None:
    try:
        top = problem.alpha_max()
    except ValueError:
        # A ridge penalty has no alpha_max; its range is that of `tune`.
        return None
    # One sample, or targets that are constant to rounding.
    scale = np.abs(problem.loss.y).max() if hasattr(problem, "loss") else 1.0
    if top <= 1e-14 * scale:
        return {"alpha": (0.0, 0.0)}
    return {"alpha": (eps * top, top)}


def given(alphas: Any) -> np.ndarray:
    found = np.sort(np.asarray(alphas, dtype=float).ravel())[::-1]
    if not found.size or not np.all(np.isfinite(found)) or found[-1] < 0:
        raise ValueError(f"alphas must be finite numbers that are not negative, got {alphas!r}")
    return found


def _count(alphas: Any) -> int:
    if alphas is None:
        return 100
    if isinstance(alphas, bool) or not isinstance(alphas, int | np.integer) or alphas < 1:
        raise ValueError(f"alphas must be an array, a positive integer or None, got {alphas!r}")
    return int(alphas)


def _chosen(criterion: Any, alphas: np.ndarray) -> Found:
    """The best of the alphas, the largest where several are."""
    history = [criterion.evaluate_quietly(alpha=float(alpha)) for alpha in alphas]
    i = int(np.argmin([found.value for found in history]))
    at = history[i]
    solution = solve(
        criterion.problem.replace(**at.params), derivative="none", tol=criterion.tol
    )  # fmt: skip
    values = np.array([found.fold_values for found in history])
    return Found(
        solution, {"alpha": float(alphas[i])}, at.value, at.gradient, light(history), alphas,
        values,
    )  # fmt: skip


def _table(result: Any, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Alphas from the largest down with the loss of each fold: on a curve as many as asked for."""
    if result.curve is not None:
        top, low = result.curve.knots[0], result.curve.knots[-1]
        alphas = np.geomspace(top, max(low, 1e-12 * top), count) if count > 1 else np.array([top])
        # Rounding must not leave what was visited.
        alphas = np.clip(alphas, low, top)
        return alphas, np.array([result.curve.fold_values(float(a)) for a in alphas])
    history = sorted(result.history, key=lambda found: -found.params.get("alpha", 0.0))
    alphas = np.array([found.params.get("alpha", np.nan) for found in history])
    return alphas, np.array([found.fold_values for found in history])


def light(history: Any) -> tuple[Evaluation, ...]:
    """Evaluations without their solutions, which hold the data."""
    return tuple(replace(found, solutions=()) for found in history)
