"""The columns that the paths of all folds work on, with the Gram matrix of each fold.

A fold's Gram matrix is that of all rows less that of its judging rows, where every row is judged
once: one product over the rows then pays for all folds.  All folds have one working set, which
grows by the columns that any of them may need next.
"""

from typing import Any

import numpy as np

from fastpiggy.active_set.fold import Fold, correlate_all
from fastpiggy.active_set.watch import Seats, Watch
from fastpiggy.active_set.work import (
    ACTIVE,
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    PATH,
    SIDE,
    THRESHOLD,
    Active,
)
from fastpiggy.designs import matrix
from fastpiggy.designs.by_column import Dense

#: Bytes that the Gram matrices of all folds may take.
LARGEST = 2**30

#: Room for columns at the most at first, of which pages are taken as they fill.
_ROOM = 2048

#: All columns are taken at once where there are so many more rows.
_TALL = 2


class Broken(Exception):
    """The path cannot be followed further; the argument says why."""


class FoldColumns:
    """The working set of all folds, and the products of its columns in each.

    Parameters
    ----------
    problem : Problem
        Least squares with an l1 penalty.
    parts : list of Part
        Its folds.
    shared : bool
        Whether every row is judged in one fold and trains in all others.
    """

    def __init__(self, problem: Any, parts: list[Any], shared: bool) -> None:
        self.design, self.thresholds = problem.design, problem.penalty.weights
        self.parts, self.shared = parts, shared
        self.n, self.p = problem.shape
        y = problem.loss.y
        self.weight = np.array([part.problem.loss.sample_weight for part in parts])
        self.raw = problem.loss.sample_weight
        self.judged = [_run_of(np.flatnonzero(part.loss.sample_weight)) for part in parts]
        # That of the rows of every fold: 1 but for losses of one's own.
        self.total = float(self.raw.sum())
        means = self.weight @ y / self.total
        self.offsets = means if problem.fit_intercept else np.zeros(len(parts))
        self.y = y - self.offsets[:, None]
        tails = self.weight * self.y
        self.centre, self.means = np.zeros(self.p), np.zeros((self.p, len(parts)))
        if problem.fit_intercept:
            both = matrix.scatter(problem.design, np.vstack([tails, self.weight]).T)
            self.means = both[:, len(parts) :] / self.total
            # What centring leaves of the sum of y is rounding, but columns may be far off centre.
            self.target = both[:, : len(parts)] - self.means * tails.sum(axis=1)
            self.centre = self.means.mean(axis=1)
            self.means = self.means - self.centre[:, None]
        else:
            self.target = matrix.scatter(problem.design, tails.T)
        self.members = np.zeros(0, dtype=np.int64)
        self.outside = np.ones(self.p, dtype=bool)
        room = min(self.p, 3 * self.n + 128, _ROOM)
        # Of no use where all columns are taken at once and the folds share their products.
        self.columns = np.empty((0 if shared and self.tall else room, self.n))
        self.folds = [
            self._fold(part, rows, offset, room)
            for part, rows, offset in zip(self.parts, self.judged, self.offsets, strict=True)
        ]

    @property
    def size(self) -> int:
        """Columns in the working set."""
        return self.members.size

    @property
    def tall(self) -> bool:
        """Whether all columns are taken at once."""
        return self.n > _TALL * self.p

    def _correlations(self) -> np.ndarray:
        """One product with X: the correlations of all columns with the residual of every fold."""
        w = np.array([fold.active.vectors[COEFFICIENT, : self.size] for fold in self.folds])
        columns = self.columns[: self.size]
        if not self.columns.size:
            columns = (matrix.block(self.design, self.members) - self.centre[self.members]).T
        residual = self.y - w @ columns
        residual += (w * self.means[self.members].T).sum(axis=1)[:, None]
        residual *= self.weight
        if isinstance(self.design, Dense):
            out = np.empty((self.p, len(self.folds)))
            correlate_all(self.design.X, residual, out)
        else:
            out = matrix.scatter(self.design, residual.T)
        return out - (self.centre[:, None] + self.means) * residual.sum(axis=1)

    def admit(self, new: np.ndarray) -> None:
        """Take columns into the working set, with coefficients of zero."""
        if not new.size:
            return
        first, size = self.size, self.size + new.size
        room = self.folds[0].means.size
        if size > room:
            self._grow(min(self.p, max(size + 32, 3 * room // 2)))
        self.members = np.append(self.members, new)
        self.outside[new] = False
        block, centre = self._block(self.design, new), self.centre[new, None]
        if self.columns.size:
            np.subtract(block.T, centre, out=self.columns[first:size])
        for v, (part, rows, fold) in enumerate(
            zip(self.parts, self.judged, self.folds, strict=True)
        ):
            fold.means[first:size] = self.means[new, v]
            other = block if part.design is None else self._block(part.design, new)
            place = fold.columns[first:size]
            np.subtract(other[rows].T, centre, out=place)
            place *= fold.root
        judged: list[np.ndarray] = []
        if self.shared or self.tall:
            judged = [fold.columns[first:size] @ fold.columns[:size].T for fold in self.folds]
        if self.tall:
            for fold, product in zip(self.folds, judged, strict=True):
                _judge(fold, product, first, size)
        grams = self._shared_grams(judged) if self.shared else self._grams(first, size)
        for v, (fold, gram) in enumerate(zip(self.folds, grams, strict=True)):
            active, mean = fold.active, self.means[self.members, v]
            gram -= self.total * np.multiply.outer(mean[first:], mean)
            active.gram[first:size, :size] = gram
            active.gram[:first, first:size] = gram[:, :first].T
            vectors = active.vectors
            vectors[CORRELATION, first:size] = vectors[PATH, first:size] = self.target[new, v]
            vectors[THRESHOLD, first:size] = self.thresholds[new]
            vectors[SIDE, first:size] = vectors[COEFFICIENT, first:size] = 0.0
            active.count[COLUMNS] = size

    def _block(self, design: Any, new: np.ndarray) -> np.ndarray:
        """Columns of a design, without a copy where all are wanted and they lie so."""
        if new.size == self.p and isinstance(design, Dense):
            return design.X
        return matrix.block(design, new)

    def _shared_grams(self, judged: list[np.ndarray]) -> list[np.ndarray]:
        share = [float(self.raw[rows].sum()) for rows in self.judged]
        for t, gram in zip(share, judged, strict=True):
            gram *= t
        total = sum(judged)
        whole = self.total
        return [
            (total - gram) * (whole / (whole - t)) for t, gram in zip(share, judged, strict=True)
        ]

    def _grams(self, first: int, size: int) -> list[np.ndarray]:
        return [
            (self.columns[first:size] * weight) @ self.columns[:size].T for weight in self.weight
        ]

    def _grow(self, room: int) -> None:
        if 8 * len(self.folds) * room * room > LARGEST:
            raise Broken("the Gram matrices of all folds would not fit into memory")
        size = self.size
        if self.columns.size:
            columns = np.empty((room, self.n))
            columns[:size] = self.columns[:size]
            self.columns = columns
        self.folds = [_larger(fold, size, room) for fold in self.folds]

    def _fold(self, part: Any, rows: Any, offset: float, room: int) -> Fold:
        root = np.sqrt(part.loss.sample_weight[rows])
        target = root * (part.loss.y[rows] - offset)
        return Fold(
            _active(room), np.empty((room, root.size)), np.zeros(room), root, target,
            target.copy(), np.empty_like(target), np.zeros(2), Seats.of(room, self.tall),
            Watch.of(room),
        )  # fmt: skip


def _active(room: int) -> Active:
    integers = np.zeros((2, room), dtype=np.int64)
    return Active(
        np.empty((room, room)), np.empty((room, room)), np.zeros((13, room)), integers[0],
        integers[1], np.zeros(8, dtype=np.int64),
    )  # fmt: skip


def _judge(fold: Fold, product: np.ndarray, first: int, size: int) -> None:
    """Products on the judging rows of the columns from `first` on, centred as those that train."""
    seats, means, root = fold.seats, fold.means[:size], fold.root
    sums = fold.columns[:size] @ root - (root @ root) * means
    judged = product - np.multiply.outer(sums[first:], means)
    judged -= np.multiply.outer(means[first:], fold.columns[:size] @ root)
    seats.judged[first:size, :size] = judged
    seats.judged[:first, first:size] = judged[:, :first].T
    pulled = fold.columns[first:size] @ fold.target - means[first:] * (root @ fold.target)
    seats.pulled[first:size] = pulled


def _larger(fold: Fold, size: int, room: int) -> Fold:
    old, new = fold.active, _active(room)
    k = int(old.count[ACTIVE])
    new.gram[:size, :size] = old.gram[:size, :size]
    new.factor[:k, :k] = old.factor[:k, :k]
    new.vectors[:, :size] = old.vectors[:, :size]
    new.order[:k], new.count[:] = old.order[:k], old.count
    columns, means = np.empty((room, fold.root.size)), np.zeros(room)
    columns[:size], means[:size] = fold.columns[:size], fold.means[:size]
    # All columns of tall data join at once: there are no products on judging rows here.
    seats = Seats.of(room, False)
    seats.slot[:size], seats.vacant[:size] = fold.seats.slot[:size], fold.seats.vacant[:size]
    seats.count[:] = fold.seats.count
    return fold._replace(
        active=new, columns=columns, means=means, seats=seats, watch=Watch.of(room)
    )  # fmt: skip


def _run_of(rows: np.ndarray) -> Any:
    """Row indices as a slice where they are consecutive."""
    if rows.size and rows[-1] - rows[0] + 1 == rows.size and np.all(np.diff(rows) == 1):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows
