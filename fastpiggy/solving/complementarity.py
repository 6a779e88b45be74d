"""Linear complementarity problems of positive definite systems, by principal pivoting."""

import numpy as np
from scipy import linalg

#: A violation below this, over the largest unknown, is rounding.
_ROUNDING = 1e-12

#: Block exchanges that may pass without fewer violations before they are made one by one.
_PATIENCE = 10

#: Exchanges at the most, beside one for each row.
_EXCHANGES = 200


def complementary(M: np.ndarray, N: np.ndarray | None, q: np.ndarray) -> np.ndarray:
    """``z - w`` of the z, w >= 0 with ``M z + q = N w``, ``z'w = 0``; N is I where it is None.

    Principal pivoting by blocks (Kostreva 1978; Judice and Pires 1994): every row of the wrong sign
    changes side, and where that does not help for a while only the last one of them (Murty 1974),
    which is finite for M positive definite.  Should it take too long, nonnegative least squares.
    """
    on, fewest, patience = q < 0, q.size + 1, _PATIENCE
    for _ in range(_EXCHANGES + q.size):
        v = _on_sides(M, N, q, on)
        bad = np.flatnonzero(np.where(on, v, -v) < -_ROUNDING * np.abs(v).max(initial=0.0))
        if not bad.size:
            return v
        if bad.size < fewest:
            fewest, patience = bad.size, _PATIENCE
        else:
            patience -= 1
        flipped = bad if patience >= 0 else bad[-1:]
        on[flipped] = ~on[flipped]
    if N is not None:
        raise RuntimeError(
            f"the sides of {q.size} kinks were not found; move the parameter a little"
        )
    from scipy.optimize import nnls

    L = np.linalg.cholesky(M)
    z, _ = nnls(L.T, -linalg.solve_triangular(L, q, lower=True), maxiter=100 * q.size)
    return _on_sides(M, N, q, z > 0)


def _on_sides(M: np.ndarray, N: np.ndarray | None, q: np.ndarray, on: np.ndarray) -> np.ndarray:
    """``z - w`` for given sides, signs left as they come."""
    if N is not None:
        return np.linalg.solve(np.where(on, M, N), -q)
    v = np.zeros(q.size)
    if on.any():
        v[on] = linalg.solve(M[np.ix_(on, on)], -q[on], assume_a="pos")
    v[~on] = -(M[np.ix_(~on, on)] @ v[on] + q[~on])
    return v
