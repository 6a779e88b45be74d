"""The exact path of one fold: its coefficients, and its loss on the rows that were held out.

Least squares with soft thresholds in Gram space.  Between two changes of the active set the
coefficients are linear in the level lam, ``G_SS dw = c_S s`` for each unit that lam falls (Osborne,
Presnell, Turlach 2000; Efron, Hastie, Johnstone, Tibshirani 2004), so the held-out loss is a
quadratic.  A path starts where another one has ended, and ends on coefficients computed anew.

In between only the places that are watched are looked at.  At the end all are: where one that was
not watched pulls above the level, the stretch is followed again with all of them.
"""

import numpy as np

from fastpiggy.active_set.fold import REACHED, VIOLATED, apply, refactor, settle, stand
from fastpiggy.active_set.homotopy import PIVOT, enter, leave
from fastpiggy.active_set.triangle import backward, forward
from fastpiggy.active_set.watch import (
    ABOVE,
    DIRECTION,
    MOVED,
    NEAR,
    SLOPES,
    SPEED,
    USED,
    also_watch,
    blend,
    list_places,
    pack,
    remember,
    restore,
    seat,
    vacate,
)
from fastpiggy.active_set.work import (
    ACTIVE,
    CHANGES,
    COEFFICIENT,
    COLUMNS,
    OVERLOOKED,
    PATH,
    ROTATED,
    SCRATCH,
    SIDE,
    STEP,
    THRESHOLD,
)
from fastpiggy.compile import kernel, routine

#: Violations above this, over the level, call for a factor made anew.
_DRIFT = 1e-11

#: A place that pulls by no more than this above the level is on it.
ON = 1.0 + 1e-10

#: The loss follows from products on the judging rows while it is above this part of that of
#: nothing: below, its digits would be lost in theirs.
_CLOSE = 1e-4


@routine
def _judge(fold, k):
    """The residual of the judging rows anew; the loss."""
    w, d, value = fold.active.vectors[COEFFICIENT], fold.active.vectors[STEP], 0.0
    for i in range(k):
        d[i] = w[fold.active.order[i]]
    apply(fold, d, k, fold.change)
    for i in range(fold.residual.size):
        fold.residual[i] = fold.target[i] - fold.change[i]
        value += fold.residual[i] * fold.residual[i]
    return value


@routine
def _loss_slopes(fold, k):
    """``columns r`` on the judging rows of the active places, by slot."""
    active, seats = fold.active, fold.seats
    w, by_slot, slot, used = (
        active.vectors[COEFFICIENT], seats.by_slot, seats.slot, seats.count[USED],
    )  # fmt: skip
    for s in range(used):
        by_slot[DIRECTION, s] = 0.0
    for i in range(k):
        by_slot[DIRECTION, slot[active.order[i]]] = w[active.order[i]]
    width = seats.judged.shape[0]
    blend(seats.corner, width, by_slot[DIRECTION], used, used, by_slot[MOVED])
    for i in range(k):
        a = active.order[i]
        by_slot[SLOPES, slot[a]] = seats.pulled[a] - by_slot[MOVED, slot[a]]


@routine
def _next(fold, k, m, lam, step, left, last):
    """The next event before a step: the step, and what happens.

    Returns
    -------
    step : float
    event : int
        A position of the order that leaves; a watched place, counted from k on; or -1.
    sign : float
        Of a place that enters.
    """
    active, watch = fold.active, fold.watch
    vectors, order, barred = active.vectors, active.order, active.barred
    w, d, side = vectors[COEFFICIENT], vectors[STEP], vectors[SIDE]
    h, u, level, event, sign = watch.near[NEAR], watch.near[SPEED], watch.near[ABOVE], -1, 0.0
    for i in range(k):
        a = order[i]
        if side[a] * d[i] < 0.0:
            reach = max(-w[a] / d[i], 0.0)
            if reach < step:
                step, event = reach, i
    for b in range(m):
        # It meets the level within the step only if the level or it moves so far.
        if abs(h[b]) + step * abs(u[b]) < (lam - step) * level[b]:
            continue
        a = watch.places[b]
        if side[a] != 0.0 or barred[a] != 0:
            continue
        # What has just left may not come back at once on the side it left from.
        sense = 1.0 if u[b] < 0.0 else -1.0
        for _turn in range(2):
            speed = level[b] - sense * u[b]
            # One that depends on the active columns keeps its distance to the level.
            if speed > PIVOT * level[b] and not (a == left and last == sense):
                reach = max((lam * level[b] - sense * h[b]) / speed, 0.0)
                if reach < step:
                    step, event, sign = reach, k + b, sense
            sense = -sense
    return step, event, sign


@routine
def _follow(fold, end, pieces, first, reach):
    """The path down to a level: where to go on writing, and whether a place was overlooked."""
    active, r, D, seats, watch = fold.active, fold.residual, fold.change, fold.seats, fold.watch
    count, order, vectors, R = active.count, active.order, active.vectors, active.factor
    w, d, v, side, level, scratch = (
        vectors[COEFFICIENT], vectors[STEP], vectors[ROTATED], vectors[SIDE], vectors[THRESHOLD],
        vectors[SCRATCH],
    )  # fmt: skip
    direction, moved, slopes = (
        seats.by_slot[DIRECTION], seats.by_slot[MOVED], seats.by_slot[SLOPES],
    )  # fmt: skip
    size, k, lam = count[COLUMNS], count[ACTIVE], fold.found[REACHED]
    left, last, most, changes = -1, 0.0, 200 + 10 * size, 0
    loss, total = 0.0, 0.0
    for i in range(r.size):
        loss += r[i] * r[i]
        total += fold.target[i] * fold.target[i]
    by_gram = seats.judged.shape[0] > 0 and loss > _CLOSE * total
    if by_gram:
        _loss_slopes(fold, k)
    corner, width = seats.corner, seats.judged.shape[0]
    for a in range(size):
        active.barred[a] = 0
    for s in range(seats.count[USED]):
        direction[s] = 0.0
    m = list_places(active, watch, lam, end, reach)
    stride = pack(active, seats, watch, k, m)
    h, u = watch.near[NEAR], watch.near[SPEED]
    for i in range(k):
        v[i] = side[order[i]] * level[order[i]]
    forward(R, k, v)
    while True:
        backward(R, k, v, d)
        for i in range(k):
            direction[seats.slot[order[i]]] = d[i]
        used = seats.count[USED]
        blend(watch.packed, stride, direction, used, m, u)
        step, event, sign = _next(fold, k, m, lam, lam - end, left, last)
        if step > 0.0:
            if first == pieces.level.size:
                break
            slope, curvature = 0.0, 0.0
            if by_gram:
                blend(corner, width, direction, used, used, moved)
                for s in range(used):
                    slope -= 2.0 * slopes[s] * direction[s]
                    curvature += direction[s] * moved[s]
                    slopes[s] -= step * moved[s]
            else:
                apply(fold, d, k, D)
                for i in range(r.size):
                    slope -= 2.0 * r[i] * D[i]
                    curvature += D[i] * D[i]
                    r[i] -= step * D[i]
            pieces.level[first], pieces.value[first] = lam, loss
            pieces.slope[first], pieces.curvature[first] = slope, curvature
            pieces.active[first] = k
            first += 1
            loss += step * (slope + step * curvature)
            for i in range(k):
                w[order[i]] += step * d[i]
            for b in range(m):
                h[b] -= step * u[b]
            lam -= step
        if event < 0:
            lam = end
        if event < 0 or changes >= most:
            break
        changes += 1
        entering, pivot, exchanged = -1, 0.0, False
        if event < k:
            # Rounding may have left it beyond zero.
            w[order[event]] = 0.0
            left, last = order[event], side[order[event]]
            k = leave(active, k, event)
        else:
            entering = watch.places[event - k]
            k, pivot, left, last = enter(active, k, entering, sign, d)
            exchanged = left >= 0
        if left >= 0:
            vacate(seats, left)
            if watch.listed[left] < 0:
                at = last * lam * level[left]
                m, stride = also_watch(active, seats, watch, left, at, k, m, stride)
        if pivot > 0.0:
            reduced = sign * level[entering]
            for i in range(k):
                reduced -= scratch[i] * v[i]
            v[k] = reduced / np.sqrt(pivot)
            seat(active, seats, watch, entering, k, m, stride)
            order[k], side[entering] = entering, sign
            k += 1
        if exchanged:
            # Coefficients have moved at a held level.
            loss = _judge(fold, k)
            if by_gram:
                _loss_slopes(fold, k)
    count[ACTIVE] = k
    count[CHANGES] += changes
    fold.found[REACHED] = lam
    worst, overlooked = settle(fold, lam, k), False
    for a in range(size):
        if side[a] == 0.0 and level[a] > 0.0 and watch.listed[a] < 0:
            overlooked = overlooked or abs(vectors[PATH, a]) > ON * lam * level[a]
    if not overlooked and worst > _DRIFT * lam and refactor(active, k):
        worst = settle(fold, lam, k)
    fold.found[VIOLATED] = worst
    return first, overlooked


@kernel
def descend_to(fold, end, pieces, first, reach):
    """Follow the path from where it is down to a level, and record the held-out loss.

    Parameters
    ----------
    fold : Fold
        ``found`` says which level was reached: `end`, unless the path broke off.
    end : float
    pieces : Pieces
    first : int
        Where to write; the path breaks off where there is no room for another piece.
    reach : float
        Which places are watched: see :func:`fastpiggy.active_set.watch.list_places`.

    Returns
    -------
    int
        Where to go on writing.
    """
    active, begin, k = fold.active, fold.found[REACHED], fold.active.count[ACTIVE]
    remember(active, fold.watch)
    written, overlooked = _follow(fold, end, pieces, first, reach)
    if overlooked:
        active.count[OVERLOOKED] += 1
        restore(active, fold.watch, k)
        if not stand(fold, begin, k):
            fold.found[VIOLATED] = np.inf
            return first
        written, _ = _follow(fold, end, pieces, first, np.inf)
    return written
