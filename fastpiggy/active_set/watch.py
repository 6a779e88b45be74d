"""What the path of a fold looks at between two levels: the places that may come in, and the loss.

An event of the path needs the rates of all places that may enter, and of the loss on the judging
rows.  Both are combinations of the active columns' products, which are kept side by side, a *slot*
an active place, so that a combination reads only what it needs: products with the places that are
watched, and, on tall data, products on the judging rows among the active places themselves.
"""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set.work import ACTIVE, COEFFICIENT, COLUMNS, PATH, SIDE, THRESHOLD
from fastpiggy.compile import routine

#: Rows of ``Watch.near``: of each watched place correlation, rate and threshold.
NEAR, SPEED, ABOVE = range(3)

#: Rows of ``Seats.by_slot``: the direction, its products on the judging rows, the loss's slopes.
DIRECTION, MOVED, SLOPES = range(3)

#: Entries of ``Seats.count``.
USED, VACANT = range(2)

#: Places that leave and have not been watched have room beside those that are.
_SPARE = 64


class Watch(NamedTuple):
    """The places that may enter between two levels; scratch of one path at a time.

    Parameters
    ----------
    places, listed : ndarray of shape (room,), int
        The watched places, and where each place stands among them, or -1.
    near : ndarray of shape (3, room)
    packed : ndarray
        Their products with the active places, a slot a row.
    kept : ndarray of shape (2, room), int
        Active places and their signs where the stretch began.
    """

    places: np.ndarray
    listed: np.ndarray
    near: np.ndarray
    packed: np.ndarray
    kept: np.ndarray

    @classmethod
    def of(cls, room: int) -> "Watch":
        """Arrays for so many places."""
        integers = np.zeros((2, room), dtype=np.int64)
        packed = np.zeros(room * (room + _SPARE))
        return cls(*integers, np.zeros((3, room)), packed, np.zeros((2, room), dtype=np.int64))


class Seats(NamedTuple):
    """The slots of the active places, and what is known of their judging rows.

    Parameters
    ----------
    slot, vacant : ndarray of shape (room,), int
        The slot of each active place, and slots that are free again.
    count : ndarray of shape (2,), int
    by_slot : ndarray of shape (3, room)
    judged : ndarray of shape (room, room) or (0, 0)
        Products of the columns on the judging rows, centred as the training rows are; none where
        the loss is taken from the rows themselves.
    corner : ndarray of shape (room * room,) or (0,)
        Those of the active places, a slot a row.
    pulled : ndarray of shape (room,)
        Products of the columns on the judging rows with the targets.
    """

    slot: np.ndarray
    vacant: np.ndarray
    count: np.ndarray
    by_slot: np.ndarray
    judged: np.ndarray
    corner: np.ndarray
    pulled: np.ndarray

    @classmethod
    def of(cls, room: int, judged: bool) -> "Seats":
        """Arrays for so many places."""
        side = room if judged else 0
        return cls(
            *np.zeros((2, room), dtype=np.int64), np.zeros(2, dtype=np.int64), np.zeros((3, room)),
            np.zeros((side, side)), np.zeros(side * side), np.zeros(room),
        )  # fmt: skip


@routine
def blend(rows, stride, d, k, size, out):
    """``out = sum_s d_s rows[s]`` of rows that stand end to end, four at a time."""
    for b in range(size):
        out[b] = 0.0
    whole = k - k % 4
    for s in range(0, whole, 4):
        i = s * stride
        a, b_, c, e = (
            rows[i : i + size], rows[i + stride : i + stride + size],
            rows[i + 2 * stride : i + 2 * stride + size],
            rows[i + 3 * stride : i + 3 * stride + size],
        )  # fmt: skip
        x, y, z, u = d[s], d[s + 1], d[s + 2], d[s + 3]
        for b in range(size):
            out[b] += x * a[b] + y * b_[b] + z * c[b] + u * e[b]
    for s in range(whole, k):
        a, x = rows[s * stride : s * stride + size], d[s]
        for b in range(size):
            out[b] += x * a[b]


@routine
def seat_all(active, seats, k):
    """Slots for the active places, in their order."""
    order, slot, corner, judged = active.order, seats.slot, seats.corner, seats.judged
    seats.count[USED], seats.count[VACANT] = k, 0
    for i in range(k):
        slot[order[i]] = i
    width = judged.shape[0]
    if width > 0:
        for i in range(k):
            row, out = judged[order[i]], corner[i * width : i * width + k]
            for j in range(k):
                out[j] = row[order[j]]


@routine
def seat(active, seats, watch, a, k, m, stride):
    """A slot for place a, which is to be active beside the first k of the order."""
    count, slot, order = seats.count, seats.slot, active.order
    if count[VACANT] > 0:
        count[VACANT] -= 1
        s = seats.vacant[count[VACANT]]
    else:
        s = count[USED]
        count[USED] += 1
    slot[a] = s
    row, out = active.gram[a], watch.packed[s * stride : s * stride + m]
    for b in range(m):
        out[b] = row[watch.places[b]]
    if seats.judged.shape[0] == 0:
        return
    row, corner, width = seats.judged[a], seats.corner, seats.judged.shape[0]
    w = active.vectors[COEFFICIENT]
    corner[s * width + s], total = row[a], row[a] * w[a]
    for i in range(k):
        c, place = slot[order[i]], order[i]
        corner[s * width + c] = row[place]
        corner[c * width + s] = row[place]
        total += row[place] * w[place]
    seats.by_slot[SLOPES, s] = seats.pulled[a] - total


@routine
def vacate(seats, a):
    """The slot of place a is free."""
    s = seats.slot[a]
    seats.by_slot[DIRECTION, s] = 0.0
    seats.vacant[seats.count[VACANT]] = s
    seats.count[VACANT] += 1


@routine
def list_places(active, watch, lam, end, reach):
    """Watch the inactive places that may enter between two levels; how many.

    Another enters only if its correlation moves more than `reach` times as fast as the level: 1 is
    the strong rule of Tibshirani et al. (2012), infinity watches all.
    """
    vectors, near, m = active.vectors, watch.near, 0
    h, side, level = vectors[PATH], vectors[SIDE], vectors[THRESHOLD]
    least = max(end - reach * (lam - end), 0.0) if reach < np.inf else 0.0
    for a in range(active.count[COLUMNS]):
        watch.listed[a] = -1
        if level[a] > 0.0 and side[a] == 0.0 and abs(h[a]) >= least * level[a]:
            watch.places[m], watch.listed[a] = a, m
            near[NEAR, m], near[ABOVE, m] = h[a], level[a]
            m += 1
    return m


@routine
def pack(active, seats, watch, k, m):
    """The products of the active places with the watched ones side by side; the stride."""
    stride = m + _SPARE
    for i in range(k):
        a = active.order[i]
        s = seats.slot[a]
        row, out = active.gram[a], watch.packed[s * stride : s * stride + m]
        for b in range(m):
            out[b] = row[watch.places[b]]
    return stride


@routine
def also_watch(active, seats, watch, a, h, k, m, stride):
    """Watch place a too, which has just left; how many are watched, and the stride."""
    watch.places[m], watch.listed[a] = a, m
    watch.near[NEAR, m], watch.near[ABOVE, m] = h, active.vectors[THRESHOLD, a]
    if m == stride:
        return m + 1, pack(active, seats, watch, k, m + 1)
    row = active.gram[a]
    for i in range(k):
        place = active.order[i]
        watch.packed[seats.slot[place] * stride + m] = row[place]
    return m + 1, stride


@routine
def remember(active, watch):
    """Note where a stretch begins."""
    for i in range(active.count[ACTIVE]):
        a = active.order[i]
        watch.kept[0, i], watch.kept[1, i] = a, int(active.vectors[SIDE, a])


@routine
def restore(active, watch, k):
    """Signs and order as :func:`remember` has noted them; coefficients are zero."""
    vectors = active.vectors
    for a in range(active.count[COLUMNS]):
        vectors[SIDE, a], vectors[COEFFICIENT, a] = 0.0, 0.0
    for i in range(k):
        a = watch.kept[0, i]
        active.order[i], vectors[SIDE, a] = a, float(watch.kept[1, i])
