"""The criterion over its hyperparameter, with the tangents that the search saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastpiggy.plots.figure import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Half the length of a tangent, as a part of the range of log alpha.
REACH = 0.04
# Points of the curve between two evaluations.
FINE = 40


class CriterionDisplay:
    """A criterion over one hyperparameter: evaluations with their tangents, curve, and best.

    Made by :meth:`from_result`, :meth:`from_estimator` or :meth:`from_criterion`.

    Parameters
    ----------
    places : ndarray of shape (k,)
        Values of the hyperparameter, ascending.
    values, slopes : ndarray of shape (k,)
        The criterion and its derivative there, in natural units.
    best : tuple of float, optional
        The best hyperparameter, and the criterion there.
    curve : tuple of ndarray, optional
        Points of the exact curve: hyperparameters, ascending, and values.  Where not given, the
        curve between two neighbours is the cubic in the logarithm of the hyperparameter that has
        their values and slopes; where a kink lies between, the true curve differs.
    parameter : str, default="alpha"
        The hyperparameter's name.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
    figure_ : matplotlib.figure.Figure
    curve_, points_, best_ : matplotlib.lines.Line2D
        The last one None without a best.
    tangents_ : list of matplotlib.lines.Line2D
    """

    def __init__(
        self, *, places: np.ndarray, values: np.ndarray, slopes: np.ndarray,
        best: tuple[float, float] | None = None,
        curve: tuple[np.ndarray, np.ndarray] | None = None, parameter: str = "alpha",
    ) -> None:  # fmt: skip
        self.places = places
        self.values = values
        self.slopes = slopes
        self.best = best
        self.curve = curve
        self.parameter = parameter

    @classmethod
    def from_result(
        cls, result: Any, *, parameter: str | None = None, ax: Axes | None = None
    ) -> CriterionDisplay:
        """Draw what a search saw, on the exact curve where it found one.

        Parameters
        ----------
        result : TuneResult
            What :func:`fastpiggy.tune` returned.
        parameter : str, optional
            Which hyperparameter; may be left out if the search had one.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if not given.

        Returns
        -------
        CriterionDisplay

        Raises
        ------
        ValueError
            Where there is no evaluation, or no such number among the hyperparameters.

        Examples
        --------
        >>> import numpy as np
        >>> import fastpiggy as fp
        >>> rng = np.random.default_rng(0)
        >>> X = rng.standard_normal((60, 20))
        >>> y = X[:, 0] - X[:, 1] + 0.5 * rng.standard_normal(60)
        >>> result = fp.tune(fp.CrossVal(fp.lasso(X, y, alpha=1.0)))
        >>> display = fp.plots.CriterionDisplay.from_result(result)
        >>> display.ax_.get_xlabel(), len(display.tangents_)
        ('alpha', 1)
        """
        if parameter is None:
            parameter = _only(result.params)
        points = _points(result.history, result.params, parameter)
        curve = None if getattr(result, "curve", None) is None else _exact(result.curve)
        best = float(np.asarray(result.params[parameter])), float(result.value)
        return cls(**points, best=best, curve=curve, parameter=parameter).plot(ax)

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, target: int = 0, ax: Axes | None = None
    ) -> CriterionDisplay:
        """Draw the search of a fitted estimator that ends in ``CV``.

        Parameters
        ----------
        estimator : estimator
            Of ``fastpiggy.estimators``, fitted; its alpha or C is drawn.
        target : int, default=0
            Which target, where there are several.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if not given.

        Returns
        -------
        CriterionDisplay

        Raises
        ------
        ValueError
            Where the estimator has made no search.
        """
        if not hasattr(estimator, "history_"):
            raise ValueError("estimator must be one that ends in CV, fitted: it has no history_")
        parameter = "C" if hasattr(estimator, "C_") else "alpha"
        several = isinstance(estimator.history_, list)
        history = estimator.history_[target] if several else estimator.history_
        at = target if several else 0
        best = float(np.ravel(getattr(estimator, f"{parameter}_"))[at])
        value = float(np.ravel(estimator.criterion_)[at])
        points, curve = _points(history, {parameter: best}, parameter), None
        seen = getattr(estimator, f"{parameter}s_", ())
        table = getattr(estimator, "mse_path_", None)
        if several:
            seen, table = seen[target], table[target]
        if table is not None and len(seen) > len(history):
            # Read off the curve of a search in closed form or by path.
            curve = np.asarray(seen)[::-1], np.asarray(table).mean(axis=1)[::-1]
        return cls(**points, best=(best, value), curve=curve, parameter=parameter).plot(ax)

    @classmethod
    def from_criterion(
        cls, criterion: Any, places: Any, *, parameter: str = "alpha", ax: Axes | None = None
    ) -> CriterionDisplay:
        """Evaluate a criterion at some places and draw it.

        Parameters
        ----------
        criterion : criterion
            Such as :class:`fastpiggy.CrossVal`.
        places : array_like of shape (k,)
            Positive values of the hyperparameter.
        parameter : str, default="alpha"
            Which one; the others stay as the problem has them.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if not given.

        Returns
        -------
        CriterionDisplay
        """
        history = [criterion.evaluate(**{parameter: float(place)}) for place in places]
        at = history[0].params if history else {}
        return cls(**_points(history, at, parameter), parameter=parameter).plot(ax)

    def plot(self, ax: Axes | None = None) -> CriterionDisplay:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure if not given.

        Returns
        -------
        CriterionDisplay
            Itself.
        """
        ax = new_axes() if ax is None else ax
        logs = np.log(self.places)
        if self.curve is None:
            fine, values = hermite(logs, self.values, self.places * self.slopes)
            curve, label = (np.exp(fine), values), "interpolated"
        else:
            curve, label = self.curve, "exact"
        (self.curve_,) = ax.plot(*curve, color="0.6", linewidth=1, zorder=1, label=label)
        reach = REACH * max(np.ptp(logs), 1.0) * np.array([-1.0, 1.0])
        self.tangents_ = []
        for place, value, slope in zip(self.places, self.values, self.slopes, strict=True):
            label = None if self.tangents_ else "tangent"
            ends = place * np.exp(reach), value + place * slope * reach
            self.tangents_ += ax.plot(*ends, color="C1", zorder=2, label=label)
        (self.points_,) = ax.plot(
            self.places, self.values, "o", color="C0", markersize=4, zorder=3, label="evaluated"
        )
        self.best_ = None
        if self.best is not None:
            star = {"marker": "*", "color": "C3", "markersize": 12, "linestyle": "none"}
            (self.best_,) = ax.plot(*self.best, **star, zorder=4, label="best")
        ax.set(xscale="log", xlabel=self.parameter, ylabel="criterion")
        ax.legend(frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _only(params: dict[str, Any]) -> str:
    if len(params) != 1:
        raise ValueError(f"say which parameter to draw, one of {list(params)}")
    return next(iter(params))


def _points(history: Any, params: dict[str, Any], parameter: str) -> dict[str, np.ndarray]:
    """Places, values and slopes of the evaluations, one a distinct place, ascending."""
    if not history:
        raise ValueError("there is no evaluation: nothing to draw")
    if parameter not in params:
        raise ValueError(f"parameter must be one of {list(params)}, got {parameter!r}")
    if np.size(params[parameter]) != 1:
        raise ValueError(f"parameter {parameter!r} is not a scalar: its curve cannot be drawn")
    read: list[Callable[[Any], Any]] = [
        lambda at: at.params[parameter], lambda at: at.value, lambda at: at.gradient[parameter]
    ]  # fmt: skip
    found = [np.array([float(np.asarray(get(at))) for at in history]) for get in read]
    _, first = np.unique(found[0], return_index=True)
    return dict(zip(("places", "values", "slopes"), (each[first] for each in found), strict=True))


def hermite(
    places: np.ndarray, values: np.ndarray, slopes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points of the piecewise cubic with these values and slopes."""
    if places.size < 2:
        return places, values
    from scipy.interpolate import CubicHermiteSpline

    steps = np.linspace(0, 1, FINE, endpoint=False)
    fine = np.append((places[:-1, None] + np.diff(places)[:, None] * steps).ravel(), places[-1])
    return fine, CubicHermiteSpline(places, values, slopes)(fine)


def _exact(curve: Any) -> tuple[np.ndarray, np.ndarray]:
    """Points of the curve of a search by path: its knots, and others in between."""
    low, high = curve.knots[-1], curve.knots[0]
    places = np.union1d(curve.knots, np.clip(np.geomspace(low, high, 10 * FINE), low, high))
    return places, curve(places)
