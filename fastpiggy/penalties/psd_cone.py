"""The cone of positive semidefinite matrices."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record, routine
from fastpiggy.penalties import spectral
from fastpiggy.penalties.protocol import Penalty
from fastpiggy.penalties.spoiled import check_size, spoiled


@routine
def project_semidefinite(u, z, du, dz, m, q):
    """Projection of a matrix given by rows, and its tangents."""
    n = spectral.side(u.size)
    Q, d, f = np.empty((n, n)), np.empty(n), np.empty(n)
    spectral.decompose(u, Q, d)
    size = max(abs(d[0]), abs(d[n - 1]))
    for i in range(n):
        f[i] = max(d[i], 0.0)
        # Rounding hides an eigenvalue of zero.
        if abs(d[i]) <= 1e-14 * n * size:
            d[i] = 0.0
    spectral.compose(Q, f, z)
    if m == 0:
        return
    G = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            high, low = max(d[i], d[j]), min(d[i], d[j])
            if high > 0.0:
                G[i, j] = 1.0 if low >= 0.0 else high / (high - low)
            else:
                G[i, j] = 1.0 - q if low == 0.0 else 0.0
    for k in range(m):
        spectral.differentiate(Q, G, du[k], dz[k])


@record(Penalty)
class PSDCone(NamedTuple):
    """Zero on positive semidefinite matrices, infinite elsewhere; the prox projects.

    x holds all n * n entries of a symmetric matrix by rows; of an argument that is not symmetric
    the symmetric part is taken.  With ``V = Q diag(d) Q'`` the Jacobian is ``H -> Q (O .* (Q'HQ))
    Q'``, O_ij = 1 where both eigenvalues are positive, 0 where none is, and ``d_i/(d_i - d_j)``
    where ``d_i > 0 >= d_j``.  Eigenvalues of zero are kinks: beside a positive one O is 1, beside
    a negative one 0, and for two of zero it is ``1 - q``: q = 0 counts them as positive.  One
    selection serves all, the first entry's.  It has no parameters.

    Parameters
    ----------
    rows : int
        n, the side of the matrix.

    References
    ----------
    Malick and Sendov (2006), Clarke generalized Jacobian of the projection onto the cone of
    positive semidefinite matrices.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import PSDCone, prox
    >>> prox(PSDCone(2), [1.0, 2.0, 2.0, 1.0]).round(4)
    array([1.5, 1.5, 1.5, 1.5])
    """

    rows: int
    held = ("rows",)  # no parameter

    def value_all(self, x):
        n = spectral.side(x.size)
        Q, d = np.empty((n, n)), np.empty(n)
        spectral.decompose(x, Q, d)
        inside = d[0] >= -1e-9 * max(abs(d[0]), abs(d[n - 1]))
        return 0.0 if inside and spectral.asymmetry(x, n) <= 1e-9 else np.inf

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if not spoiled(u, z, dz, m):
            project_semidefinite(u, z, du, dz, m, q[0])

    def check(self, p):
        spectral.check_square(p, "PSDCone")
        check_size(self.rows, p, "rows", spectral.side(p))
