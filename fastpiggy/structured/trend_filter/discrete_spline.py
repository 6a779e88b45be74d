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
from math import comb, factorial
from typing import Any

import numpy as np

from fastpiggy.structured.trend_filter import divided
from fastpiggy.structured.trend_filter.spline_fit import fit, spline_basis

#: Interpolations of a drift at unequal positions.
_PASSES = 3


def extended(t: np.ndarray, more: int) -> np.ndarray:
    """Positions continued at their mean distance by so many on both sides."""
    step = (t[-1] - t[0]) / (t.size - 1)
    ends = step * np.arange(1, more + 1)
    return np.concatenate([t[0] - ends[::-1], t, t[-1] + ends])


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


def summed(g: np.ndarray, order: int, t: np.ndarray | None = None) -> np.ndarray:
    """``u`` with ``D'u = g``, for g of shape (n, ...), and `order` more rows.

    Those would be zero if g were orthogonal to all polynomials of degree below `order`; u is the
    sum from the left, so that they hold what is left over.
    """
    u, more = (-1.0) ** order * g, None if t is None else extended(t, order)[order:]
    for p in range(1, order + 1):
        u = np.cumsum(u, axis=0)
        if more is not None and p < order:
            u = u * ((more[p : p + len(g)] - more[: len(g)]) / p)
    return u


def dual(
    g: np.ndarray, order: int, rows: np.ndarray, targets: np.ndarray, t: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """``u`` with ``D'u = g`` and ``u[rows] = targets``, for a g to which that u exists but for
    rounding; and a bound of ``D'u - g``.

    Sums over n points carry rounding along.  What they miss the targets by, and zero beyond the
    ends, is interpolated by the spline of degree ``2 order - 1``, whose differences are the
    smallest, and taken out: only the rounding between two knots stays.
    """
    from scipy.interpolate import make_interp_spline

    n, size = len(g), len(g) - order
    sums = summed(g, order, t)
    nodes = np.concatenate([np.arange(-order, 0), rows, np.arange(size, n)])
    missed = np.concatenate([np.zeros(order), sums[rows] - targets, sums[size:]])
    nodes += order
    if t is None:
        at = np.arange(-order, n)
        drift = make_interp_spline(at[nodes], missed, k=2 * order - 1, check_finite=False)
        moved = drift(at)
        # Differences are means of the derivative, and that is within its B-spline coefficients.
        defect = np.abs(drift.derivative(order).c).max()
    else:
        at, apart = _centres(t, order)
        moved = np.zeros(n + order)
        # Nearly through the nodes; what that misses goes by a power of the distance of points.
        for _ in range(_PASSES if apart else 1):
            left = missed - moved[nodes]
            drift = make_interp_spline(at[nodes], left, k=2 * order - 1, check_finite=False)
            moved += drift(at) + sum(factor * drift(at, power) for power, factor in apart)
        moved[nodes] = missed
        D, pull = differences(n + 2 * order, order, extended(t, order)), np.zeros(n + 2 * order)
        for j in range(order + 1):
            pull[j : j + n + order] += D[j] * moved
        defect = np.abs(pull[order : n + order]).max()
    return sums[:size] - moved[order : size + order], float(defect)


def _centres(t: np.ndarray, order: int) -> tuple[np.ndarray, list[tuple[int, np.ndarray]]]:
    """Where the rows -order, ..., n - 1 of D stand, and the factors of derivatives there.

    ``D'u`` differentiates the spline of degree ``order - 1`` with the coefficients u and knots t.
    Those of a smooth function f are, by its blossom, ``f + e_2 f''/(2 C(order - 1, 2)) + ...`` at
    the mean of the row's inner points, e_j the elementary symmetric functions of their distances.
    """
    more = extended(t, 2 * order)
    rows = np.arange(t.size + order) + order
    if order == 1:
        return (more[rows] + more[rows + 1]) / 2, []
    inner = more[rows[:, None] + np.arange(1, order)]
    at = inner.mean(axis=1)
    off = inner - at[:, None]
    if order < 3:
        return at, []
    second = ((off**2).sum(axis=1)) / (-4.0 * comb(order - 1, 2))
    factors = [(2, second)]
    if order == 4:
        factors.append((3, off.prod(axis=1) / 6.0))
    return at, factors


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
    """

    def __init__(self, n: int, order: int, rows: np.ndarray, t: np.ndarray | None = None) -> None:
        self.n, self.order, self.rows = n, order, rows
        self._more = 3 * order
        at = np.arange(n, dtype=float) if t is None else t
        self._at = extended(at, self._more)
        # A difference in row i is a knot at z = i + order - 1; each end has `order` more of them.
        ends = np.arange(order)
        self.z = np.concatenate([ends - 1, rows + order - 1, n - 1 + ends])

    def positions(self, points: np.ndarray) -> np.ndarray:
        """Where points stand, those beyond the ends included."""
        return self._at[points + self._more]

    @property
    def size(self) -> int:
        """Dimension of the space."""
        return len(self.rows) + self.order

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Knots with `order` more at each end: their points, the first zero of q among all
        positions, and the spans and centres of :func:`divided.spans`.
        """
        more = np.arange(1, self.order + 1)
        index = np.concatenate([self.z[0] - more[::-1], self.z, self.z[-1] + more])
        first = index - self.order + 2 + self._more
        zeros = self._at[first[:, None] + np.arange(self.order - 1)]
        return index, first, *divided.spans(zeros)

    @cached_property
    def basis(self) -> Any:
        """Sparse (n, size): the B-splines at every point."""
        from scipy.sparse import csr_array

        n, k = self.n, self.order
        values, first = np.empty((n, k)), np.empty(n, dtype=np.int64)
        spline_basis(k, self._at, self._more, *self._table, values, first)
        columns = np.clip(first[:, None] + np.arange(k), 0, self.size - 1)
        pointers = np.arange(0, n * k + 1, k)
        return csr_array((values.ravel(), columns.ravel(), pointers), shape=(n, self.size))

    @cached_property
    def jumps(self) -> Any:
        """Sparse (knots, size): the differences of the B-splines in the rows of the knots.

        The k-th difference of q, truncated at its zeros, is ``(k - 1)!`` in the row of the knot and
        0 in all others, so that these are the weights of divided differences; taken from values of
        the basis they would drown in rounding where knots lie far apart.
        """
        from scipy.sparse import csr_array

        k, values = self.order, self.jump_weights
        columns = np.arange(len(self.rows))[:, None] + np.arange(k + 1)
        pointers = np.arange(0, values.size + 1, k + 1)
        return csr_array(
            (values.ravel(), columns.ravel(), pointers), shape=(len(self.rows), self.size)
        )

    def fit(
        self, y: np.ndarray, w: np.ndarray, pulled: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """x and c of ``norm_W(x - y)^2 / 2 + pulled'c`` at its least, ``x = N c``.

        None where weights of zero leave that open.
        """
        k, n, size = self.order, self.n, self.size
        x, c = np.empty(n), np.empty(size)
        values, first = np.empty((n, k)), np.empty(n, dtype=np.int64)
        bands = np.empty((k, size))
        regular = fit(
            k, self._at, self._more, *self._table, y, w, pulled, values, first, bands, c, x
        )
        return (x, c) if regular else None

    @cached_property
    def jump_weights(self) -> np.ndarray:
        """Of shape (knots, order + 1): row i of :attr:`jumps`, from its column i on."""
        k = self.order
        shares = divided.weights(self._table[2])[k:]
        own = np.arange(len(self.rows))
        values = np.stack([shares[own + r, k - r] for r in range(k + 1)], axis=1)
        return values * factorial(k - 1)

    @cached_property
    def spans(self) -> np.ndarray:
        """``h^(k - 1)/(k - 1)!`` by knot, h the distance between its neighbours.

        About how far a signal moves when the difference at the knot, alone, goes by one.
        """
        k = self.order
        own = np.arange(len(self.rows)) + k
        z = self.positions(self.z)
        h = z[own + 1] - z[own - 1]
        return h ** (k - 1) / factorial(k - 1)


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
        N = spline.basis
        weighted = N.copy()
        weighted.data *= np.repeat(weights, spline.order)
        self.matrix = weighted.T.tocsr() @ N
        if curb is not None and np.any(curb):
            scaled = spline.jumps.copy()
            scaled.data *= np.repeat(curb, spline.order + 1)
            self.matrix = self.matrix + scaled.T.tocsr() @ spline.jumps
        self._bands = np.zeros((min(spline.order + 1, spline.size), spline.size))
        for band in range(len(self._bands)):
            self._bands[band, : spline.size - band] = self.matrix.diagonal(-band)

    @property
    def diagonal(self) -> np.ndarray:
        return self._bands[0]

    def _cholesky(self, diagonal: np.ndarray) -> np.ndarray | None:
        """Factor of G with another diagonal; None where that is not positive definite."""
        from scipy.linalg import LinAlgError, cholesky_banded

        bands = self._bands.copy()
        bands[0] = diagonal
        try:
            return cholesky_banded(bands, overwrite_ab=True, lower=True, check_finite=False)
        except LinAlgError:
            return None

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
        return int(np.linalg.matrix_rank(self.matrix.toarray(), hermitian=True))

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
        from scipy.linalg import cho_solve_banded

        if not rhs.size:
            return np.zeros_like(rhs)
        found = cho_solve_banded((self._factor, True), rhs, check_finite=False)
        return found + cho_solve_banded(
            (self._factor, True), rhs - self.matrix @ found, check_finite=False
        )
