"""The exact paths of all folds of a Lasso, followed together from level to level."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from fastpiggy.active_set.fold import REACHED, VIOLATED, Fold, Pieces, restart
from fastpiggy.active_set.merge import merge
from fastpiggy.active_set.path import descend_to
from fastpiggy.active_set.work import ACTIVE, COEFFICIENT, PATH, SIDE
from fastpiggy.tuning.fold_columns import Broken, FoldColumns

#: Room for the pieces of a fold between two checkpoints.
_PIECES = 1024

#: A violation at a checkpoint above this, over the level, breaks the path off.
_TOLERANCE = 1e-9

#: A column that pulls by no more than this above the level is on it.
_ON = 1.0 + 1e-10


class Saved(NamedTuple):
    """A stretch: its levels, each fold's active places and signs, and its pieces so far."""

    begin: float
    end: float
    standing: list[tuple[np.ndarray, np.ndarray]]
    written: np.ndarray


class FoldPaths(FoldColumns):
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

    Attributes
    ----------
    reach : float
        Which of the working set are watched: see :func:`fastpiggy.active_set.watch.list_places`.
    """

    def __init__(self, problem: Any, parts: list[Any], shared: bool, n_jobs: int = 1) -> None:
        super().__init__(problem, parts, shared)
        self.n_jobs = n_jobs
        self.reach = 1.0
        self.pieces = _pieces(len(parts), _PIECES)
        self.by_fold = [_one(self.pieces, v) for v in range(len(parts))]
        self.counts = np.zeros((len(parts), 2), dtype=np.int64)
        self._begin()

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
            others, first = np.flatnonzero(penalised), self.size
            self.admit(others)
            for v, fold in enumerate(self.folds):
                fold.active.vectors[PATH, first : self.size] = self.correlation[others, v]

    def start(self, level: float) -> None:
        """Stand at a level from which no fold has anything penalised."""
        self.level = level
        self.counts[:] = 0
        for fold in self.folds:
            fold.found[REACHED] = level

    @property
    def loss(self) -> float:
        """Where all folds stand, the mean over them."""
        return float(np.mean([fold.residual @ fold.residual for fold in self.folds]))

    @property
    def null(self) -> float:
        """The loss of nothing."""
        return float(np.mean([fold.target @ fold.target for fold in self.folds]))

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
                self.folds[v], end, self.by_fold[v], self.counts[v, 1], self.reach
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


def _standing(fold: Fold) -> tuple[np.ndarray, np.ndarray]:
    active = fold.active
    return active.order[: active.count[ACTIVE]].copy(), active.vectors[SIDE].copy()


def _pieces(folds: int, room: int) -> Pieces:
    numbers = np.empty((4, folds, room))
    return Pieces(*numbers, np.zeros((folds, room), dtype=np.int64))


def _one(pieces: Pieces, v: int) -> Pieces:
    return Pieces(*(array[v] for array in pieces))
