"""Curved losses with soft thresholds by :mod:`fastpiggy.active_set.curved`."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from fastpiggy.active_set import curved
from fastpiggy.active_set.curved import Curved, States
from fastpiggy.active_set.work import CROWDED, LARGEST, SOLVED, VIOLATION, Work
from fastpiggy.compile import kind, prepared
from fastpiggy.problems import directions as wrt
from fastpiggy.solving import workspace
from fastpiggy.solving.exact import AIM, is_threshold
from fastpiggy.solving.found import Found, Reading, read
from fastpiggy.solving.linearisation import bent_rows

#: Newton steps on what a warm start brings along, and on the intercept.
_FIRST_STEPS = 20

#: What they leave of the first violation.
_FIRST = 1e-12


def applies(problem: Any) -> bool:
    """Whether the problem is of the kind, and not all of it unpenalised."""
    return not problem.loss.quadratic() and is_threshold(problem.penalty)


class _Kernels(NamedTuple):
    """Those of one kind of problem, prepared."""

    begin: Any
    newton: Any
    look: Any
    settle: Any
    advance: Any
    reading: Reading


_prepared: dict[Any, _Kernels] = {}


def _prepare(problem: Curved, work: Work, states: States) -> _Kernels:
    key = kind(problem.design), kind(problem.loss)
    if key not in _prepared:
        all_ = problem, work, states
        newton = prepared(curved.newton, *all_, 1.0, 1.0, 1.0, 1)
        look = prepared(curved.look, *all_, 1.0)
        _prepared[key] = _Kernels(
            prepared(curved.begin, *all_, problem.shift), newton, look,
            prepared(curved.settle, *all_),
            curved.by(prepared(curved.grow, problem, work, 1.0, 1), newton, look),
            Reading.of(problem, work),
        )  # fmt: skip
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
    start = np.zeros(p) if start is None else start
    first = np.count_nonzero((start != 0.0) | (thresholds == 0.0))
    work = workspace.take(n, p)
    if work.room < first + 32:
        work = work.larger(min(2 * first + 32, p + 8))
    states = States(np.zeros(n), np.zeros(n), np.zeros(n), np.empty((work.room, n)))
    kernels = _prepare(problem, work, states)
    kernels.begin(problem, work, states, start)
    kernels.look(problem, work, states, end)
    if first:
        # In its own units: next to a large alpha the slope along the intercept is nothing.
        goal = _FIRST * float(work.found[VIOLATION])
        kernels.newton(problem, work, states, end, end, goal, _FIRST_STEPS)
        kernels.look(problem, work, states, end)
    lam = max(float(work.found[LARGEST]), end) if cold else end
    # With nothing but the intercept in the working set the first level is alpha_max.
    known = cold and first == p - binding.penalised
    scale = max(end, 1e-3 * lam) if known else binding.scale
    while True:
        code, lam = kernels.advance(problem, work, states, lam, end, scale, AIM * tol * scale)
        if code != CROWDED:
            break
        work = work.larger(min(2 * work.room, p + 8))
        states = states._replace(scaled=np.empty((work.room, n)))
    kernels.settle(problem, work, states)
    with np.errstate(over="ignore", invalid="ignore"):
        size = float(np.linalg.norm(states.curvature * states.z))
        found = read(
            kernels.reading, problem, work, penalty, directions, code == SOLVED, scale, size,
            lambda v, share: binding.outward(v),
        )  # fmt: skip
    workspace.give_back(work)
    # A row on the loss's own kink has two curvatures: the general route looks at it.
    return replace(found, clean=False) if bent_rows(binding, states.z).size else found
