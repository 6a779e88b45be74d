"""Polynomial columns: all monomials to a degree, without those that repeat another."""

from collections import Counter
from itertools import combinations_with_replacement

import numpy as np

# Columns are compared by their correlation, whose rounding error here is a few units of 1e-16.
SAME = 1e-10


def monomials(
    X: np.ndarray, names: tuple[str, ...], degree: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Form every monomial of the columns of `X` of degree 1 to `degree`.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        The columns.
    names : tuple of str
        Their names.
    degree : int
        The highest degree.

    Returns
    -------
    columns : ndarray of shape (n, m)
        The monomials, by degree, then in the order of the columns.
    names : tuple of str
        Such as ``"age"``, ``"age^2"``, ``"age^2*bmi"``.
    """
    factors = [
        factor
        for d in range(1, degree + 1)
        for factor in combinations_with_replacement(range(X.shape[1]), d)
    ]
    columns = np.empty((X.shape[0], len(factors)))
    for k, factor in enumerate(factors):
        columns[:, k] = X[:, factor].prod(axis=1)
    return columns, tuple(_name(factor, names) for factor in factors)


def _name(factor: tuple[int, ...], names: tuple[str, ...]) -> str:
    powers = Counter(factor).items()
    return "*".join(names[j] if d == 1 else f"{names[j]}^{d}" for j, d in powers)


def standardise(X: np.ndarray) -> np.ndarray:
    """Centre each column and divide it by its standard deviation; constant columns become 0."""
    centred = X - X.mean(axis=0)
    scale = centred.std(axis=0)
    constant = scale <= SAME * np.abs(X).max(axis=0)
    centred[:, constant] = 0.0
    return centred / np.where(constant, 1.0, scale)


def distinct_columns(X: np.ndarray) -> list[int]:
    """Give the columns to keep: not zero, and no copy up to sign and scale of an earlier one.

    Parameters
    ----------
    X : ndarray of shape (n, p)
        Standardised columns.

    Returns
    -------
    list of int
        Indices, in order.
    """
    correlation = np.abs(X.T @ X) / X.shape[0]
    keep: list[int] = []
    for j in range(X.shape[1]):
        if correlation[j, j] > 0.5 and not (correlation[j, keep] > 1.0 - SAME).any():
            keep.append(j)
    return keep
