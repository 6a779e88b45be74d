"""The symmetric system where rows are fewer than active columns: a factor of the rows' size.

With ``K = B'B + C``, C > 0 but for a few free columns F (the intercept), D = inv(C) and
``N = I + B D B'`` over the others: ``inv(B'B + C) = D - D B' inv(N) B D`` (Woodbury), and
``S = F' inv(N) F`` is the Schur complement of the free ones.
"""

from functools import cached_property

import numpy as np
from scipy import linalg

from fastpiggy.solving.factor import Factor

#: Free columns at the most, the rows times the columns that are formed, and ``B'B`` over the least
#: of C, of which rounding is made.
_FREE, _LARGEST, _STIFF = 8, 2**24, 1e10

#: A C below this has no inverse to compute with.
_LEAST = 1e-280


def fits(shape: tuple[int, int], h: np.ndarray, curb: np.ndarray) -> bool:
    """Whether a system of these rows, curvatures and C can be factored so."""
    if curb.ndim == 2 or np.any((curb > 0.0) & (curb < _LEAST)):
        return False
    n, k = shape[0], curb.size
    free = np.count_nonzero(curb == 0.0)
    small = n * k <= _LARGEST and n + free < k and free <= _FREE
    return bool(small and np.all(h >= 0.0) and np.all(curb >= 0.0))


class DualFactor(Factor):
    """See :class:`fastpiggy.solving.factor.Factor`.

    Parameters
    ----------
    A : ndarray of shape (n, k)
        Active columns, times the roots of the curvatures.
    curb : ndarray of shape (k,)
    """

    def __init__(self, A: np.ndarray, curb: np.ndarray) -> None:
        squares = np.einsum("ij,ij->j", A, A)
        super().__init__(None, lambda y: A.T @ (A @ y) + (curb * y.T).T, squares + curb)
        self.curb, self.free = curb, np.flatnonzero(curb == 0.0)
        self.held = np.flatnonzero(curb)
        self.B, self.F = A[:, self.held], A[:, self.free]
        self.D = 1.0 / curb[self.held, None]
        stiff = float(squares[self.held].sum() * self.D.max(initial=0.0))
        self.trusted = stiff <= _STIFF and self._rows is not None and self._schur is not None

    formed = True
    singular = False

    @cached_property
    def _rows(self) -> np.ndarray | None:
        """Lower factor of N."""
        N = (self.B * self.D[:, 0]) @ self.B.T
        N[np.diag_indices_from(N)] += 1.0
        factor, info = linalg.lapack.dpotrf(N, lower=1, clean=1, overwrite_a=1)
        return None if info else factor

    def _over_rows(self, V: np.ndarray) -> np.ndarray:
        """``inv(N) V``."""
        return linalg.lapack.dpotrs(self._rows, V, lower=1)[0] if V.size else V

    @cached_property
    def _schur(self) -> np.ndarray | None:
        """inv(S)."""
        S, size = self.F.T @ self._over_rows(self.F), self.F.shape[1]
        if not size:
            return np.zeros((0, 0))
        # S is in the units of the free columns.
        least, most = np.linalg.eigvalsh(S)[[0, -1]]
        return np.linalg.inv(S) if least > 1e-10 * most > 0.0 else None

    @cached_property
    def _bridge(self) -> np.ndarray:
        """``inv(B'B + C) B'F``."""
        return self.D * (self.B.T @ self._over_rows(self.F))

    @cached_property
    def least_eigenvalue(self) -> float:  # type: ignore[override]
        """The least of C bounds it; with free columns, ``norm(inv(K))`` from its blocks."""
        inverse = float(self.D.max())
        if self.free.size:
            bridge = 1.0 + float(np.linalg.norm(self._bridge))
            inverse += bridge**2 * float(np.linalg.norm(self._schur))
        return 1.0 / inverse

    @cached_property
    def inverse_diagonal(self) -> np.ndarray:  # type: ignore[override]
        """No entry is above the largest eigenvalue."""
        return np.full(self.curb.size, 1.0 / self.least_eigenvalue)

    def trace(self, curb: np.ndarray) -> float:
        """``trace(inv(K) (K - C))``."""
        n = self.B.shape[0]
        found = n - float(np.trace(self._over_rows(np.eye(n)))) + self.free.size
        W = self._bridge
        return found - float(np.trace(self._schur @ (W.T / self.D[:, 0]) @ W))

    def terms(self, y: np.ndarray) -> np.ndarray:
        """``|A|'|A| |y| + C |y|``, which is above ``|K| |y|``."""
        y, found = np.abs(y), np.empty(y.shape)
        B, F = np.abs(self.B), np.abs(self.F)
        rows = B @ y[self.held] + F @ y[self.free]
        found[self.held], found[self.free] = B.T @ rows + y[self.held] / self.D, F.T @ rows
        return found

    def spread(self, rhs: np.ndarray) -> np.ndarray:
        """An upper bound of ``abs(inv(K) v)`` for all ``abs(v) <= abs(rhs)``, by blocks.

        No entry is above the norm, which is at most that of `rhs` over the least eigenvalue.
        """
        r, found = np.abs(rhs), np.empty(rhs.shape)
        G = linalg.solve_triangular(self._rows, self.B * self.D[:, 0], lower=True)
        G, W = np.abs(G), np.abs(self._bridge)
        found[self.free] = np.abs(self._schur) @ (W.T @ r[self.held] + r[self.free])
        found[self.held] = self.D * r[self.held] + G.T @ (G @ r[self.held]) + W @ found[self.free]
        return np.minimum(found, np.linalg.norm(r, axis=0) / self.least_eigenvalue)

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        """``inv(K) rhs``."""
        y = self._solve(rhs)
        return y + self._solve(rhs - self.times(y))

    def _solve(self, rhs: np.ndarray) -> np.ndarray:
        y, r = np.empty_like(rhs), self.D * rhs[self.held]
        r -= self.D * (self.B.T @ self._over_rows(self.B @ r))
        y[self.free] = self._schur @ (rhs[self.free] - self.F.T @ (self.B @ r))
        y[self.held] = r - self._bridge @ y[self.free]
        return y
