"""Blocks of targets: what a worker gets, what it does, and what it hands back."""

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np

from fastpiggy.active_set import shared_gram as all_rows
from fastpiggy.active_set import targets as loop
from fastpiggy.active_set.target_bench import (
    ALPHA,
    SLOPE,
    SPREAD,
    TOP,
    VALUE,
    VISITED,
    Answers,
    Rule,
    bench,
)
from fastpiggy.active_set.work import SOLVED, Work
from fastpiggy.certificate import FastpiggyWarning
from fastpiggy.criteria.held_out import CrossVal
from fastpiggy.designs import matrix
from fastpiggy.solving.exact import AIM
from fastpiggy.solving.shared_gram import ROOM
from fastpiggy.tuning import path
from fastpiggy.tuning.one_target import one_target
from fastpiggy.tuning.result import SearchStatus
from fastpiggy.tuning.scales import DECADES
from fastpiggy.tuning.shared_folds import LARGEST, SharedFolds, bytes_of_grams

#: What is known of a target, in the order of ``Block.numbers``.
NUMBERS = (
    "alphas", "values", "gradients", "intercepts", "alpha_max", "visited", "optimality",
)  # fmt: skip

#: Numbers in the arrays of a block, and targets in it.
_NUMBERS, _MOST = 2**22, 256

#: Where there are more columns than rows, those are watched that come at half the level's speed.
_WIDE = 0.5

#: Targets between two looks at the keyboard, and columns from which on one takes long enough.
_CHUNK, _LONG = 16, 100


class Plan(NamedTuple):
    """What is to be done for every target, as it is sent to a worker.

    Parameters
    ----------
    problem : Problem
    splits : list of (train, test)
    bounds : tuple of float or None
    tol : float
    digest : str
        Of all of these.
    """

    problem: Any
    splits: list[tuple[np.ndarray, np.ndarray]]
    bounds: tuple[float, float] | None
    tol: float
    digest: str


@dataclass(frozen=True, eq=False)
class Block:
    """The answers for a block of targets, see :class:`fastpiggy.tuning.targets.TargetsResult`."""

    numbers: np.ndarray
    statuses: np.ndarray
    coefficients: Any

    def __len__(self) -> int:
        return len(self.numbers)


def prepare(problem: Any, splits: Any, bounds: Any, tol: float) -> Plan:
    """The plan, with its digest."""
    seen = blake2b(digest_size=16)
    stored = matrix.stored(problem.design)
    parts = [stored] if isinstance(stored, np.ndarray) else [stored.indptr, stored.indices]
    parts += [] if isinstance(stored, np.ndarray) else [stored.data]
    parts += [array for pair in splits for array in pair]
    # Targets and alpha are not looked at.
    known = {k: v for k, v in problem.parameters.items() if k not in ("y", "alpha")}
    for name, value in sorted(known.items()):
        seen.update(name.encode())
        parts.append(np.asarray(value, dtype=float))
    for array in parts:
        add_array(seen, array)
    kinds = type(problem.loss).__qualname__, type(problem.penalty).__qualname__
    seen.update(repr((kinds, problem.shape, problem.fit_intercept, bounds, tol)).encode())
    return Plan(problem, splits, bounds, tol, seen.hexdigest())


def add_array(seen: Any, array: np.ndarray) -> None:
    """Let a digest see the values of an array, however it is stored."""
    seen.update(repr((array.dtype.str, array.shape)).encode())
    if array.flags.c_contiguous:
        seen.update(array.data if array.size else b"")
    elif array.flags.f_contiguous:
        seen.update(b"F")
        seen.update(array.T.data)
    else:
        seen.update(np.ascontiguousarray(array).data)


def block_size(plan: Plan, q: int, parts: int) -> int:
    """Targets in a block: its arrays stay small, and every part has some."""
    (n, p), folds = plan.problem.shape, len(plan.splits)
    size = _NUMBERS // ((folds + 2) * p + 2 * n)
    return int(max(1, min(size, _MOST, -(-q // parts))))


class Worker:
    """What a process keeps of a plan between blocks."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.criterion = CrossVal(plan.problem, plan.splits, tol=plan.tol)
        n, p = plan.problem.shape
        self.folds: SharedFolds | None = None
        fits = bytes_of_grams(len(plan.splits), n, p) <= LARGEST and 8 * n * p <= 4 * LARGEST
        if fits and plan.problem.total_weight is not None:
            if not path.applies(self.criterion, ["alpha"]):
                self.folds = SharedFolds(self.criterion)
        below, risen = path.end_of(n, p)
        relative = plan.bounds is None
        low, high = plan.bounds or (10.0**-DECADES, 1.0)
        self.rule = Rule(low, high, relative, path._STEP, below, risen, _WIDE if p > n else 1.0)
        self._benches: list[Any] = []
        self._works: list[Work] = []

    def solve(self, Y: np.ndarray, stopped: threading.Event | None = None) -> Block:
        """Tune and solve for a block of targets, of shape (n, count)."""
        # NumPy sums in another order where targets lie otherwise, and a block that ran elsewhere
        # should have the same numbers.
        Y = np.array(Y, dtype=float, order="C")
        count, p = Y.shape[1], self.plan.problem.shape[1]
        numbers, x = np.full((count, len(NUMBERS)), np.nan), np.zeros((count, p))
        statuses = np.full(count, str(SearchStatus.CONVERGED), dtype="<U16")
        apart = np.ones(count, dtype=bool)
        if self.folds is not None:
            apart = self._in_gram_space(self.folds, Y, numbers, statuses, x, stopped)
        for t in np.flatnonzero(apart):
            if stopped is not None and stopped.is_set():
                raise KeyboardInterrupt
            numbers[t], statuses[t], x[t] = one_target(self.plan, Y[:, t])
        from scipy.sparse import csr_array

        return Block(numbers, statuses, csr_array(x))

    def _in_gram_space(
        self, folds: SharedFolds, Y: np.ndarray, numbers: np.ndarray, statuses: np.ndarray,
        x: np.ndarray, stopped: Any,
    ) -> np.ndarray:  # fmt: skip
        """Write the numbers; which targets the loops could not vouch for."""
        count = Y.shape[1]
        targets, means = folds.targets(Y)
        answers = Answers(np.zeros(count, dtype=np.int64), np.zeros((count, 7)))
        with _borrowed(self._benches, lambda: bench(folds.shared)) as own:
            step = 1 if x.shape[1] > _LONG else _CHUNK
            for first in range(0, count, step):
                if stopped is not None and stopped.is_set():
                    raise KeyboardInterrupt
                last = min(first + step, count)
                loop.search(folds.shared, own, targets, self.rule, first, last, answers)
        found = answers.code == loop.FOUND
        alpha, top = answers.numbers[:, ALPHA], answers.numbers[:, TOP]
        optimality = np.full(count, np.inf)
        x[found], optimality[found] = self._on_all_rows(
            folds, np.ascontiguousarray(targets.products[found, -1]), alpha[found]
        )  # fmt: skip
        columns = answers.numbers.T
        numbers[:] = np.column_stack([
            alpha, columns[VALUE], columns[SLOPE], means - x @ folds.means[-1], top,
            columns[VISITED], optimality,
        ])  # fmt: skip
        low = self.rule.low * (top if self.rule.relative else 1.0)
        high = self.rule.high * (top if self.rule.relative else 1.0)
        edge = (alpha <= low) | ((alpha >= high) & (alpha < top * (1.0 - 1e-12)))
        statuses[edge] = SearchStatus.EDGE_OF_RANGE
        flat = columns[SPREAD] <= 1e-12 * np.abs(columns[VALUE] + columns[SPREAD])
        statuses[flat] = SearchStatus.FLAT
        return ~(optimality <= self.plan.tol)

    def _on_all_rows(
        self, folds: SharedFolds, products: np.ndarray, alphas: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients at the alphas that were found, and their violation of optimality."""
        count, p = products.shape
        common = all_rows.Common(folds.shared.grams[-1], folds.shared.thresholds, folds.n)
        none = np.zeros((count, 0))
        block = all_rows.Block(products, alphas, np.zeros(count), none, none)
        out = all_rows.Outcome(
            np.zeros((count, p)), np.zeros((count, 0, p)), np.zeros(count, dtype=np.int64),
            np.zeros((count, 8)),
        )  # fmt: skip
        with _borrowed(self._works, lambda: Work.of(0, p, min(p, ROOM))) as work:
            all_rows.solve_block(common, block, AIM * self.plan.tol, 0, count, work, out)
        with np.errstate(invalid="ignore"):
            optimality = out.numbers[:, all_rows.VIOLATED] / out.numbers[:, all_rows.SCALE]
        return out.x, np.where(out.code == SOLVED, optimality, np.inf)


@contextmanager
def _borrowed(kept: list[Any], make: Callable[[], Any]) -> Iterator[Any]:
    """One that no other thread has; it stays for the next who asks."""
    try:
        found = kept.pop()
    except IndexError:
        found = make()
    yield found
    kept.append(found)


_kept: dict[str, Worker] = {}
_lock = threading.Lock()


def worker(plan: Plan) -> Worker:
    """The worker for a plan in this process, which has one at a time."""
    with _lock:
        if plan.digest not in _kept:
            _kept.clear()
            _kept[plan.digest] = Worker(plan)
        return _kept[plan.digest]


def forget(plan: Plan) -> None:
    """Drop the worker for a plan, if there is one here."""
    with _lock:
        _kept.pop(plan.digest, None)


def solve_block(plan: Plan, Y: np.ndarray) -> Block:
    """A block in whatever process this is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FastpiggyWarning)
        return worker(plan).solve(Y)
