"""Quadratic programs in units in which the curvature along each variable is about 1.

What is near a bound, what is positive, what is singular: all of these compare numbers, and mean
the same in whatever units the data came only where rows and columns are of one size.
"""

from typing import Any

import numpy as np

#: Largest over smallest column, or row, up to which programs are taken as they are.
_SPREAD = 100.0
#: Rounds of Ruiz's iteration for variables without curvature.
_ROUNDS = 10


class Equilibrated:
    """``S P S, S q, R C S, R d``: x is ``S x^`` and the multipliers are ``R u^``.

    ``S_jj = 1/sqrt(P_jj)`` and rows of ``C S`` of length 1: a program in other units has the same,
    to the powers of two that S and R are rounded to, so that scaling rounds nothing.  Variables
    with ``P_jj = 0`` take theirs from the rows that they share with others.  A program whose rows
    and columns differ little is left alone.

    Parameters
    ----------
    problem : QuadraticProgram

    Attributes
    ----------
    P, C : ndarray of shape (B or 1, n, n) and (B or 1, rows, n), or sparse
    linear, d : ndarray of shape (B, n) and (B, rows)
    columns, rows : ndarray of shape (B or 1, n) and (B or 1, rows)
        The diagonals of S and R.
    """

    def __init__(self, problem: Any) -> None:
        P, C = problem.P, problem.C
        self.P, self.C = P if problem.sparse or P.ndim == 3 else P[None], C
        self.linear, self.d, self.equalities = problem.linear, problem.d, problem.equalities
        many = 1 if problem.sparse else max(len(self.P), len(C))
        self.columns, self.rows = np.ones((many, P.shape[-1])), np.ones((many, C.shape[-2]))
        curvature = _diagonal(self.P)
        S = _root(curvature)
        if np.any(curvature <= 0.0):
            S = _from_rows(C, S, curvature > 0.0)
        R = _root(_squares(C, S))
        if _spread(S) or _spread(R):
            self._scale(_power_of_two(S), _power_of_two(R))

    def _scale(self, S: np.ndarray, R: np.ndarray) -> None:
        self.P, self.C = _times(S, self.P, S), _times(R, self.C, S)
        if hasattr(self.P, "tocsc"):
            self.P, self.C = self.P.tocsc(), self.C.tocsr()
        self.linear, self.d = S * self.linear, R * self.d
        self.columns, self.rows = S * self.columns, R * self.rows


def _diagonal(P: Any) -> np.ndarray:
    if hasattr(P, "tocsc"):
        return P.diagonal()[None]  # type: ignore[no-any-return]
    return np.diagonal(P, axis1=1, axis2=2)


def _squares(C: Any, S: np.ndarray) -> np.ndarray:
    """Of the lengths of the rows of ``C S``."""
    if hasattr(C, "tocsc"):
        return ((C * C) @ (S[0] * S[0]))[None]  # type: ignore[no-any-return]
    return np.einsum("bij,bij,bj->bi", C, C, S * S, optimize=False) if C.size else C.sum(axis=2)


def _from_rows(C: Any, S: np.ndarray, known: np.ndarray) -> np.ndarray:
    """S where it is not known yet: Ruiz's iteration on the rows of more than one entry.

    A row of one entry, a bound, fits every unit of its variable.
    """
    if not C.shape[-2]:
        return S
    several = _entries(C) > 1
    size, R = _times(1.0 * several, abs(C), np.ones_like(S)), np.ones(several.shape)
    for _ in range(_ROUNDS):
        now = _times(R, size, S)
        R = R * _root(_largest(now, 1))
        S = np.where(known, S, S * _root(_largest(now, 0)))
    return S


def _entries(C: Any) -> np.ndarray:
    """How many each row has that are not zero."""
    if hasattr(C, "tocsc"):
        return np.diff((C != 0).tocsr().indptr)[None]
    return np.count_nonzero(C, axis=2)  # type: ignore[no-any-return]


def _largest(M: Any, axis: int) -> np.ndarray:
    if hasattr(M, "tocsc"):
        return M.max(axis=axis).toarray().reshape(1, -1)  # type: ignore[no-any-return]
    return M.max(axis=axis + 1)  # type: ignore[no-any-return]


def _root(size: np.ndarray) -> np.ndarray:
    """``1/sqrt``; 1 for zeros."""
    return 1.0 / np.sqrt(np.where(size > 0.0, size, 1.0))  # type: ignore[no-any-return]


def _spread(size: np.ndarray) -> bool:
    """Whether the sizes of one program differ by much."""
    if not size.size:
        return False
    return bool(np.any(size.max(axis=1) > _SPREAD * size.min(axis=1)))


def _power_of_two(size: np.ndarray) -> np.ndarray:
    return np.exp2(np.round(np.log2(size)))  # type: ignore[no-any-return]


def _times(left: np.ndarray, M: Any, right: np.ndarray) -> Any:
    if hasattr(M, "tocsc"):
        from scipy.sparse import diags_array

        return diags_array(left[0]) @ M @ diags_array(right[0])
    return left[:, :, None] * M * right[:, None, :]
