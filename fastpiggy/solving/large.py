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
_STEADY, _SETTLED = 0.01, 0.001

#: Tolerances of conjugate gradients: for a Newton step, for one whose support hardly moves, and
#: for tangents.
_ROUGH, _CLOSER, _FINE = 0.1, 0.02, 1e-9

#: Part of the support whose signs turn in a sweep, below which a step is the closer one.
_NEARLY = 0.003

_ROUNDS, _ITERATIONS = 60, 2000

#: What tells solved tangents from others: a bound by the least Ritz value, over their size.
_ERROR = 1e-7


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
    before, slack = np.zeros(problem.y.size), np.full(x.size, np.inf)
    passes = sweeps = 0
    # Tangents lean on x only where there is a squared l2 part.
    early = [] if problem.ridge.any() else [d for d in directions if d.name == "alpha"]
    early = early if len(early) == len(directions) else []
    solver = _Solver(problem, penalty, early)
    for _round in range(_ROUNDS):
        lam = max(end, COSTLY * lam)
        goal = exact.AIM * tol * scale
        count, violation = large.look(problem, x, r, g, lam, members, before, slack)
        passes += 1
        if lam == end and violation <= goal:
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
        # With more columns than rows there is no one solution to step to.
        if turned <= _STEADY * count and count <= problem.y.size:
            large.gradient(problem, x, r, members[:count], g)
            slack[members[:count]] = np.inf
            used = solver.step(x, g, members[:count].copy(), turned / count, goal)
            passes += used
            # A singular system: nothing that conjugate gradients say of it is to be used.
            if not np.all(np.isfinite(x)) or used == _ITERATIONS:
                return None
    else:
        return None
    support = members[:count].copy()
    if directions and all(d.name in ALONG for d in directions):
        tangents = solver.tangents
        if tangents is None or not np.array_equal(tangents.members, support):
            tangents, used = solver.along(x, support, directions)
            passes += used
    else:
        tangents = None
    pull = np.abs(g) + slack
    return _found(binding, problem, x, pull, support, tangents, violation / scale, passes, sweeps)


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
    indices, s = problem.design.indices, loss.sample_weight
    matrix = problem.design._replace(indices=indices.view(f"u{indices.itemsize}"))
    even = float(s[0]) if np.all(s == s[0]) else 0.0
    found = Large(matrix, even, s, loss.y, thresholds, ridge, ridge.copy())
    large.prepare(found)
    return found


def _origin(problem: Large) -> np.ndarray:
    """Zeros, with the mean of y for an intercept."""
    x = np.zeros(problem.thresholds.size)
    if x.size == problem.matrix.indptr.size:
        x[-1] = problem.sample_weight @ problem.y / problem.sample_weight.sum()
    return x


class _Solver:
    """Newton steps on a support, and the tangents there, each from where the last has left them.

    Parameters
    ----------
    problem : Large
    penalty : L1 or ElasticNet
    early : list of Direction
        Those whose tangents run along with the steps: an iteration costs hardly more with them.
    """

    def __init__(self, problem: Large, penalty: Any, early: list[wrt.Direction]) -> None:
        self.problem, self.penalty, self.early = problem, penalty, early
        self.J = np.zeros((problem.thresholds.size, wrt.count(early)))
        self.least, self.tangents = 1.0, None

    def step(
        self, x: np.ndarray, g: np.ndarray, members: np.ndarray, turned: float, goal: float
    ) -> int:  # fmt: skip
        """Correct x on its support; what would change its sign stops at zero.

        A rough step where a part `turned` of the signs has moved; where hardly any has, to a
        violation of `goal`, the tangents with it.
        """
        side, top = np.sign(x[members]), self.problem.thresholds[members]
        norms = self.problem.norms[members]
        push = -g[members] - self.penalty.alpha * top * side
        early = self.early if turned <= _NEARLY else []
        B = np.column_stack([push, self._right(x, members, early)])
        if turned <= _SETTLED:
            goals = _FINE * np.sqrt((B * B / norms[:, None]).sum(axis=0))
            goals[0] = goal / np.sqrt(norms.max())
        else:
            goals = np.full(B.shape[1], np.inf)
            part = _CLOSER if turned <= _NEARLY else _ROUGH
            goals[0] = part * np.linalg.norm(push / np.sqrt(norms))
        D = np.column_stack([np.zeros(members.size), self.J[members][:, : B.shape[1] - 1]])
        D, left, used = self._iterate(members, B, D, goals)
        new = x[members] + D[:, 0]
        new[(top > 0) & (np.sign(new) != side)] = 0.0
        x[members] = new
        if early:
            self.J[members] = D[:, 1:]
        fine = turned <= _SETTLED and self.early
        self.tangents = self._made(members, D[:, 1:], left[1:], used) if fine else None
        return used

    def along(
        self, x: np.ndarray, members: np.ndarray, directions: list[wrt.Direction]
    ) -> tuple[_Tangents, int]:  # fmt: skip
        """The tangents at a solution."""
        norms = self.problem.norms[members]
        B = self._right(x, members, directions)
        goals = _FINE * np.sqrt((B * B / norms[:, None]).sum(axis=0))
        D, left, used = self._iterate(members, B, np.zeros_like(B), goals)
        return self._made(members, D, left, used), used

    def _right(
        self, x: np.ndarray, members: np.ndarray, directions: list[wrt.Direction]
    ) -> np.ndarray:  # fmt: skip
        """Right-hand sides of the tangents, a column a direction."""
        penalised, columns = members < self.penalty.weights.size, []
        pull = self.problem.thresholds[members] * np.sign(x[members])
        for d in directions:
            for value in d.values:
                slope, ridge = ALONG[d.name](self.penalty, value)
                columns.append(-slope * pull - ridge * penalised * x[members])
        return np.column_stack(columns) if columns else np.zeros((members.size, 0))

    def _iterate(
        self, members: np.ndarray, B: np.ndarray, D: np.ndarray, goals: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, int]:  # fmt: skip
        """Solutions, the norms of what is left of the right-hand sides, and iterations."""
        m = B.shape[1]
        if m > 1 and m % 2:
            B, D = (np.column_stack([A, A[:, -1]]) for A in (B, D))
            goals = np.append(goals, goals[-1])
        ritz = np.zeros((2, _ITERATIONS))
        used = large.conjugate_gradients(self.problem, members, B, goals, D, ritz)
        self.least = min(self.least, _least_ritz_value(ritz[:, :used]))
        left = np.sqrt((B * B / self.problem.norms[members][:, None]).sum(axis=0))
        return D[:, :m], left[:m], used

    def _made(self, members: np.ndarray, J: np.ndarray, left: np.ndarray, used: int) -> _Tangents:
        size = np.sqrt((J * J * self.problem.norms[members][:, None]).sum(axis=0))
        error = np.max(left / np.where(size > 0, self.least * size, np.inf), initial=0.0)
        return _Tangents(members, J, float(error) if used < _ITERATIONS else np.inf)


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
    binding: Any, problem: Large, x: np.ndarray, pull: np.ndarray, support: np.ndarray,
    tangents: _Tangents | None, optimality: float, passes: int, sweeps: int,
) -> Found:  # fmt: skip
    top = binding.problem.penalty.alpha * problem.thresholds
    on, off = (x != 0.0) & (top > 0.0), (x == 0.0) & (top > 0.0)
    distance = min(
        (problem.norms[on] * np.abs(x[on]) / top[on]).min(initial=np.inf),
        (1.0 - pull[off] / top[off]).min(initial=np.inf),
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
