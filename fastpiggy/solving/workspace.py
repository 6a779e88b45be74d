"""Work arrays that solves hand on: pages that are in memory already are worth half a solve."""

from collections.abc import Callable
from threading import Lock
from typing import Any
from weakref import ref

from fastpiggy.active_set.work import Work

#: Bytes and sets of arrays that are kept between solves, of all threads together.
_KEPT, _MOST = 2**28, 32

#: Sets of one shape that wait for a warm start from the solution they hold.
_WAITING = 8

_FIRST_ROOM = 72
_lock = Lock()
_idle: list[Work] = []


class Ticket:
    """Kept by a solution: as long as nobody else has used them, its arrays are still to be had."""

    __slots__ = ("__weakref__",)


#: By identity of the arrays that wait; a ticket lives as long as a solution that holds it.
_tickets: dict[int, ref[Ticket]] = {}


def take(n: int, p: int) -> Work:
    """Arrays for a problem of n rows and p columns, with nothing in them."""
    with _lock:
        fit = [
            i for i, work in enumerate(_idle) if work.residual.size == n and work.place.size == p
        ]
        free = [i for i in fit if _held(_idle[i]) is None]
        if free or len(fit) >= _WAITING:
            work = _withdraw((free or fit)[0])
        else:
            work = Work.of(n, p, min(_FIRST_ROOM, p + 8))
    work.active.count[:] = 0
    work.place[:] = -1
    return work


def give_back(work: Work) -> Ticket:
    """Keep arrays for the next solve, and let the oldest go where there are too many."""
    ticket = Ticket()
    with _lock:
        _idle.append(work)
        _tickets[id(work)] = ref(ticket)
        while len(_idle) > _MOST or sum(map(_size, _idle)) > _KEPT:
            _withdraw(0)
    return ticket


def redeem(ticket: Ticket | None) -> Work | None:
    """The arrays of a ticket as they were given back, None where others have had them since."""
    with _lock:
        for i, work in enumerate(_idle) if ticket is not None else ():
            if _held(work) is ticket:
                return _withdraw(i)
    return None


def read(ticket: Ticket | None, what: Callable[[Work], Any]) -> Any:
    """What is read off the arrays of a ticket, which stay; None where others have had them."""
    with _lock:
        for work in _idle if ticket is not None else ():
            if _held(work) is ticket:
                return what(work)
    return None


def _held(work: Work) -> Ticket | None:
    """The ticket of arrays that wait, as long as a solution has it."""
    found = _tickets.get(id(work))
    return None if found is None else found()


def _withdraw(at: int) -> Work:
    work = _idle.pop(at)
    _tickets.pop(id(work), None)
    return work


def _size(work: Work) -> int:
    room = work.members.size
    return 8 * room * (work.residual.size + 2 * room) + 40 * work.place.size
