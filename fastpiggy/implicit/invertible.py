"""Whether a linear system is invertible: its smallest singular value, and where it fails."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastpiggy.implicit.linear import Linear

#: Matrices up to this size are decomposed.
_DECOMPOSED = 500
#: Singular values below this, over the largest, count as zero: decomposed, and estimated.
_SINGULAR, _ESTIMATED = 1e-11, 1e-9
#: Kinks up to which all corners of their selections are looked at, and corners sampled of more.
_ALL, _SAMPLED = 8, 64


class Least(NamedTuple):
    """The smallest singular value of a matrix.

    Parameters
    ----------
    value : float
    largest : float
    vector : ndarray of shape (p,)
        What the matrix maps to nearly nothing, or so.
    estimated : bool
    """

    value: float
    largest: float
    vector: np.ndarray
    estimated: bool

    @property
    def singular(self) -> bool:
        """Whether it counts as zero."""
        bound = _ESTIMATED if self.estimated else _SINGULAR
        return not self.value > bound * self.largest

    @property
    def coordinates(self) -> np.ndarray:
        """Where the vector is: of a singular matrix those whose columns are dependent."""
        size = np.abs(self.vector)
        return np.flatnonzero(size > 1e-3 * size.max(initial=0.0))


def smallest(linear: Linear) -> Least:
    """The smallest singular value, estimated from above by inverse iteration where K is large."""
    K = linear.K
    if linear.matrix and K.shape[0] <= _DECOMPOSED:
        dense = K.toarray() if hasattr(K, "tocsc") else K
        _, s, V = np.linalg.svd(dense)
        return Least(float(s[-1]), float(s[0]), V[-1], False)
    largest = _largest(linear)
    if linear.method == "direct" and not linear.factored:
        lsmr = Linear(K, "lsmr", linear.symmetric, 1e-12)
        return Least(0.0, largest, _left_over(lsmr), True)
    if not linear.factored:
        left = _left_over(linear)
        if np.linalg.norm(linear.product(left)) <= _ESTIMATED * largest * np.linalg.norm(left):
            return Least(0.0, largest, left, True)
    v = np.random.default_rng(0).standard_normal(K.shape[0])
    for _ in range(12 if linear.factored else 3):
        v /= np.linalg.norm(v)
        after = linear.solve(linear.solve(v, transposed=True))
        if not np.all(np.isfinite(after)):
            return Least(0.0, largest, np.nan_to_num(v), True)
        v = after
    v /= np.linalg.norm(v)
    return Least(float(np.linalg.norm(linear.product(v))), largest, v, True)


def _left_over(linear: Linear) -> np.ndarray:
    """What products with K' leave of a random vector: the null space of K, where it has one."""
    b = np.random.default_rng(1).standard_normal(linear.K.shape[0])
    ways = Linear(linear.K, "lsmr", linear.symmetric, 1e-13)
    for _ in range(3):
        b = b - linear.product(ways.solve(b, transposed=True), transposed=True)
        size = float(np.linalg.norm(b))
        if size == 0.0:
            return np.ones(b.size)
        b = b / size
    return b


def _largest(linear: Linear) -> float:
    """About the largest singular value."""
    v = np.random.default_rng(2).standard_normal(linear.K.shape[0])
    size = 0.0
    for _ in range(10):
        v /= np.linalg.norm(v) or 1.0
        after = linear.product(v)
        size = max(size, float(np.linalg.norm(after)))
        v = linear.product(after, transposed=True)
    return size or 1.0


def corners(kinks: int) -> np.ndarray:
    """Selections to look at, one a row: all corners of the cube, or the two ends and a sample."""
    if kinks <= _ALL:
        return (np.arange(2**kinks)[:, None] >> np.arange(kinks) & 1).astype(float)
    draws = np.random.default_rng(0).integers(0, 2, (_SAMPLED, kinks)).astype(float)
    return np.vstack([np.zeros(kinks), np.ones(kinks), draws])


def worst(
    select: Callable[[np.ndarray], Any], kinks: int, as_linear: Callable[[Any], Linear]
) -> tuple[Least, np.ndarray]:
    """The least singular value over selections at the kinks, and the selection that has it.

    Over a segment the determinant of a matrix that is affine in q is a polynomial in q: where its
    sign changes from one corner to another, something in between is singular though both are not.
    """
    found, at = None, np.zeros(kinks)
    largest, signs = 0.0, []
    for q in corners(kinks):
        linear = as_linear(select(q.copy()))
        least = smallest(linear)
        signs.append(_sign(linear))
        largest = max(largest, least.largest)
        if found is None or least.value < found.value:
            found, at = least, q
    assert found is not None
    if not found.singular and {-1, 1} <= set(signs):
        changed = corners(kinks)[signs.index(-signs[0])]
        least, q = _between(select, corners(kinks)[0], changed, as_linear)
        if least.value < found.value:
            found, at = least, q
    return found._replace(largest=largest), at


def _sign(linear: Linear) -> int:
    """The determinant's, where the matrix is small."""
    K = linear.K
    if not linear.matrix or K.shape[0] > _DECOMPOSED:
        return 0
    return int(np.linalg.slogdet(K.toarray() if hasattr(K, "tocsc") else K)[0])


def _between(
    select: Callable[[np.ndarray], Any], low: np.ndarray, high: np.ndarray,
    as_linear: Callable[[Any], Linear],
) -> tuple[Least, np.ndarray]:  # fmt: skip
    """Bisect for a selection with a singular matrix."""
    start = _sign(as_linear(select(low.copy())))
    for _ in range(60):
        middle = 0.5 * (low + high)
        if _sign(as_linear(select(middle.copy()))) == start:
            low = middle
        else:
            high = middle
    return smallest(as_linear(select(low.copy()))), low
