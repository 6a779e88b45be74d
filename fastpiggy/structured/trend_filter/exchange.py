"""From nearly the right knots to the right ones: exact solutions of a trend filter.

Two active-set methods on the knots, each step one banded solve.  The *exchange* drops every knot
whose difference has the wrong sign and adds the peak of every stretch where abs(u) exceeds alpha.
It takes few steps where it ends, and may cycle.  The *descent* is feature-sign search (Lee, Battle,
Raina, Ng 2007) with several knots at a time: it keeps differences of the right sign, moves towards
the solution for its knots until the first difference reaches zero, drops that knot, and adds knots
when it has arrived; the objective falls, so that no set of knots comes twice.
"""

from typing import Any

import numpy as np

from fastpiggy.structured.trend_filter.knots import Knots, at_zero

_EXCHANGES = 40
#: Steps of the exchange that may pass without fewer violations.
_PATIENCE = 5
#: Solves of one descent.
_DESCENT = 5000


def finish(problem: Any, rows: np.ndarray, signs: np.ndarray, tol: float) -> Knots:
    """The best knots found from given ones; their optimality tells whether they are right."""
    if problem.alpha == 0.0:
        return at_zero(problem)
    start = Knots(problem, rows, signs)
    found = _exchange(start, tol)
    if _done(found, tol):
        return found
    return min(found, _descend(_consistent(start), tol), key=lambda knots: knots.optimality)


def _goal(knots: Knots, tol: float) -> float:
    # Well below tol: next to a knot, far from others, abs(u) is close to alpha too.
    return max(1e-3 * tol, knots.floor)


def _done(knots: Knots, tol: float) -> bool:
    return knots.optimality <= _goal(knots, tol)


def _peaks(excess: np.ndarray, u: np.ndarray, least: float) -> np.ndarray:
    """The row of the largest excess in each stretch of rows that exceed, by sign of u."""
    rows = np.flatnonzero(excess > least)
    if not rows.size:
        return rows
    breaks = np.flatnonzero((np.diff(rows) > 1) | (np.diff(np.sign(u[rows])) != 0)) + 1
    return np.array([part[np.argmax(excess[part])] for part in np.split(rows, breaks)])


def _with(
    rows: np.ndarray, added: np.ndarray, *values: tuple[np.ndarray, np.ndarray]
) -> list[np.ndarray]:
    """Rows with others added, in order, and the values that belong to both."""
    merged = np.concatenate([rows, added])
    order = np.argsort(merged)
    return [merged[order], *(np.concatenate(pair)[order] for pair in values)]


def _exchange(knots: Knots, tol: float) -> Knots:
    best, fewest, left = knots, np.inf, _PATIENCE
    for _ in range(_EXCHANGES):
        if knots.optimality < best.optimality:
            best = knots
        least = _goal(knots, tol)
        bad = knots.wrong > least
        violations = int(bad.sum() + (knots.excess > least).sum())
        if violations == 0:
            return knots
        left = _PATIENCE if violations < fewest else left - 1
        fewest = min(fewest, violations)
        if left < 0:
            break
        added = _peaks(knots.excess, knots.u, least)
        rows, signs = _with(knots.rows[~bad], added, (knots.signs[~bad], np.sign(knots.u[added])))
        knots = Knots(knots.problem, rows, signs)
    return best


def _consistent(knots: Knots) -> Knots:
    """Fewer knots, until all differences have their sign."""
    while np.any(bad := knots.signs * knots.z < 0):
        knots = Knots(knots.problem, knots.rows[~bad], knots.signs[~bad])
    return knots


def _descend(knots: Knots, tol: float) -> Knots:
    problem, solves, single = knots.problem, 0, False
    while solves < _DESCENT and not _done(knots, tol):
        added = _peaks(knots.excess, knots.u, _goal(knots, tol))
        if not added.size:
            break
        if single:
            # Alone, the worst one has its sign, and the objective falls.
            added = added[[np.argmax(knots.excess[added])]]
        rows, signs, z = _with(
            knots.rows, added, (knots.signs, np.sign(knots.u[added])),
            (knots.z, np.zeros(added.size)),
        )  # fmt: skip
        new, used = _towards(problem, rows, signs, z)
        solves += used
        failed = not np.isin(added, new.rows).any()
        if failed and single:
            # Rounding decides about what is left.
            break
        knots, single = (knots, True) if failed else (new, False)
    return knots


def _towards(problem: Any, rows: np.ndarray, signs: np.ndarray, z: np.ndarray) -> tuple[Knots, int]:
    """Go from differences z towards the solution for the knots, dropping those that reach zero."""
    used = 0
    while True:
        knots = Knots(problem, rows, signs)
        used += 1
        bad = signs * knots.z < 0
        if not bad.any():
            return knots, used
        gone = bad & (z == 0)
        if not gone.any():
            share = np.full(len(rows), np.inf)
            share[bad] = z[bad] / (z[bad] - knots.z[bad])
            gone = share == share.min()
            z = z + share.min() * (knots.z - z)
        rows, signs, z = rows[~gone], signs[~gone], z[~gone]
