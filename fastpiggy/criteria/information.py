"""Criteria of the fit itself, without held-out rows: Sure, Gcv, Aic, Bic, Ebic."""

import math
from typing import Any

import numpy as np
from scipy.special import digamma, gammaln

from fastpiggy.criteria import degrees
from fastpiggy.criteria.criterion import Criterion
from fastpiggy.penalties import L1
from fastpiggy.problems import checks
from fastpiggy.problems.fit_statistics import FitStatistics
from fastpiggy.solving import solve


class OfFit(Criterion):
    """A function of the deviance and the degrees of freedom of one solution.

    Parameters
    ----------
    problem : problem
        A linear model with normal or two-class targets, or any problem with a method
        ``fit_statistics``, see :class:`fastpiggy.problems.FitStatistics`.
    tol : float
        Of the solves.
    """

    #: Whether targets of two classes are allowed.
    _classes = True

    def __init__(self, problem: Any, tol: float) -> None:
        fits = hasattr(problem, "fit_statistics") or (
            degrees.normal_or_two_classes(problem)
            and (self._classes or getattr(problem, "classes", None) is None)
        )
        if not fits:
            kinds = "normal or two-class" if self._classes else "normal"
            raise TypeError(
                f"problem must be a linear model with {kinds} targets, or have a method "
                f"fit_statistics, got {problem!r}"
            )
        super().__init__(problem, tol)
        self._only = [FitPart(problem, self)]

    @property
    def parts(self) -> list["FitPart"]:
        return self._only

    @property
    def jumps(self) -> bool:  # type: ignore[override]
        """Whether it jumps where the active set changes: with an l1 penalty."""
        return isinstance(getattr(self.problem, "penalty", None), L1)

    def formula(self, fit: FitStatistics) -> tuple[Any, Any, Any]:
        """The value, and its slopes in the deviance and in the degrees of freedom."""
        raise NotImplementedError


class FitPart:
    """The one problem of a criterion of the fit."""

    def __init__(self, problem: Any, criterion: OfFit) -> None:
        self.problem, self.criterion = problem, criterion

    def evaluate(
        self, params: dict[str, Any], names: tuple[str, ...], warm: Any, tol: float
    ) -> tuple[float, dict[str, Any], Any]:
        """See :class:`fastpiggy.criteria.criterion.Part`."""
        problem = self.problem.replace(**params)
        numbers = [name for name in names if np.ndim(problem.parameters[name]) == 0]
        solution = solve(problem, numbers or None, x0=warm, tol=tol)
        fit = degrees.fit_statistics(solution, names)
        value, by_deviance, by_degrees = self.criterion.formula(fit)
        gradient = {
            name: by_deviance * fit.deviance_slope[name] + by_degrees * fit.degrees_slope[name]
            for name in names
        }
        return float(value), gradient, solution


class Sure(OfFit):
    """Stein's unbiased estimate of the mean squared error of the fit.

    ``RSS/n - sigma^2 + 2 sigma^2 df/n`` for normal targets with standard deviation sigma, df the
    trace of the derivative of the fit in y.  With sample weights w, targets of variance
    ``sigma^2 mean(w)/w_i``.

    Parameters
    ----------
    problem : Problem
    sigma : float
        Standard deviation of the noise, see :func:`fastpiggy.noise_level`.
    tol : float, default=1e-9
        Of the solves.

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed; the message names it.

    Notes
    -----
    Stein, "Estimation of the mean of a multivariate normal distribution" (1981); for the Lasso df
    is the rank of the active columns (Tibshirani, Taylor, "Degrees of freedom in lasso problems",
    2012), so that Sure jumps where the active set changes.  Between jumps it falls as alpha falls:
    the slope says nothing, and ``tune`` compares all knots of the path instead.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> problem = fp.lasso(np.eye(3), np.array([3.0, 0.5, -2.0]), alpha=0.5)
    >>> found = fp.Sure(problem, sigma=1.0).evaluate(alpha=0.5)  # x = (1.5, 0, -0.5)
    >>> round(found.value, 4), round(found.gradient["alpha"], 4)
    (1.9167, 6.0)
    """

    _classes = False

    def __init__(self, problem: Any, sigma: float, *, tol: float = 1e-9) -> None:
        super().__init__(problem, tol)
        self.sigma = checks.number(sigma, "sigma", open_low=True)

    def formula(self, fit: FitStatistics) -> tuple[Any, Any, Any]:
        n, variance = fit.rows, self.sigma**2
        value = fit.deviance / n - variance + 2.0 * variance * fit.degrees_of_freedom / n
        return value, 1.0 / n, 2.0 * variance / n


class Gcv(OfFit):
    """Generalised cross-validation: ``(RSS/n) / (1 - df/n)^2``, infinite from df = n on.

    Parameters
    ----------
    problem : Problem
        With normal targets.
    tol : float, default=1e-9
        Of the solves.

    Notes
    -----
    Golub, Heath, Wahba, "Generalized cross-validation as a method for choosing a good ridge
    parameter" (1979).  With p above n it can fall again as the fit comes to interpolate.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> problem = fp.ridge(np.eye(3), np.array([3.0, 0.5, -2.0]), alpha=1.0)
    >>> round(fp.Gcv(problem).evaluate().value, 4)  # df = 3/4
    4.4167
    """

    _classes = False

    def __init__(self, problem: Any, *, tol: float = 1e-9) -> None:
        super().__init__(problem, tol)

    def formula(self, fit: FitStatistics) -> tuple[Any, Any, Any]:
        n = fit.rows
        left = np.maximum(1.0 - fit.degrees_of_freedom / n, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.where(left > 0.0, fit.deviance / n / left**2, np.inf)
            return value, 1.0 / (n * left**2), 2.0 * value / (n * left)


class _Penalised(OfFit):
    """``-2 log likelihood`` plus a price for degrees of freedom."""

    def __init__(self, problem: Any, sigma: float | None = None, *, tol: float = 1e-9) -> None:
        super().__init__(problem, tol)
        self.sigma = None if sigma is None else checks.number(sigma, "sigma", open_low=True)
        normal = getattr(problem, "classes", None) is None
        if sigma is not None and not normal:
            raise ValueError(f"sigma is for normal targets, got {sigma!r} with two classes")
        if sigma is None and normal and hasattr(problem, "loss"):
            n, p = np.count_nonzero(problem.loss.sample_weight), problem.shape[1]
            if p + problem.fit_intercept >= n:
                raise ValueError(
                    f"sigma must be given where a model can interpolate ({n} rows, {p} columns): "
                    "the likelihood has no maximum otherwise; see fastpiggy.noise_level"
                )

    def price(self, fit: FitStatistics) -> tuple[Any, Any]:
        """What the degrees of freedom cost, and the slope of that."""
        raise NotImplementedError

    def formula(self, fit: FitStatistics) -> tuple[Any, Any, Any]:
        price, slope = self.price(fit)
        if not fit.normal:
            return fit.deviance + price, 1.0, slope
        if self.sigma is not None:
            return fit.deviance / self.sigma**2 + price, 1.0 / self.sigma**2, slope
        with np.errstate(divide="ignore"):
            value = fit.rows * np.log(fit.deviance / fit.rows) + price
            return value, fit.rows / np.asarray(fit.deviance, dtype=float), slope


class Aic(_Penalised):
    """Akaike's criterion, ``-2 log likelihood + 2 df`` up to a constant.

    For normal targets ``RSS/sigma^2 + 2 df``, or ``n log(RSS/n) + 2 df`` where sigma is not given
    and its estimate of maximum likelihood takes its place; for two classes twice the summed
    log-loss plus 2 df.

    Parameters
    ----------
    problem : Problem
        With normal targets or two classes.
    sigma : float, optional
        Standard deviation of the noise; must be given where the columns are as many as the rows.
    tol : float, default=1e-9
        Of the solves.

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed; the message names it.

    Notes
    -----
    Akaike, "Information theory and an extension of the maximum likelihood principle" (1973); for
    the Lasso Zou, Hastie, Tibshirani, "On the degrees of freedom of the lasso" (2007).

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> problem = fp.lasso(np.eye(3), np.array([3.0, 0.5, -2.0]), alpha=0.5)
    >>> round(fp.Aic(problem, sigma=1.0).evaluate().value, 4)  # 1.5^2 + 0.5^2 + 1.5^2 + 2 * 2
    8.75
    """

    def price(self, fit: FitStatistics) -> tuple[Any, Any]:
        return 2.0 * fit.degrees_of_freedom, 2.0


class Bic(_Penalised):
    """Schwarz's criterion, as :class:`Aic` with ``log(n) df`` in the place of ``2 df``.

    Parameters
    ----------
    problem, sigma, tol
        As in :class:`Aic`.

    Notes
    -----
    Schwarz, "Estimating the dimension of a model" (1978).

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> problem = fp.lasso(np.eye(3), np.array([3.0, 0.5, -2.0]), alpha=0.5)
    >>> round(fp.Bic(problem, sigma=1.0).evaluate().value, 4)
    6.9472
    """

    def price(self, fit: FitStatistics) -> tuple[Any, Any]:
        return math.log(fit.rows) * fit.degrees_of_freedom, math.log(fit.rows)


class Ebic(_Penalised):
    """The extended BIC: :class:`Bic` plus ``2 gamma log C(p, df)``.

    Parameters
    ----------
    problem, sigma, tol
        As in :class:`Aic`.
    gamma : float, default=1.0
        In [0, 1]; 0 is Bic.

    Notes
    -----
    Chen, Chen, "Extended Bayesian information criteria for model selection with large model
    spaces" (2008).  The binomial coefficient counts the models of a size, the intercept left out;
    between integers by the gamma function.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> problem = fp.lasso(np.eye(3), np.array([3.0, 0.5, -2.0]), alpha=0.5)
    >>> round(fp.Ebic(problem, sigma=1.0).evaluate().value, 4)  # Bic + 2 log 3
    9.1444
    """

    def __init__(
        self, problem: Any, sigma: float | None = None, gamma: float = 1.0, *, tol: float = 1e-9
    ) -> None:
        super().__init__(problem, sigma, tol=tol)
        self.gamma = checks.number(gamma, "gamma", high=1.0)

    def price(self, fit: FitStatistics) -> tuple[Any, Any]:
        p, free = fit.columns, bool(getattr(self.problem, "fit_intercept", False))
        k = np.clip(fit.degrees_of_freedom - free, 0.0, p)
        models = gammaln(p + 1.0) - gammaln(k + 1.0) - gammaln(p - k + 1.0)
        slope = digamma(p - k + 1.0) - digamma(k + 1.0)
        log = math.log(fit.rows)
        return (
            log * fit.degrees_of_freedom + 2.0 * self.gamma * models,
            log + 2.0 * self.gamma * slope,
        )
