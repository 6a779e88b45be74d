"""Work arrays that solves hand on: pages that are in memory already are worth half a solve."""

from threading import Lock

from fastpiggy.active_set.work import Work

#: Bytes that are kept between solves, of all threads together.
_KEPT = 2**28

_FIRST_ROOM = 72
_lock = Lock()
_idle: list[Work] = []


def take(n: int, p: int) -> Work:
    """Arrays for a problem of n rows and p columns, with nothing in them."""
    with _lock:
        for i, work in enumerate(_idle):
            if work.residual.size == n and work.place.size == p:
                del _idle[i]
                break
        else:
            work = Work.of(n, p, min(_FIRST_ROOM, p + 8))
    work.active.count[:] = 0
    work.place[:] = -1
    return work


def give_back(work: Work) -> None:
    """Keep arrays for the next solve, and let the oldest go where there are too many."""
    with _lock:
        _idle.append(work)
        while sum(map(_size, _idle)) > _KEPT:
            del _idle[0]


def _size(work: Work) -> int:
    room = work.members.size
    return 8 * room * (work.residual.size + 2 * room) + 40 * work.place.size
