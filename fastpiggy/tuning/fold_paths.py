"""The exact paths of all folds of a Lasso, followed together from level to level.

A fold's Gram matrix is that of all rows less that of its judging rows, where every row is judged
once: one product over the rows then pays for all folds.  All folds have one working set, which
grows by the columns that any of them may need next.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from fastpiggy.active_set.merge import merge
from fastpiggy.active_set.path import (
    REACHED,
    VIOLATED,
    Fold,
    Pieces,
    correlate_all,
    descend_to,
    restart,
)
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

#: Room for columns at the most at first, of which pages are taken as they fill, and for the pieces
#: of a fold between two checkpoints.
_ROOM, _PIECES = 2048, 1024

#: All columns are taken at once where there are so many more rows.
_TALL = 2

#: A violation at a checkpoint above this, over the level, breaks the path off.
_TOLERANCE = 1e-9

#: A column that pulls by no more than this above the level is on it.
_ON = 1.0 + 1e-10


class Broken(Exception):
    """The path cannot be followed further; the argument says why."""


class Saved(NamedTuple):
    """A stretch: its levels, each fold's active places and signs, and its pieces so far."""

    begin: float
    end: float
    standing: list[tuple[np.ndarray, np.ndarray]]
    written: np.ndarray


class FoldPaths:
    """The state of all folds at one level.

    Parameters
    ----------
    problem : Problem
        Least squares with an l1 penalty.
    parts : list of Part
        Its folds.
    shared : bool
        Whether every row is judged in one fold and trains in all others.
    n_jobs : int
        Threads over folds.
    """

    def __init__(self, problem: Any, parts: list[Any], shared: bool, n_jobs: int = 1) -> None:
        self.design, self.thresholds = problem.design, problem.penalty.weights
        self.parts, self.shared, self.n_jobs = parts, shared, n_jobs
        self.n, self.p = problem.shape
        y = problem.loss.y
        self.weight = np.array([part.problem.loss.sample_weight for part in parts])
        self.raw = problem.loss.sample_weight
        self.judged = [_run_of(np.flatnonzero(part.loss.sample_weight)) for part in parts]
        self.offsets = self.weight @ y if problem.fit_intercept else np.zeros(len(parts))
        self.y = y - self.offsets[:, None]
        tails = self.weight * self.y
        self.centre, self.means = np.zeros(self.p), np.zeros((self.p, len(parts)))
        if problem.fit_intercept:
            both = matrix.scatter(problem.design, np.vstack([tails, self.weight]).T)
            self.target, self.means = both[:, : len(parts)], both[:, len(parts) :]
            self.centre = self.means.mean(axis=1)
            self.means = self.means - self.centre[:, None]
        else:
            self.target = matrix.scatter(problem.design, tails.T)
        self.members = np.zeros(0, dtype=np.int64)
        self.outside = np.ones(self.p, dtype=bool)
        self.checks = 0
        room = min(self.p, 3 * self.n + 128, _ROOM)
        # Of no use where all columns are taken at once and the folds share their products.
        self.columns = np.empty((0 if shared and self.tall else room, self.n))
        self._make(room)
        self._begin()

    def _make(self, room: int) -> None:
        self.pieces = _pieces(len(self.parts), _PIECES)
        self.by_fold = [_one(self.pieces, v) for v in range(len(self.parts))]
        self.counts = np.zeros((len(self.parts), 2), dtype=np.int64)
        self.folds = [
            self._fold(part, rows, offset, room)
            for part, rows, offset in zip(self.parts, self.judged, self.offsets, strict=True)
        ]

    def _fold(self, part: Any, rows: Any, offset: float, room: int) -> Fold:
        root = np.sqrt(part.loss.sample_weight[rows])
        target = root * (part.loss.y[rows] - offset)
        return Fold(
            _active(room), np.empty((room, root.size)), np.zeros(room), root, target,
            target.copy(), np.empty_like(target), np.zeros(2),
        )  # fmt: skip

    def _begin(self) -> None:
        """Fit the unpenalised columns; the level is the largest at which a fold has others."""
        free = np.flatnonzero(self.thresholds == 0.0)
        self.correlation = self.target
        penalised = self.thresholds > 0.0
        if free.size:
            self.admit(free)
            for fold in self.folds:
                fold.active.order[: free.size] = np.arange(free.size)
                if not restart(fold, 0.0, free.size):
                    raise Broken("the unpenalised columns depend on each other")
            self.correlation = self._correlations()
        self.pull = np.abs(self.correlation).max(axis=1)
        pulls = np.abs(self.correlation[penalised]) / self.thresholds[penalised, None]
        self.tops = pulls.max(axis=0, initial=0.0)
        self.level = float(self.tops.max())
        if self.tall:
            self.admit(np.flatnonzero(penalised))

    def start(self, level: float) -> None:
        """Stand at a level from which no fold has anything penalised."""
        self.level = level
        self.counts[:] = 0
        for fold in self.folds:
            fold.found[REACHED] = level

    @property
    def size(self) -> int:
        """Columns in the working set."""
        return self.members.size

    @property
    def tall(self) -> bool:
        """Whether all columns are taken at once."""
        return self.n > _TALL * self.p

    @property
    def coefficients(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Columns and coefficients of each fold's active set."""
        found = []
        for fold in self.folds:
            order = fold.active.order[: fold.active.count[ACTIVE]]
            found.append((self.members[order], fold.active.vectors[COEFFICIENT, order]))
        return found

    def descend(self, end: float) -> tuple[Pieces, np.ndarray]:
        """Follow all paths to a level and certify them there.

        Returns
        -------
        pieces : Pieces
            The sum of the folds' losses since the last level.
        found : ndarray of shape (3,)
            Where it is lowest, see :mod:`fastpiggy.active_set.merge`.

        Raises
        ------
        Broken
        """
        self._join(end)
        self.saved = Saved(
            self.level, end, [_standing(fold) for fold in self.folds], self.counts[:, 1].copy()
        )
        self._follow(end, range(len(self.folds)))
        counts = self.counts.copy()
        counts[:, 0] = self.saved.written
        room, found = int((counts[:, 1] - counts[:, 0]).sum()), np.empty(3)
        out = _one(_pieces(1, room), 0)
        written = merge(self.pieces, counts, self.level, end, out, found)
        self.level = end
        return Pieces(*(array[:written] for array in out)), found

    def losses(self, v: int, end: float) -> Pieces:
        """The loss of a fold from where recording began down to a level."""
        level = self.by_fold[v].level[: self.counts[v, 1]]
        count = int(np.count_nonzero(level > end))
        return Pieces(*(array[:count].copy() for array in self.by_fold[v]))

    def back(self, saved: "Saved") -> None:
        """Stand where a stretch began, with all columns that have joined since."""
        self.saved, self.level = saved, saved.begin
        for v in range(len(self.folds)):
            self._restore(v)
        if self.size < self.p:
            self._look()

    def visit(self, saved: "Saved", level: float) -> float:
        """Follow a stretch anew to a level in it; the largest violation there over all columns.

        Columns that were overlooked there join: the size of the working set tells.
        """
        kept = self.pieces, self.by_fold, self.counts
        # The pieces that were recorded stay as they are.
        self.pieces, self.counts = _pieces(len(self.folds), kept[0].level.shape[1]), kept[2].copy()
        self.by_fold = [_one(self.pieces, v) for v in range(len(self.folds))]
        self.back(saved)
        self._follow(level, range(len(self.folds)))
        self.pieces, self.by_fold, self.counts = kept
        self.level = level
        worst = max(float(fold.found[VIOLATED]) for fold in self.folds)
        if self.size == self.p:
            return worst
        self._look()
        beyond = np.abs(self.correlation) - level * self.thresholds[:, None]
        return max(worst, float(beyond.max()))

    def _follow(self, end: float, which: Iterable[int]) -> None:
        """From where some folds stand to a level, until no column is overlooked there."""
        while True:
            self._run(end, which)
            for v in which:
                fold = self.folds[v]
                if fold.found[REACHED] != end or not fold.found[VIOLATED] <= _TOLERANCE * end:
                    raise Broken("active columns depend on each other")
            if self.size == self.p:
                return
            self._look()
            new = self._waiting(end)
            if not new.size:
                return
            first, over = self.size, _ON * end * self.thresholds[new]
            self.admit(new)
            which = np.flatnonzero((np.abs(self.correlation[new]) > over[:, None]).any(axis=0))
            for v, fold in enumerate(self.folds):
                fold.active.vectors[PATH, first : self.size] = self.correlation[new, v]
            for v in which:
                self._restore(v)

    def _run(self, end: float, which: Iterable[int]) -> None:
        def run(v: int) -> None:
            self.counts[v, 1] = descend_to(
                self.folds[v], end, self.by_fold[v], self.counts[v, 1]
            )  # fmt: skip

        while True:
            if self.n_jobs == 1:
                for v in which:
                    run(v)
            else:
                with ThreadPoolExecutor(min(self.n_jobs, len(self.folds))) as pool:
                    list(pool.map(run, which))
            full = [v for v in which if self.counts[v, 1] == self.pieces.level.shape[1]]
            if not full:
                return
            self._longer()
            which = full

    def _longer(self) -> None:
        """Room for twice as many pieces; what was cut off goes on."""
        old = self.pieces
        room = old.level.shape[1]
        self.pieces = _pieces(len(self.folds), 2 * room)
        for new, array in zip(self.pieces, old, strict=True):
            new[:, :room] = array
        self.by_fold = [_one(self.pieces, v) for v in range(len(self.folds))]

    def _join(self, end: float) -> None:
        """Columns that any fold may need before a level join the working set."""
        if self.size == self.p:
            return
        new, first = self._waiting(end), self.size
        self.admit(new)
        for v, fold in enumerate(self.folds):
            fold.active.vectors[PATH, first : self.size] = self.correlation[new, v]

    def _look(self) -> None:
        """One product with X: what every column pulls in every fold."""
        self.correlation = self._correlations()
        self.pull = np.abs(self.correlation).max(axis=1)

    def _waiting(self, level: float) -> np.ndarray:
        return np.flatnonzero(self.outside & (self.pull > _ON * level * self.thresholds))

    def _restore(self, v: int) -> None:
        fold, (order, side) = self.folds[v], self.saved.standing[v]
        active = fold.active
        active.order[: order.size] = order
        active.vectors[SIDE], active.vectors[COEFFICIENT] = 0.0, 0.0
        active.vectors[SIDE, : side.size] = side
        self.counts[v, 1] = self.saved.written[v]
        if not restart(fold, self.saved.begin, order.size):
            raise Broken("active columns depend on each other")

    def _correlations(self) -> np.ndarray:
        """One product with X: the correlations of all columns with the residual of every fold."""
        self.checks += 1
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
            return out
        return matrix.scatter(self.design, residual.T)

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
        for part, rows, fold in zip(self.parts, self.judged, self.folds, strict=True):
            other = block if part.design is None else self._block(part.design, new)
            place = fold.columns[first:size]
            np.subtract(other[rows].T, centre, out=place)
            place *= fold.root
        grams = self._shared_grams(first, size) if self.shared else self._grams(first, size)
        for v, (fold, gram) in enumerate(zip(self.folds, grams, strict=True)):
            active, mean = fold.active, self.means[self.members, v]
            gram -= np.multiply.outer(mean[first:], mean)
            active.gram[first:size, :size] = gram
            active.gram[:first, first:size] = gram[:, :first].T
            fold.means[first:size] = mean[first:]
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

    def _shared_grams(self, first: int, size: int) -> list[np.ndarray]:
        share = [float(self.raw[rows].sum()) for rows in self.judged]
        judged = [
            t * (fold.columns[first:size] @ fold.columns[:size].T)
            for t, fold in zip(share, self.folds, strict=True)
        ]
        total = sum(judged)
        return [(total - gram) / (1.0 - t) for t, gram in zip(share, judged, strict=True)]

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


def _standing(fold: Fold) -> tuple[np.ndarray, np.ndarray]:
    active = fold.active
    return active.order[: active.count[ACTIVE]].copy(), active.vectors[SIDE].copy()


def _active(room: int) -> Active:
    integers = np.zeros((2, room), dtype=np.int64)
    return Active(
        np.empty((room, room)), np.empty((room, room)), np.zeros((13, room)), integers[0],
        integers[1], np.zeros(8, dtype=np.int64),
    )  # fmt: skip


def _larger(fold: Fold, size: int, room: int) -> Fold:
    old, new = fold.active, _active(room)
    k = int(old.count[ACTIVE])
    new.gram[:size, :size] = old.gram[:size, :size]
    new.factor[:k, :k] = old.factor[:k, :k]
    new.vectors[:, :size] = old.vectors[:, :size]
    new.order[:k], new.count[:] = old.order[:k], old.count
    columns, means = np.empty((room, fold.root.size)), np.zeros(room)
    columns[:size], means[:size] = fold.columns[:size], fold.means[:size]
    return fold._replace(active=new, columns=columns, means=means)


def _pieces(folds: int, room: int) -> Pieces:
    numbers = np.empty((4, folds, room))
    return Pieces(*numbers, np.zeros((folds, room), dtype=np.int64))


def _one(pieces: Pieces, v: int) -> Pieces:
    return Pieces(*(array[v] for array in pieces))


def _run_of(rows: np.ndarray) -> Any:
    """Row indices as a slice where they are consecutive."""
    if rows.size and rows[-1] - rows[0] + 1 == rows.size and np.all(np.diff(rows) == 1):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows
