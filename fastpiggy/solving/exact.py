"""Least squares with soft thresholds by :mod:`fastpiggy.active_set.quadratic`."""

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from fastpiggy.active_set import quadratic
from fastpiggy.active_set.cost_model import FREE, crowded
from fastpiggy.active_set.growth import Quadratic
from fastpiggy.active_set.quadratic import GIVEN, MOVED, NEW
from fastpiggy.active_set.reading import Asked
from fastpiggy.active_set.resume import continue_, resume
from fastpiggy.active_set.work import COLUMNS, CROWDED, SOLVED, Work
from fastpiggy.compile import kind, prepared
from fastpiggy.designs import matrix
from fastpiggy.designs.by_column import Sparse
from fastpiggy.losses import LeastSquares
from fastpiggy.penalties import L1, ElasticNet
from fastpiggy.problems import directions as wrt
from fastpiggy.solving import workspace
from fastpiggy.solving.found import Found, asked, read

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
    #: The norm of the weighted targets.
    size: float

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
            residual = s * y
            size = math.sqrt(residual @ y)
            return cls(design, zeros, zeros, np.sqrt(s), y, target, residual, 0.0, False, size)
        total = matrix.scatter(problem.design, s)
        centre, offset = total / s.sum(), float(s @ y / s.sum())
        shift = zeros if isinstance(design, Sparse) else centre
        y = y - offset
        residual = s * y
        return cls(
            design, shift, centre, np.sqrt(s), y, target - offset * total, residual, offset, True,
            math.sqrt(residual @ y),
        )  # fmt: skip


#: Squares of a centred column that are rounding, over those of its mean.
_CONSTANT = 1e-28

#: By kinds of designs: the machine code of the whole solve.
_prepared: dict[Any, Any] = {}


def _prepare(problem: Quadratic, work: Work, asked_: Asked) -> Any:
    key = kind(problem.design)
    if key not in _prepared:
        x, one = np.zeros(work.place.size), np.ones((1, 1))
        columns = np.zeros(0, dtype=np.int64)
        _prepared[key] = prepared(
            quadratic.solve, problem, work, columns, x, NEW, 1.0, 1.0, 1.0, asked_, x, one
        )
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
    penalty, (n, p) = problem.penalty, problem.shape
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
        work = workspace.take(n, p)
    work.target[:] = data.target
    if resumed and start is not None:
        start = _resume(quadratic_, work, start, before, penalty.alpha)
    end, x, (wanted, J) = penalty.alpha, np.zeros(p), asked(penalty, directions, p)
    first, top = _begin(quadratic_, work, data.residual, end, start, resumed)
    scale = binding.scale if top is None else max(end, 1e-3 * top)
    solve = _prepare(quadratic_, work, wanted)
    while True:
        code, lam, numbers = solve(quadratic_, *first, end, AIM * tol * scale, wanted, x, J)
        work = first.work
        if code != CROWDED:
            break
        larger = work.larger(min(2 * work.room, p + 8))
        first = _Start(larger, first.columns[:0], first.coefficients[:0], NEW, lam)
    found = read(
        numbers, work, x, J, directions, scale, data.size, code == SOLVED, data.outward,
        workspace.give_back, data.centre,
    )  # fmt: skip
    return replace(found, clean=False) if found.clean and _intercepts(problem, data) else found


def _intercepts(problem: Any, data: Data) -> bool:
    """Whether an unpenalised column is constant beside the intercept.

    What is left of it when centred is the rounding of its mean, not a direction of its own.
    """
    if not data.centred:
        return False
    free = np.flatnonzero(problem.penalty.weights == 0.0)
    if not free.size:
        return False
    left = data.root[:, None] * (matrix.block(problem.design, free) - data.centre[free])
    whole = data.root @ data.root
    return bool(np.any((left * left).sum(axis=0) <= _CONSTANT * whole * data.centre[free] ** 2))


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


class _Start(NamedTuple):
    """Arrays, columns that join first, and how :func:`quadratic.solve` is to begin."""

    work: Work
    columns: np.ndarray
    coefficients: np.ndarray
    how: int
    lam: float


def _begin(
    problem: Quadratic, work: Work, residual: np.ndarray, end: float, x: np.ndarray | None,
    resumed: bool,
) -> tuple[_Start, float | None]:  # fmt: skip
    """The start from x, if any, and alpha_max where it is easily known."""
    thresholds, top = problem.thresholds, None
    if thresholds.all():
        np.abs(work.target, out=work.pull)
        np.divide(work.pull, thresholds, out=work.pull)
        top = float(work.pull.max())
    elif x is None:
        x = np.zeros(thresholds.size)
    if x is None:
        work.residual[:] = residual
        columns = np.zeros(0, dtype=np.int64)
        return _Start(work, columns, residual[:0], NEW, max(top or 0.0, end)), top
    columns = np.flatnonzero(((x != 0.0) | (thresholds == 0.0)) & (work.place < 0))
    needed = int(work.active.count[COLUMNS]) + columns.size + 32
    if work.room < needed:
        work = work.larger(min(2 * needed, thresholds.size + 8))
    warm = resumed or np.any(x)
    how = MOVED if resumed else GIVEN
    return _Start(work, columns, x[columns], how, end if warm else 0.0), top
