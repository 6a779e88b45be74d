"""Least squares with soft thresholds by :mod:`fastpiggy.active_set`: solution, tangents, verdict.

What comes out clean, with no coordinate near a kink, is certified from the working set itself.
Everything else goes on from where this has arrived, through the general route.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.active_set import quadratic, reading
from fastpiggy.active_set.growth import Quadratic, admit, look
from fastpiggy.active_set.homotopy import follow
from fastpiggy.active_set.work import (
    ACTIVE,
    CHANGES,
    FACTORISATIONS,
    LARGEST,
    PASSES,
    SWEEPS,
    VIOLATION,
    Work,
)
from fastpiggy.certificate import Certificate, Status, Tangent
from fastpiggy.designs import matrix
from fastpiggy.designs.by_column import Sparse
from fastpiggy.losses import LeastSquares
from fastpiggy.penalties import L1, ElasticNet
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Cost, Solution
from fastpiggy.solving import certify, verdict, workspace
from fastpiggy.solving.active import NEAR
from fastpiggy.solving.factor import Factor
from fastpiggy.solving.linearisation import Linearisation
from fastpiggy.solving.newton import objective
from fastpiggy.solving.running import Trace

#: Unpenalised columns are always active: beyond so many the general route takes over.
FREE = 500

#: The violation that is aimed at, over the tolerance.
_AIM = 0.1

#: The least pivot over a diagonal entry with which a Gram matrix says enough of its columns.
_PIVOT = 1e-7

#: The last correction of a tangent, over its size, beyond which it is looked at more closely.
_CORRECTION = 1e-8


def applies(problem: Any) -> bool:
    """Whether the problem is of the kind, and not all of it unpenalised."""
    penalty = problem.penalty
    return (
        type(problem.loss) is LeastSquares
        and type(penalty) in (L1, ElasticNet)
        and penalty.alpha > 0.0
        and getattr(penalty, "l1_ratio", 1.0) > 0.0
        and np.count_nonzero(penalty.weights == 0.0) <= FREE
    )


@dataclass(frozen=True)
class Data:
    """What does not depend on the penalty: computed once for X and the loss."""

    design: Any
    shift: np.ndarray
    centre: np.ndarray
    root: np.ndarray
    y: np.ndarray
    target: np.ndarray
    offset: float

    @cached_property
    def size(self) -> float:
        """The norm of the weighted targets."""
        return float(np.linalg.norm(self.root * self.y))

    @classmethod
    def of(cls, problem: Any) -> "Data":
        loss, p = problem.loss, problem.shape[1]
        y, s = loss.y, loss.sample_weight
        design = problem.once("columns", lambda: matrix.by_column(problem.design))
        zeros = np.zeros(p)
        target = problem.once_for_loss("X'sy", lambda: matrix.scatter(problem.design, s * y))
        if not problem.fit_intercept or not s.sum() > 0:
            return cls(design, zeros, zeros, np.sqrt(s), y, target, 0.0)
        total = matrix.scatter(problem.design, s)
        centre, offset = total / s.sum(), float(s @ y / s.sum())
        shift = zeros if isinstance(design, Sparse) else centre
        return cls(
            design, shift, centre, np.sqrt(s), y - offset, target - offset * total, offset
        )  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What a run leaves behind.

    Parameters
    ----------
    x : ndarray of shape (p,)
    intercept : float
    J : ndarray of shape (p, m) or None
        Along alpha and l1_ratio; None where other directions were asked for.
    along_intercept : ndarray of shape (m,) or None
        The same of the intercept.
    gram : ndarray of shape (k, k) or None
        Of the active columns in ascending order, for those other directions.
    optimality, floor : float
        As in a certificate.
    solved : bool
    clean : bool
        Whether the certificate follows from here: solved, nothing near a kink, no pivot near zero.
    cost : Cost
    """

    x: np.ndarray
    intercept: float
    J: np.ndarray | None
    along_intercept: np.ndarray | None
    gram: np.ndarray | None
    optimality: float
    floor: float
    solved: bool
    clean: bool
    cost: Cost


def run(
    binding: Any, directions: list[wrt.Direction], tol: float, start: np.ndarray | None
) -> Found:
    """Solve, and differentiate along alpha and l1_ratio; `start` is a warm start, if any."""
    problem = binding.problem
    penalty, p = problem.penalty, problem.shape[1]
    data = problem.once_for_loss(f"exact {problem.fit_intercept}", lambda: Data.of(problem))
    ridge = penalty.alpha * (1.0 - getattr(penalty, "l1_ratio", 1.0))
    quadratic_ = Quadratic(
        data.design, data.shift, data.centre, data.root, data.y, penalty.thresholds(),
        np.full(p, ridge),
    )  # fmt: skip
    work = workspace.take(*problem.shape)
    work.target[:] = data.target
    lam, top, work = _begin(quadratic_, work, penalty.alpha, start)
    scale = binding.scale if top is None else max(penalty.alpha, 1e-3 * top)
    while True:
        code, lam = quadratic.advance(quadratic_, work, lam, penalty.alpha, _AIM * tol * scale)
        if code != quadratic.CROWDED:
            break
        work = work.larger(min(2 * work.room, p + 8))
    with np.errstate(over="ignore", invalid="ignore"):
        found = _read(quadratic_, penalty, data, work, directions, code == quadratic.SOLVED, scale)
    workspace.give_back(work)
    return found


class _Later:
    """What is made of a solution only when someone asks for it."""

    def __init__(
        self, binding: Any, found: Found, J: np.ndarray | None, directions: list[wrt.Direction]
    ) -> None:
        self.binding, self.found, self.J, self.directions = binding, found, J, directions

    @cached_property
    def point(self) -> Linearisation:
        found = self.found
        return Linearisation(self.binding, self.binding.inward(found.x, found.intercept))

    def objective(self) -> float:
        return objective(self.point)

    def tangent(self) -> Tangent:
        return certify.tangent(self.point, self.J, self.directions, Trace.of([]), "implicit")

    def margin(self) -> tuple[float, float] | None:
        return certify.margin(self.point)


def solution(binding: Any, found: Found, directions: list[wrt.Direction], tol: float) -> Solution:
    """A clean run with its certificate; bounds are computed when they are asked for."""
    jacobian, intercepts, J = {}, {}, None
    if found.J is not None:
        along = found.along_intercept
        jacobian = wrt.split(found.J, directions)
        intercepts = {name: rows[0] for name, rows in wrt.split(along[None], directions).items()}
        J = binding.inward(found.J, along)
    later, none = _Later(binding, found, J, directions), np.zeros(0, dtype=np.int64)
    message = verdict.sentence(
        Status.CONVERGED, found.optimality, tol, found.floor, None, none, "coordinates", {}
    )
    certificate = Certificate(
        Status.CONVERGED, found.optimality, tol, found.floor, None, none, message,
        later.tangent if J is not None else None, later.margin,
    )  # fmt: skip
    return Solution(
        binding.problem, found.x, found.intercept, jacobian, intercepts, certificate, "active_set",
        "none" if J is None else "implicit", found.cost.sweeps, None, found.cost, later.objective,
    )  # fmt: skip


def linearised(binding: Any, found: Found) -> Linearisation:
    """The linearisation at a clean run's end, its system taken from the working set."""
    point = Linearisation(binding, binding.inward(found.x, found.intercept))
    gram = found.gram
    if gram is None or binding.shape[1] > binding.penalised:
        return point
    members = point.active[0]
    if members.size == len(gram):
        point.factor = Factor(gram, None, np.diagonal(gram).copy())
    return point


def _begin(
    problem: Quadratic, work: Work, end: float, start: np.ndarray | None
) -> tuple[float, float | None, Work]:
    """The first level, alpha_max where it is easily known, and the arrays."""
    free = problem.thresholds == 0.0
    top = None
    if not free.any():
        np.divide(np.abs(work.target), problem.thresholds, out=work.pull)
        top = float(work.pull.max())
    elif start is None:
        start = np.zeros(free.size)
    if start is None:
        work.correlation[:] = work.target
        np.multiply(problem.root**2, problem.y, out=work.residual)
        return max(top or 0.0, end), top, work
    first = np.flatnonzero((start != 0.0) | free)
    if work.room < first.size + 32:
        work = work.larger(min(2 * first.size + 32, free.size + 8))
    admit(problem, work, first, start[first])
    follow(work.active, end, end, 60 + 2 * first.size)
    look(problem, work, end, end)
    cold = not np.any(start)
    return max(float(work.found[LARGEST]), end) if cold else end, top, work


def _read(
    problem: Quadratic, penalty: Any, data: Data, work: Work, directions: list[wrt.Direction],
    solved: bool, scale: float,
) -> Found:  # fmt: skip
    active, count, x = work.active, work.active.count, np.zeros(work.place.size)
    distance, pivot, curvature, term = reading.read(problem, work, penalty.alpha, x)
    clean = solved and distance > 4 * NEAR and pivot > _PIVOT
    J = along = gram = None
    if clean and directions and all(d.name in _ALONG for d in directions):
        J = np.zeros((wrt.count(directions), x.size))
        moves = [_ALONG[d.name](penalty, value) for d in directions for value in d.values]
        slopes, ridges = (np.array(column, dtype=float) for column in zip(*moves, strict=True))
        clean = reading.tangents(work, slopes, ridges, J) <= _CORRECTION
        J = J.T
        along = 0.0 - data.centre @ J
    elif clean and directions:
        order = active.order[: count[ACTIVE]]
        order = order[np.argsort(work.members[order])]
        gram = active.gram[np.ix_(order, order)]
    rounding = np.finfo(float).eps * (term + (2.0 * curvature) ** 0.5 * data.size)
    cost = Cost(
        "active_set", int(count[PASSES]), int(count[CHANGES]), int(count[FACTORISATIONS]),
        int(count[SWEEPS]),
    )  # fmt: skip
    violation, intercept = float(work.found[VIOLATION]), data.offset - float(data.centre @ x)
    return Found(
        x, intercept, J, along, gram, violation / scale, rounding / scale, solved, clean, cost
    )


#: How the level and the squared l2 part move with a parameter.
_ALONG = {
    "alpha": lambda penalty, d: (d, d * (1.0 - getattr(penalty, "l1_ratio", 1.0))),
    "l1_ratio": lambda penalty, d: (d * penalty.alpha / penalty.l1_ratio, -d * penalty.alpha),
}
