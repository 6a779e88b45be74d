"""Sparse least squares with soft thresholds by :mod:`fastpiggy.active_set.large`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from fastpiggy.active_set import large
from fastpiggy.active_set.cost_model import COSTLY, LARGE
from fastpiggy.active_set.large import Large
from fastpiggy.designs.by_column import Sparse
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Cost
from fastpiggy.solving import exact
from fastpiggy.solving.active import NEAR
from fastpiggy.solving.found import ALONG, Found

#: Sweeps over the support alone after each one over all candidates.
_SWEEPS = 4

#: Parts of the support whose signs turn in a sweep, below which Newton steps begin and end.
_STEADY, _SETTLED = 0.01, 0.0005

#: Tolerances of conjugate gradients: for a Newton step, and for tangents.
_ROUGH, _FINE = 0.02, 1e-10

_ROUNDS, _ITERATIONS = 60, 2000

#: What tells solved tangents from others: a bound by the least Ritz value, over their size.
_ERROR = 1e-8


def applies(problem: Any) -> bool:
    """Whether :mod:`fastpiggy.solving.exact` would, the matrix is sparse, and all is penalised."""
    return (
        isinstance(problem.design, Sparse)
        and exact.applies(problem)
        and bool(problem.penalty.weights.all())
    )


def run(
    binding: Any, directions: list[wrt.Direction], tol: float, start: np.ndarray | None
) -> Found | None:
    """Solve, and differentiate along alpha and l1_ratio; None where another way is to be taken."""
    penalty, end = binding.problem.penalty, binding.problem.penalty.alpha
    problem = _bound(binding)
    x = _origin(problem) if start is None else start.copy()
    scale = binding.scale
    lam = end if start is not None else max(binding.alpha_max, end)
    r, g, members = np.empty(problem.y.size), np.empty(x.size), np.empty(x.size, dtype=np.int64)
    passes = sweeps = 0
    # Tangents lean on x only where there is a squared l2 part.
    early = [] if problem.ridge.any() else [d for d in directions if d.name == "alpha"]
    early = early if len(early) == len(directions) else []
    tangents = None
    for _round in range(_ROUNDS):
        lam = max(end, COSTLY * lam)
        count, violation = large.look(problem, x, r, g, lam, members)
        passes += 1
        if lam == end and violation <= exact.AIM * tol * scale:
            break
        for _sweep in range(1 + _SWEEPS):
            count, turned = large.sweep(problem, x, r, lam, members, count)
            sweeps += 1
            if turned <= _STEADY * count:
                break
        if lam > end:
            continue
        if count <= LARGE:
            return None
        tangents = None
        # With more columns than rows there is no one solution to step to.
        if turned <= _STEADY * count and count <= problem.y.size:
            fine = turned <= _SETTLED * count
            tangents, used = _newton(
                problem, penalty, x, members[:count].copy(), early if fine else [],
                0.1 * exact.AIM * tol * scale if fine else None,
            )  # fmt: skip
            passes += used
            # A singular system: nothing that conjugate gradients say of it is to be used.
            if not np.all(np.isfinite(x)) or used == _ITERATIONS:
                return None
    else:
        return None
    support = members[:count].copy()
    if directions and all(d.name in ALONG for d in directions):
        if tangents is None or not early or tangents.members.size != count:
            tangents, used = _newton(problem, penalty, x, support, directions, 0.0, False)
            passes += used
    else:
        tangents = None
    return _found(binding, problem, x, g, support, tangents, violation / scale, passes, sweeps)


@dataclass(frozen=True)
class _Tangents:
    """J on the members, and a bound of its relative error by an estimated eigenvalue."""

    members: np.ndarray
    J: np.ndarray
    error: float


def _bound(binding: Any) -> Large:
    problem = binding.problem
    penalty, loss, p = problem.penalty, problem.loss, binding.shape[1]
    thresholds, ridge = np.zeros(p), np.zeros(p)
    thresholds[: binding.penalised] = penalty.thresholds()
    ridge[: binding.penalised] = penalty.alpha * (1.0 - getattr(penalty, "l1_ratio", 1.0))
    found = Large(problem.design, loss.sample_weight, loss.y, thresholds, ridge, ridge.copy())
    large.prepare(found)
    return found


def _origin(problem: Large) -> np.ndarray:
    """Zeros, with the mean of y for an intercept."""
    x = np.zeros(problem.thresholds.size)
    if x.size == problem.matrix.indptr.size:
        x[-1] = problem.sample_weight @ problem.y / problem.sample_weight.sum()
    return x


def _newton(
    problem: Large, penalty: Any, x: np.ndarray, members: np.ndarray,
    directions: list[wrt.Direction], goal: float | None, moves: bool = True,
) -> tuple[_Tangents | None, int]:  # fmt: skip
    """Correct x on its support, and solve for tangents, in one run of conjugate gradients.

    `goal` is the violation that is to be left, None a rough one.  What would change its sign stops
    at zero.
    """
    side = np.sign(x[members])
    top = problem.thresholds[members]
    columns, penalised = [], members < penalty.weights.size
    r, g, unused = np.empty(problem.y.size), np.empty(x.size), np.empty(x.size, dtype=np.int64)
    if moves:
        large.look(problem, x, r, g, penalty.alpha, unused)
        columns.append(-g[members] - penalty.alpha * top * side)
    for d in directions:
        for value in d.values:
            slope, ridge = ALONG[d.name](penalty, value)
            columns.append(-slope * top * side - ridge * penalised * x[members])
    if len(columns) > 1 and len(columns) % 2:
        columns.append(columns[-1])
    B = np.column_stack(columns)
    norms = problem.norms[members]
    goals = _FINE * np.sqrt((B * B / norms[:, None]).sum(axis=0))
    if moves:
        reach = np.linalg.norm(B[:, 0] / np.sqrt(norms))
        goals[0] = _ROUGH * reach if goal is None else goal / np.sqrt(norms.max())
    D, ritz = np.empty_like(B), np.zeros((2, _ITERATIONS))
    used = large.conjugate_gradients(problem, members, B, goals, D, ritz)
    if moves:
        new = x[members] + D[:, 0]
        new[(top > 0) & (np.sign(new) != side)] = 0.0
        x[members] = new
    if not directions:
        return None, used
    first = int(moves)
    left = np.sqrt((B[:, first:] ** 2 / norms[:, None]).sum(axis=0))
    size = np.sqrt((D[:, first:] ** 2 * norms[:, None]).sum(axis=0))
    least = _least_ritz_value(ritz[:, :used])
    error = float(np.max(left / np.where(size > 0, least * size, np.inf), initial=0.0))
    return _Tangents(
        members,
        D[:, first : first + wrt.count(directions)],
        error if used < _ITERATIONS else np.inf,
    ), used


def _least_ritz_value(ritz: np.ndarray) -> float:
    """The least eigenvalue of the tridiagonal matrix that conjugate gradients have made."""
    steps, ratios = ritz[:, ritz[0] > 0]
    if not steps.size:
        return 1.0
    diagonal = 1.0 / steps
    diagonal[1:] += ratios[:-1] / steps[:-1]
    beside = np.sqrt(ratios[:-1]) / steps[:-1]
    return float(
        linalg.eigh_tridiagonal(diagonal, beside, True, select="i", select_range=(0, 0))[0]
    )


def _found(
    binding: Any, problem: Large, x: np.ndarray, g: np.ndarray, support: np.ndarray,
    tangents: _Tangents | None, optimality: float, passes: int, sweeps: int,
) -> Found:  # fmt: skip
    top = binding.problem.penalty.alpha * problem.thresholds
    on, off = (x != 0.0) & (top > 0.0), (x == 0.0) & (top > 0.0)
    distance = min(
        (problem.norms[on] * np.abs(x[on]) / top[on]).min(initial=np.inf),
        (1.0 - np.abs(g[off]) / top[off]).min(initial=np.inf),
    )
    J = along = None
    clean = bool(distance > 4 * NEAR)
    if tangents is not None:
        rows = np.zeros((x.size, tangents.J.shape[1]))
        rows[tangents.members] = tangents.J
        J, along = binding.outward(rows)
        clean = clean and tangents.error <= _ERROR
    w, intercept = binding.outward(x)
    size = float(np.sqrt(problem.sample_weight @ problem.y**2))
    terms = (problem.norms * np.abs(x)).max() + np.sqrt(2.0 * problem.norms.max()) * size
    floor = float(np.finfo(float).eps * terms) / binding.scale
    cost = Cost("descent and conjugate gradients", passes, 0, 0, sweeps)
    return Found(w, float(intercept), J, along, None, optimality, floor, True, clean, cost)
