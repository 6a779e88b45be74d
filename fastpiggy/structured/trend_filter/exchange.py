"""From some knots to the right ones: exact solutions of a trend filter.

Two active-set methods on the knots, each step one banded solve.  The *exchange* drops every knot
whose difference has the wrong sign and adds the peak of every stretch where abs(u) exceeds alpha.
From no knot at all it takes few steps where it ends, as what happens at one place hardly depends on
others; it may cycle.  The *descent* is feature-sign search (Lee, Battle, Raina, Ng 2007) with
several knots at a time: it keeps differences of the right sign, moves towards the solution for its
knots until the first difference reaches zero, drops that knot, and adds knots when it has arrived;
the objective falls, so that no set of knots comes twice.
"""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.compile import helper, kernel, routine
from fastpiggy.structured.trend_filter import spline_fit
from fastpiggy.structured.trend_filter.knots import Knots, at_zero, dual_scale, gradient_scale
from fastpiggy.structured.trend_filter.spline_dual import between

_EXCHANGES = 40
#: Steps of the exchange that may pass without fewer violations.
_PATIENCE = 5
#: Solves of one descent.
_DESCENT = 5000
#: Points that one call of a kernel goes over before Python sees Ctrl-C.
_POINTS = 2_000_000

_EPS = float(np.finfo(float).eps)

#: What the next solve is for, and the entries of `Search.count`.
_EXCHANGE, _CONSISTENT, _JUDGE, _TOWARDS, _DONE, _STUCK = range(6)
_STAGE, _TRIAL, _KEPT, _BEST, _ADDED, _LEFT, _FEWEST, _SINGLE, _STEPS, _SOLVES = range(10)


class Signal(NamedTuple):
    """What the kernels read of a problem; `gradient` and `dual` are what those are measured by."""

    order: int
    positions: np.ndarray  # with three times the order more at each end
    y: np.ndarray
    w: np.ndarray
    alpha: float
    gradient: float
    dual: float
    tol: float


class Search(NamedTuple):
    """Knots by row and sign: those of the next solve, those that the descent stands on, the best
    of the exchange; what was added last, and counters.
    """

    rows: np.ndarray
    signs: np.ndarray
    z: np.ndarray  # differences of a descent
    kept_rows: np.ndarray
    kept_signs: np.ndarray
    kept_z: np.ndarray
    best_rows: np.ndarray
    best_signs: np.ndarray
    added: np.ndarray
    count: np.ndarray


def finish(
    problem: Any, rows: np.ndarray, signs: np.ndarray, tol: float, exchange: bool = True
) -> Knots:
    """The best knots found from given ones; their optimality tells whether they are right.

    Without `exchange` by descent alone.
    """
    if problem.alpha == 0.0:
        return at_zero(problem)
    s = _search(problem, rows, signs, tol, _EXCHANGE if exchange else _CONSISTENT)
    count = s.count
    if count[_STAGE] == _DONE:
        return _knots(problem, s.rows, s.signs, count[_TRIAL])
    found = _knots(problem, s.best_rows, s.best_signs, count[_BEST])
    other = _knots(problem, s.kept_rows, s.kept_signs, count[_KEPT])
    return min(found, other, key=lambda knots: knots.optimality)


def _knots(problem: Any, rows: np.ndarray, signs: np.ndarray, count: int) -> Knots:
    return Knots(problem, rows[:count].copy(), signs[:count].copy())


def _search(problem: Any, rows: np.ndarray, signs: np.ndarray, tol: float, stage: int) -> Search:
    n, size = problem.y.size, problem.rows
    signal = Signal(
        problem.order, problem.positions, problem.y, problem.sample_weight, problem.alpha,
        gradient_scale(problem), dual_scale(problem), tol,
    )  # fmt: skip
    whole, numbers = np.empty((4, size), dtype=np.int64), np.empty((5, size))
    search = Search(
        whole[0], numbers[0], numbers[1], whole[1], numbers[2], numbers[3], whole[2], numbers[4],
        whole[3], np.zeros(10, dtype=np.int64),
    )  # fmt: skip
    for table, values in ((search.rows, rows), (search.kept_rows, rows)):
        table[: len(rows)] = values
    search.signs[: len(rows)] = search.kept_signs[: len(rows)] = signs
    count = search.count
    count[[_STAGE, _TRIAL, _KEPT]] = stage, len(rows), len(rows)
    count[[_LEFT, _FEWEST]] = _PATIENCE, n + size
    table, u = spline_fit.table(n, problem.order, size), np.empty(size)
    steps = max(1, _POINTS // n)
    while count[_STAGE] < _DONE:
        advance(signal, search, table, u, steps)
    return search


@helper
def _copy(rows, signs, count, to_rows, to_signs):
    for a in range(count):
        to_rows[a], to_signs[a] = rows[a], signs[a]


@routine
def _floor(signal, x, rows, count):
    """What rounding leaves of gradients and of the dual variable, see ``Knots.floors``."""
    noise, n, size, k = 0.0, x.size, x.size - signal.order, signal.order
    for i in range(n):
        noise = max(noise, signal.w[i] * (abs(signal.y[i]) + abs(x[i])))
    before, h, extent = -1, 0.0, 0.0
    for a in range(count + 1):
        here = rows[a] if a < count else size
        h = max(h, here - before)
        extent = max(extent, signal.positions[here + 3 * k] - signal.positions[before + 3 * k])
        before = here
    noise *= 4.0 * _EPS
    return noise / signal.gradient, noise * h**0.5 * extent ** (k - 1) / signal.dual


@helper
def _least(signal, x, rows, count):
    """What counts as a violation of a sign, and of the dual variable's bound.

    Well below tol: next to a knot, far from others, abs(u) is close to alpha too.
    """
    of_x, of_u = _floor(signal, x, rows, count)
    return (
        max(1e-3 * signal.tol, of_x), max(1e-3 * signal.tol * signal.alpha / signal.dual, of_u)
    )  # fmt: skip


@routine
def _peaks(signal, table, u, rows, count, least, added):
    """The row of the largest excess of abs(u) in each stretch of rows that exceed, by sign of u.

    Returns their number and that of all rows that exceed.
    """
    peaks, exceed, a = 0, 0, 0
    best, side, before = 0.0, 0.0, -2
    for i in range(u.size):
        if a < count and rows[a] == i:
            a += 1
            continue
        excess = (abs(u[i]) - signal.alpha) / signal.dual
        if not excess > least:
            continue
        exceed += 1
        if i > before + 1 or u[i] * side < 0.0:
            peaks, best, side = peaks + 1, 0.0, u[i]
        if excess > best:
            best, added[peaks - 1] = excess, i
        before = i
    return peaks, exceed


@helper
def _span(order, positions, index, a):
    """About how far x moves with the difference at knot a alone, see ``DiscreteSpline.spans``."""
    at = 2 * order + a
    h = positions[index[at + 1] + 3 * order] - positions[index[at - 1] + 3 * order]
    span = 1.0
    for p in range(1, order):
        span *= h / p
    return span


@routine
def _merge(s, count, peaks, u):
    """Take the added rows in, in order, with differences of zero and the signs of u."""
    a, b = count - 1, peaks - 1
    for i in range(count + peaks - 1, -1, -1):
        if b < 0 or (a >= 0 and s.rows[a] > s.added[b]):
            s.rows[i], s.signs[i], s.z[i] = s.rows[a], s.signs[a], s.z[a]
            a -= 1
        else:
            row = s.added[b]
            s.rows[i], s.z[i] = row, 0.0
            s.signs[i] = 1.0 if u[row] > 0.0 else -1.0
            b -= 1
    return count + peaks


@routine
def _dual(signal, table, s, count, u, g, targets):
    for i in range(g.size):
        g[i] = signal.w[i] * (signal.y[i] - table.x[i])
    for a in range(count):
        targets[a] = signal.alpha * s.signs[a]
    between(signal.order, signal.positions, g, s.rows, targets, count, u)


@routine
def _exchange(signal, s, table, u, count, largest):
    """Drop what is wrong and add peaks; the stage that follows."""
    least, least_u = _least(signal, table.x, s.rows, count)
    wrong = 0
    peaks, exceed = _peaks(signal, table, u, s.rows, count, least_u, s.added)
    for a in range(count):
        # As s.z is of no use here, it keeps what goes.
        reach = -s.signs[a] * table.z[a] * largest / signal.gradient
        reach *= _span(signal.order, signal.positions, table.index, a)
        s.z[a] = 1.0 if reach > least else 0.0
        wrong += 1 if reach > least else 0
    c = s.count
    if wrong + exceed <= c[_FEWEST]:
        c[_BEST] = count
        _copy(s.rows, s.signs, count, s.best_rows, s.best_signs)
    if wrong + exceed == 0:
        return _DONE
    c[_STEPS] += 1
    c[_LEFT] = _PATIENCE if wrong + exceed < c[_FEWEST] else c[_LEFT] - 1
    c[_FEWEST] = min(c[_FEWEST], wrong + exceed)
    if c[_LEFT] < 0 or c[_STEPS] == _EXCHANGES:
        c[_TRIAL] = c[_BEST]
        _copy(s.best_rows, s.best_signs, c[_BEST], s.rows, s.signs)
        return _CONSISTENT
    kept = 0
    for a in range(count):
        if s.z[a] == 0.0:
            s.rows[kept], s.signs[kept] = s.rows[a], s.signs[a]
            kept += 1
    c[_TRIAL] = _merge(s, kept, peaks, u)
    return _EXCHANGE


@routine
def _drop(s, z, count):
    """Fewer knots where their differences z have the wrong sign; how many went."""
    kept = 0
    for a in range(count):
        if not s.signs[a] * z[a] < 0.0:
            s.rows[kept], s.signs[kept] = s.rows[a], s.signs[a]
            kept += 1
    s.count[_TRIAL] = kept
    return count - kept


@routine
def _judge(signal, s, table, u, count):
    """Arrived: knots are added where abs(u) exceeds alpha; the stage that follows."""
    c = s.count
    _, least = _least(signal, table.x, s.rows, count)
    peaks, _ = _peaks(signal, table, u, s.rows, count, least, s.added)
    if peaks == 0:
        return _DONE
    for a in range(count):
        s.z[a] = table.z[a]
        s.kept_z[a] = table.z[a]
    _copy(s.rows, s.signs, count, s.kept_rows, s.kept_signs)
    c[_KEPT] = count
    if c[_SINGLE]:
        # Alone, the worst one has its sign, and the objective falls.
        best = 0
        for b in range(1, peaks):
            if abs(u[s.added[b]]) > abs(u[s.added[best]]):
                best = b
        s.added[0], peaks = s.added[best], 1
    c[_ADDED], c[_TRIAL] = peaks, _merge(s, count, peaks, u)
    return _TOWARDS


@routine
def _move(s, z, count):
    """Go from s.z towards z and drop the knots that reach zero first; the stage that follows."""
    c, share, bad, start = s.count, np.inf, 0, 0
    for a in range(count):
        if s.signs[a] * z[a] < 0.0:
            bad += 1
            if s.z[a] == 0.0:
                start += 1
            else:
                share = min(share, s.z[a] / (s.z[a] - z[a]))
    if bad == 0:
        a, joined = 0, 0
        for b in range(c[_ADDED]):
            while a < count and s.rows[a] < s.added[b]:
                a += 1
            joined += 1 if a < count and s.rows[a] == s.added[b] else 0
        if joined == 0:
            c[_TRIAL] = c[_KEPT]
            _copy(s.kept_rows, s.kept_signs, c[_KEPT], s.rows, s.signs)
            if c[_SINGLE]:
                # Rounding decides about what is left.
                return _STUCK
        c[_SINGLE] = 1 if joined == 0 else 0
        return _JUDGE
    kept = 0
    for a in range(count):
        gone = s.signs[a] * z[a] < 0.0
        if gone and start == 0:
            gone = s.z[a] / (s.z[a] - z[a]) == share
        elif gone:
            gone = s.z[a] == 0.0
        if not gone:
            moved = s.z[a] if start > 0 else s.z[a] + share * (z[a] - s.z[a])
            s.rows[kept], s.signs[kept], s.z[kept] = s.rows[a], s.signs[a], moved
            kept += 1
    c[_TRIAL] = kept
    return _TOWARDS


@kernel
def advance(signal, s, table, u, steps):
    """Some solves of a search, which can be resumed."""
    c, largest = s.count, 0.0
    g, targets = np.empty(signal.y.size), np.empty(u.size)
    for i in range(g.size):
        largest = max(largest, signal.w[i])
    for _ in range(steps):
        stage, count = c[_STAGE], c[_TRIAL]
        if stage >= _DONE:
            break
        # The dual variable takes out what one pass leaves.
        exact = stage == _EXCHANGE or stage == _JUDGE
        spline_fit.fit(
            signal.order, signal.positions, signal.y, signal.w, signal.alpha, s.rows, s.signs,
            count, 1, exact, table,
        )  # fmt: skip
        c[_SOLVES] += 1
        if exact:
            _dual(signal, table, s, count, u, g, targets)
        if stage == _EXCHANGE:
            stage = _exchange(signal, s, table, u, count, largest)
        elif stage == _CONSISTENT:
            stage = _CONSISTENT if _drop(s, table.z, count) else _JUDGE
        elif stage == _JUDGE:
            stage = _judge(signal, s, table, u, count)
        else:
            stage = _move(s, table.z, count)
        if c[_SOLVES] == _DESCENT and stage != _DONE:
            stage = _STUCK
        c[_STAGE] = stage
