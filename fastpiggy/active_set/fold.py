"""A fold in Gram space: its training rows, the rows it is judged on, and where it stands."""

from typing import NamedTuple

import numpy as np

from fastpiggy.active_set import blas
from fastpiggy.active_set.homotopy import combine
from fastpiggy.active_set.triangle import backward, forward
from fastpiggy.active_set.watch import Seats, Watch, seat_all
from fastpiggy.active_set.work import (
    ACTIVE,
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    PATH,
    RATE,
    SCRATCH,
    SIDE,
    STEP,
    THRESHOLD,
    Active,
)
from fastpiggy.compile import kernel, routine

#: Entries of ``Fold.found``: the level that was reached, and the largest violation there.
REACHED, VIOLATED = range(2)


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
    seats : Seats
    watch : Watch
    """

    active: Active
    columns: np.ndarray
    means: np.ndarray
    root: np.ndarray
    target: np.ndarray
    residual: np.ndarray
    change: np.ndarray
    found: np.ndarray
    seats: Seats
    watch: Watch


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
def apply(fold, coefficients, k, out):
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
def refactor(active, k):
    """The factor of the active columns anew; False where they depend on each other."""
    G, R, order = active.gram, active.factor, active.order
    for i in range(k):
        row, out = G[order[i]], R[i]
        for j in range(i, k):
            out[j] = row[order[j]]
    return blas.cholesky(R, k)


@routine
def settle(fold, lam, k):
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
    apply(fold, d, k, fold.change)
    for i in range(fold.residual.size):
        fold.residual[i] = fold.target[i] - fold.change[i]
    return worst


@kernel
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


@routine
def stand(fold, lam, k):
    active = fold.active
    active.count[ACTIVE] = k
    if not refactor(active, k):
        return False
    seat_all(active, fold.seats, k)
    fold.found[REACHED], fold.found[VIOLATED] = lam, settle(fold, lam, k)
    return True


@kernel
def restart(fold, lam, k):
    """The state at a level for the first `k` of the order, with their signs; False if singular."""
    return stand(fold, lam, k)
