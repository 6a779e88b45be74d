"""Least squares with soft thresholds by :mod:`fastpiggy.active_set.quadratic`."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.active_set import quadratic
from fastpiggy.active_set.cost_model import CHANGES, FREE, crowded
from fastpiggy.active_set.growth import Quadratic, admit, grow, look
from fastpiggy.active_set.homotopy import follow
from fastpiggy.active_set.resume import continue_, resume
from fastpiggy.active_set.work import COLUMNS, CROWDED, LARGEST, SOLVED, Work
from fastpiggy.compile import kind, prepared
from fastpiggy.designs import matrix
from fastpiggy.designs.by_column import Sparse
from fastpiggy.losses import LeastSquares
from fastpiggy.penalties import L1, ElasticNet
from fastpiggy.problems import directions as wrt
from fastpiggy.solving import workspace
from fastpiggy.solving.found import Found, Reading, read

#: The violation that is aimed at, over the tolerance.
AIM = 0.1

#: A working set of so many columns for each active one, and some, is not gone on with.
_WORN, _FEW = 3, 100


def applies(problem: Any) -> bool:
    """Whether the problem is of the kind, and not all of it unpenalised."""
    return type(problem.loss) is LeastSquares and is_threshold(problem.penalty)


def is_threshold(penalty: Any) -> bool:
    """Whether a penalty is a soft threshold with at most a squared l2 part, and does penalise."""
    return (
        type(penalty) in (L1, ElasticNet)
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
    residual: np.ndarray
    offset: float
    centred: bool

    @cached_property
    def size(self) -> float:
        """The norm of the weighted targets."""
        return math.sqrt(self.residual @ self.y)

    def outward(self, v: np.ndarray, share: float) -> tuple[np.ndarray, Any]:
        """Coefficients and intercept, or their tangents, which y does not move."""
        if not self.centred:
            return v, np.zeros(v.shape[1:]) if v.ndim > 1 else 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            return v, share * self.offset - self.centre @ v + 0.0

    @classmethod
    def of(cls, problem: Any) -> "Data":
        loss, p = problem.loss, problem.shape[1]
        y, s = loss.y, loss.sample_weight
        design = problem.once("columns", lambda: matrix.by_column(problem.design))
        zeros = np.zeros(p)
        target = problem.once_for_loss("X'sy", lambda: matrix.scatter(problem.design, s * y))
        if not problem.fit_intercept or not s.sum() > 0:
            return cls(design, zeros, zeros, np.sqrt(s), y, target, s * y, 0.0, False)
        total = matrix.scatter(problem.design, s)
        centre, offset = total / s.sum(), float(s @ y / s.sum())
        shift = zeros if isinstance(design, Sparse) else centre
        y = y - offset
        return cls(
            design, shift, centre, np.sqrt(s), y, target - offset * total, s * y, offset, True
        )  # fmt: skip


#: By kinds of designs: the loop over levels and the readers, their kernels prepared.
_prepared: dict[Any, tuple[Any, Reading]] = {}


def _prepare(problem: Quadratic, work: Work) -> tuple[Any, Reading]:
    key = kind(problem.design)
    if key not in _prepared:
        advance = quadratic.by(
            prepared(grow, problem, work, 1.0, 1, 1, True),
            prepared(follow, work.active, 1.0, 1.0, 1),
            prepared(look, problem, work, 1.0, 1.0),
        )
        _prepared[key] = advance, Reading.of(problem, work)
    return _prepared[key]


def run(
    binding: Any, directions: list[wrt.Direction], tol: float, start: np.ndarray | None,
    before: Any = None,
) -> Found:  # fmt: skip
    """Solve, and differentiate along alpha and l1_ratio.

    `start` is a warm start, and `before` the solution of a problem with the same data it is from,
    if any.
    """
    problem = binding.problem
    start = None if start is None else start[: binding.penalised]
    penalty, p = problem.penalty, problem.shape[1]
    data = problem.once_for_loss(f"exact {problem.fit_intercept}", lambda: Data.of(problem))
    ridge = penalty.alpha * (1.0 - getattr(penalty, "l1_ratio", 1.0))
    quadratic_ = Quadratic(
        data.design, data.shift, data.centre, data.root, data.y, penalty.thresholds(),
        np.full(p, ridge),
    )  # fmt: skip
    work = None if before is None else workspace.redeem(before.ticket)
    if work is not None and work.active.count[COLUMNS] > _WORN * np.count_nonzero(start) + _FEW:
        # So many columns that are of no use any more slow all down.
        workspace.give_back(work)
        work = None
    resumed = work is not None
    if work is None:
        work = workspace.take(*problem.shape)
    work.target[:] = data.target
    if resumed and start is not None:
        start = _resume(quadratic_, work, start, before, penalty.alpha)
    lam, top, work = _begin(quadratic_, data.residual, work, penalty.alpha, start, resumed)
    scale = binding.scale if top is None else max(penalty.alpha, 1e-3 * top)
    advance, reading = _prepare(quadratic_, work)
    while True:
        code, lam = advance(quadratic_, work, lam, penalty.alpha, AIM * tol * scale)
        if code != CROWDED:
            break
        work = work.larger(min(2 * work.room, p + 8))
    found = read(
        reading, quadratic_, work, penalty, directions, code == SOLVED, scale, data.size,
        data.outward,
    )  # fmt: skip
    return replace(found, ticket=workspace.give_back(work))


def _resume(
    problem: Quadratic, work: Work, start: np.ndarray, before: Any, end: float
) -> np.ndarray:
    """Go on in the working set of a former solution; returns what of the start is out of it."""
    penalty = before.problem.penalty
    ridge = penalty.alpha * (1.0 - getattr(penalty, "l1_ratio", 1.0))
    rest = np.where(work.place < 0, start, 0.0)
    k = resume(problem, work, start, ridge)
    if crowded(k, 0, work.residual.size):
        k = resume(problem, work, before.x, problem.ridge[0])
    continue_(work.active, k, work.residual.size, penalty.alpha, end)
    return rest


def _begin(
    problem: Quadratic,
    residual: np.ndarray,
    work: Work,
    end: float,
    start: np.ndarray | None,
    resumed: bool,
) -> tuple[float, float | None, Work]:
    """The first level, alpha_max where it is easily known, and the arrays."""
    thresholds, top = problem.thresholds, None
    if thresholds.all():
        np.abs(work.target, out=work.pull)
        np.divide(work.pull, thresholds, out=work.pull)
        top = float(work.pull.max())
    elif start is None:
        start = np.zeros(thresholds.size)
    if start is None:
        work.residual[:] = residual
        return max(top or 0.0, end), top, work
    first = np.flatnonzero(((start != 0.0) | (thresholds == 0.0)) & (work.place < 0))
    needed = int(work.active.count[COLUMNS]) + first.size + 32
    if work.room < needed:
        work = work.larger(min(2 * needed, thresholds.size + 8))
    if first.size:
        admit(problem, work, first, start[first])
    if not resumed:
        follow(work.active, end, end, CHANGES + 2 * first.size)
    look(problem, work, end, end)
    cold = not (resumed or np.any(start))
    return max(float(work.found[LARGEST]), end) if cold else end, top, work
