"""The logarithm of a determinant, with a linear term."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.penalties import spectral
from fastpiggy.penalties.protocol import Penalty
from fastpiggy.penalties.spoiled import spoiled


@record(Penalty)
class LogDet(NamedTuple):
    """``alpha (<S, X> - logdet X)`` on positive definite matrices, infinite elsewhere.

    x holds all n * n entries of a symmetric matrix by rows; of an argument that is not symmetric
    the symmetric part is taken.  With ``t = step alpha`` and ``V - t S = Q diag(d) Q'`` the prox is
    ``Q diag(phi) Q'``, ``phi = (d + sqrt(d^2 + 4t))/2``.  Its derivative along H is
    ``Q (G .* (Q'HQ)) Q'`` with ``G_ij = phi_i phi_j/(phi_i phi_j + t)``, in which nothing cancels
    where eigenvalues are near each other; in t it is ``Q diag(1/sqrt(d^2 + 4t)) Q'`` besides what S
    moves.  It is smooth for t > 0.

    Parameters
    ----------
    alpha : float
        Not negative; at 0 the projection on the semidefinite matrices is left.
    S : ndarray of shape (n * n,)
        A symmetric matrix by rows, such as a covariance; zeros for the determinant alone.

    References
    ----------
    Banerjee, El Ghaoui and d'Aspremont (2008), Model selection through sparse maximum likelihood
    estimation; Boyd et al. (2011), section 6.5, for the prox.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import LogDet, prox
    >>> z, dz = prox(LogDet(1.0, np.zeros(4)), [1.5, 0.0, 0.0, 0.0], wrt="alpha")
    >>> z.round(4), dz.round(4)
    (array([2., 0., 0., 1.]), array([0.4, 0. , 0. , 0.5]))
    """

    alpha: float
    S: np.ndarray

    def value_all(self, x):
        n, total = spectral.side(x.size), 0.0
        Q, d = np.empty((n, n)), np.empty(n)
        spectral.decompose(x, Q, d)
        size = max(abs(d[0]), abs(d[n - 1]))
        if size == 0.0 or d[0] < -1e-12 * size or spectral.asymmetry(x, n) > 1e-9:
            return np.inf
        for i in range(x.size):
            total += self.S[i] * x[i]
        for i in range(n):
            # Below this an eigenvalue is not known.
            total -= np.log(max(d[i], 1e-16 * size))
        return self.alpha * total

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if spoiled(u, z, dz, m):
            return
        p, n, t = u.size, spectral.side(u.size), steps[0] * self.alpha
        moved = np.empty(p)
        for i in range(p):
            moved[i] = u[i] - t * self.S[i]
        Q, e, phi, psi = np.empty((n, n)), np.empty(n), np.empty(n), np.empty(n)
        spectral.decompose(moved, Q, e)
        for i in range(n):
            root = np.sqrt(e[i] * e[i] + 4.0 * t)
            # phi psi = t: the one that cancels is taken from the other.
            large = 0.5 * (abs(e[i]) + root)
            small = t / large if large > 0.0 else 0.0
            phi[i], psi[i] = (large, small) if e[i] > 0.0 else (small, large)
        spectral.compose(Q, phi, z)
        if m == 0:
            return
        G, in_t, turn = np.empty((n, n)), np.empty(n), np.empty(p)
        for i in range(n):
            root = phi[i] + psi[i]
            in_t[i] = 1.0 / root if root > 0.0 else np.inf
            for j in range(n):
                # phi_i phi_j/(phi_i phi_j + t) with t = phi psi of the larger, also at t = 0.
                high, low = (i, j) if phi[i] >= phi[j] else (j, i)
                whole = phi[high] + psi[low]
                G[i, j] = phi[high] / whole if whole > 0.0 else 1.0 - q[0]
        if np.any(d.alpha):
            spectral.compose(Q, in_t, turn)
        for k in range(m):
            dt = steps[0] * d.alpha[k]
            for i in range(p):
                moved[i] = du[k, i] - dt * self.S[i] - t * d.S[k, i]
            spectral.differentiate(Q, G, moved, dz[k])
            for i in range(p):
                dz[k, i] += dt * turn[i] if dt != 0.0 else 0.0

    def check(self, p):
        spectral.check_square(p, "LogDet")
        n = spectral.side(p)
        if self.S.shape != (p,):
            raise ValueError(f"penalty.S must have shape ({p},) for this X, got {self.S.shape}")
        if spectral.asymmetry(self.S, n) > 1e-10:
            raise ValueError(
                "penalty.S must hold the entries of a symmetric matrix by rows; take (S + S.T)/2"
            )
