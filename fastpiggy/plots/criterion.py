"""The criterion over its hyperparameter, with the tangents that the search saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Half the length of a tangent, as a part of the range of log alpha.
REACH = 0.04
# Points of the curve between two evaluations.
FINE = 40


def plot_criterion(result: Any, ax: Axes | None = None, *, parameter: str | None = None) -> Axes:
    """Draw every evaluation of a search with its tangent, and the curve.

    Parameters
    ----------
    result : TuneResult
        What `fastpiggy.tune` returned.
    ax : matplotlib.axes.Axes, optional
        Where to draw; the current axes if not given.
    parameter : str, optional
        Which hyperparameter; may be left out if the search had one.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Notes
    -----
    After a search by path the curve is exact.  Else it is between two neighbours the cubic in the
    logarithm of the hyperparameter that has the evaluated values and slopes; where a neighbour
    lies beyond a kink the true curve differs.
    """
    if ax is None:
        ax = _current_axes()
    parameter = _only_parameter(result) if parameter is None else parameter
    places, values, slopes = criterion_points(result, parameter)
    if getattr(result, "curve", None) is None:
        curve, label = hermite_curve(places, values, slopes), "interpolated"
    else:
        curve, label = exact_curve(result.curve), "exact"
    ax.plot(np.exp(curve[0]), curve[1], color="0.6", linewidth=1, zorder=1, label=label)
    reach = REACH * max(np.ptp(places), 1.0)
    for k, (place, value, slope) in enumerate(zip(places, values, slopes, strict=True)):
        ends = np.array([-reach, reach])
        label = "tangent" if k == 0 else None
        ax.plot(np.exp(place + ends), value + slope * ends, color="C1", zorder=2, label=label)
    ax.plot(np.exp(places), values, "o", color="C0", markersize=4, zorder=3, label="evaluated")
    best = float(np.asarray(result.params[parameter]))
    ax.plot([best], [result.value], "*", color="C3", markersize=12, zorder=4, label="best")
    ax.set_xscale("log")
    ax.set_xlabel(parameter)
    ax.set_ylabel("criterion")
    ax.legend(frameon=False)
    return ax


def criterion_points(result: Any, parameter: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give log parameter, value and slope in the log of every evaluation, in ascending order.

    Parameters
    ----------
    result : TuneResult
        With its `history`.
    parameter : str
        A scalar, positive hyperparameter.

    Returns
    -------
    places, values, slopes : ndarray
        One entry a distinct place.
    """
    if not result.history:
        raise ValueError("result.history is empty: there is nothing to draw")
    if parameter not in result.params:
        raise ValueError(f"parameter must be one of {list(result.params)}, got {parameter!r}")
    if np.size(result.params[parameter]) != 1:
        raise ValueError(f"parameter {parameter!r} is not a scalar: its curve cannot be drawn")
    x = np.array([float(np.asarray(e.params[parameter])) for e in result.history])
    values = np.array([e.value for e in result.history])
    slopes = np.array([float(np.asarray(e.gradient[parameter])) for e in result.history])
    places, first = np.unique(np.log(x), return_index=True)
    return places, values[first], (x * slopes)[first]


def hermite_curve(
    places: np.ndarray, values: np.ndarray, slopes: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give points of the piecewise cubic with these values and slopes."""
    if places.size < 2:
        return places, values
    from scipy.interpolate import CubicHermiteSpline

    steps = np.linspace(0, 1, FINE, endpoint=False)
    fine = np.append((places[:-1, None] + np.diff(places)[:, None] * steps).ravel(), places[-1])
    return fine, CubicHermiteSpline(places, values, slopes)(fine)


def exact_curve(curve: Any) -> tuple[np.ndarray, np.ndarray]:
    """Give points of the curve of a search by path: its knots, and others in between."""
    low, high = curve.knots[-1], curve.knots[0]
    places = np.union1d(curve.knots, np.clip(np.geomspace(low, high, 10 * FINE), low, high))
    return np.log(places), curve(places)


def _only_parameter(result: Any) -> str:
    if len(result.params) != 1:
        raise ValueError(f"say which parameter to draw, one of {list(result.params)}")
    return next(iter(result.params))


def _current_axes() -> Axes:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        message = 'plots need matplotlib: pip install "fastpiggy[plot]"'
        raise ImportError(message) from error
    return pyplot.gca()
