"""Blocks of targets on this thread, on threads, or on whatever an executor stands for."""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from fastpiggy.tuning import target_blocks
from fastpiggy.tuning.target_blocks import Block, Plan, Worker, solve_block

#: Blocks that an executor is handed at once: each carries X along.
_AT_ONCE = 32

Finished = Callable[[int, Block], None]


def run(
    plan: Plan, Y: np.ndarray, size: int, left: list[int], n_jobs: int,
    executor: Executor | None, finished: Finished,
) -> None:  # fmt: skip
    """Solve the blocks `left`, of so many targets each; `finished` gets each as it ends.

    Raises
    ------
    KeyboardInterrupt
        After what runs here has stopped; what runs elsewhere is cancelled where it can be.
    """
    tasks = ((k, Y[:, k * size : (k + 1) * size]) for k in left)
    if executor is not None:
        try:
            _hand_over(executor, solve_block, plan, tasks, max(_AT_ONCE, 2 * n_jobs), finished)
        finally:
            # Of an executor that ran here.
            target_blocks.forget(plan)
        return
    worker = Worker(plan)
    if n_jobs == 1 or len(left) == 1:
        for k, part in tasks:
            finished(k, worker.solve(part))
        return
    stopped = threading.Event()
    with ThreadPoolExecutor(n_jobs) as pool:
        try:
            _hand_over(pool, worker.solve, None, tasks, 2 * n_jobs, finished, (stopped,))
        finally:
            stopped.set()


def _hand_over(
    executor: Executor, function: Any, plan: Plan | None, tasks: Iterator[tuple[int, np.ndarray]],
    at_once: int, finished: Finished, last: tuple[Any, ...] = (),
) -> None:  # fmt: skip
    """Keep so many blocks with an executor until there are none left."""
    first = () if plan is None else (plan,)
    waiting: dict[Future[Block], int] = {}

    def submit(count: int) -> None:
        for k, part in itertools.islice(tasks, count):
            # A view of all targets would be sent with all of them.
            part = np.ascontiguousarray(part)
            waiting[executor.submit(function, *first, part, *last)] = k

    try:
        submit(at_once)
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                finished(waiting.pop(future), future.result())
            submit(len(done))
    except BaseException:
        for future in waiting:
            future.cancel()
        raise
