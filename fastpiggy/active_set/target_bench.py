"""What a search for many targets reads, writes and works in: see :mod:`.targets`."""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set.path import Pieces

#: Columns of ``Answers.numbers``.
(ALPHA, VALUE, SLOPE, TOP, VISITED, LOW, SPREAD, OPTIMALITY) = range(8)

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
    """

    low: float
    high: float
    relative: bool
    step: float
    below: float
    risen: float


class Shared(NamedTuple):
    """What all targets share; nothing of it is written to.

    Parameters
    ----------
    grams : ndarray of shape (folds + 1, p, p)
        Of the columns on each fold's training rows, centred there, and on all rows.
    columns : ndarray of shape (folds, p, rows)
        Columns on the judging rows, less their means over the training rows, times the roots of
        the weights; zeros where a fold has fewer rows.
    thresholds : ndarray of shape (p,)
    free : ndarray, int
        The columns whose threshold is zero.
    """

    grams: np.ndarray
    columns: np.ndarray
    thresholds: np.ndarray
    free: np.ndarray


class Targets(NamedTuple):
    """A block of targets.

    Parameters
    ----------
    products : ndarray of shape (count, folds + 1, p)
        Of the columns with the targets, both centred on the rows in question.
    judged : ndarray of shape (count, folds, rows)
        Targets on the judging rows, as the columns are.
    rest : ndarray of shape (count,)
        What is to be added to the loss, the mean over folds.
    """

    products: np.ndarray
    judged: np.ndarray
    rest: np.ndarray


class Answers(NamedTuple):
    """What the loop writes.

    Parameters
    ----------
    code : ndarray of shape (count,), int
    numbers : ndarray of shape (count, 8)
        The best alpha, the loss there and its slope, alpha_max, the level down to which was
        looked, the lower end of the range, how far the loss varies, and the violation of
        optimality on all rows.
    x : ndarray of shape (count, p)
        The coefficients on all rows.
    """

    code: np.ndarray
    numbers: np.ndarray
    x: np.ndarray


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
    grams, columns : ndarray
        Those of the working set; where it is `whole` the shared ones themselves.
    factors, vectors, order, barred, count : ndarray
        Of :class:`fastpiggy.active_set.work.Active`, one entry a fold, all rows last.
    rows : ndarray of shape (folds, 3, rows)
        Target, residual and change of :class:`fastpiggy.active_set.path.Fold`.
    found : ndarray of shape (folds + 1, 2)
    pieces, joined : Pieces
        Those of each fold in a stretch, and their sum.
    counts : ndarray of shape (folds, 3), int
        As :func:`fastpiggy.active_set.merge.merge` has them, and whether a fold is to be followed.
    lowest : ndarray of shape (3,)
    members, chosen, index : ndarray of shape (room,), int
        The column in each place; those that are to join; scratch.
    outside : ndarray of shape (p,), int
    correlation : ndarray of shape (folds + 2, p)
        Of all columns with the residual of each fold; scratch last.
    kept : Kept
    nothing, zeros : ndarray
    whole : bool
    """

    grams: np.ndarray
    columns: np.ndarray
    factors: np.ndarray
    vectors: np.ndarray
    order: np.ndarray
    barred: np.ndarray
    count: np.ndarray
    rows: np.ndarray
    found: np.ndarray
    pieces: Pieces
    joined: Pieces
    counts: np.ndarray
    lowest: np.ndarray
    members: np.ndarray
    chosen: np.ndarray
    index: np.ndarray
    outside: np.ndarray
    correlation: np.ndarray
    kept: Kept
    nothing: np.ndarray
    zeros: np.ndarray
    whole: bool


def bench(shared: Shared, room: int) -> Bench:
    """Arrays for one thread, with room for so many columns of a target."""
    folds, p, rows = shared.columns.shape
    whole, room, integer = room >= p, min(room, p), np.int64

    def pieces(*shape: int) -> Pieces:
        return Pieces(*(np.empty(shape) for _ in range(4)), np.zeros(shape, dtype=integer))

    return Bench(
        shared.grams if whole else np.empty((folds + 1, room, room)),
        shared.columns if whole else np.empty((folds, room, rows)),
        np.empty((folds + 1, room, room)), np.zeros((folds + 1, 13, room)),
        np.zeros((folds + 1, room), dtype=integer), np.zeros((folds + 1, room), dtype=integer),
        np.zeros((folds + 1, 8), dtype=integer), np.zeros((folds, 3, rows)),
        np.zeros((folds + 1, 2)), pieces(folds, _PIECES), pieces(folds * _PIECES),
        np.zeros((folds, 3), dtype=integer), np.zeros(3), *np.zeros((3, room), dtype=integer),
        np.ones(p, dtype=integer), np.zeros((folds + 2, p)),
        Kept(*np.zeros((2, 2, folds, room), dtype=integer), np.zeros((2, folds), dtype=integer)),
        np.empty((room, 0)), np.zeros(room), whole,
    )  # fmt: skip
