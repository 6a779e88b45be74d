"""Newton steps on the active set: what ends a descent that has found it, or nearly so."""

import numpy as np

from fastpiggy.algorithms.composite import penalty_value
from fastpiggy.solving.linearisation import Linearisation

_STEPS = 30
_HALVINGS = 12

#: Optimality within so many times what rounding leaves counts as the solution itself.
SETTLED = 100.0
_POLISH_STEPS = 4

#: A full step is taken where it brings the residual down by this factor.
_PROGRESS = 0.7


def objective(point: Linearisation) -> float:
    """Loss plus penalty."""
    binding = point.binding
    return point.loss + penalty_value(binding.composite.penalty, point.x[: binding.penalised])


def is_convex(point: Linearisation) -> bool:
    """Whether the penalty is convex: one with a largest step is not."""
    return not hasattr(point.binding.composite.penalty, "largest_step")


def climbs(before: Linearisation, after: Linearisation) -> bool:
    """Whether the objective rises.

    A smaller residual alone is no progress: far from the solution it also falls on the way to
    infinity.  Out of the penalty's domain, where the next prox leads back, only the residual tells.
    """
    value, new = objective(before), objective(after)
    return new > value + 1e-12 * abs(value) and bool(np.isfinite(new) or not is_convex(after))


def newton(point: Linearisation, tol: float, damped: bool) -> Linearisation:
    """Newton steps while they help: full ones that bring the residual down, else shorter ones.

    Shorter ones are taken only if `damped`, and where the penalty is convex.
    """
    best = point
    damped = damped and is_convex(point) and point.binding.kind != "Penalty"
    for _ in range(_STEPS):
        if best.optimality <= tol or best.factor.singular:
            break
        # What rounding leaves of the largest sums says little of coordinates with small ones.
        settled = best.optimality <= best.floor
        end = best.newton()
        if not np.all(np.isfinite(end)):
            break
        trial: Linearisation | None = best.at(end)
        if not (trial.optimality < _PROGRESS * best.optimality and not climbs(best, trial)):
            trial = _shorter(best, trial) if damped and not settled else None
        if trial is None:
            break
        best = trial
    return best


def _shorter(point: Linearisation, end: Linearisation) -> Linearisation | None:
    """The first of ever shorter steps towards `end` with a part of the promised decrease."""
    d = end.x - point.x
    members, Q, _ = point.active
    if not point.factor.formed:
        return None
    y = d[members] if Q is None else Q.T @ d[members]
    promised, value, step = 0.5 * float(y @ point.factor.times(y)), objective(point), 1.0
    if not promised > 1e-14 * abs(value):
        return None
    trial = end
    for _ in range(_HALVINGS):
        if objective(trial) <= value - 1e-3 * step * promised:
            return trial
        step *= 0.5
        trial = Linearisation(point.binding, point.x + step * d)
    return None


def polished(point: Linearisation) -> Linearisation:
    """The solution that Newton steps lead to from x, to about rounding; x itself if none does."""
    best = point
    for _ in range(_POLISH_STEPS):
        if best.optimality <= SETTLED * best.floor or best.factor.singular:
            break
        trial = best.at(best.newton())
        if not (np.all(np.isfinite(trial.x)) and trial.optimality < best.optimality):
            break
        best = trial
    # Next to rows that fit, the residual says little of what a small squared l2 part determines.
    if best.force is not None and not best.factor.singular:
        size, least = (float(np.linalg.norm(part)) for part in best.force)
        trial = best.at(best.newton()) if size > SETTLED * least else best
        if np.all(np.isfinite(trial.x)) and trial.optimality <= max(best.optimality, trial.floor):
            best = trial
    return best


def grounded(point: Linearisation, tol: float) -> Linearisation:
    """Where the penalty is not convex, zeros for coefficients that are nothing but rounding.

    A column of size 1e-8 leaves so little of the residual that its coefficient may stand anywhere
    on the level part of a penalty.  Newton's step is in its own units: one that is as long as the
    coefficient says that nothing holds it there.
    """
    if is_convex(point) or point.factor.singular:
        return point
    loose = np.abs(point.newton() - point.x) >= 0.5 * np.abs(point.x)
    loose[point.binding.penalised :] = False
    if not np.any(point.x[loose]):
        return point
    end = Linearisation(point.binding, np.where(loose, 0.0, point.x))
    return end if end.optimality <= max(tol, end.floor) else point


def landed(point: Linearisation, tol: float) -> Linearisation:
    """The prox's value instead of x, where a Newton step has its structure only to rounding.

    Zeros, equal neighbours, sums and bounds are then exact, and the objective finite.
    """
    if point.binding.kind != "Penalty" and np.isfinite(objective(point)):
        return point
    end = Linearisation(point.binding, point.selection.z)
    return end if end.optimality <= max(point.optimality, tol, end.floor) else point
