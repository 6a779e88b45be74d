"""Curved losses with soft thresholds by :mod:`fastpiggy.active_set.curved`."""

from dataclasses import replace
from typing import Any

import numpy as np

from fastpiggy.active_set import curved
from fastpiggy.active_set.newton_model import Curved, States
from fastpiggy.active_set.reading import Asked
from fastpiggy.active_set.work import CROWDED, SOLVED, Work
from fastpiggy.compile import kind, prepared
from fastpiggy.problems import directions as wrt
from fastpiggy.problems.null_model import intercept_alone
from fastpiggy.solving import workspace
from fastpiggy.solving.exact import AIM, is_threshold
from fastpiggy.solving.found import Found, asked, read
from fastpiggy.solving.linearisation import bent_rows

#: How far the log of a curvature may still move at the end: J moves by about twice that.
_STILL = 1e-7


def applies(problem: Any) -> bool:
    """Whether the problem is of the kind, and not all of it unpenalised."""
    return not problem.loss.quadratic() and is_threshold(problem.penalty)


#: By kinds of designs and losses: the machine code of the whole solve.
_prepared: dict[Any, Any] = {}


def _prepare(problem: Curved, work: Work, states: States, wanted: Asked) -> Any:
    key = kind(problem.design), kind(problem.loss)
    if key not in _prepared:
        x = problem.shift
        _prepared[key] = prepared(
            curved.solve, problem, work, states, x, 0.0, 1.0, 1.0, 1.0, wanted, x, x[None]
        )
    return _prepared[key]


def run(
    binding: Any, directions: list[wrt.Direction], tol: float, start: np.ndarray | None
) -> Found:
    """Solve, and differentiate along alpha and l1_ratio; `start` is a warm start, if any."""
    penalty, end = binding.problem.penalty, binding.problem.penalty.alpha
    n, p = binding.shape
    thresholds, ridge = np.zeros(p), np.zeros(p)
    thresholds[: binding.penalised] = penalty.thresholds()
    ridge[: binding.penalised] = end * (1.0 - getattr(penalty, "l1_ratio", 1.0))
    problem = Curved(binding.design, binding.composite.loss, np.zeros(p), thresholds, ridge)
    cold = start is None
    if start is None:
        start = np.zeros(p)
        if p > binding.penalised:
            start[-1] = intercept_alone(binding.problem.loss, n)
    first = np.count_nonzero((start != 0.0) | (thresholds == 0.0))
    work = workspace.take(n, p)
    if work.room < first + 32:
        work = work.larger(min(2 * first + 32, p + 8))
    states = States(np.zeros(n), np.zeros(n), np.zeros(n), np.empty((work.room, n)))
    x, (wanted, J) = np.zeros(p), asked(penalty, directions, p)
    solve = _prepare(problem, work, states, wanted)
    # With nothing but the intercept in the working set the first level is alpha_max.
    known = cold and first == p - binding.penalised
    lam, scale = 0.0, 0.0 if known else binding.scale
    while True:
        code, lam, scale, size, left, numbers = solve(
            problem, work, states, start, lam, end, scale, AIM * tol, wanted, x, J
        )
        if code != CROWDED:
            break
        work = work.larger(min(2 * work.room, p + 8))
        states = states._replace(scaled=np.empty((work.room, n)))
    with np.errstate(over="ignore", invalid="ignore"):
        found = read(
            numbers, work, x, J, directions, scale, size, code == SOLVED,
            lambda v, share: binding.outward(v),
        )  # fmt: skip
    workspace.give_back(work)
    # A row on the loss's own kink has two curvatures, and where x may still move so far that the
    # curvatures do, J is not yet that of the solution: the general route looks at both.
    rough = getattr(problem.loss, "roughness", None)
    moves = len(J) > 0 and rough is not None and not rough() * left <= _STILL
    return replace(found, clean=False) if moves or bent_rows(binding, states.z).size else found
