"""Discrete splines: what a trend filter's solution is between and across its knots.

The signals on points ``t`` whose differences of order k vanish but in given rows (the knots) are
piecewise polynomials of degree k - 1.  A local basis of them is that of the discrete B-splines
(Mangasarian and Schumaker 1971; Tibshirani 2022, "Divided differences, falling factorials, and
discrete splines"), from divided differences over k + 1 neighbouring knots; see
:mod:`fastpiggy.structured.trend_filter.divided`.  They are not negative and add up to 1, and their
Gram matrix is banded and well conditioned, where a Gram matrix of rows of differences is not: its
condition grows as the 2k-th power of the distance between knots.
"""

from functools import cached_property
from math import factorial
from typing import Any

import numpy as np

from fastpiggy.structured.trend_filter import bands as banded
from fastpiggy.structured.trend_filter import spline_fit
from fastpiggy.structured.trend_filter.spline_dual import spline_dual


def extended(t: np.ndarray, more: int) -> np.ndarray:
    """Positions continued at their mean distance by so many on both sides."""
    step = (t[-1] - t[0]) / (t.size - 1)
    ends = step * np.arange(1, more + 1)
    return np.concatenate([t[0] - ends[::-1], t, t[-1] + ends])


def placed(n: int, order: int, t: np.ndarray | None) -> np.ndarray:
    """Where n points stand, with three times the order more at each end."""
    return extended(np.arange(n, dtype=float) if t is None else t, 3 * order)


def differences(n: int, order: int, t: np.ndarray | None = None) -> np.ndarray:
    """The matrix D of differences of an order, of shape (order + 1, n - order).

    Stored by diagonals: ``D[i, i + j] = differences[j, i]``.  At positions t a difference of order
    p, divided by ``(t[i + p] - t[i])/p``, goes into the next (Tibshirani 2014, equation 10).

    Examples
    --------
    >>> import numpy as np
    >>> differences(4, 2)
    array([[ 1.,  1.],
           [-2., -2.],
           [ 1.,  1.]])
    >>> differences(3, 2, np.array([0.0, 1.0, 3.0])).ravel()
    array([ 1. , -1.5,  0.5])
    """
    D = np.ones((1, n))
    for p in range(order):
        if p > 0 and t is not None:
            D = D * (p / (t[p:] - t[:-p]))
        rows = D.shape[1] - 1
        new = np.zeros((p + 2, rows))
        new[1:] += D[:, 1:]
        new[:-1] -= D[:, :-1]
        D = new
    return D


def difference(x: np.ndarray, order: int, t: np.ndarray | None = None) -> np.ndarray:
    """D x along the last axis."""
    if t is None:
        return np.diff(x, order)
    for p in range(order):
        if p > 0:
            x = x * (p / (t[p:] - t[:-p]))
        x = np.diff(x)
    return x


def dual(
    g: np.ndarray, order: int, rows: np.ndarray, targets: np.ndarray, at: np.ndarray
) -> np.ndarray:
    """``u`` with ``D'u = g`` and ``u[rows] = targets``, for a g to which that u exists but for
    rounding; points stand where :func:`placed` says.
    """
    u = np.empty(g.size - order)
    spline_dual(order, at, g, rows.astype(np.int64, copy=False), targets, u)
    return u


class DiscreteSpline:
    """The signals of length n with ``D x = 0`` but in some rows.

    Parameters
    ----------
    n : int
    order : int
        Of the differences: one more than the degree of the polynomials.
    rows : ndarray of int
        Rows of D where the difference may be nonzero, ascending.
    t : ndarray of shape (n,), optional
        Positions; at distances of one by default.
    at : ndarray, optional
        The same as :func:`placed` has it.
    """

    def __init__(
        self, n: int, order: int, rows: np.ndarray, t: np.ndarray | None = None,
        at: np.ndarray | None = None,
    ) -> None:  # fmt: skip
        self.n, self.order, self.rows = n, order, rows.astype(np.int64, copy=False)
        self._at = placed(n, order, t) if at is None else at
        self._weights: np.ndarray | None = None

    def positions(self, points: np.ndarray) -> np.ndarray:
        """Where points stand, those beyond the ends included."""
        return self._at[points + 3 * self.order]

    @property
    def size(self) -> int:
        """Dimension of the space."""
        return len(self.rows) + self.order

    @cached_property
    def table(self) -> spline_fit.Table:
        """The B-splines as kernels read them."""
        found = spline_fit.table(self.n, self.order, len(self.rows))
        spline_fit.spline_basis(self.order, self._at, np.ones(self.n), self.rows, found)
        return found

    @cached_property
    def basis(self) -> Any:
        """Sparse (n, size): the B-splines at every point."""
        from scipy.sparse import csr_array

        n, k = self.n, self.order
        columns = np.clip(self.table.first[:, None] + np.arange(k), 0, self.size - 1)
        pointers = np.arange(0, n * k + 1, k)
        entries = (self.table.values[:k].T.ravel(), columns.ravel(), pointers)
        return csr_array(entries, shape=(n, self.size))

    @cached_property
    def jumps(self) -> Any:
        """Sparse (knots, size): the differences of the B-splines in the rows of the knots."""
        from scipy.sparse import csr_array

        k, values = self.order, self.table.jumps
        columns = np.arange(len(self.rows))[:, None] + np.arange(k + 1)
        pointers = np.arange(0, values.size + 1, k + 1)
        entries = (values.ravel(), columns.ravel(), pointers)
        return csr_array(entries, shape=(len(self.rows), self.size))

    def expand(self, c: np.ndarray) -> np.ndarray:
        """``N c`` for c of shape (size, m)."""
        out, c = np.empty((self.n, c.shape[1])), np.ascontiguousarray(c)
        spline_fit.expand(self.order, self.table.values, self.table.first, c, out)
        return out

    def collect(self, v: np.ndarray) -> np.ndarray:
        """``N'v`` for v of shape (n, m)."""
        out, v = np.empty((self.size, v.shape[1])), np.ascontiguousarray(v)
        spline_fit.collect(self.order, self.table.values, self.table.first, v, out)
        return out

    def across(self, c: np.ndarray) -> np.ndarray:
        """The differences at the knots of coefficients c, of any shape (size, ...)."""
        J, knots = self.table.jumps, len(self.rows)
        J = J.reshape(J.shape + (1,) * (c.ndim - 1))
        return sum(J[:, r] * c[r : r + knots] for r in range(self.order + 1))

    def pull(self, s: np.ndarray) -> np.ndarray:
        """``s'`` times those differences, of shape (size,)."""
        J, knots, found = self.table.jumps, len(self.rows), np.zeros(self.size)
        for r in range(self.order + 1):
            found[r : r + knots] += J[:, r] * s
        return found

    def fit(
        self, y: np.ndarray, w: np.ndarray, alpha: float, signs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float, float]:
        """x and its differences z of ``norm_W(x - y)^2 / 2 + alpha signs'z`` at its least; how far
        x may be from that by rounding, and the largest of ``w (abs(y) + abs(x))``.
        """
        found = spline_fit.table(self.n, self.order, len(self.rows))
        away, size = spline_fit.spline_fit(
            self.order, self._at, y, w, alpha, self.rows, signs, found
        )
        self.table, self._weights = found, w
        return found.x, found.z, away, size

    def gram(self, weights: np.ndarray) -> np.ndarray:
        """The lower bands of ``N'WN``: entry (d, j) is ``G[j + d, j]``."""
        if self._weights is not weights:
            spline_fit.spline_basis(self.order, self._at, weights, self.rows, self.table)
        return self.table.gram

    @cached_property
    def spans(self) -> np.ndarray:
        """``h^(k - 1)/(k - 1)!`` by knot, h the distance between its neighbours.

        About how far a signal moves when the difference at the knot, alone, goes by one.
        """
        k = self.order
        z = self.positions(self.table.index[2 * k - 1 : 2 * k + len(self.rows) + 1])
        return (z[2:] - z[:-2]) ** (k - 1) / factorial(k - 1)


class Gram:
    """``G = N'WN + jumps' diag(curb) jumps``, N the basis of a spline: banded, factored once.

    Parameters
    ----------
    spline : DiscreteSpline
    weights : ndarray of shape (n,)
    curb : ndarray of shape (knots,), optional
        Not negative.
    """

    def __init__(
        self, spline: DiscreteSpline, weights: np.ndarray, curb: np.ndarray | None = None
    ) -> None:
        k, size = spline.order, spline.size
        bands = spline.gram(weights)
        if curb is not None and np.any(curb):
            bands = np.vstack([bands, np.zeros(size)])
            J, own = spline.table.jumps, np.arange(len(spline.rows))
            for r in range(k + 1):
                for e in range(k + 1 - r):
                    bands[e, own + r] += curb * J[:, r] * J[:, r + e]
        self._bands = bands[: min(len(bands), size)]

    @property
    def bands(self) -> np.ndarray:
        """The lower ones: entry (d, j) is ``G[j + d, j]``."""
        return self._bands

    @property
    def diagonal(self) -> np.ndarray:
        return self._bands[0]

    def toarray(self) -> np.ndarray:
        """G, dense."""
        size = len(self.diagonal)
        found = np.zeros((size, size))
        for d, band in enumerate(self._bands):
            at = np.arange(size - d)
            found[at + d, at] = found[at, at + d] = band[: size - d]
        return found

    def _cholesky(self, diagonal: np.ndarray) -> np.ndarray | None:
        """Factor of G with another diagonal; None where that is not positive definite."""
        bands = self._bands.copy()
        bands[0] = diagonal
        return bands if banded.factor_bands(bands) else None

    @cached_property
    def least_eigenvalue(self) -> float:
        """tau with ``G >= tau diag(G)``, within a factor of 4; 0 where none is found.

        The factorisation of ``G - tau diag(G)`` is its proof, up to rounding.
        """
        for power in range(1, 20):
            tau = 4.0**-power
            if self._cholesky((1.0 - tau) * self.diagonal) is not None:
                return tau
        return 0.0

    @property
    def rank(self) -> int:
        """Number of eigenvalues above rounding; dense where it is singular."""
        if not self.singular:
            return len(self.diagonal)
        return int(np.linalg.matrix_rank(self.toarray(), hermitian=True))

    @property
    def singular(self) -> bool:
        return self.least_eigenvalue < 1e-10

    @cached_property
    def _factor(self) -> np.ndarray:
        found = self._cholesky(self.diagonal)
        if found is None:
            # Weights of zero leave splines free; lifted a little, those stay near zero.
            found = self._cholesky(self.diagonal + 1e-10 * max(self.diagonal.max(), 1e-300))
        assert found is not None
        return found

    def solve(self, rhs: np.ndarray) -> np.ndarray:
        """``inv(G) rhs`` for rhs of shape (size, ...)."""
        right = np.ascontiguousarray(rhs).reshape(len(rhs), -1)
        out = np.empty_like(right)
        banded.solve_bands(self._bands, self._factor, right, out)
        return out.reshape(rhs.shape)

    def times(self, c: np.ndarray, bands: np.ndarray | None = None) -> np.ndarray:
        """``G c`` for c of shape (size, ...); or with other bands."""
        bands = self._bands if bands is None else bands
        bands = bands.reshape(bands.shape + (1,) * (c.ndim - 1))
        found = bands[0] * c
        for d in range(1, len(bands)):
            found[d:] += bands[d, :-d] * c[:-d]
            found[:-d] += bands[d, :-d] * c[d:]
        return found
