"""One linear system, dense, sparse or matrix-free, and the way that suits it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastpiggy.problems import checks

METHODS = ("direct", "cg", "gmres", "lsmr")

#: Sizes up to which a dense and a sparse matrix is factored.
_DENSE, _SPARSE = 3000, 200_000
#: Residuals above this, over the right-hand side, send an iterative solve to the next way.
_ENOUGH = 1e-6


def operand(value: Any, name: str, rows: int | None = None) -> Any:
    """A matrix as a float array, a CSC array, or a ``LinearOperator`` of real numbers."""
    from scipy.sparse.linalg import LinearOperator

    if isinstance(value, LinearOperator):
        found: Any = value
        if np.dtype(value.dtype or float).kind == "c":
            raise TypeError(f"{name} must be real, got a complex operator")
    else:
        found = checks.matrix(value, name)
        found = found.astype(float, copy=False)
        data = found.data if hasattr(found, "tocsc") else found
        if not np.all(np.isfinite(data)):
            raise ValueError(f"{name} must be finite, got NaN or inf")
    if rows is not None and found.shape[0] != rows:
        raise ValueError(f"{name} must have {rows} rows, one an entry of x, got {found.shape}")
    return found


def identity_minus(A: Any) -> Any:
    """``I - A`` in the storage of A."""
    if isinstance(A, np.ndarray):
        return np.eye(len(A)) - A
    if hasattr(A, "tocsc"):
        from scipy.sparse import eye_array

        return (eye_array(A.shape[0]) - A).tocsc()
    from scipy.sparse.linalg import LinearOperator

    return LinearOperator(
        A.shape, matvec=lambda v: v - A.matvec(v), rmatvec=lambda v: v - A.rmatvec(v), dtype=float
    )


def is_symmetric(K: Any) -> bool:
    """Whether a matrix is, to rounding; not known of an operator."""
    if not (isinstance(K, np.ndarray) or hasattr(K, "tocsc")):
        return False
    size = float(abs(K).max())
    return float(abs(K - K.T).max()) <= 1e-12 * size


class Linear:
    """Solves with K and its transpose.

    Parameters
    ----------
    K : ndarray, csc_array or LinearOperator of shape (p, p)
    method : str
        One of `METHODS`, or ``"auto"``.
    symmetric : bool
    tol : float
        Of iterative methods, on the residual over the right-hand side.
    """

    def __init__(self, K: Any, method: str, symmetric: bool, tol: float) -> None:
        self.K, self.symmetric, self.tol = K, symmetric, tol
        self.matrix = isinstance(K, np.ndarray) or hasattr(K, "tocsc")
        small = K.shape[0] <= (_DENSE if isinstance(K, np.ndarray) else _SPARSE)
        if method == "auto":
            method = "direct" if self.matrix and small else "cg" if symmetric else "gmres"
        self.method, self._factor = method, None
        if method == "direct":
            self._factor = _factored(K)

    @property
    def factored(self) -> bool:
        """Whether solves are cheap."""
        return self._factor is not None

    def solve(self, b: np.ndarray, transposed: bool = False) -> np.ndarray:
        """``inv(K) b`` or ``inv(K') b``, columns along; iterative ways that fail hand on to the
        next, and `method` names the last."""
        if self.method == "direct" and self._factor is not None:
            found = self._factor(b, transposed)
            return found + self._factor(b - self.product(found, transposed), transposed)
        columns = b.reshape(len(b), -1)
        found = np.stack([self._iterate(c, transposed) for c in columns.T], axis=1)
        return found.reshape(b.shape)

    def product(self, x: np.ndarray, transposed: bool = False) -> np.ndarray:
        """``K x`` or ``K'x``."""
        if self.matrix:
            return (self.K.T if transposed else self.K) @ x
        return _apply(self.K, x, transposed)

    def _iterate(self, b: np.ndarray, transposed: bool) -> np.ndarray:
        size = float(np.linalg.norm(b))
        if size == 0.0:
            return np.zeros(b.size)
        chain = {"cg": ("cg", "gmres", "lsmr"), "gmres": ("gmres", "lsmr")}
        best, least = np.zeros(b.size), np.inf
        for method in chain.get(self.method, ("lsmr",)):
            found = self._by(method, b, transposed)
            rest = float(np.linalg.norm(b - self.product(found, transposed)))
            self.method = method
            # LSMR's is of least norm: among equals it is the one.
            if np.isfinite(rest) and rest < least * (1.001 if method == "lsmr" else 1.0):
                best, least = found, rest
            if least <= max(_ENOUGH, 10 * self.tol) * size:
                break
        return best

    def _by(self, method: str, b: np.ndarray, transposed: bool) -> np.ndarray:
        from scipy.sparse.linalg import LinearOperator, cg, gmres, lsmr

        p = b.size
        K = LinearOperator(
            (p, p), matvec=lambda v: self.product(np.ravel(v), transposed),
            rmatvec=lambda v: self.product(np.ravel(v), not transposed), dtype=float,
        )  # fmt: skip
        with np.errstate(all="ignore"):
            if method == "cg":
                return cg(K, b, rtol=self.tol, maxiter=10 * p)[0]
            if method == "gmres":
                return gmres(K, b, rtol=self.tol, restart=min(p, 100), maxiter=20)[0]
            return lsmr(K, b, atol=self.tol, btol=self.tol, conlim=0.0, maxiter=20 * p)[0]


def _apply(K: Any, x: np.ndarray, transposed: bool) -> np.ndarray:
    one = K.rmatvec if transposed else K.matvec
    try:
        if x.ndim == 1:
            return np.asarray(one(x))
        return np.stack([one(column) for column in x.T], axis=1)
    except NotImplementedError:
        raise ValueError(
            "A and B must have rmatvec where they are LinearOperators: the transposed product is "
            "asked for by vjp, by LSMR, and by the check of invertibility"
        ) from None


apply = _apply


def _factored(K: Any) -> Callable[[np.ndarray, bool], np.ndarray] | None:
    """Solves with a factor of K; None where it is singular."""
    if hasattr(K, "tocsc"):
        from scipy.sparse.linalg import splu

        try:
            found = splu(K.tocsc())
        except RuntimeError:
            return None
        return lambda b, transposed: found.solve(b, trans="T" if transposed else "N")
    from scipy.linalg import get_lapack_funcs, lu_solve

    (getrf,) = get_lapack_funcs(("getrf",), (K,))
    lu, pivots, info = getrf(K)
    if info != 0:
        return None
    return lambda b, transposed: lu_solve((lu, pivots), b, trans=int(transposed))
