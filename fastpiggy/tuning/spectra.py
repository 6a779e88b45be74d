"""Ridge regression over alpha in closed form: one eigendecomposition a fold.

With centred rows A weighted by ``sqrt(s)`` and ``A A' = U diag(l) U'`` (or ``A' A``, whichever is
smaller), predictions at rows Z are ``M h`` with ``h_k = 1/(l_k + alpha)`` and columns
``M_k = Z A' U_k (U_k' b)``: Golub, Heath, Wahba (1979).  Loss, slope and degrees of freedom at any
alpha then cost a product with M.
"""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.criteria.information import OfFit
from fastpiggy.criteria.part import RowsPart
from fastpiggy.designs import matrix
from fastpiggy.losses import LeastSquares
from fastpiggy.penalties import SquaredL2
from fastpiggy.problems.fit_statistics import FitStatistics

#: The smaller side, and bytes of a dense copy of X, at the most.
_SIDE, _LARGEST = 4096, 2**30

#: Modes of eigenvalues below this part of the largest are rounding.
_NULL = 1e-13


def applies(criterion: Any, names: list[str]) -> str:
    """Why a criterion has no closed form over what is tuned; empty where it has."""
    problem = criterion.problem
    if names != ["alpha"]:
        return "more than alpha is tuned"
    if type(getattr(problem, "loss", None)) is not LeastSquares or not _is_ridge(problem):
        return "it is for ridge regression"
    if not isinstance(criterion, OfFit) and not all(
        type(part) is RowsPart and part.squared for part in criterion.parts
    ):
        return "it is for the mean squared error on held-out rows, and for criteria of the fit"
    n, p = problem.shape
    if min(n, p) > _SIDE or 8 * n * p > _LARGEST:
        return f"rows and columns are both above {_SIDE}, or X is above {_LARGEST} bytes"
    return ""


def _is_ridge(problem: Any) -> bool:
    return type(problem.penalty) is SquaredL2


class Predictions(NamedTuple):
    """Those of one fold on its judging rows, ``mean + M h``.

    Parameters
    ----------
    values : ndarray of shape (k,)
        Eigenvalues l.
    modes : ndarray of shape (m, k)
        M.
    mean : float
        Of the targets on the training rows, where an intercept is fitted.
    """

    values: np.ndarray
    modes: np.ndarray
    mean: float

    def at(self, alpha: np.ndarray) -> np.ndarray:
        """Of shape (m, alphas)."""
        return self.mean + self.modes @ (1.0 / (self.values[:, None] + alpha))


class HeldOutSpectrum(NamedTuple):
    """The loss ``|r - M h|^2`` of one fold.

    Parameters
    ----------
    values : ndarray of shape (k,)
        Eigenvalues l.
    modes : ndarray of shape (m, k)
        M, rows times the root of their weights.
    residual : ndarray of shape (m,)
        r, of the null model.
    """

    values: np.ndarray
    modes: np.ndarray
    residual: np.ndarray

    def at(self, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Losses and slopes at many alphas."""
        h = 1.0 / (self.values[:, None] + alpha)
        left = self.residual[:, None] - self.modes @ h
        return (left**2).sum(axis=0), 2.0 * (left * (self.modes @ h**2)).sum(axis=0)


class FitSpectrum(NamedTuple):
    """A criterion of the fit to all rows.

    Parameters
    ----------
    values : ndarray of shape (k,)
        Eigenvalues l.
    squares : ndarray of shape (k,)
        Of the target along each mode.
    rest : float
        What no mode reaches.
    criterion : OfFit
    """

    values: np.ndarray
    squares: np.ndarray
    rest: float
    criterion: Any

    def at(self, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values and slopes at many alphas."""
        problem, l = self.criterion.problem, self.values[:, None]
        n = int(np.count_nonzero(problem.loss.sample_weight))
        h = 1.0 / (l + alpha)
        deviance = n * (self.rest + self.squares @ (alpha * h) ** 2)
        by_alpha = n * (self.squares @ (2.0 * alpha * l * h**3))
        degrees = (l * h).sum(axis=0) + float(problem.fit_intercept)
        fit = FitStatistics(deviance, degrees, n, problem.shape[1], True, False, {}, {})
        value, by_deviance, by_degrees = self.criterion.formula(fit)
        return value, by_deviance * by_alpha - by_degrees * (l * h**2).sum(axis=0)


def spectra(criterion: Any) -> list[Any]:
    """The spectrum of each part of a criterion."""
    if isinstance(criterion, OfFit):
        return [_of_fit(criterion, _centred(criterion.problem)[0])]
    return judged(criterion, predictions(criterion))


def judged(criterion: Any, parts: list[Predictions]) -> list[HeldOutSpectrum]:
    """The loss of predictions."""
    found = []
    for part, (values, modes, mean) in zip(criterion.parts, parts, strict=True):
        rows = np.flatnonzero(part.loss.sample_weight)
        root = np.sqrt(part.loss.sample_weight[rows])
        found.append(_spectrum(values, modes * root[:, None], root * (part.loss.y[rows] - mean)))
    return found


def predictions(criterion: Any) -> list[Predictions]:
    """Those of each part on its judging rows."""
    X, centre = _centred(criterion.problem)
    n, p = X.shape
    kernel = X @ X.T if n < p else None
    grams = _shared_grams(criterion, X) if n >= p and criterion.each_row_once else None
    found = []
    for v, part in enumerate(criterion.parts):
        other = None
        if part.design is not None:
            other = matrix.block(part.design, np.arange(p)) - centre
        if kernel is not None:
            found.append(_by_rows(part, X, kernel, other))
        else:
            found.append(_by_columns(part, X, None if grams is None else grams[v], other))
    return found


def _centred(problem: Any) -> tuple[np.ndarray, np.ndarray]:
    """X less what is subtracted from it.

    Folds' means are small beside the columns after this, so that little cancels.
    """
    p = problem.shape[1]
    X, centre = matrix.block(problem.design, np.arange(p)), np.zeros(p)
    if problem.fit_intercept:
        centre = problem.loss.sample_weight @ X
        X -= centre
    return X, centre


def _shared_grams(criterion: Any, X: np.ndarray) -> list[np.ndarray]:
    """A fold's Gram is that of all rows less that of its judging rows."""
    raw = criterion.problem.loss.sample_weight
    judged, shares = [], []
    for part in criterion.parts:
        rows = np.flatnonzero(part.loss.sample_weight)
        A = X[rows] * np.sqrt(raw[rows])[:, None]
        judged.append(A.T @ A)
        shares.append(raw[rows].sum())
    total, whole = sum(judged), sum(shares)
    return [(total - gram) / (whole - share) for gram, share in zip(judged, shares, strict=True)]


def _by_columns(part: Any, X: np.ndarray, gram: Any, other: Any) -> Predictions:
    problem = part.problem
    s = problem.loss.sample_weight
    y_mean, mean = _means(problem, X)
    if gram is None:
        A = X * np.sqrt(s)[:, None]
        gram = A.T @ A
    values, V = np.linalg.eigh(gram - np.multiply.outer(mean, mean))
    target = X.T @ (s * (problem.loss.y - y_mean)) - mean * (s @ (problem.loss.y - y_mean))
    rows = np.flatnonzero(part.loss.sample_weight)
    Z = (X[rows] if other is None else other[rows]) - mean
    return Predictions(np.maximum(values, 0.0), (Z @ V) * (V.T @ target), y_mean)


def _by_rows(part: Any, X: np.ndarray, kernel: np.ndarray, other: Any) -> Predictions:
    problem = part.problem
    s = problem.loss.sample_weight
    train = np.flatnonzero(s)
    y_mean, _ = _means(problem, X[:, :0])
    rows = np.flatnonzero(part.loss.sample_weight)
    K = kernel[np.ix_(train, train)]
    cross = kernel[np.ix_(rows, train)] if other is None else other[rows] @ X[train].T
    if problem.fit_intercept:
        along = K @ s[train]
        both = s[train] @ along
        cross = cross - (cross @ s[train])[:, None] - along + both
        K = K - along[:, None] - along + both
    weight = np.sqrt(s[train])
    values, U = np.linalg.eigh(K * np.multiply.outer(weight, weight))
    target = weight * (problem.loss.y[train] - y_mean)
    return Predictions(np.maximum(values, 0.0), ((cross * weight) @ U) * (U.T @ target), y_mean)


def _of_fit(criterion: Any, X: np.ndarray) -> FitSpectrum:
    problem = criterion.problem
    s, y = problem.loss.sample_weight, problem.loss.y
    y_mean, mean = _means(problem, X)
    root = np.sqrt(s)
    A, b = (X - mean) * root[:, None], root * (y - y_mean)
    n, p = A.shape
    if n < p:
        values, U = np.linalg.eigh(A @ A.T)
        return FitSpectrum(np.maximum(values, 0.0), (U.T @ b) ** 2, 0.0, criterion)
    values, V = np.linalg.eigh(A.T @ A)
    on = values > _NULL * max(values[-1], 0.0)
    squares = (V.T @ (A.T @ b))[on] ** 2 / values[on]
    return FitSpectrum(values[on], squares, max(float(b @ b - squares.sum()), 0.0), criterion)


def _means(problem: Any, X: np.ndarray) -> tuple[float, np.ndarray]:
    """What the intercept takes away: the weighted means of targets and columns."""
    if not problem.fit_intercept:
        return 0.0, np.zeros(X.shape[1])
    s = problem.loss.sample_weight
    return float(s @ problem.loss.y), s @ X


def _spectrum(values: np.ndarray, modes: np.ndarray, residual: np.ndarray) -> HeldOutSpectrum:
    m, k = modes.shape
    if m > 2 * k:
        # Rotated, |r - M h| has k + 1 rows.
        R = np.linalg.qr(np.column_stack([modes, residual]), mode="r")
        modes, residual = R[:, :-1], R[:, -1]
    return HeldOutSpectrum(values, modes, residual)
