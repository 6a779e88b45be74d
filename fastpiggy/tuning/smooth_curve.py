"""A criterion over alpha that is smooth and known in closed form."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.tuning.curve import APART, FoldCurve

#: Points per factor e of alpha.  The curve is made of ``1/(l + e^t)``, whose spectrum in t falls as
#: ``1/sinh(pi w)``: at this spacing what lies between the points is below ``exp(-8 pi^2)``.
_DENSITY = 8


@dataclass(frozen=True, eq=False)
class SmoothCurve(FoldCurve):
    """The mean over folds of what each spectrum gives.

    Parameters
    ----------
    knots : ndarray of shape (2,)
        Where it begins and ends, descending: between them there are none.
    spectra : tuple
        One a fold, with ``at(alphas) -> (values, slopes)``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 20))
    >>> y = X @ rng.standard_normal(20) + 4.0 * rng.standard_normal(60)
    >>> result = fp.tune(fp.CrossVal(fp.ridge(X, y, alpha=1.0, fit_intercept=True)))
    >>> curve = result.curve
    >>> curve.minimum() == (result.params["alpha"], result.value)
    True
    >>> bool(curve.one_standard_error() > result.params["alpha"])
    True
    """

    knots: np.ndarray
    spectra: tuple[Any, ...]

    def _at(self, alpha: Any) -> tuple[np.ndarray, np.ndarray]:
        """Values and slopes of each fold, of shape (folds, alphas)."""
        low, high = self.knots[1], self.knots[0]
        alpha = np.atleast_1d(np.asarray(alpha, dtype=float))
        if not np.all((alpha >= low) & (alpha <= high)):
            raise ValueError(f"alpha must lie in what was visited, [{low:.6g}, {high:.6g}]")
        values, slopes = zip(*(spectrum.at(alpha) for spectrum in self.spectra), strict=True)
        return np.array(values), np.array(slopes)

    def __call__(self, alpha: Any) -> Any:
        """The curve at one alpha or many."""
        found = self._at(alpha)[0].mean(axis=0)
        return float(found[0]) if np.ndim(alpha) == 0 else found

    def slopes(self, alpha: float) -> tuple[float, float]:
        """Derivatives with respect to alpha from below and from above: the same."""
        slope = float(self._at(alpha)[1].mean())
        return slope, slope

    def fold_values(self, alpha: float) -> np.ndarray:
        """The loss of each fold at an alpha."""
        return self._at(alpha)[0][:, 0]

    def fold_slopes(self, alpha: float) -> np.ndarray:
        """The derivative of each fold's loss in alpha."""
        return self._at(alpha)[1][:, 0]

    @cached_property
    def grid(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Alphas, dense enough that little hides between, descending; values and slopes there."""
        high, low = self.knots
        count = int(np.ceil(_DENSITY * np.log(high / low))) + 2
        alpha = np.geomspace(high, low, count)
        alpha[0], alpha[-1] = high, low
        values, slopes = self._at(alpha)
        return alpha, values.mean(axis=0), slopes.mean(axis=0)

    @cached_property
    def _lows(self) -> tuple[np.ndarray, np.ndarray]:
        """Every local minimum, the ends counted, from the largest alpha down."""
        from scipy.optimize import brentq

        alpha, _, slope = self.grid
        found = [alpha[0]] if slope[0] < 0.0 else []
        for i in np.flatnonzero((slope[:-1] > 0.0) & (slope[1:] <= 0.0)):
            ends = np.log(alpha[i + 1]), np.log(alpha[i])
            t = brentq(lambda t: np.exp(t) * self._inside(np.exp(t)), *ends, xtol=1e-13)
            found.append(float(np.clip(np.exp(t), alpha[i + 1], alpha[i])))
        if slope[-1] > 0.0 or not found:
            found.append(alpha[-1] if slope[-1] > 0.0 else alpha[0])
        return np.array(found), self(np.array(found))

    def _inside(self, alpha: float) -> float:
        return self.slopes(float(np.clip(alpha, self.knots[1], self.knots[0])))[0]

    def minimum(self) -> tuple[float, float]:
        """The lowest minimum seen in the range: alpha, the largest where several, and value."""
        alpha, value = self._lows
        i = int(np.argmin(value))
        return float(alpha[i]), self(float(alpha[i]))

    def minima(self, apart: float = APART) -> tuple[np.ndarray, np.ndarray]:
        """Local minima, from the largest alpha down.

        Parameters
        ----------
        apart : float, default=1e-3
            Neighbours count as two where the curve between them rises above the higher one by this
            part of its value; of those that do not the lower one is kept.

        Returns
        -------
        alpha, value : ndarray
        """
        places, seen, _ = self.grid
        kept: list[tuple[float, float]] = []
        for alpha, value in zip(*self._lows, strict=True):
            if kept:
                between = seen[(places < kept[-1][0]) & (places > alpha)].max(initial=-np.inf)
                higher = max(kept[-1][1], value)
                if between <= higher + apart * abs(higher):
                    kept[-1] = min(kept[-1], (alpha, value), key=lambda low: low[1])
                    continue
            kept.append((alpha, value))
        return np.array([a for a, _ in kept]), np.array([v for _, v in kept])

    def _first_below(self, limit: float) -> float:
        from scipy.optimize import brentq

        alpha, value, _ = self.grid
        i = int(np.argmax(value <= limit)) if np.any(value <= limit) else 0
        best = self.minimum()[0]
        if value[0] <= limit:
            return float(alpha[0])
        # The minimum may be alone between two points of the grid.
        end = max(float(alpha[i]), best) if i else best
        start = alpha[alpha > end][-1]
        return float(np.clip(brentq(lambda a: self(float(a)) - limit, end, start), end, start))
