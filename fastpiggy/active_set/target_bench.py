"""What a search for many targets reads, writes and works in: see :mod:`.targets`."""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set.fold import Pieces
from fastpiggy.active_set.watch import Watch

#: Columns of ``Answers.numbers``.
(ALPHA, VALUE, SLOPE, TOP, VISITED, LOW, SPREAD) = range(7)

#: Pieces of a fold between two levels at the most.
_PIECES = 2048


class Rule(NamedTuple):
    """The range of alpha, and when the way down ends.

    Parameters
    ----------
    low, high : float
        The range; where `relative`, over alpha_max of each target.
    relative : bool
    step : float
        Factor between two levels.
    below, risen : float
        The end: this far below the best alpha, and so far above its loss.
    reach : float
        Which columns are watched: see :func:`fastpiggy.active_set.watch.list_places`.
    """

    low: float
    high: float
    relative: bool
    step: float
    below: float
    risen: float
    reach: float


class Shared(NamedTuple):
    """What all targets share; nothing of it is written to.

    Parameters
    ----------
    grams : ndarray of shape (folds + 1, p, p)
        Of the columns on each fold's training rows, centred there, and on all rows.
    columns : ndarray of shape (folds, p, rows)
        Columns on the judging rows, less their means over the training rows, times the roots of
        the weights; zeros where a fold has fewer rows.
    judged : ndarray of shape (folds, p, p) or (0, p, p)
        Their products, where rows are many: see :class:`fastpiggy.active_set.watch.Seats`.
    thresholds : ndarray of shape (p,)
    free : ndarray, int
        The columns whose threshold is zero.
    """

    grams: np.ndarray
    columns: np.ndarray
    judged: np.ndarray
    thresholds: np.ndarray
    free: np.ndarray


class Targets(NamedTuple):
    """A block of targets.

    Parameters
    ----------
    products : ndarray of shape (count, folds + 1, p)
        Of the columns with the targets, both centred on the rows in question.
    pulled : ndarray of shape (count, folds, p) or (count, folds, 0)
        The same on the judging rows, centred as the training rows are, where those are many.
    judged : ndarray of shape (count, folds, rows)
        Targets on the judging rows, as the columns are.
    rest : ndarray of shape (count,)
        What is to be added to the loss, the mean over folds.
    """

    products: np.ndarray
    pulled: np.ndarray
    judged: np.ndarray
    rest: np.ndarray


class Answers(NamedTuple):
    """What the loop writes.

    Parameters
    ----------
    code : ndarray of shape (count,), int
    numbers : ndarray of shape (count, 7)
        The best alpha, the loss there and its slope, alpha_max, the level down to which was
        looked, the lower end of the range, and how far the loss varies.
    """

    code: np.ndarray
    numbers: np.ndarray


class Kept(NamedTuple):
    """Where all folds stood when a stretch began: the last one, and the one that holds the best.

    Parameters
    ----------
    order, side : ndarray of shape (2, folds, room), int
        Active places, and their signs.
    active : ndarray of shape (2, folds), int
    """

    order: np.ndarray
    side: np.ndarray
    active: np.ndarray


class Bench(NamedTuple):
    """Arrays that one thread works in.

    Parameters
    ----------
    factors, vectors, order, count : ndarray
        Of :class:`fastpiggy.active_set.work.Active`, one entry a fold, all rows last, but for the
        factor, which they borrow.
    barred : ndarray of shape (p,), int
    slot, vacant, seated, corner, pulled : ndarray
        Of :class:`fastpiggy.active_set.watch.Seats`, one entry a fold.
    by_slot : ndarray of shape (3, p)
    places, listed, near, packed, begun : ndarray
        Of :class:`fastpiggy.active_set.watch.Watch`.
    rows : ndarray of shape (folds, 3, rows)
        Target, residual and change of :class:`fastpiggy.active_set.fold.Fold`.
    found : ndarray of shape (folds + 1, 2)
    pieces, joined : Pieces
        Those of each fold in a stretch, and their sum.
    counts : ndarray of shape (folds, 2), int
        As :func:`fastpiggy.active_set.merge.merge` has them.
    lowest : ndarray of shape (3,)
    index : ndarray of shape (p,), int
        Scratch.
    kept : Kept
    nothing, empty, zeros : ndarray
    """

    factors: np.ndarray
    vectors: np.ndarray
    order: np.ndarray
    count: np.ndarray
    barred: np.ndarray
    slot: np.ndarray
    vacant: np.ndarray
    seated: np.ndarray
    corner: np.ndarray
    pulled: np.ndarray
    by_slot: np.ndarray
    places: np.ndarray
    listed: np.ndarray
    near: np.ndarray
    packed: np.ndarray
    begun: np.ndarray
    rows: np.ndarray
    found: np.ndarray
    pieces: Pieces
    joined: Pieces
    counts: np.ndarray
    lowest: np.ndarray
    index: np.ndarray
    kept: Kept
    nothing: np.ndarray
    empty: np.ndarray
    zeros: np.ndarray


def bench(shared: Shared) -> Bench:
    """Arrays for one thread; of the large ones only what is used takes memory."""
    folds, p, rows = shared.columns.shape
    integer, square = np.int64, p * p if shared.judged.shape[0] else 0

    def pieces(*shape: int) -> Pieces:
        return Pieces(*(np.empty(shape) for _ in range(4)), np.zeros(shape, dtype=integer))

    watch = Watch.of(p)
    return Bench(
        np.empty((folds, p, p)), np.zeros((folds + 1, 13, p)),
        np.zeros((folds + 1, p), dtype=integer), np.zeros((folds + 1, 8), dtype=integer),
        np.zeros(p, dtype=integer), *np.zeros((2, folds, p), dtype=integer),
        np.zeros((folds, 2), dtype=integer), np.zeros((folds, square)), np.zeros((folds, p)),
        np.zeros((3, p)), *watch, np.zeros((folds, 3, rows)), np.zeros((folds + 1, 2)),
        pieces(folds, _PIECES), pieces(folds * _PIECES), np.zeros((folds, 2), dtype=integer),
        np.zeros(3), np.zeros(p, dtype=integer),
        Kept(*np.zeros((2, 2, folds, p), dtype=integer), np.zeros((2, folds), dtype=integer)),
        np.empty((p, 0)), np.empty((0, 0)), np.zeros(p),
    )  # fmt: skip
