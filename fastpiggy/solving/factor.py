"""The symmetric system on the active set: factored where small, by conjugate gradients else."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import linalg

from fastpiggy.designs import matrix

#: Largest system that is formed and factored; beyond it conjugate gradients keep memory at O(n p).
LARGEST = 4000

#: A pivot below this, over the largest of a matrix with unit diagonal, counts as zero.
PIVOT = 1e-10

#: Where conjugate gradients stop, relative to the right-hand side.
_CG_TOL = 1e-13


@dataclass
class Factor:
    """``K = Q' X' diag(h) X Q + curb`` with the columns of X that are active.

    Where rows are fewer than columns, :mod:`.dual_factor` has it.

    Parameters
    ----------
    K : ndarray of shape (k, k) or None
        None where it is too large to form.
    times : callable
        ``K v`` for v of shape (k,).
    diagonal : ndarray of shape (k,)
    """

    K: np.ndarray | None
    times: Any
    diagonal: np.ndarray

    @classmethod
    def of(
        cls, design: Any, members: np.ndarray, Q: np.ndarray | None, h: np.ndarray,
        curb: np.ndarray, dual: bool = True,
    ) -> "Factor":  # fmt: skip
        """Build K from its parts, or where `dual` what is smaller."""
        from fastpiggy.solving import dual_factor

        dual = dual and dual_factor.fits(matrix.shape(design), h, curb)
        if len(curb) > LARGEST and not dual:
            return cls._free(design, members, Q, h, curb)
        A = matrix.block(design, members)
        A = A if Q is None else A @ Q
        if dual:
            found = dual_factor.DualFactor(A * np.sqrt(h)[:, None], curb)
            if found.trusted:
                return found
            if len(curb) > LARGEST:
                return cls._free(design, members, Q, h, curb)
        if np.all(h >= 0):
            A = A * np.sqrt(h)[:, None]
            K = A.T @ A
        else:
            K = (A.T * h) @ A
        if curb.ndim == 2:
            K += curb
        else:
            K[np.diag_indices_from(K)] += curb
        return cls.of_matrix(K)

    @classmethod
    def of_matrix(cls, K: np.ndarray) -> "Factor":
        """Of K itself."""
        return cls(K, lambda y: K @ y, np.diagonal(K).copy())

    @property
    def formed(self) -> bool:
        """Whether there is a factor, and not conjugate gradients alone."""
        return self.K is not None

    @classmethod
    def _free(
        cls, design: Any, members: np.ndarray, Q: np.ndarray | None, h: np.ndarray,
        curb: np.ndarray,
    ) -> "Factor":  # fmt: skip
        p = matrix.shape(design)[1]

        def times(y: np.ndarray) -> np.ndarray:
            v = np.zeros(p)
            v[members] = y if Q is None else Q @ y
            v = matrix.scatter(design, h * matrix.predict(design, v))[members]
            return (v if Q is None else Q.T @ v) + curb * y

        squares = matrix.squares(design, h)[members]
        diagonal = (squares if Q is None else (Q * Q).T @ squares) + curb
        return cls(None, times, diagonal)

    @cached_property
    def _scale(self) -> np.ndarray:
        size = np.abs(self.diagonal)
        return 1.0 / np.sqrt(np.where(size > 0, size, 1.0))

    @cached_property
    def _cholesky(self) -> np.ndarray | None:
        """Lower factor of K scaled to a unit diagonal; None where K is not clearly positive."""
        if self.K is None or not np.all(self.diagonal > 0):
            return None
        scaled = self.K * self._scale[:, None] * self._scale
        factor, info = linalg.lapack.dpotrf(scaled, lower=1, clean=1, overwrite_a=1)
        if info or np.min(np.diagonal(factor) ** 2, initial=1.0) < PIVOT:
            return None
        return factor

    @property
    def singular(self) -> bool:
        """True where K was formed and has no solve to trust."""
        if self.K is None or self._cholesky is not None:
            return False
        values = np.abs(self._eigenvalues)
        return bool(values.min(initial=1.0) < PIVOT * values.max(initial=1.0))

    @cached_property
    def _eigenvalues(self) -> np.ndarray:
        """Of the scaled K, for the few systems that are not positive definite."""
        return np.linalg.eigvalsh(self.K * self._scale[:, None] * self._scale)

    @cached_property
    def least_eigenvalue(self) -> float:
        """A lower bound of the smallest eigenvalue of K; 0 where none is known.

        ``1/lambda_min`` is at most the trace of the inverse, the squared Frobenius norm of the
        inverse factor.
        """
        if self._cholesky is None:
            return 0.0
        if not len(self.diagonal):
            return np.inf
        with np.errstate(over="ignore"):
            return 1.0 / float(self.inverse_diagonal.sum() or 1.0)

    @cached_property
    def inverse_diagonal(self) -> np.ndarray:
        """That of inv(K), or an upper bound, where there is a :attr:`least_eigenvalue`.

        K = D^-1 M D^-1 with D the scaling: ``inv(K)_ii = D_ii^2 norm(inv(L)_:i)^2``.
        """
        with np.errstate(over="ignore"):
            return (self._inverse**2).sum(axis=0) * self._scale**2

    @cached_property
    def _inverse(self) -> np.ndarray:
        """Of the lower factor of the scaled K."""
        return linalg.lapack.dtrtri(self._cholesky, lower=1)[0]

    def trace(self, curb: np.ndarray) -> float:
        """``trace(inv(K) (K - C))``, C of the diagonal `curb`; of the pseudoinverse if singular."""
        if not len(self.diagonal):
            return 0.0
        if curb.ndim == 2:
            return len(curb) - float(np.trace(self.solve(curb)))
        if self._cholesky is not None:
            return float(len(curb) - self.inverse_diagonal @ curb)
        kept = np.abs(self._eigenvalues) > PIVOT * np.abs(self._eigenvalues).max()
        if not np.any(curb):
            return float(kept.sum())
        data = self.K - np.diag(curb)
        return float(np.trace(self.solve(data)))

    def trace_slope(self, curb: np.ndarray, moves: np.ndarray) -> float:
        """Derivative of :meth:`trace` as the diagonal C moves and the rest of K stands still."""
        if not np.any(moves):
            return 0.0
        inverse = self.solve(np.diag(moves))
        return float(np.trace(inverse @ self.solve(np.diag(curb))) - np.trace(inverse))

    def terms(self, y: np.ndarray) -> np.ndarray:
        """An upper bound of ``|K| |y|``, whose rounding is that of ``K y``."""
        return np.abs(self.K) @ np.abs(y)

    def spread(self, rhs: np.ndarray) -> np.ndarray:
        """An upper bound of ``abs(inv(K) v)`` for all ``abs(v) <= abs(rhs)``; inf where none is.

        Entry by entry through the inverse factor, so that columns of different sizes do not spoil
        it; never more than ``norm(rhs)`` over :attr:`least_eigenvalue`.
        """
        if not self.least_eigenvalue > 0:
            return np.full_like(rhs, np.inf)
        if not len(self.diagonal):
            return np.zeros_like(rhs)
        D, inverse = self._scale[:, None], np.abs(self._inverse)
        return D * (inverse.T @ (inverse @ (D * np.abs(rhs))))

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        """``inv(K) rhs``; of minimal norm in the scaled unknowns where K is singular."""
        if not len(self.diagonal):
            return np.zeros_like(rhs)
        D = self._scale[:, None]
        if self.K is None:
            return D * np.column_stack([self._cg(column) for column in (D * rhs).T])
        if self._cholesky is not None:
            y = D * linalg.lapack.dpotrs(self._cholesky, D * rhs, lower=1)[0]
            # One refinement: forming the Gram squared the condition of X.
            again = D * (rhs - self.K @ y)
            return y + D * linalg.lapack.dpotrs(self._cholesky, again, lower=1)[0]
        scaled = self.K * D * self._scale
        return D * np.linalg.lstsq(scaled, D * rhs, rcond=PIVOT)[0]

    def _cg(self, rhs: np.ndarray) -> np.ndarray:
        from scipy.sparse.linalg import LinearOperator, cg

        size = len(self.diagonal)
        scaled = LinearOperator(
            (size, size), matvec=lambda v: self._scale * self.times(self._scale * v.ravel())
        )
        return cg(scaled, rhs, rtol=_CG_TOL, maxiter=10 * size)[0]
