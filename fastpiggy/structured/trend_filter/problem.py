"""Trend filtering: a signal whose differences of some order are sparse."""

from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import numpy as np

from fastpiggy.problems import checks
from fastpiggy.structured.signal import Signal, checked_signal
from fastpiggy.structured.trend_filter.discrete_spline import (
    DiscreteSpline,
    difference,
    differences,
    dual,
    placed,
)

#: Residuals of the polynomial fit below this, over the largest y, are rounding.
_ROUNDING = 64 * np.finfo(float).eps


@dataclass(frozen=True)
class NullModel:
    """The solution without knots: the polynomial, and its dual variable.

    Parameters
    ----------
    x : ndarray of shape (n,)
    u : ndarray of shape (n - degree - 1,)
        ``D'u = W (y - x)``; zero where y is a polynomial to rounding.
    gradient : float
        Largest entry of ``W (y - x)``.
    top : float
        Largest entry of u, the smallest alpha with this solution.
    """

    x: np.ndarray
    u: np.ndarray
    gradient: float
    top: float


@dataclass(frozen=True, eq=False)
class TrendFilter(Signal):
    """``sum_i sample_weight_i (x_i - y_i)^2 / 2 + alpha norm1(D x)``; see :func:`trend_filter`.

    Parameters
    ----------
    y : ndarray of shape (n,)
        The signal.
    alpha : float
        The penalty.
    degree : int
        Of the pieces.
    sample_weight : ndarray of shape (n,)
        Taken as they are.
    t : ndarray of shape (n,) or None
        Positions; None at distances of one.
    """

    y: np.ndarray
    alpha: float
    degree: int
    sample_weight: np.ndarray
    t: np.ndarray | None = None
    # What belongs to y and the weights, shared by the problems that differ in alpha.
    _shared: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def order(self) -> int:
        """Order of the differences, ``degree + 1``."""
        return self.degree + 1

    @property
    def rows(self) -> int:
        """Number of differences, the rows of D."""
        return self.y.size - self.order

    def differences(self, x: np.ndarray) -> np.ndarray:
        """D x, along the last axis."""
        return difference(x, self.order, self.t)

    @cached_property
    def operator(self) -> np.ndarray:
        """D by diagonals."""
        return differences(self.y.size, self.order, self.t)

    @cached_property
    def largest(self) -> float:
        """The largest sum of sizes in a row of D."""
        if self.t is None:
            return 2.0**self.order
        return float(np.abs(self.operator).sum(axis=0).max())

    @cached_property
    def positions(self) -> np.ndarray:
        """Where points stand, with three times the order more at each end."""
        return placed(self.y.size, self.order, self.t)

    @property
    def distance(self) -> float:
        """Mean distance of points."""
        return 1.0 if self.t is None else float(self.t[-1] - self.t[0]) / (self.t.size - 1)

    def spline(self, rows: np.ndarray) -> DiscreteSpline:
        """The signals with ``D x = 0`` but in some rows."""
        return DiscreteSpline(self.y.size, self.order, rows, at=self.positions)

    def dual(self, g: np.ndarray, rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """See :func:`fastpiggy.structured.trend_filter.discrete_spline.dual`."""
        return dual(g, self.order, rows, targets, self.positions)

    def _checked_weights(self, value: Any) -> np.ndarray:
        return _weights(value, self.y.size, self.order)

    def system(self) -> Any:
        """What :func:`fastpiggy.solve` works with."""
        return _system()(self)

    def _make_null_model(self) -> NullModel:
        return _null_model(self)

    @property
    def scales(self) -> tuple[float, float]:
        """``gradient`` and ``top`` of :attr:`null_model`."""
        if "scales" not in self._shared:
            null = self.null_model
            self._shared["scales"] = null.gradient, null.top
        return self._shared["scales"]  # type: ignore[no-any-return]

    def take_scales(self, gradient: float, size: float, top: float) -> tuple[float, float]:
        """Keep the scales that have been found; `size` is about the largest of ``abs(w y)``.

        Raises
        ------
        ValueError
            If sums of y overflow.
        """
        if not gradient * float(self.y.size) ** self.order < np.inf:
            raise ValueError(
                "y is finite but its sums overflow (largest entry "
                f"{np.abs(self.y).max():g}); scale it"
            )
        found = (gradient, top) if gradient > _ROUNDING * size else (0.0, 0.0)
        self._shared["scales"] = found
        return found

    def alpha_max(self) -> float:
        """The smallest alpha at which ``D x = 0``: x is then the polynomial of least squares.

        Returns
        -------
        float
            ``norm_inf(u)`` with ``D'u = W (y - x)``.

        Examples
        --------
        >>> import fastpiggy as fp
        >>> fp.trend_filter([0.0, 0.0, 3.0], alpha=1.0, degree=0).alpha_max()
        2.0
        """
        return self.scales[1]

    def __repr__(self) -> str:
        return f"<TrendFilter n {self.y.size}, degree {self.degree}, alpha={self.alpha:.4g}>"


@cache
def _system() -> Any:
    from fastpiggy.structured.trend_filter.system import System

    return System


def trend_filter(
    y: Any, alpha: float, degree: int = 1, sample_weight: Any = None, t: Any = None
) -> TrendFilter:
    """Smooth a signal by a piecewise polynomial with few knots.

    ``sum_i sample_weight_i (x_i - y_i)^2 / 2 + alpha norm1(D x)``, D the differences of order
    ``degree + 1``: x is piecewise constant (total variation) for degree 0, piecewise linear for
    degree 1, and so on.

    Parameters
    ----------
    y : array_like of shape (n,)
        The signal; ``n > degree + 1``.
    alpha : float
        Not negative.
    degree : int, default=1
        0, 1, 2 or 3.
    sample_weight : array_like of shape (n,), optional
        Not negative, taken as they are; ones by default.  At least ``degree + 1`` are positive.
    t : array_like of shape (n,), optional
        Positions of the points, increasing; at distances of one by default.  D then holds divided
        differences (Tibshirani 2014, equation 10), for degree 1 the changes of slope; alpha is in
        units of y times those of t to the power of the degree.  Degree 0 does not depend on t.

    Returns
    -------
    TrendFilter

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or range; the message names it.

    Examples
    --------
    >>> import fastpiggy as fp
    >>> problem = fp.trend_filter([0.0, 0.0, 3.0, 3.0], alpha=1.0, degree=0)
    >>> sol = fp.solve(problem, wrt="alpha")
    >>> sol.x, sol.jacobian["alpha"]
    (array([0.5, 0.5, 2.5, 2.5]), array([ 0.5,  0.5, -0.5, -0.5]))
    """
    if type(degree) is not int and (isinstance(degree, bool) or not isinstance(degree, np.integer)):
        raise TypeError(
            f"degree must be an integer from 0 to 3, got {degree!r} of type {type(degree).__name__}"
        )
    if not 0 <= degree <= 3:
        raise ValueError(f"degree must be 0, 1, 2 or 3, got {degree}")
    alpha = checks.number(alpha, "alpha")
    found = checked_signal(y)
    if found.ndim != 1 or found.size < degree + 2:
        raise ValueError(
            f"y must have one dimension and more than degree + 1 = {degree + 1} points, got shape "
            f"{found.shape}"
        )
    weights = _weights(sample_weight, found.size, degree + 1)
    shared = {"heaviest": 1.0} if sample_weight is None else {}
    return TrendFilter(found, alpha, int(degree), weights, _positions(t, found.size), shared)


def _positions(value: Any, size: int) -> np.ndarray | None:
    if value is None:
        return None
    t = np.array(checks.vector(value, "t", size, "point"))
    steps = np.diff(t)
    bad = np.flatnonzero(~(steps > 0))
    if bad.size:
        i = int(bad[0])
        what = "twice; give such points once, by their mean with the sum of their sample weights"
        if steps[i] < 0:
            what = "after a larger one; sort the points"
        raise ValueError(f"t must increase, got {t[i + 1]} at index {i + 1} {what}")
    return t


def _weights(value: Any, size: int, order: int) -> np.ndarray:
    if value is None:
        return np.ones(size)
    found = np.array(checks.weights(value, "sample_weight", size, "point"))
    positive = int(np.count_nonzero(found))
    if positive < order:
        raise ValueError(
            f"sample_weight must have at least degree + 1 = {order} positive entries, got "
            f"{positive}: no polynomial is determined"
        )
    return found


def _null_model(problem: TrendFilter) -> NullModel:
    y, w, order = problem.y, problem.sample_weight, problem.order
    rows, none = np.zeros(0, dtype=np.int64), np.zeros(0)
    with np.errstate(over="ignore", invalid="ignore"):
        x = _constant(y, w) if order == 1 else problem.spline(rows).fit(y, w, 0.0, none)[0]
        g = w * (y - x)
        largest, size = float(np.abs(g).max()), float(np.abs(w * y).max())
        problem.take_scales(largest, size, 0.0)
    if largest <= _ROUNDING * size:
        return NullModel(x, np.zeros(problem.rows), 0.0, 0.0)
    u = -np.cumsum(g)[:-1] if order == 1 else problem.dual(g, rows, none)
    top = float(np.abs(u).max())
    problem.take_scales(largest, size, top)
    return NullModel(x, u, largest, top)


def _constant(y: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The weighted mean, twice, so that what is left is the rounding of y - x."""
    mean, total = 0.0, w.sum()
    for _ in range(2):
        mean += (w * (y - mean)).sum() / total
    return np.full(y.size, mean)
