"""Work arrays that solves hand on: pages that are in memory already are worth half a solve."""

from threading import Lock
from weakref import WeakValueDictionary

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


#: By identity of the arrays; an entry goes with the last solution that holds its ticket.
_tickets: WeakValueDictionary[int, Ticket] = WeakValueDictionary()


def take(n: int, p: int) -> Work:
    """Arrays for a problem of n rows and p columns, with nothing in them."""
    with _lock:
        fit = [work for work in _idle if work.residual.size == n and work.place.size == p]
        free = [work for work in fit if id(work) not in _tickets]
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
        _tickets[id(work)] = ticket
        while len(_idle) > _MOST or sum(map(_size, _idle)) > _KEPT:
            _withdraw(_idle[0])
    return ticket


def redeem(ticket: Ticket | None) -> Work | None:
    """The arrays of a ticket as they were given back, None where others have had them since."""
    with _lock:
        for work in _idle if ticket is not None else ():
            if _tickets.get(id(work)) is ticket:
                return _withdraw(work)
    return None


def _withdraw(work: Work) -> Work:
    at = next(i for i, one in enumerate(_idle) if one is work)
    _tickets.pop(id(work), None)
    return _idle.pop(at)


def _size(work: Work) -> int:
    room = work.members.size
    return 8 * room * (work.residual.size + 2 * room) + 40 * work.place.size
