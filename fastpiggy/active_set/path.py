"""The exact path of one fold: its coefficients, and its loss on the rows that were held out.

Least squares with soft thresholds in Gram space.  Between two changes of the active set the
coefficients are linear in the level lam, ``G_SS dw = c_S s`` for each unit that lam falls (Osborne,
Presnell, Turlach 2000; Efron, Hastie, Johnstone, Tibshirani 2004), so the held-out loss is a
quadratic.  A path starts where another one has ended, and ends on coefficients computed anew.
"""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set import blas
from fastpiggy.active_set.homotopy import PIVOT, combine, enter, leave
from fastpiggy.active_set.triangle import backward, forward
from fastpiggy.active_set.work import (
    ACTIVE,
    CHANGES,
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    PATH,
    RATE,
    ROTATED,
    SCRATCH,
    SIDE,
    STEP,
    THRESHOLD,
    Active,
)
from fastpiggy.compile import kernel, routine

#: Entries of ``Fold.found``: the level that was reached, and the largest violation there.
REACHED, VIOLATED = range(2)

#: Violations above this, over the level, call for a factor made anew.
_DRIFT = 1e-11


class Fold(NamedTuple):
    """A fold's training rows in Gram space, and the rows it is judged on.

    Parameters
    ----------
    active : Active
        CORRELATION holds the columns' products with the targets, PATH those with the residual.
    columns : ndarray of shape (room, rows)
        The columns of the working set on the judging rows, each a row, times `root`.
    means : ndarray of shape (room,)
        What centring takes from the columns: their means over the training rows, or zeros.
    root : ndarray of shape (rows,)
        Square roots of the weights of the judging rows.
    target : ndarray of shape (rows,)
        Their targets less the mean of the training rows, times `root`.
    residual, change : ndarray of shape (rows,)
        ``target - columns' w``, and how it moves as the level falls.
    found : ndarray of shape (2,)
    """

    active: Active
    columns: np.ndarray
    means: np.ndarray
    root: np.ndarray
    target: np.ndarray
    residual: np.ndarray
    change: np.ndarray
    found: np.ndarray


class Pieces(NamedTuple):
    """Quadratics ``value + slope t + curvature t^2`` in ``t = level - lam``, one an entry.

    Parameters
    ----------
    level : ndarray
        The upper end of each piece; the lower end is the next one's upper end.
    value, slope, curvature : ndarray
    active : ndarray
        Active columns on the piece.
    """

    level: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    curvature: np.ndarray
    active: np.ndarray


@routine
def _apply(fold, coefficients, k, out):
    """``columns' w`` on the judging rows for coefficients in the order of the factor."""
    order = fold.active.order
    combine(fold.columns, order, coefficients, k, out.size, out)
    shift = 0.0
    for i in range(k):
        shift += fold.means[order[i]] * coefficients[i]
    if shift != 0.0:
        for i in range(out.size):
            out[i] -= shift * fold.root[i]


@routine
def _refactor(active, k):
    """The factor of the active columns anew; False where they depend on each other."""
    G, R, order = active.gram, active.factor, active.order
    for i in range(k):
        row, out = G[order[i]], R[i]
        for j in range(i, k):
            out[j] = row[order[j]]
    return blas.cholesky(R, k)


@routine
def _settle(fold, lam, k):
    """Coefficients and correlations of the active set anew at a level; the largest violation."""
    active = fold.active
    order, vectors, R = active.order, active.vectors, active.factor
    w, q, h, u = vectors[COEFFICIENT], vectors[CORRELATION], vectors[PATH], vectors[RATE]
    side, level, d = vectors[SIDE], vectors[THRESHOLD], vectors[STEP]
    t, size, worst = vectors[SCRATCH], active.count[COLUMNS], 0.0
    for i in range(k):
        a = order[i]
        t[i] = q[a] - lam * side[a] * level[a]
    forward(R, k, t)
    backward(R, k, t, d)
    combine(active.gram, order, d, k, size, u)
    for i in range(k):
        w[order[i]] = d[i]
    for a in range(size):
        h[a] = q[a] - u[a]
        top = lam * level[a]
        off = max(abs(h[a]) - top, 0.0) if side[a] == 0.0 else abs(h[a] - side[a] * top)
        if level[a] == 0.0:
            off = abs(h[a])
        worst = off if off > worst else worst
    _apply(fold, d, k, fold.change)
    for i in range(fold.residual.size):
        fold.residual[i] = fold.target[i] - fold.change[i]
    return worst


@kernel(allocates=False)
def correlate_all(X, residuals, out):
    """``X' r`` for every row r of `residuals`, two columns of X at a time: X is read once."""
    n, p = X.shape
    for j in range(0, p - p % 2, 2):
        a, b = X[:, j], X[:, j + 1]
        for v in range(residuals.shape[0]):
            r, s, t = residuals[v], 0.0, 0.0
            for i in range(n):
                s += a[i] * r[i]
                t += b[i] * r[i]
            out[j, v], out[j + 1, v] = s, t
    for j in range(p - p % 2, p):
        a = X[:, j]
        for v in range(residuals.shape[0]):
            r, s = residuals[v], 0.0
            for i in range(n):
                s += a[i] * r[i]
            out[j, v] = s


@kernel(allocates=False)
def restart(fold, lam, k):
    """The state at a level for the first `k` of the order, with their signs; False if singular."""
    active = fold.active
    active.count[ACTIVE] = k
    if not _refactor(active, k):
        return False
    fold.found[REACHED], fold.found[VIOLATED] = lam, _settle(fold, lam, k)
    return True


@kernel(allocates=False)
def descend_to(fold, end, pieces, first):
    """Follow the path from where it is down to a level, and record the held-out loss.

    Parameters
    ----------
    fold : Fold
        ``found`` says which level was reached: `end`, unless the path broke off.
    end : float
    pieces : Pieces
    first : int
        Where to write; the path breaks off where there is no room for another piece.

    Returns
    -------
    int
        Where to go on writing.
    """
    active, r, D = fold.active, fold.residual, fold.change
    count, order, barred, vectors, R = (
        active.count, active.order, active.barred, active.vectors, active.factor,
    )  # fmt: skip
    w, h, u, d, v = (
        vectors[COEFFICIENT], vectors[PATH], vectors[RATE], vectors[STEP], vectors[ROTATED],
    )  # fmt: skip
    side, level, scratch = vectors[SIDE], vectors[THRESHOLD], vectors[SCRATCH]
    size, k, lam = count[COLUMNS], count[ACTIVE], fold.found[REACHED]
    room, left, last = pieces.level.size, -1, 0.0
    most, changes, event, sign = 200 + 10 * size, 0, 0, 0.0
    for a in range(size):
        barred[a] = 0
    for i in range(k):
        v[i] = side[order[i]] * level[order[i]]
    forward(R, k, v)
    while True:
        backward(R, k, v, d)
        combine(active.gram, order, d, k, size, u)
        step, event = lam - end, -1
        for i in range(k):
            a = order[i]
            if side[a] * d[i] < 0.0:
                reach = max(-w[a] / d[i], 0.0)
                if reach < step:
                    step, event = reach, i
        for a in range(size):
            if side[a] != 0.0 or level[a] == 0.0 or barred[a] != 0:
                continue
            # What has just left may not come back at once on the side it left from.
            sense = 1.0 if u[a] < 0.0 else -1.0
            for _turn in range(2):
                speed = level[a] - sense * u[a]
                # One that depends on the active columns keeps its distance to the level.
                if speed > PIVOT * level[a] and not (a == left and last == sense):
                    reach = max((lam * level[a] - sense * h[a]) / speed, 0.0)
                    if reach < step:
                        step, event, sign = reach, size + a, sense
                sense = -sense
        if step > 0.0:
            if first == room:
                break
            _apply(fold, d, k, D)
            value, slope, curvature = 0.0, 0.0, 0.0
            for i in range(r.size):
                value += r[i] * r[i]
                slope -= 2.0 * r[i] * D[i]
                curvature += D[i] * D[i]
                r[i] -= step * D[i]
            pieces.level[first], pieces.value[first] = lam, value
            pieces.slope[first], pieces.curvature[first] = slope, curvature
            pieces.active[first] = k
            first += 1
            for i in range(k):
                w[order[i]] += step * d[i]
            for a in range(size):
                h[a] -= step * u[a]
            lam -= step
        if event < 0:
            lam = end
        if event < 0 or changes >= most:
            break
        changes += 1
        left = -1
        if event < size:
            # Rounding may have left it beyond zero.
            w[order[event]] = 0.0
            left, last = order[event], side[order[event]]
            k = leave(active, k, event)
            continue
        a = event - size
        k, pivot, left, last = enter(active, k, a, sign, d)
        if pivot <= 0.0:
            continue
        total = sign * level[a]
        for i in range(k):
            total -= scratch[i] * v[i]
        v[k] = total / np.sqrt(pivot)
        order[k], side[a] = a, sign
        k += 1
        if w[a] != 0.0:
            # An exchange moves coefficients at a held level.
            for i in range(k):
                d[i] = w[order[i]]
            _apply(fold, d, k, D)
            for i in range(r.size):
                r[i] = fold.target[i] - D[i]
    count[ACTIVE] = k
    count[CHANGES] += changes
    fold.found[REACHED] = lam
    if event < 0:
        worst = _settle(fold, lam, k)
        if worst > _DRIFT * lam and _refactor(active, k):
            worst = _settle(fold, lam, k)
        fold.found[VIOLATED] = worst
    return first
