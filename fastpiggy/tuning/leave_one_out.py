"""Leaving out one row at a time, for ridge regression in closed form: one factorisation for all.

With rows A = diag(sqrt(s)) (X - mean), ``A = U diag(sqrt(l)) V'`` and ``b = sqrt(s) (y - mean)``,
the fit without row i misses it by ``e_i = (I - H)b_i / (1 - H_ii)``, where H is the hat matrix of
all rows, intercept included (Allen 1974; Golub, Heath, Wahba 1979).  Without row i the sum of
losses and the penalty are weighed as before, so that alpha counts less beside the mean of the
losses; the folds of :class:`fastpiggy.CrossVal` keep its ratio to the mean.
"""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.designs import matrix


class Basis(NamedTuple):
    """What all targets share.

    Parameters
    ----------
    U : ndarray of shape (n, k)
    values : ndarray of shape (k,)
        l, of the weighted Gram matrix.
    rest : ndarray of shape (n,)
        The part of each row's unit vector that neither U nor the intercept reach.
    """

    U: np.ndarray
    values: np.ndarray
    rest: np.ndarray


def basis(problem: Any) -> Basis:
    """The factorisation for the rows and weights of a ridge problem."""
    n, p = problem.shape
    s, intercept = problem.loss.sample_weight, problem.fit_intercept
    A = matrix.block(problem.design, np.arange(p))
    if intercept:
        A -= s @ A
    A *= np.sqrt(s)[:, None]
    if n < p:
        values, U = np.linalg.eigh(A @ A.T)
    else:
        # For the small ones among the eigenvalues U would not follow from A'A to all digits.
        U, d, _ = np.linalg.svd(A, full_matrices=False)
        values = d**2
    noise = np.finfo(float).eps * max(n, p)
    on = values > (noise if n < p else noise**2) * values.max()
    U, values = U[:, on], values[on]
    rest = 1.0 - (U**2).sum(axis=1) - (s if intercept else 0.0)
    if values.size + intercept >= np.count_nonzero(s):
        # They span all rows that count: what is left is rounding.
        rest[s > 0] = 0.0
    return Basis(U, values, np.maximum(rest, 0.0))


class LeaveOneOut(NamedTuple):
    """The mean squared error of rows left out, for one target.

    Parameters
    ----------
    basis : Basis
    along : ndarray of shape (k,)
        ``U'b``.
    rest : ndarray of shape (n,)
        ``b - U U'b``.
    total : float
        Sum of the raw sample weights, by which the errors are weighed.
    """

    basis: Basis
    along: np.ndarray
    rest: np.ndarray
    total: float

    @classmethod
    def of(cls, basis: Basis, problem: Any) -> "LeaveOneOut":
        """For the targets of a problem on the same rows."""
        s, y = problem.loss.sample_weight, problem.loss.y
        b = np.sqrt(s) * (y - (s @ y if problem.fit_intercept else 0.0))
        along = basis.U.T @ b
        return cls(basis, along, b - basis.U @ along, problem.total_weight)

    def coefficients(self, problem: Any, alpha: float) -> np.ndarray:
        """Of the fit to all rows: ``A'U inv(l + alpha) U'b``."""
        s = problem.loss.sample_weight
        r = np.sqrt(s) * (self.basis.U @ (self.along / (self.basis.values + alpha)))
        # What centring takes from the columns it takes from the rows just as well.
        r -= s * r.sum() if problem.fit_intercept else 0.0
        return matrix.scatter(problem.design, r)

    def at(self, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Loss and slope at positive alphas, of shape (1, alphas)."""
        values, slopes = self.rows(alpha)
        return values.mean(axis=0, keepdims=True), slopes.mean(axis=0, keepdims=True)

    def rows(self, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same of each row, of shape (n, alphas)."""
        U, l, _ = self.basis
        error, left, h = self._errors(alpha)
        # The derivative of alpha h is l h^2.
        slopes = l[:, None] * h**2
        moved = (U @ (slopes * self.along[:, None]) - error * (U**2 @ slopes)) / left
        return self.total * error**2, 2.0 * self.total * error * moved

    def predictions(self, problem: Any, alpha: np.ndarray) -> np.ndarray:
        """Of each row by the fit without it, of shape (n, alphas); NaN for a weight of zero."""
        root = np.sqrt(problem.loss.sample_weight)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            return problem.loss.y[:, None] - self._errors(alpha)[0] / root

    def _errors(self, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The errors ``(I - H)b_i / (1 - H_ii)``, what they are divided by, and ``1/(l + alpha)``.

        Of shape (n, alphas), the last (k, alphas).
        """
        U, l, rest = self.basis
        h = 1.0 / (l[:, None] + alpha)
        left = rest[:, None] + alpha * (U**2 @ h)
        error = (self.rest[:, None] + alpha * (U @ (h * self.along[:, None]))) / left
        return error, left, h
