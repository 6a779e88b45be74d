"""Tuning alpha for many targets that share X."""

import time
import warnings
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastpiggy.certificate import FastpiggyWarning
from fastpiggy.criteria.held_out import CrossVal
from fastpiggy.problems import Problem, checks
from fastpiggy.tuning.result import SearchStatus
from fastpiggy.tuning.target_blocks import NUMBERS, Block, Plan, block_size, prepare
from fastpiggy.tuning.target_progress import Progress, Reporter
from fastpiggy.tuning.target_runs import run
from fastpiggy.tuning.target_store import Store


@dataclass(frozen=True, eq=False)
class TargetsResult:
    """What :func:`fastpiggy.tune_many` found, one entry or row a target.

    Parameters
    ----------
    alphas : ndarray of shape (q,)
        The best alpha of each target; NaN where there was nothing to tune, as its alpha_max is 0,
        or where the run was interrupted before.
    values : ndarray of shape (q,)
        The cross-validation loss there.
    gradients : ndarray of shape (q,)
        Its derivative in alpha there, as in a :class:`fastpiggy.TuneResult`: 0 unless
        the best lies at an end of the range.
    intercepts : ndarray of shape (q,)
    coefficients : scipy.sparse.csr_array of shape (q, p)
        Of the problem solved at the best alpha on all rows, one row a target: predictions are
        ``X @ coefficients.T + intercepts``.
    statuses : ndarray of shape (q,), str
        Of the searches: the values of :class:`fastpiggy.SearchStatus`.
    alpha_max : ndarray of shape (q,)
    visited : ndarray of shape (q,)
        The smallest alpha that was looked at.
    optimality : ndarray of shape (q,)
        Of the solutions, as in a :class:`fastpiggy.Certificate`: the largest violation of the KKT
        conditions over ``max(alpha, alpha_max / 1000)``.
    seconds : float
        What the call took.
    """

    alphas: np.ndarray
    values: np.ndarray
    gradients: np.ndarray
    intercepts: np.ndarray
    coefficients: Any
    statuses: np.ndarray
    alpha_max: np.ndarray
    visited: np.ndarray
    optimality: np.ndarray
    seconds: float

    def __len__(self) -> int:
        return self.alphas.size

    def __repr__(self) -> str:
        names, counts = np.unique(self.statuses, return_counts=True)
        said = ", ".join(f"{count} {name}" for name, count in zip(names, counts, strict=True))
        return f"<TargetsResult of {len(self)} targets in {self.seconds:.3g} s: {said}>"


def tune_many(
    problem: Problem, Y: Any, *, cv: Any = 5, bounds: tuple[float, float] | None = None,
    tol: float = 1e-9, n_jobs: int = 1, executor: Executor | None = None,
    store: str | Path | None = None, progress: bool | Callable[[Progress], Any] = False,
) -> TargetsResult:  # fmt: skip
    """Tune alpha by cross-validation for each of many targets that share X, and solve on all rows.

    The same searches, rules and numbers as :func:`fastpiggy.tune` of
    ``CrossVal(problem.replace(y=Y[:, t]), cv)`` for every t.  For the Lasso judged by squared error
    all of it happens in Gram space in one compiled loop: the Gram matrices of the folds are made
    once, the products of X with a block of targets by one product.  All other problems, a
    target whose path breaks off, and data so large that the Gram matrices of all folds would take
    more than a gigabyte, or X four, go through :func:`fastpiggy.tune` one by one.

    Parameters
    ----------
    problem : Problem
        X, penalty, sample weights, and whether there is an intercept; its own targets and its alpha
        are not looked at.
    Y : array_like of shape (n, q)
        One column a target.
    cv : int, splitter, or iterable of (train, test) index pairs, default=5
        As in :class:`fastpiggy.CrossVal`; the same folds for all targets.
    bounds : (low, high), optional
        The range of alpha for all targets; by default ``[alpha_max/1000, alpha_max]`` of each.
    tol : float, default=1e-9
        On the optimality of the solutions: what misses it is solved anew, one by one.
    n_jobs : int, default=1
        Threads over blocks of targets; with `executor` half the number of blocks that it is handed
        at once, if that is more than 32.
    executor : concurrent.futures.Executor, optional
        What runs the blocks: threads, processes, loky, or a Dask cluster
        (``client.get_executor()``).  Each block carries X along.
    store : str or path, optional
        A folder for finished blocks; made where there is none.  A call with the same problem, data
        and arguments goes on where the last one ended, however it ended.
    progress : bool or callable, default=False
        True writes a line to standard error; a callable gets
        :class:`fastpiggy.tuning.target_progress.Progress` after each block.

    Returns
    -------
    TargetsResult
        After Ctrl-C with status ``"interrupted"`` for targets that were not done.

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed, or `store` holds another problem's blocks.

    Warns
    -----
    FastpiggyWarning
        Once, if a search ended otherwise than ``"converged"``, with how many.

    Notes
    -----
    Memory, beside X and Y: X once more in float64, ``8 (folds + 1) p^2`` bytes for the Gram
    matrices (where rows are more than twice the columns ``8 (2 folds + 1) p^2``), and for each
    thread one block of targets and the factors of the active columns.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 20))
    >>> Y = X[:, :3] + 0.5 * rng.standard_normal((60, 3))
    >>> problem = fp.lasso(X, Y[:, 0], alpha=1.0, fit_intercept=True)
    >>> result = fp.tune_many(problem, Y)
    >>> result
    <TargetsResult of 3 targets in ... s: 3 converged>
    >>> one = fp.tune(fp.CrossVal(problem))
    >>> bool(np.isclose(one.params["alpha"], result.alphas[0], rtol=1e-12))
    True
    """
    begin = time.perf_counter()
    plan, Y = _checked(problem, Y, cv, bounds, tol, n_jobs, executor)
    q = Y.shape[1]
    size = block_size(plan, q, n_jobs if executor is None else 1)
    kept = None if store is None else Store.open(store, plan, Y, size)
    size = size if kept is None else kept.size
    blocks: dict[int, Block] = {} if kept is None else kept.read()
    reporter = Reporter(progress, q, sum(len(block) for block in blocks.values()))
    left = [k for k in range(-(-q // size)) if k not in blocks]

    def finished(k: int, block: Block) -> None:
        if kept is not None:
            kept.write(k, block)
        blocks[k] = block
        reporter.add(len(block))

    try:
        if left:
            run(plan, Y, size, left, n_jobs, executor, finished)
    except KeyboardInterrupt:
        pass
    reporter.end()
    result = _joined(plan, blocks, q, size, time.perf_counter() - begin)
    _warn(result)
    return result


def _checked(
    problem: Any, Y: Any, cv: Any, bounds: Any, tol: float, n_jobs: Any, executor: Any
) -> tuple[Plan, np.ndarray]:
    """The arguments, looked at before any work."""
    if not isinstance(problem, Problem) or not {"y", "sample_weight"} <= set(problem.loss._fields):
        raise TypeError(
            "problem must have rows and targets, as those of fastpiggy.lasso and its like, got "
            f"{type(problem).__name__}"
        )
    if problem.classes is not None:
        raise ValueError(
            "problem must have numbers as targets, got one with labels; call fastpiggy.tune for "
            "each column of labels"
        )
    tol = checks.number(tol, "tol", open_low=True)
    if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs < 1:
        raise ValueError(f"n_jobs must be a positive integer, got {n_jobs!r}")
    if executor is not None and not hasattr(executor, "submit"):
        raise TypeError(
            "executor must be a concurrent.futures.Executor (of a Dask client: "
            f"client.get_executor()), got {type(executor).__name__}"
        )
    Y = checks.targets(Y, problem.shape[0])
    if bounds is not None:
        try:
            low, high = (checks.number(end, "bounds", open_low=True) for end in bounds)
        except (TypeError, ValueError):
            raise ValueError(f"bounds must be two positive numbers, got {bounds!r}") from None
        if not low < high:
            raise ValueError(f"bounds must have low < high, got ({low}, {high})")
        bounds = low, high
    splits = CrossVal(problem, cv).splits
    return prepare(problem, splits, bounds, tol), Y


def _joined(
    plan: Plan, blocks: dict[int, Block], q: int, size: int, seconds: float
) -> TargetsResult:  # fmt: skip
    from scipy.sparse import csr_array, vstack

    p = plan.problem.shape[1]
    numbers = np.full((q, len(NUMBERS)), np.nan)
    statuses = np.full(q, str(SearchStatus.INTERRUPTED), dtype="<U16")
    parts = []
    for k in range(-(-q // size)):
        rows = slice(k * size, min((k + 1) * size, q))
        if k in blocks:
            numbers[rows], statuses[rows] = blocks[k].numbers, blocks[k].statuses
            parts.append(blocks[k].coefficients)
        else:
            parts.append(csr_array((rows.stop - rows.start, p)))
    columns = dict(zip(NUMBERS, numbers.T.copy(), strict=True))
    return TargetsResult(
        coefficients=vstack(parts, format="csr"), statuses=statuses, seconds=seconds, **columns
    )


def _warn(result: TargetsResult) -> None:
    other = np.flatnonzero(result.statuses != SearchStatus.CONVERGED)
    if not other.size:
        return
    names, first, counts = np.unique(
        result.statuses[other], return_index=True, return_counts=True
    )  # fmt: skip
    said = ", ".join(
        f"{count} {name} (first target {other[at]})"
        for name, at, count in zip(names, first, counts, strict=True)
    )
    warnings.warn(
        f"{other.size} of {len(result)} targets ended otherwise than converged: {said}; "
        "edge_of_range: widen bounds=; flat: alpha does not matter, or alpha_max is 0; "
        "interrupted: call again, with the same store= to go on",
        FastpiggyWarning, stacklevel=3,
    )  # fmt: skip
