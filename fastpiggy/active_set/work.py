"""The arrays that an active-set solve works in."""

from typing import NamedTuple

import numpy as np

#: Rows of ``Active.vectors``: quantities of the places.
(COEFFICIENT, CORRELATION, PERTURBATION, PATH, RATE, SIDE, THRESHOLD, DIAGONAL, STEP, ROTATED,
 SCRATCH, SAVED, SLOPES) = range(13)  # fmt: skip

#: Entries of ``Active.count``.
COLUMNS, ACTIVE, SUPPORT, PASSES, CHANGES, FACTORISATIONS, SWEEPS, OVERLOOKED = range(8)

#: Entries of ``Work.found``: what the last pass over X has found.
LARGEST, VIOLATION = range(2)

#: What a run over the levels ends with: solved; the working set needs more room, and the call can
#: be made again; it got nowhere any more.
SOLVED, CROWDED, UNSOLVED = range(3)


class Active(NamedTuple):
    """A working set of columns in Gram space, and the active ones among them.

    Parameters
    ----------
    gram : ndarray of shape (room, room)
        Products of the columns, with the squared l2 part on the diagonal; never rebuilt, only
        extended.
    factor : ndarray of shape (room, room)
        Of the Gram matrix of the active columns, see :mod:`fastpiggy.active_set.triangle`.
    vectors : ndarray of shape (13, room)
        One row a quantity, one entry a column of the working set.
    order : ndarray of shape (room,), int
        The places of the active columns in the order of the factor.
    barred : ndarray of shape (room,), int
        Whether a place may not enter for now: its column depends on the active ones.
    count : ndarray of shape (8,), int
    """

    gram: np.ndarray
    factor: np.ndarray
    vectors: np.ndarray
    order: np.ndarray
    barred: np.ndarray
    count: np.ndarray


class Work(NamedTuple):
    """A working set and what is known of the other columns.

    Parameters
    ----------
    active : Active
    columns : ndarray of shape (room, n)
        The columns of the working set, each a row, centred and scaled by the roots of the sample
        weights.
    members : ndarray of shape (room,), int
        Which column of X stands in each place.
    place, queue : ndarray of shape (p,), int
        The place of each column of X, or -1, and a heap of candidates.
    correlation, target, pull : ndarray of shape (p,)
        ``X' diag(s)`` times the residual less the squared l2 part, and times y, with centred
        columns; and the level from which each column would be active.
    residual : ndarray of shape (n,)
        The residual times the sample weights.
    found : ndarray of shape (2,)
    """

    active: Active
    columns: np.ndarray
    members: np.ndarray
    place: np.ndarray
    queue: np.ndarray
    correlation: np.ndarray
    target: np.ndarray
    pull: np.ndarray
    residual: np.ndarray
    found: np.ndarray

    @classmethod
    def of(cls, n: int, p: int, room: int) -> "Work":
        """Empty arrays for a working set of at most `room` columns."""
        integers = np.zeros((3, room), dtype=np.int64)
        active = Active(
            np.empty((room, room)), np.empty((room, room)), np.zeros((13, room)), integers[0],
            integers[1], np.zeros(8, dtype=np.int64),
        )  # fmt: skip
        place, queue = np.full(p, -1), np.zeros(p, dtype=np.int64)
        vectors = np.zeros((3, p))
        return cls(
            active, np.empty((room, n)), integers[2], place, queue, *vectors, np.zeros(n),
            np.zeros(2),
        )  # fmt: skip

    @property
    def room(self) -> int:
        return self.members.size

    def larger(self, room: int) -> "Work":
        """The same in arrays for a larger working set."""
        k = int(self.active.count[COLUMNS])
        new = Work.of(self.residual.size, 0, room)
        new.columns[:k], new.members[:k] = self.columns[:k], self.members[:k]
        new.active.gram[:k, :k] = self.active.gram[:k, :k]
        new.active.vectors[:, :k] = self.active.vectors[:, :k]
        new.active.count[:] = self.active.count
        return self._replace(active=new.active, columns=new.columns, members=new.members)
