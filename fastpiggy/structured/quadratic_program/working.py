"""The KKT matrix of one program on its working set, dense or sparse, with its factor."""

from functools import cached_property
from typing import Any

import numpy as np

#: Singular values below this, over the largest, are zero.
_RANK = 1e-11


class WorkingSystem:
    """``[P C_K'; C_K -diag(shift)]``: symmetric, so that its adjoint is itself.

    Parameters
    ----------
    P : ndarray or csc_array of shape (n, n)
    C : ndarray or csr_array of shape (rows, n)
    working : ndarray of int
        The rows K.
    shift : ndarray
        0 for rows that are held; ``(1 - q)/(q rho)`` for those on a kink with selection q.
    """

    def __init__(self, P: Any, C: Any, working: np.ndarray, shift: np.ndarray) -> None:
        self.P, self.C, self.working, self.shift = P, C, working, shift
        self.n = P.shape[0]

    @cached_property
    def K(self) -> Any:
        """The matrix; rows of C scaled to the size of P, so that its singular values tell."""
        P, C, scale = self.P, self.C[self.working], self.scale
        if hasattr(P, "tocsc"):
            from scipy.sparse import block_array, diags_array

            C = diags_array(scale) @ C
            return block_array([[P, C.T], [C, -diags_array(self.shift * scale**2)]], format="csc")
        C = scale[:, None] * C
        return np.block([[P, C.T], [C, -np.diag(self.shift * scale**2)]])

    @cached_property
    def scale(self) -> np.ndarray:
        """Of the rows in K."""
        C = self.C[self.working]
        lengths = np.sqrt(np.asarray((C * C).sum(axis=1))).ravel()
        size = float(abs(self.P).max()) or 1.0
        return np.where(lengths > 0, size / np.where(lengths > 0, lengths, 1.0), 1.0)

    @cached_property
    def singular_values(self) -> np.ndarray:
        """All of them, falling; of a sparse K the largest and the smallest are estimates."""
        if not hasattr(self.K, "tocsc"):
            return np.linalg.svd(self.K, compute_uv=False)
        from scipy.sparse.linalg import norm

        solve, v = self._factor, np.random.default_rng(0).standard_normal(self.K.shape[0])
        largest = float(norm(self.K, 1))
        if solve is None:
            return np.array([largest, 0.0])
        length = 1.0
        for _ in range(20):
            v = solve(v / np.linalg.norm(v))
            length = float(np.linalg.norm(v))
        return np.array([largest, 1.0 / length])

    @property
    def least(self) -> float:
        """The smallest singular value."""
        return float(self.singular_values[-1])

    @property
    def singular(self) -> bool:
        return not self.least > _RANK * float(self.singular_values[0])

    @cached_property
    def _factor(self) -> Any:
        """Solves with K; None where it is singular."""
        if hasattr(self.K, "tocsc"):
            from scipy.sparse.linalg import splu

            try:
                return splu(self.K).solve
            except RuntimeError:
                return None
        if self.singular:
            return None
        from scipy.linalg import lu_factor, lu_solve

        factor = lu_factor(self.K)
        return lambda b: lu_solve(factor, b)

    def solve(self, g: np.ndarray, e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """``a`` and ``w`` with ``K [a; w_K] = [g; e_K]``, w zero elsewhere; columns along.

        Where K is singular, those of least norm that come nearest.
        """
        column = self.scale if e.ndim == 1 else self.scale[:, None]
        right = np.concatenate([g, column * e[self.working]])
        if self._factor is None or self.singular:
            K = self.K.toarray() if hasattr(self.K, "tocsc") else self.K
            found = np.linalg.lstsq(K, right, rcond=_RANK)[0]
        else:
            found = self._factor(right)
            found = found + self._factor(right - self.K @ found)
        w = np.zeros(e.shape)
        w[self.working] = column * found[self.n :]
        return found[: self.n], w
