"""Halfspaces and affine sets: one linear inequality, and linear equations."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record, routine
from fastpiggy.penalties.protocol import Penalty
from fastpiggy.penalties.spoiled import spoiled


@routine
def _dot(a, b):
    total = 0.0
    for j in range(b.size):
        total += a[j] * b[j]
    return total


@record(Penalty)
class Halfspace(NamedTuple):
    """Zero on ``normal'x <= offset``, infinite elsewhere; the prox is the projection.

    Outside, with a the normal and ``e = (a'u - offset)/norm(a)^2``, it is ``u - e a``; the
    Jacobian is ``I - a a'/norm(a)^2`` in u and ``a/norm(a)^2`` in the offset.  On the plane
    Clarke's set blends that, q = 1, with the inside, q = 0: I, and 0.  One selection serves all
    coordinates, the first entry's.

    Parameters
    ----------
    normal : ndarray of shape (p,)
        Not zero.
    offset : float

    References
    ----------
    Parikh and Boyd (2014), Proximal algorithms, section 6.2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import Halfspace, prox
    >>> z, dz = prox(Halfspace(np.ones(2), 2.0), [3.0, 1.0], wrt="offset")
    >>> z.round(4), dz.round(4)
    (array([2., 0.]), array([0.5, 0.5]))
    """

    normal: np.ndarray
    offset: float

    def value_all(self, x):
        size = abs(self.offset)
        for j in range(x.size):
            size += abs(self.normal[j] * x[j])
        return 0.0 if _dot(self.normal, x) - self.offset <= 1e-9 * size else np.inf

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if spoiled(u, z, dz, m):
            return
        a, squares, size = self.normal, _dot(self.normal, self.normal), abs(self.offset)
        for j in range(u.size):
            size += abs(a[j] * u[j])
        gap = _dot(a, u) - self.offset
        e = max(gap, 0.0) / squares
        for j in range(u.size):
            z[j] = u[j] - e * a[j]
        side = 1.0 if gap > 1e-14 * size else q[0] if gap >= -1e-14 * size else 0.0
        for k in range(m):
            slip, turn = 0.0, 0.0
            for j in range(u.size):
                slip += a[j] * du[k, j] + d.normal[k, j] * u[j]
                turn += a[j] * d.normal[k, j]
            de = (slip - d.offset[k] - 2.0 * e * turn) / squares
            for j in range(u.size):
                dz[k, j] = du[k, j] - side * (de * a[j] + e * d.normal[k, j])

    def check(self, p):
        if self.normal.shape != (p,) or not self.normal.any():
            raise ValueError(
                f"penalty.normal must have shape ({p},) for this X and not be zero, got shape "
                f"{self.normal.shape}"
            )


@routine
def _orthonormal_rows(A, Q, R):
    """``A = R Q`` with orthonormal rows of Q and R lower triangular: Gram-Schmidt, each twice."""
    k, p = A.shape
    for i in range(k):
        for j in range(p):
            Q[i, j] = A[i, j]
        for l in range(k):
            R[i, l] = 0.0
        for _ in range(2):
            for l in range(i):
                c = _dot(Q[l], Q[i])
                R[i, l] += c
                for j in range(p):
                    Q[i, j] -= c * Q[l, j]
        R[i, i] = np.sqrt(_dot(Q[i], Q[i]))
        for j in range(p):
            Q[i, j] /= R[i, i]


@routine
def _onto(A, Q, R, b, x, c):
    """Move x to ``A x = b`` along the rows; c becomes ``inv(R) (A x - b)``."""
    for i in range(b.size):
        gap = _dot(A[i], x) - b[i]
        for l in range(i):
            gap -= R[i, l] * c[l]
        c[i] = gap / R[i, i]
    for i in range(b.size):
        for j in range(x.size):
            x[j] -= c[i] * Q[i, j]


@record(Penalty)
class Affine(NamedTuple):
    """Zero on ``A x = b``, infinite elsewhere; the prox is the projection ``u - pinv(A)(A u - b)``.

    Its Jacobian is ``I - pinv(A) A`` in u and ``pinv(A)`` in b; with ``l = inv(A A')(A u - b)``
    it is along dA what solves ``dz = -dA'l - A'dl``, ``A dz = -dA z``.  It is smooth.

    Parameters
    ----------
    A : ndarray of shape (k, p)
        Independent rows.
    b : ndarray of shape (k,)

    References
    ----------
    Parikh and Boyd (2014), Proximal algorithms, section 6.2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import Affine, prox
    >>> penalty = Affine(np.array([[1.0, 1.0, 0.0]]), np.array([2.0]))
    >>> z, dz = prox(penalty, [3.0, 1.0, 2.0], wrt="b")
    >>> z.round(4), dz[:, 0].round(4)
    (array([2., 0., 2.]), array([0.5, 0.5, 0. ]))
    """

    A: np.ndarray
    b: np.ndarray

    def value_all(self, x):
        for i in range(self.b.size):
            gap, size = -self.b[i], abs(self.b[i])
            for j in range(x.size):
                gap += self.A[i, j] * x[j]
                size += abs(self.A[i, j] * x[j])
            if abs(gap) > 1e-9 * size:
                return np.inf
        return 0.0

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if spoiled(u, z, dz, m):
            return
        A, b, p, rows = self.A, self.b, u.size, self.b.size
        Q, R = np.empty((rows, p)), np.empty((rows, rows))
        _orthonormal_rows(A, Q, R)
        c, again, moved, target = np.empty(rows), np.empty(rows), np.empty(p), np.empty(rows)
        for j in range(p):
            moved[j] = u[j]
        _onto(A, Q, R, b, moved, c)
        # Once more, from a point where nothing large cancels.
        _onto(A, Q, R, b, moved, again)
        for j in range(p):
            z[j] = moved[j]
        for i in range(rows - 1, -1, -1):
            for l in range(i + 1, rows):
                c[i] -= R[l, i] * c[l]
            c[i] /= R[i, i]
        for k in range(m):
            for j in range(p):
                moved[j] = du[k, j]
                for i in range(rows):
                    moved[j] -= d.A[k, i, j] * c[i]
            for i in range(rows):
                target[i] = d.b[k, i] - _dot(d.A[k, i], z[:p])
            _onto(A, Q, R, target, moved, again)
            for j in range(p):
                dz[k, j] = moved[j]

    def check(self, p):
        fits = self.A.ndim == 2 and self.A.shape == (self.b.size, p) and self.b.ndim == 1
        if not fits or self.b.size > p:
            raise ValueError(
                f"penalty.A must have shape (k, {p}) for this X with k at most {p}, and penalty.b "
                f"shape (k,), got {self.A.shape} and {self.b.shape}"
            )
        if np.linalg.matrix_rank(self.A) < self.b.size:
            raise ValueError(
                "penalty.A must have independent rows; leave out those that follow from others"
            )
