"""The nuclear norm."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record, routine
from fastpiggy.compile.lapack import product, product_nt, product_tn, singular
from fastpiggy.penalties.protocol import Penalty
from fastpiggy.penalties.spoiled import spoiled


@routine
def _decompose(x, rows, columns, U, s, V):
    """``U' diag(s) V`` of a matrix given by rows."""
    A = np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            A[i, j] = x[i * columns + j]
    singular(A, U, s, V)


@routine
def _quotients(s, t, q, even, odd):
    """Divided differences of ``f = (s - t)_+`` and of its odd continuation, without cancellation:
    ``(f_i - f_j)/(s_i - s_j)`` and ``(f_i + f_j)/(s_i + s_j)``; f' on ties, q at the threshold."""
    slack = 1e-14 * s[0]
    for i in range(s.size):
        for j in range(s.size):
            high, low = max(s[i], s[j]), min(s[i], s[j])
            if low > t + slack:
                even[i, j] = 1.0
            elif high > t + slack:
                even[i, j] = (high - t) / (high - low) if low < t - slack else 1.0
            else:
                even[i, j] = q if low >= t - slack else 0.0
            odd[i, j] = (max(high - t, 0.0) + max(low - t, 0.0)) / (high + low) if high > t else 0.0


@routine
def _ratio(f, s, i):
    return f[i] / s[i] if f[i] > 0.0 else 0.0


@record(Penalty)
class NuclearNorm(NamedTuple):
    """``alpha`` times the sum of the singular values of a matrix of `rows` rows.

    x holds its entries by rows.  The prox is the soft threshold of the singular values at ``t =
    step alpha``.  With ``V = U S W'`` and ``H = U'dV W`` its derivative has the divided
    differences of the threshold on the symmetric part of H, those of its odd continuation on the
    skew part, and ``(s - t)_+/s`` on what leaves the space of the smaller side; in t it is ``-U_S
    W_S'`` over the singular values above t.  At ``s_i == t`` Clarke's set has f' = q on these
    values, q = 0 being zero.  One selection serves all, the first entry's.

    Parameters
    ----------
    alpha : float
        Not negative.
    rows : int
        A divisor of the number of coefficients.

    References
    ----------
    Cai, Candès and Shen (2010), A singular value thresholding algorithm for matrix completion;
    Deledalle, Vaiter, Peyré, Fadili and Dossal (2012), Risk estimation for matrix recovery with
    spectral regularization, for the derivative.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import NuclearNorm, prox
    >>> z, dz = prox(NuclearNorm(1.0, 2), [3.0, 0.0, 0.0, 0.0, 0.5, 0.0], wrt="alpha")
    >>> z.round(4), dz.round(4)
    (array([2., 0., 0., 0., 0., 0.]), array([-1.,  0.,  0.,  0.,  0.,  0.]))
    """

    alpha: float
    rows: int
    held = ("rows",)

    def value_all(self, x):
        rows, columns, total = self.rows, x.size // self.rows, 0.0
        k = min(rows, columns)
        U, s, V = np.empty((k, rows)), np.empty(k), np.empty((k, columns))
        _decompose(x, rows, columns, U, s, V)
        for i in range(k):
            total += s[i]
        return self.alpha * total

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if spoiled(u, z, dz, m):
            return
        rows, columns, t = self.rows, u.size // self.rows, steps[0] * self.alpha
        k = min(rows, columns)
        U, s, V = np.empty((k, rows)), np.empty(k), np.empty((k, columns))
        _decompose(u, rows, columns, U, s, V)
        f, W, Z = np.empty(k), np.empty((k, columns)), np.empty((rows, columns))
        sign = np.zeros((rows, columns))
        share = q[0]
        for i in range(k):
            f[i] = max(s[i] - t, 0.0)
            at = 1.0 if s[i] > t + 1e-14 * s[0] else share if s[i] >= t - 1e-14 * s[0] else 0.0
            for j in range(columns):
                W[i, j] = at * V[i, j] if s[i] > 0.0 else 0.0
        product_tn(U, W, sign)
        for i in range(k):
            for j in range(columns):
                W[i, j] = f[i] * V[i, j]
        product_tn(U, W, Z)
        for i in range(rows):
            for j in range(columns):
                z[i * columns + j] = Z[i, j] if t > 0.0 else u[i * columns + j]
        if m == 0:
            return
        even, odd = np.empty((k, k)), np.empty((k, k))
        _quotients(s, t, share, even, odd)
        H, core, inner = np.empty((rows, columns)), np.empty((k, k)), np.empty((k, k))
        left, right, part = np.empty((rows, k)), np.empty((k, columns)), np.empty((k, columns))
        for b in range(m):
            for i in range(rows):
                for j in range(columns):
                    H[i, j] = du[b, i * columns + j]
            product_nt(H, V, left)  # H W
            product(U, H, right)  # U'H
            product_nt(right, V, core)
            for i in range(k):
                for j in range(k):
                    same, opposite = (
                        0.5 * (core[i, j] + core[j, i]),
                        0.5 * (core[i, j] - core[j, i]),
                    )
                    inner[i, j] = even[i, j] * same + odd[i, j] * opposite
                    # What U diag(f/s) U'H and H W diag(f/s) W' would count in the core.
                    inner[i, j] -= (_ratio(f, s, i) + _ratio(f, s, j)) * core[i, j]
            product(inner, V, part)
            for i in range(k):
                for j in range(columns):
                    part[i, j] += _ratio(f, s, i) * right[i, j]
            product_tn(U, part, Z)
            for i in range(k):
                for j in range(columns):
                    W[i, j] = _ratio(f, s, i) * V[i, j]
            product(left, W, H)
            dt = steps[0] * d.alpha[b]
            for i in range(rows):
                for j in range(columns):
                    at = i * columns + j
                    moved = Z[i, j] + H[i, j] if t > 0.0 else du[b, at]
                    dz[b, at] = moved - dt * sign[i, j]

    def alpha_max(self, g):
        """The smallest alpha at which x = 0 is a solution where the loss has gradient g there."""
        return float(np.linalg.norm(g.reshape(self.rows, -1), 2))

    def check(self, p):
        if not (isinstance(self.rows, int | np.integer) and self.rows > 0 and p % self.rows == 0):
            raise ValueError(
                f"penalty.rows must be an integer that divides the {p} columns of X, got "
                f"{self.rows!r}"
            )
