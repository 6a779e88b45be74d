"""Weights of an equilibrium layer that are strongly monotone by construction."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.problems import checks


@dataclass(frozen=True, eq=False)
class MonotoneWeights:
    """``W = (1 - m) I - P'P + R - R'``; see :func:`monotone_weights`.  ``numpy.asarray`` gives W.

    Parameters
    ----------
    P : ndarray of shape (r, n)
    R : ndarray of shape (n, n)
    m : float
    """

    P: np.ndarray
    R: np.ndarray
    m: float

    @cached_property
    def W(self) -> np.ndarray:
        """The matrix, of shape (n, n)."""
        W = self.R - self.R.T - self.P.T @ self.P
        W[np.diag_indices_from(W)] += 1.0 - self.m
        return W

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.W, dtype=dtype)

    def tangent(self, name: str, values: np.ndarray) -> np.ndarray:
        """Directions of W along directions of P, R or m, one a row."""
        if name == "P":
            half = np.swapaxes(values, 1, 2) @ self.P
            return -(half + np.swapaxes(half, 1, 2))
        if name == "R":
            return values - np.swapaxes(values, 1, 2)
        return -values[:, None, None] * np.eye(len(self.W))

    def adjoint(self, g: np.ndarray) -> dict[str, Any]:
        """The gradients of P, R and m for a gradient g of W."""
        return {"P": -self.P @ (g + g.T), "R": g - g.T, "m": -float(np.trace(g))}


def monotone_weights(P: Any, R: Any, m: float) -> MonotoneWeights:
    """Weights ``W = (1 - m) I - P'P + R - R'`` of an equilibrium layer.

    ``I - (W + W')/2 = m I + P'P``: whatever P and R, I - W is m-strongly monotone, so that a layer
    with these weights has one equilibrium, and every W that is m-strongly monotone is of this form.

    Parameters
    ----------
    P : array_like of shape (r, n)
        Any number r of rows.
    R : array_like of shape (n, n)
    m : float
        Positive.

    Returns
    -------
    MonotoneWeights
        With ``P``, ``R``, ``m`` and ``W``; :func:`fastpiggy.equilibrium` takes it for its W, and
        has derivatives with respect to P, R and m then.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or range; the message names it.

    References
    ----------
    Winston, Kolter, "Monotone operator equilibrium networks", 2006.08591, section 3.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> fp.monotone_weights([[1.0, 0.0]], [[0.0, 2.0], [0.0, 0.0]], m=0.5).W
    array([[-0.5,  2. ],
           [-2. ,  0.5]])
    """
    P, R = square(R, "R", P)
    return MonotoneWeights(P, R, checks.number(m, "m", open_low=True))


def square(R: Any, name: str, P: Any) -> tuple[np.ndarray, np.ndarray]:
    """P and R checked to fit each other."""
    P, R = finite_matrix(P, "P"), finite_matrix(R, name)
    if R.shape != (P.shape[1], P.shape[1]):
        raise ValueError(
            f"R must be square with a row for each column of P, {(P.shape[1],) * 2}, got {R.shape}"
        )
    return P, R


def finite_matrix(value: Any, name: str) -> np.ndarray:
    """A copy as a finite float64 matrix in C order."""
    found = checks.array(value, name)
    if found.ndim != 2 or 0 in found.shape:
        raise ValueError(
            f"{name} must have two dimensions and at least one row and column, got {found.shape}"
        )
    return np.array(checks.shaped(found, name, found.shape, f"entry of {name}"), order="C")
