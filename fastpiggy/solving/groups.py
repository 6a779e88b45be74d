"""Least squares with a norm on each group by :mod:`fastpiggy.active_set.groups`."""

from typing import Any

import numpy as np

from fastpiggy.active_set import groups as kernels
from fastpiggy.active_set.cost_model import FREE
from fastpiggy.active_set.group_descent import Groups
from fastpiggy.active_set.group_newton import newton, settle
from fastpiggy.active_set.growth import Quadratic
from fastpiggy.active_set.reading import PIVOT
from fastpiggy.active_set.work import (
    ACTIVE,
    CHANGES,
    CROWDED,
    FACTORISATIONS,
    LARGEST,
    PASSES,
    SOLVED,
    SWEEPS,
    UNSOLVED,
    VIOLATION,
    Work,
)
from fastpiggy.losses import LeastSquares
from fastpiggy.penalties import GroupL2
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Cost
from fastpiggy.solving import workspace
from fastpiggy.solving.active import NEAR
from fastpiggy.solving.exact import AIM, Data
from fastpiggy.solving.factor import LARGEST as LARGEST_FACTOR
from fastpiggy.solving.factor import Factor
from fastpiggy.solving.found import CORRECTION, Found

#: Rounds of Newton steps on what a warm start brings along.
_FIRST_ROUNDS = 25


def applies(problem: Any) -> bool:
    """Whether the problem is of the kind, and not all of it unpenalised."""
    penalty = problem.penalty
    if type(problem.loss) is not LeastSquares or type(penalty) is not GroupL2:
        return False
    sizes = np.diff(penalty.offsets)
    free = int(sizes[penalty.weights == 0.0].sum())
    return bool(penalty.alpha > 0.0 and free <= FREE and sizes.max() <= FREE)


def run(
    binding: Any, directions: list[wrt.Direction], tol: float, start: np.ndarray | None
) -> Found:
    """Solve, and differentiate along alpha, the weights and y; `start` is a warm start, if any."""
    problem = binding.problem
    penalty, p = problem.penalty, problem.shape[1]
    data = problem.once_for_loss(f"exact {problem.fit_intercept}", lambda: Data.of(problem))
    groups = Groups.of(penalty.weights, penalty.offsets, penalty.order)
    zeros = np.zeros(p)
    quadratic = Quadratic(
        data.design, data.shift, data.centre, data.root, data.y, zeros, zeros
    )  # fmt: skip
    work = workspace.take(*problem.shape)
    work.target[:] = data.target
    scale, code = binding.scale, CROWDED
    goal = AIM * tol * scale
    lam, work = _begin(quadratic, work, groups, penalty.alpha, start, goal)
    while code == CROWDED:
        code, lam = kernels.advance(quadratic, work, groups, lam, penalty.alpha, goal)
        if code == CROWDED:
            room = min(2 * work.room + int(np.diff(penalty.offsets).max()), p + 8)
            if room > LARGEST_FACTOR:
                code = UNSOLVED
            else:
                work = work.larger(room)
    with np.errstate(over="ignore", invalid="ignore"):
        found = _read(binding, quadratic, work, groups, data, directions, code == SOLVED, scale)
    workspace.give_back(work)
    return found


def _begin(
    problem: Quadratic,
    work: Work,
    groups: Groups,
    end: float,
    start: np.ndarray | None,
    goal: float,
) -> tuple[float, Work]:
    """The first level, and the arrays with the groups that are there from the start."""
    cold, p = start is None, work.place.size
    start = np.zeros(p) if start is None else start[:p]
    size = np.add.reduceat(np.abs(start[groups.order]), groups.offsets[:-1])
    first = np.flatnonzero((size > 0.0) | (groups.weights == 0.0))
    columns = int(np.diff(groups.offsets)[first].sum())
    if work.room < columns + 32:
        work = work.larger(min(2 * columns + 32, p + 8))
    if first.size:
        kernels.admit(problem, work, groups, first, start)
        settle(work.active, groups, end, 0.3 * goal, 30, _FIRST_ROUNDS)
    kernels.look(problem, work, groups, end, end)
    return max(float(work.found[LARGEST]), end) if cold else end, work


def _read(
    binding: Any, quadratic: Quadratic, work: Work, groups: Groups, data: Data,
    directions: list[wrt.Direction], solved: bool, scale: float,
) -> Found:  # fmt: skip
    count, x = work.active.count, np.zeros(work.place.size)
    alpha = binding.problem.penalty.alpha
    pivot, loose = 0.0, np.inf
    if solved:
        # The derivative leans on w through K: the last digits count.
        _, pivot, loose = newton(work.active, groups, alpha)
        kernels.look(quadratic, work, groups, alpha, alpha)
    distance, curvature, term = kernels.read(quadratic, work, groups, alpha, x)
    clean = bool(solved and distance > 4 * NEAR and pivot > PIVOT and loose <= CORRECTION)
    J = along = None
    if clean and directions and all(d.name in ("alpha", "weights", "y") for d in directions):
        J, along = _tangents(binding.problem, work, groups, data, directions, x)
    rounding = np.finfo(float).eps * (term + (2.0 * curvature) ** 0.5 * data.size)
    cost = Cost(
        "active_set", int(count[PASSES]), int(count[CHANGES]), int(count[FACTORISATIONS]),
        int(count[SWEEPS]),
    )  # fmt: skip
    x, intercept = data.outward(x, 1.0)
    violation = float(work.found[VIOLATION])
    return Found(
        x, float(intercept), J, along, None, violation / scale, rounding / scale, solved, clean,
        cost,
    )  # fmt: skip


def _tangents(
    problem: Any, work: Work, groups: Groups, data: Data, directions: list[wrt.Direction],
    x: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """``K dw_g = -d(alpha c_g) v_g + X_g' S dy`` on the active groups, for all directions."""
    k = int(work.active.count[ACTIVE])
    places = work.active.order[:k]
    members = work.members[places]
    on = groups.queue[: groups.count[1]]
    sizes = np.diff(groups.offsets)[on]
    norms = np.sqrt(np.add.reduceat(x[members] ** 2, np.cumsum(sizes) - sizes)) if k else sizes
    at = np.repeat(np.arange(on.size), sizes)
    alpha, c = problem.penalty.alpha, groups.weights[on]
    with np.errstate(divide="ignore", invalid="ignore"):
        # A weight of zero that grows pulls on a group that is not zero.
        v = np.where(norms[at] > 0, x[members] / norms[at], 0.0)
        curb = np.where(c > 0, alpha * c / norms, 0.0)[at]
    K = work.active.gram[np.ix_(places, places)]
    K -= np.where(at[:, None] == at, curb * v[:, None] * v, 0.0)
    K[np.diag_indices(k)] += curb
    columns, shifts = [], []
    for d in directions:
        for value in d.values:
            shift = 0.0
            if d.name == "y":
                rhs = work.columns[places] @ (data.root * value)
                shift = _mean(problem, value)
            else:
                moved = value * c if d.name == "alpha" else alpha * value[on]
                rhs = -moved[at] * v
            columns.append(rhs)
            shifts.append(shift)
    J = np.zeros((x.size, len(columns)))
    J[members] = Factor.of_matrix(K).solve(np.column_stack(columns))
    J, along = data.outward(J + 0.0, 0.0)
    return J, along + np.array(shifts)


def _mean(problem: Any, dy: np.ndarray) -> float:
    """How the intercept moves with y, x held."""
    s = problem.loss.sample_weight
    return float(s @ dy / s.sum()) if problem.fit_intercept and s.sum() > 0 else 0.0
