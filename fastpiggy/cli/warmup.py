"""``fastpiggy warmup``: compile the common kernels ahead, and say what it cost."""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table as Grid

from fastpiggy.cli.models import (
    LABELS,
    TITLE,
    build_criterion,
    build_problem,
    delta_of,
    l1_ratio_of,
)

COMMON = ("lasso", "elastic-net", "ridge", "logistic")

STORAGES = {"C": "dense, row by row", "F": "dense, column by column", "sparse": "sparse (CSC)"}


def warmup_command(arguments: argparse.Namespace) -> int:
    """Run the sub-command: the common models in every storage, float64.

    Parameters
    ----------
    arguments : argparse.Namespace
        Not used: there are no options.

    Returns
    -------
    int
        0.
    """
    from fastpiggy.compile.cache import cache_state

    console = Console()
    grid = Grid(title="seconds until a model is ready", title_justify="left")
    grid.add_column("model")
    for title in STORAGES.values():
        grid.add_column(title, justify="right")
    total = 0.0
    with console.status("compiling", spinner="dots") as status:
        for model in COMMON:
            status.update(f"compiling: {TITLE[model]}")
            ratio = l1_ratio_of(model, None)
            cells = [warm_up(model, storage, np.float64, True, ratio) for storage in STORAGES]
            total += sum(cells)
            grid.add_row(TITLE[model], *(f"{seconds:.2f}" for seconds in cells))
    console.print(grid)
    console.print(f"{total:.1f} s in all, in the order of the rows: what is shared counts once")
    console.print(f"kernel cache: {cache_state()}", markup=False, soft_wrap=True)
    return 0


def warm_up(
    model: str, storage: str, dtype: Any, fit_intercept: bool, l1_ratio: float | None
) -> float:
    """Search on a tiny problem of the same types, so that its kernels are compiled or loaded.

    Parameters
    ----------
    model : str
        One of ``--model``.
    storage : {"C", "F", "sparse"}
        How X is stored.
    dtype : dtype
        Of X.
    fit_intercept : bool
        Whether the model has an intercept.
    l1_ratio : float or None
        As `l1_ratio_of` gives it.

    Returns
    -------
    float
        Seconds.
    """
    import fastpiggy as fp

    X, y = _tiny(model, storage, dtype)
    start = time.perf_counter()
    delta = delta_of(model, None, y)
    problem = build_problem(
        model, X, y, l1_ratio=l1_ratio, fit_intercept=fit_intercept, delta=delta
    )
    with warnings.catch_warnings():
        # What may be said of twelve made-up rows is of no interest to anyone; that nothing can be
        # cached is.
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", message=".*without a disk cache", category=RuntimeWarning)
        fp.tune(build_criterion(problem, 2, None), wrt="alpha")
        fp.solve(problem, wrt="alpha")
    return time.perf_counter() - start


def _tiny(model: str, storage: str, dtype: Any) -> tuple[Any, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 3)).astype(dtype)
    y = X[:, 0] + 0.5 * rng.standard_normal(12)
    if model in LABELS:
        y = np.where(np.arange(12) % 2 == 0, 1.0, -1.0)
    if storage == "sparse":
        from scipy.sparse import csc_array

        return csc_array(X), y
    return np.asarray(X, order=storage), y
