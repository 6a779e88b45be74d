"""Many problems at once: those of one kind in one compiled loop, the others one by one."""

import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np

from fastpiggy.active_set import many
from fastpiggy.active_set.many import Batch, Outcome
from fastpiggy.certificate import FastpiggyWarning, Status
from fastpiggy.compile.address import address
from fastpiggy.designs.by_column import Dense
from fastpiggy.designs.rows import Rows
from fastpiggy.losses import LeastSquares
from fastpiggy.penalties import L1, ElasticNet
from fastpiggy.problems import Problem, checks
from fastpiggy.problems import directions as wrt_
from fastpiggy.solution import Solution
from fastpiggy.solving import exact, solve
from fastpiggy.solving.found import ALONG
from fastpiggy.solving.solutions import Solutions, clean
from fastpiggy.solving.targets import TargetSolutions, solve_targets
from fastpiggy.solving.threads import at_once

#: Problems from which on a loop over them is worth a thread, or a kernel, of its own.
_FEW = 16


@overload
def solve_many(
    problems: Iterable[Any], Y: Any = None, wrt: Any = None, *, alpha: None = None,
    tol: float = 1e-9, n_jobs: int = 1,
) -> Solutions: ...  # fmt: skip
@overload
def solve_many(
    problems: Problem, Y: Any, wrt: Any = None, *, alpha: Any = None, tol: float = 1e-9,
    n_jobs: int = 1,
) -> TargetSolutions: ...  # fmt: skip
def solve_many(
    problems: Any, Y: Any = None, wrt: Any = None, *, alpha: Any = None, tol: float = 1e-9,
    n_jobs: int = 1,
) -> Any:  # fmt: skip
    """Solve many problems, each as :func:`fastpiggy.solve` does by default.

    ``solve_many(problem, Y)`` is for many targets on one X.  Lassos and elastic nets are solved in
    its Gram matrix, which is made once, in one compiled loop.

    ``solve_many(problems)`` is for separate problems.  Lassos and elastic nets with a dense X are
    solved and differentiated in one compiled loop, without Python between them.

    All other kinds, what the loops cannot vouch for (kinks, singular active sets), and derivatives
    along other parameters than alpha and l1_ratio go through :func:`fastpiggy.solve` one by one.

    Parameters
    ----------
    problems : Problem, or iterable of problems
        One, with `Y`; or problems of any kinds and shapes.
    Y : array_like of shape (n, q), optional
        With one problem: one column a target; its own targets are not looked at.
    wrt : str, iterable of str, or dict of str to array_like, optional
        What to differentiate with respect to, as in :func:`fastpiggy.solve`; the same for all.
        With `Y` names of numbers only.  A list of problems takes it as the second argument too.
    alpha : float or array_like of shape (q,), optional
        With `Y`: of all targets, or of each; by default the problem's own.
    tol : float, default=1e-9
        On the optimality of each certificate.
    n_jobs : int, default=1
        Threads over the problems, or blocks of targets.

    Returns
    -------
    TargetSolutions or Solutions
        With `Y` arrays, coefficients and their derivatives sparse.  Else a sequence of
        :class:`~fastpiggy.Solution` in the order of the problems: its items are made when they are
        looked at; `x`, `jacobian` and others give the arrays of all at once.

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed; the message names it, its value and what is.

    Warns
    -----
    FastpiggyWarning
        Once, if the status of any is not ``"converged"``, with how many.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> Y = np.array([[3.0, 1.0], [0.5, 4.0], [-2.0, 0.2]])
    >>> problem = fp.lasso(np.eye(3), Y[:, 0], alpha=0.5)
    >>> found = fp.solve_many(problem, Y, alpha=[0.5, 0.25], wrt="alpha")
    >>> found.coefficients.toarray()
    array([[ 1.5 ,  0.  , -0.5 ],
           [ 0.25,  3.25,  0.  ]])
    >>> found.jacobian["alpha"].toarray()[1]
    array([-3., -3.,  0.])

    The same as separate problems, with a certificate for each:

    >>> solutions = fp.solve_many([problem.replace(y=y) for y in Y.T], wrt="alpha")
    >>> solutions.x
    array([[ 1.5,  0. , -0.5],
           [ 0. ,  2.5,  0. ]])
    >>> solutions[1].jacobian["alpha"]
    array([ 0., -3.,  0.])
    """
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs < 1:
        raise ValueError(f"n_jobs must be a positive integer, got {n_jobs!r}")
    tol = checks.number(tol, "tol", open_low=True)
    if hasattr(problems, "family") and Y is not None:
        return solve_targets(problems, Y, wrt, alpha, tol, n_jobs)
    if isinstance(problems, str) or not isinstance(problems, Iterable):
        raise TypeError(
            f"problems must be an iterable of problems, got {type(problems).__name__}; "
            "one with many targets needs Y, one alone is for fastpiggy.solve"
        )
    if alpha is not None:
        raise TypeError("alpha= is for one problem with Y; separate problems have their own")
    if Y is not None:
        # Separate problems have targets of their own: this is what to differentiate by.
        if wrt is not None:
            raise TypeError("Y is for one problem; separate problems have targets of their own")
        wrt = Y
    if isinstance(wrt, Iterable) and not isinstance(wrt, str | dict):
        # What can be read once only is read for every problem.
        wrt = wrt if hasattr(wrt, "keys") else list(wrt)
    held = list(problems)
    gathered = _gather(held)
    directions = _directions(gathered, wrt)
    if directions is None:
        gathered = _Gathered()
    m = 0 if not directions else wrt_.count(directions)
    batch = _batch(gathered, directions or [], m)
    out = _outcome(batch, m)
    _run(batch, out, tol, n_jobs)
    good = clean(out)
    alone = np.ones(len(held), dtype=bool)
    alone[np.array(gathered.at, dtype=np.int64)[good]] = False
    apart = _one_by_one(held, np.flatnonzero(alone).tolist(), wrt, tol, n_jobs)
    found = Solutions(held, gathered.at, batch, out, directions or [], tol, apart)
    _warn(found)
    return found


@dataclass
class _Gathered:
    """The problems that the loop takes, their parts in lists."""

    at: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    y: list[np.ndarray] = field(default_factory=list)
    sample_weight: list[np.ndarray] = field(default_factory=list)
    weights: list[np.ndarray] = field(default_factory=list)
    alpha: list[float] = field(default_factory=list)
    l1_ratio: list[float] = field(default_factory=list)


#: The storage of a matrix by whether it has four bytes an entry, and Fortran order.
_STORAGE = {
    (False, True): many.COLUMNS_64, (False, False): many.ROWS_64,
    (True, True): many.COLUMNS_32, (True, False): many.ROWS_32,
}  # fmt: skip


def _gather(problems: list[Any]) -> _Gathered:
    """Those of the kind that the loop takes; this runs once a problem, so it is short."""
    got = _Gathered()
    for i, problem in enumerate(problems):
        if type(problem) is not Problem:
            if not hasattr(problem, "family"):
                raise TypeError(
                    f"problems[{i}] must be made by fastpiggy.lasso, Problem, ... , got "
                    f"{type(problem).__name__}"
                )
            continue
        loss, penalty, design = problem.loss, problem.penalty, problem.design
        if type(loss) is not LeastSquares or type(design) not in (Dense, Rows):
            continue
        kind = type(penalty)
        ratio = 1.0 if kind is L1 else penalty.l1_ratio if kind is ElasticNet else 0.0
        if not (ratio > 0.0 and penalty.alpha > 0.0):
            continue
        X = design.X
        flags, size = X.flags, X.itemsize
        by_column = flags.f_contiguous
        if not (by_column or flags.c_contiguous) or not flags.aligned or X.dtype.kind != "f":
            continue
        n, p = X.shape
        storage = _STORAGE[size == 4, by_column]
        got.at.append(i)
        got.problems.append(problem)
        got.numbers.extend((address(X), storage, n, p, problem.fit_intercept))
        got.y.append(loss.y)
        got.sample_weight.append(loss.sample_weight)
        got.weights.append(penalty.weights)
        got.alpha.append(penalty.alpha)
        got.l1_ratio.append(ratio)
    return got


def _directions(gathered: _Gathered, wrt: Any) -> list[wrt_.Direction] | None:
    """The directions, the same for all; None where the loop cannot follow them."""
    found: list[wrt_.Direction] | None = []
    seen = set()
    for i, problem in zip(gathered.at, gathered.problems, strict=True):
        # Along numbers they depend on the kind of penalty alone.
        if type(problem.penalty) in seen:
            continue
        seen.add(type(problem.penalty))
        try:
            found = wrt_.parse(problem, wrt, problem.shape[1])
        except (TypeError, ValueError) as error:
            raise type(error)(f"problems[{i}]: {error}") from None
        if not all(direction.name in ALONG for direction in found):
            return None
    return found


class _Penalties:
    """The parameters of all penalties, as :data:`fastpiggy.solving.found.ALONG` reads one."""

    def __init__(self, batch: Batch) -> None:
        self.alpha, self.l1_ratio = batch.alpha, batch.l1_ratio


def _batch(got: _Gathered, directions: list[wrt_.Direction], m: int) -> Batch:
    count = len(got.at)
    problems = np.zeros((count + 1, 5), dtype=np.int64)
    if count:
        rows = np.array(got.numbers, dtype=np.int64).reshape(count, 5)
        problems[:-1, many.ADDRESS], problems[:-1, many.STORAGE] = rows[:, 0], rows[:, 1]
        problems[1:, many.ROW], problems[1:, many.COLUMN] = np.cumsum(rows[:, 2:4], axis=0).T
        problems[:-1, many.INTERCEPT] = rows[:, 4]
    y, sample_weight, weights = (
        np.concatenate([np.zeros(0), *part]) for part in (got.y, got.sample_weight, got.weights)
    )
    batch = Batch(
        problems, y, sample_weight, weights, np.array(got.alpha, dtype=float),
        np.array(got.l1_ratio, dtype=float), np.zeros((count, m)), np.zeros((count, m)),
    )  # fmt: skip
    k, penalties = 0, _Penalties(batch)
    for direction in directions:
        for value in direction.values:
            batch.slopes[:, k], batch.ridges[:, k] = ALONG[direction.name](penalties, value)
            k += 1
    return batch


def _outcome(batch: Batch, m: int) -> Outcome:
    count, total = batch.alpha.size, int(batch.problems[-1, many.COLUMN])
    return Outcome(
        np.zeros(total), np.zeros(m * total), np.zeros(count), np.zeros((count, m)),
        np.zeros(count, dtype=np.int64), np.zeros((count, 8)), np.zeros((count, 8), dtype=np.int64),
    )  # fmt: skip


def _run(batch: Batch, out: Outcome, tol: float, n_jobs: int) -> None:
    """The loops, or parts of them in threads."""
    # One entry both ways would be of C order.
    design, aim = Dense(np.zeros((2, 2), order="F")), exact.AIM * tol
    edges = batch.problems[:, many.ROW : many.COLUMN + 1]
    shapes = set(map(tuple, np.diff(edges, axis=0).tolist()))

    def memory() -> tuple[np.ndarray, np.ndarray]:
        return many.memory(shapes)

    bounds = _bounds(batch.alpha.size, n_jobs)
    at_once(
        lambda first, last: many.at_once(batch, design, aim, first, last, memory(), out),
        [bounds[:-1], bounds[1:]], n_jobs,
    )  # fmt: skip
    left = np.flatnonzero(out.code == many.WAITING)
    if left.size < _FEW:
        return
    bounds = _bounds(left.size, n_jobs)
    at_once(
        lambda first, last: many.in_stages(batch, design, aim, left[first:last], memory(), out),
        [bounds[:-1], bounds[1:]], n_jobs,
    )  # fmt: skip


def _bounds(count: int, n_jobs: int) -> list[int]:
    """Where the parts of so many problems begin and end."""
    parts = min(n_jobs, max(1, count // _FEW)) if count else 0
    return [count * k // parts for k in range(parts + 1)] if parts else [0]


def _one_by_one(
    problems: list[Any], at: list[int], wrt: Any, tol: float, n_jobs: int
) -> dict[int, Solution]:
    """Problems through :func:`fastpiggy.solve`, without its warnings."""

    def one(i: int) -> Solution:
        try:
            return solve(problems[i], wrt, tol=tol)
        except (TypeError, ValueError) as error:
            raise type(error)(f"problems[{i}]: {error}") from None

    if not at:
        return {}
    with warnings.catch_warnings():
        # They are counted at the end.
        warnings.simplefilter("ignore", FastpiggyWarning)
        return dict(zip(at, at_once(one, [at], n_jobs), strict=True))


def _warn(found: Solutions) -> None:
    """One warning that counts the statuses, with where each is first met."""
    statuses = enumerate(found.statuses)
    troubled = {i: status for i, status in statuses if status != Status.CONVERGED}
    if not troubled:
        return
    first = {status: i for i, status in reversed(troubled.items())}
    counted = ", ".join(
        f"{number} {status} (first problems[{first[status]}])"
        for status, number in Counter(troubled.values()).most_common()
    )
    verb = "has" if len(troubled) == 1 else "have"
    warnings.warn(
        f"{len(troubled)} of {len(found)} problems {verb} another status than converged: "
        f"{counted}; each solution's certificate.message says what to do next",
        FastpiggyWarning,
        stacklevel=3,
    )
