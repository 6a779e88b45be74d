"""The certificate of a composite problem's solution."""

import warnings
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from fastpiggy.certificate import Certificate, FastpiggyWarning, Growth, Status
from fastpiggy.problems import directions as wrt
from fastpiggy.solving import bend, verdict
from fastpiggy.solving.factor import PIVOT
from fastpiggy.solving.linearisation import Linearisation, Movement
from fastpiggy.solving.newton import SETTLED, polished
from fastpiggy.solving.running import FUSED
from fastpiggy.solving.separation import separated

#: A homogeneous tangent that has not shrunk by this factor over the probe does not contract.
_SHRUNK = 0.9
_PROBE_STEPS = 200

#: Violations up to the first, over the scale, count as rounding where the floor is above them;
#: beyond it up to so many times their own rounding.
_PLAIN, _OWN = 1e-8, 4.0

_ADVICE = {
    Status.MAX_ITER: "max_iter was reached; raise it, or tol, or scale the columns of X",
    Status.UNBOUNDED: "columns without a penalty separate the classes: the loss falls for ever as "
    "their coefficients grow, and no solution exists; penalise them (alpha above 0)",
    Status.NOT_CONTRACTING: "the map does not contract here, so that J depends on where it "
    "started; add a little squared l2 penalty, or remove dependent columns",
    Status.SINGULAR_ACTIVE_SET: "columns of the equicorrelation set are linearly dependent: the "
    "solution need not be unique and no derivative is determined; remove duplicates or add a "
    "little squared l2 penalty (elastic_net)",
}


def certify(
    point: Linearisation, J: np.ndarray | None, directions: list[wrt.Direction], mode: str,
    code: int, trace: Any, request: Any, stacklevel: int = 4,
) -> Certificate:  # fmt: skip
    """What is known about x and J; warns unless all is well."""
    tolerance = max(request.tol, point.floor)
    residual, error, certified = tangent(point, J, directions, trace, mode)
    growth = trace.growth
    status = _status(point, J, error, mode, code, tolerance, growth)
    certificate = Certificate(
        status=status,
        optimality=point.optimality,
        tolerance=request.tol,
        floor=point.floor,
        rate=trace.rate,
        kinks=point.selection.kinks,
        find_message=_message(status, point, error, request.tol, growth),
        growth=growth if status == Status.NOT_CONTRACTING else None,
        find_tangent=lambda: (residual, error, certified),
        find_margin=partial(margin, point),
    )
    if status != Status.CONVERGED:
        warnings.warn(certificate.message, FastpiggyWarning, stacklevel=stacklevel)
    return certificate


def tangent(
    point: Linearisation, J: np.ndarray | None, directions: list[wrt.Direction], trace: Any,
    mode: str,
) -> tuple[float | None, float | None, bool]:  # fmt: skip
    """Residual at x, and the distance of J to the derivative: a bound, or an estimate."""
    if J is None:
        return None, None, False
    if not np.all(np.isfinite(J)):
        return np.inf, np.inf, False
    residual = float(np.linalg.norm(point.step(J, point.movement(directions)) - J))
    if not point.factor.formed or point.factor.singular:
        rate = trace.tangent_rate
        known = rate is not None and rate < 1 and mode in ("piggyback", "late", "frozen")
        return residual, residual / (1 - rate) if known else np.inf, False
    # J is judged by the derivative at the solution, not at an x that was left early.
    end = polished(point)
    move = end.movement(directions)
    exact = J if end is point and mode == "implicit" else end.solve(move)
    # A norm is itself rounded.
    error = (1.0 + 1e-14) * _norm(end, J - exact) + bend.rounding(end, exact)
    error += end.distance(end.step(exact, move) - exact)
    moved = bend.bend(end, exact, move, directions)
    known = end.factor.least_eigenvalue > 0 and moved is not None
    error += moved or 0.0
    unique = not (end.selection.kinks.size or end.bent.size)
    settled = end.optimality <= SETTLED * end.floor and unique
    same = np.array_equal(end.active[0], point.active[0])
    return residual, error, bool(known and settled and same and np.isfinite(error))


def _optimal(point: Linearisation, tolerance: float) -> bool:
    """Whether violations are within the tolerance, and beyond 1e-8 within their own rounding.

    The floor is that of the longest column, and would hide violations of shorter ones.
    """
    allowed = _PLAIN * point.binding.scale + _OWN * point.rounding
    own = np.all(np.abs(point.residual) <= allowed)
    return bool(point.optimality <= tolerance and (point.optimality <= _PLAIN or own))


def _norm(point: Linearisation, J: np.ndarray) -> float:
    """In the user's coordinates, with the row of the intercept if there is one."""
    w, b = point.binding.outward(J)
    return float(np.hypot(np.linalg.norm(w), np.linalg.norm(b)))


def _status(
    point: Linearisation, J: np.ndarray | None, error: float | None, mode: str, code: int,
    tolerance: float, growth: Growth | None,
) -> Status:  # fmt: skip
    if separated(point):
        return Status.UNBOUNDED
    good = J is None or mode == "one_step" or verdict.small(error, _norm(point, J))
    return verdict.status(
        code, _optimal(point, tolerance), mode in FUSED, partial(_stuck, point),
        _singular(point), good, np.append(point.selection.kinks, point.bent), growth,
    )  # fmt: skip


def _stuck(point: Linearisation) -> bool:
    # K y = 0 is A Q y = Q y: the map has the eigenvalue 1, and J keeps that part of its start.
    return point.factor.singular or (not point.factor.formed and not contracts(point))


def _singular(point: Linearisation) -> bool:
    """Whether the system is singular on the equicorrelation set: active or at a kink."""
    if not _held(point) and point.factor.singular:
        return True
    if not point.selection.kinks.size:
        return False
    composite = point.binding.composite
    ones = np.ones_like(composite.selection)
    outer = replace(point.binding, composite=composite._replace(selection=ones))
    return Linearisation(outer, point.x).factor.singular


def _held(point: Linearisation) -> bool:
    """Whether the penalty alone makes it regular: all but the intercept are curved by it."""
    members, _, curb = point.active
    if curb.shape != members.shape or not np.any(point.curvatures > 0.0):
        return False
    flat = members[curb <= PIVOT * (point.binding.lipschitz[members] + curb)]
    free = [] if not point.binding.problem.fit_intercept else [point.x.size - 1]
    return bool(np.all(point.curvatures >= 0.0) and np.isin(flat, free).all())


def contracts(point: Linearisation) -> bool:
    """A second starting tangent: two runs of ``J+ = A J + B`` differ by one of ``V+ = A V``.

    Where that stands still J keeps what it was started with, and a zero tangent residual says
    nothing.
    """
    still = Movement(np.zeros((point.x.size, 1)), np.zeros((point.x.size, 1)))
    step = np.full(point.x.size, 1.0 / point.binding.largest_curvature)
    V = np.random.default_rng(0).standard_normal((point.x.size, 1))
    slow = Linearisation(point.binding, point.x, step)
    # The stiff part of V dies at once and says nothing: the shrinkage is taken after it.
    sizes = []
    for _ in range(_PROBE_STEPS):
        V = slow.step(V, still)
        sizes.append(float(np.linalg.norm(V)))
    return sizes[-1] <= _SHRUNK * sizes[_PROBE_STEPS // 2] or sizes[-1] == 0.0


def margin(point: Linearisation) -> tuple[float, float] | None:
    """First-order distance down and up to the next change of the active set, in alpha.

    For penalties with a soft threshold ``alpha c_j``: an active coefficient reaches zero at
    ``x_j + h J_j = 0``, an inactive one enters where ``abs(g_j + h G_j) = (alpha + h) c_j``.
    """
    binding = point.binding
    penalty = binding.composite.penalty
    if not (hasattr(penalty, "thresholds") and binding.kind == "CoordinatePenalty"):
        return None
    if not point.factor.formed or point.factor.singular:
        return None
    p = binding.penalised
    move = point.movement([wrt.Direction("alpha", np.ones(1), ())])
    J = point.solve(move)
    G = (point.times_hessian(J) + move.r)[:p, 0]
    J, x, g, c = J[:p, 0], point.x[:p], point.gradient[:p], penalty.thresholds()
    # A squared l2 part moves an inactive coordinate's condition not at all: x_j = 0 there.
    on = (x != 0) & (c > 0)
    off = (x == 0) & (c > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = [-x[on] / J[on]]
        for sign in (1.0, -1.0):
            found.append((penalty.alpha * c[off] - sign * g[off]) / (sign * G[off] - c[off]))
        events = np.concatenate(found)
    events = events[np.isfinite(events)]
    kinks = np.isin(np.arange(p), point.selection.kinks)
    if kinks.any():
        events = np.append(events, 0.0)
    down = -events[events <= 0].max(initial=-penalty.alpha)
    up = events[events >= 0].min(initial=np.inf)
    return float(down) + 0.0, float(up)  # no negative zero


def _message(
    status: Status, point: Linearisation, error: float | None, tol: float, growth: Growth | None
) -> str:
    local = ""
    if hasattr(point.binding.composite.penalty, "largest_step"):
        local = " The penalty is not convex: this is a stationary point, not a global minimum."
    kinks, kind = point.selection.kinks, "coordinates"
    if not kinks.size:
        kinks, kind = point.bent, "rows of the loss"
    said = verdict.sentence(
        status, point.optimality, tol, point.floor, error, kinks, kind, _ADVICE, growth
    )  # fmt: skip
    return said + local
