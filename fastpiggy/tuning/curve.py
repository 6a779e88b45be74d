"""The whole curve of a criterion over alpha, exact, as pieces."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.active_set.fold import Pieces

#: Minima count as apart where the curve between them rises by this part of the lower one.
APART = 1e-3

#: A rise below this part of the value is rounding where two pieces meet.
_ROUNDING = 1e-12

#: The lower end of a piece, short of the jump at its very end, as a part of its length.
INSIDE = 1.0 - 1e-6


@dataclass(frozen=True, eq=False)
class Quadratics:
    """A continuous curve of quadratics in alpha, from the largest alpha down.

    Parameters
    ----------
    knots : ndarray of shape (pieces + 1,)
        Descending.
    value, slope, curvature : ndarray of shape (pieces,)
        The curve on a piece is ``value + slope t + curvature t^2`` with ``t = knot - alpha`` and
        its upper knot.
    active : ndarray of shape (pieces,), int
        Active columns, of all folds together.
    """

    knots: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    curvature: np.ndarray
    active: np.ndarray

    @classmethod
    def of(cls, stretches: list[Pieces], end: float, share: float = 1.0) -> "Quadratics":
        """Join stretches that end at `end`, values times `share`."""
        parts = [np.concatenate(list(arrays)) for arrays in zip(*stretches, strict=True)]
        knots = np.append(parts[0], end)
        return cls(knots, *(share * array for array in parts[1:4]), parts[4])

    def piece(self, alpha: Any) -> np.ndarray:
        """The piece on which an alpha lies; the upper one of the two on a knot."""
        low, high = self.knots[-1], self.knots[0]
        alpha = np.asarray(alpha, dtype=float)
        if not np.all((alpha >= low) & (alpha <= high)):
            raise ValueError(f"alpha must lie in what was visited, [{low:.6g}, {high:.6g}]")
        found = np.searchsorted(-self.knots, -alpha, side="left") - 1
        return np.clip(found, 0, self.value.size - 1)

    def __call__(self, alpha: Any) -> Any:
        """The curve at one alpha or many."""
        i = self.piece(alpha)
        t = self.knots[i] - alpha
        found = self.value[i] + t * (self.slope[i] + t * self.curvature[i])
        return float(found) if np.ndim(alpha) == 0 else found

    def slopes(self, alpha: float) -> tuple[float, float]:
        """Derivatives with respect to alpha from below and from above, which differ at knots."""
        i = int(self.piece(alpha))
        t = self.knots[i] - alpha
        above = -(self.slope[i] + 2.0 * t * self.curvature[i])
        # On its lower knot the next piece begins.
        if alpha == self.knots[i + 1] and i + 1 < self.slope.size:
            return float(-self.slope[i + 1]), float(above)
        return float(above), float(above)

    @property
    def lengths(self) -> np.ndarray:
        return self.knots[:-1] - self.knots[1:]

    @cached_property
    def ends(self) -> np.ndarray:
        """Values at the lower end of each piece."""
        t = self.lengths
        return self.value + t * (self.slope + t * self.curvature)

    @cached_property
    def lowest(self) -> tuple[np.ndarray, np.ndarray]:
        """Where each piece is lowest, and its value there."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(self.curvature > 0.0, -0.5 * self.slope / self.curvature, 0.0)
        straight = (self.curvature <= 0.0) & (self.slope < 0.0)
        t = np.clip(np.where(straight, self.lengths, t), 0.0, self.lengths)
        value = self.value + t * (self.slope + t * self.curvature)
        alpha = np.where(t == self.lengths, self.knots[1:], self.knots[:-1] - t)
        return alpha, value

    def minimum(self) -> tuple[float, float]:
        """The global minimum of what was visited: alpha, the largest where several, and value."""
        alpha, value = self.lowest
        i = int(np.argmin(value))
        return float(alpha[i]), float(value[i])

    def minima(self, apart: float = APART) -> tuple[np.ndarray, np.ndarray]:
        """Local minima, from the largest alpha down.

        Parameters
        ----------
        apart : float, default=1e-3
            Neighbours count as two where the curve between them rises above the higher one by this
            part of its value; 0 gives every dip.

        Returns
        -------
        alpha, value : ndarray
        """
        alphas, values = self.lowest
        apart = max(apart, _ROUNDING)
        seen = np.column_stack([values, self.ends]).ravel().tolist()
        where = np.column_stack([alphas, self.knots[1:]]).ravel().tolist()
        found: list[tuple[float, float]] = []
        # Down to a low, up to a peak, in turn; a turn counts once it is far enough from the last.
        low, peak = (float(self.knots[0]), float(self.value[0])), -np.inf
        down = True
        for alpha, value in zip(where, seen, strict=True):
            if down and value < low[1]:
                low = (alpha, value)
            elif down and value > low[1] + apart * abs(low[1]):
                found.append(low)
                down, peak = False, value
            elif not down and value > peak:
                peak = value
            elif not down and value < peak - apart * abs(value):
                down, low = True, (alpha, value)
        if down:
            found.append(low)
        return np.array([a for a, _ in found]), np.array([v for _, v in found])


class FoldCurve:
    """What curves of several folds share: the one-standard-error rule."""

    def fold_values(self, alpha: float) -> np.ndarray:
        """The loss of each fold at an alpha."""
        raise NotImplementedError

    def minimum(self) -> tuple[float, float]:
        """The global minimum: alpha and value."""
        raise NotImplementedError

    def _first_below(self, limit: float) -> float:
        """The largest alpha at which the curve is not above a limit, which its minimum is not."""
        raise NotImplementedError

    def standard_error(self, alpha: float) -> float:
        """Of the mean over folds: their standard deviation over the root of their number.

        NaN with one fold.
        """
        values = self.fold_values(alpha)
        if values.size < 2:
            return float("nan")
        return float(values.std(ddof=1) / np.sqrt(values.size))

    def one_standard_error(self) -> float:
        """The largest alpha at which the curve is within one standard error of its minimum.

        The rule of Breiman, Friedman, Olshen and Stone (1984): the simplest model that is not
        clearly worse than the best.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            With one fold, which has no standard error.
        """
        alpha, value = self.minimum()
        if self.fold_values(alpha).size < 2:
            raise ValueError("a standard error needs two folds at least, this curve has 1")
        limit = value + self.standard_error(alpha)
        return self._first_below(limit)


@dataclass(frozen=True, eq=False)
class Curve(Quadratics, FoldCurve):
    """The mean over folds of the held-out squared error, wherever a search by path has looked.

    Parameters
    ----------
    knots, value, slope, curvature, active : ndarray
        As in ``Quadratics``.
    folds : tuple of Quadratics
        The curve of each fold.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 20))
    >>> y = X[:, 0] - X[:, 1] + 0.5 * rng.standard_normal(60)
    >>> result = fp.tune(fp.CrossVal(fp.lasso(X, y, alpha=1.0, fit_intercept=True)))
    >>> curve = result.curve
    >>> curve.minimum() == (result.params["alpha"], result.value)
    True
    >>> sparser = curve.one_standard_error()
    >>> bool(sparser > result.params["alpha"])
    True
    """

    folds: tuple[Quadratics, ...] = ()

    def fold_values(self, alpha: float) -> np.ndarray:
        """The loss of each fold at an alpha."""
        return np.array([fold(alpha) for fold in self.folds])

    def fold_slopes(self, alpha: float) -> np.ndarray:
        """The derivative of each fold's loss in alpha, on a knot of its own from above."""
        return np.array([fold.slopes(alpha)[1] for fold in self.folds])

    def _first_below(self, limit: float) -> float:
        i = int(np.argmax(self.lowest[1] <= limit))
        a, b, c = self.value[i] - limit, self.slope[i], self.curvature[i]
        if a <= 0.0:
            return float(self.knots[i])
        # The first root of a + b t + c t^2 with a > 0, b < 0.
        t = 2.0 * a / (-b + np.sqrt(max(b * b - 4.0 * a * c, 0.0)))
        return float(np.clip(self.knots[i] - t, self.knots[i + 1], self.knots[i]))


@dataclass(frozen=True, eq=False)
class SteppedCurve:
    """A criterion of the fit over alpha, wherever a search by path has looked; it has jumps.

    Parameters
    ----------
    fit : Quadratics
        The mean squared residual; ``fit.active`` steps where the degrees of freedom do.
    formula : callable
        From arrays of mean squared residuals and of active columns to the criterion and its slope
        in the former.
    """

    fit: Quadratics
    formula: Any

    @property
    def knots(self) -> np.ndarray:
        """Where the active set changes, descending, between the ends of what was visited."""
        return self.fit.knots

    def __call__(self, alpha: Any) -> Any:
        """The criterion at one alpha or many; on a knot the value on the piece above."""
        found, _ = self.formula(self.fit(alpha), self.fit.active[self.fit.piece(alpha)])
        return float(found) if np.ndim(alpha) == 0 else found

    def slopes(self, alpha: float) -> tuple[float, float]:
        """Derivatives in alpha from below and from above, jumps left aside."""
        below, above = self.fit.slopes(alpha)
        i = self.fit.piece(alpha)
        rate = float(self.formula(self.fit(alpha), self.fit.active[i])[1])
        return rate * below, rate * above

    def fold_values(self, alpha: float) -> np.ndarray:
        """The criterion at an alpha, as the one part it has."""
        return np.array([self(alpha)])

    def fold_slopes(self, alpha: float) -> np.ndarray:
        """Its slope from above."""
        return np.array([self.slopes(alpha)[1]])

    @cached_property
    def lowest(self) -> tuple[np.ndarray, np.ndarray]:
        """The lowest value of each piece, a hair inside its lower end, and where.

        On a piece the degrees of freedom are held and the fit improves as alpha falls.
        """
        alpha = np.maximum(self.fit.knots[1:], self.fit.knots[:-1] - INSIDE * self.fit.lengths)
        t = self.fit.knots[:-1] - alpha
        rss = self.fit.value + t * (self.fit.slope + t * self.fit.curvature)
        return alpha, self.formula(rss, self.fit.active)[0]

    def minimum(self) -> tuple[float, float]:
        """The global minimum of what was visited: alpha, and value."""
        alpha, value = self.lowest
        i = int(np.argmin(value))
        return float(alpha[i]), float(value[i])

    def minima(self) -> tuple[np.ndarray, np.ndarray]:
        """Pieces that are lower than both neighbours: alpha and value, from the largest down."""
        alpha, value = self.lowest
        padded = np.concatenate([[np.inf], value, [np.inf]])
        at = (value < padded[:-2]) & (value <= padded[2:])
        return alpha[at], value[at]
