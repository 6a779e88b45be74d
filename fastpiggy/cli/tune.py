"""``fastpiggy tune``: read, scale, search, compare, report."""

from __future__ import annotations

import argparse
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from rich.console import Console

from fastpiggy.cli.errors import CommandError
from fastpiggy.cli.grid import GridSearch, grid_alphas, search_grid
from fastpiggy.cli.models import LABELS, build_criterion, build_problem, delta_of, l1_ratio_of
from fastpiggy.cli.output import check_outputs, write_atomically, write_json
from fastpiggy.cli.progress import Progress
from fastpiggy.cli.read import read_table
from fastpiggy.cli.report import print_report
from fastpiggy.cli.scaling import Scaling, as_given, standardise
from fastpiggy.cli.summary import summarise
from fastpiggy.cli.table import Table, check_table
from fastpiggy.cli.warmup import warm_up


def tune_command(arguments: argparse.Namespace) -> int:
    """Run the sub-command.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of `build_parser`.

    Returns
    -------
    int
        0, or 130 if it was interrupted and what follows is the best so far.
    """
    check_outputs(arguments.json, arguments.plot)
    if arguments.targets is not None:
        from fastpiggy.cli.tune_targets import tune_targets

        return tune_targets(arguments)
    if arguments.store is not None or arguments.jobs != 1:
        raise CommandError("--store and --jobs are for many targets: give --targets FILE")
    ratio = l1_ratio_of(arguments.model, arguments.l1_ratio)
    with warnings.catch_warnings(record=True) as caught, Progress(Console(stderr=True)) as progress:
        warnings.simplefilter("always")
        table, scaling = load(arguments, progress)
        delta = delta_of(arguments.model, arguments.delta, table.y)
        result, seconds, grid = _search(arguments, ratio, delta, table, progress)
    summary = summarise(
        table=table,
        scaling=scaling,
        model=_model(arguments, ratio, delta),
        result=result,
        compile_seconds=seconds,
        grid=grid,
        warnings=list(dict.fromkeys(str(warning.message) for warning in caught)),
    )
    print_report(summary, Console())
    if arguments.json is not None:
        write_json(arguments.json, summary)
    if arguments.plot is not None:
        _draw(result, arguments)
    interrupted = summary["search"]["status"] == "interrupted"
    return 130 if interrupted or (grid is not None and not grid.finished) else 0


def load(arguments: argparse.Namespace, progress: Progress) -> tuple[Table, Scaling]:
    """Read the data, shuffle and scale it as asked."""
    if arguments.data is None:
        table = _diabetes(arguments)
    else:
        progress.stage(f"reading {arguments.data}")
        table = read_table(
            arguments.data,
            arguments.target,
            design=arguments.design,
            drop=arguments.drop,
            drop_missing=arguments.drop_missing,
            labels=arguments.model in LABELS,
        )
    if arguments.shuffle is not None:
        order = np.random.default_rng(arguments.shuffle).permutation(table.y.size)
        table = replace(table, X=table.X[order], y=table.y[order])
    if arguments.no_standardize:
        return as_given(table)
    return standardise(table, intercept=not arguments.no_intercept)


def _diabetes(arguments: argparse.Namespace) -> Table:
    """Give the data that ships with the package, for a first look without a file."""
    from fastpiggy.datasets import load_diabetes

    if arguments.target or arguments.design or arguments.drop or arguments.drop_missing:
        raise CommandError("--target, --design, --drop and --drop-missing need a DATA file")
    if arguments.model in LABELS:
        raise CommandError(
            f"--model {arguments.model} needs a DATA file with two labels: the target of the "
            "diabetes study is a number"
        )
    data = load_diabetes(degree=3)
    title = "the diabetes study that ships with fastpiggy, all monomials to degree 3"
    return check_table(Table(data.X, data.y, data.feature_names, title))


def _search(
    arguments: argparse.Namespace,
    ratio: float | None,
    delta: float | None,
    table: Table,
    progress: Progress,
) -> tuple[Any, float, GridSearch | None]:
    """Give the result of the search, the seconds before it, and the grid's."""
    import fastpiggy as fp

    intercept = not arguments.no_intercept
    problem = build_problem(
        arguments.model,
        table.X,
        table.y,
        l1_ratio=ratio,
        fit_intercept=intercept,
        delta=delta,
    )
    criterion = build_criterion(problem, arguments.cv, arguments.tol)
    progress.stage("preparing the kernels (compiled once, then kept on disk)")
    storage = "sparse" if table.is_sparse else "C"
    seconds = warm_up(arguments.model, storage, table.X.dtype, intercept, ratio)
    progress.stage("searching")
    result = fp.tune(criterion, wrt="alpha", callback=progress.evaluation)
    if not result.history:
        raise KeyboardInterrupt
    if arguments.no_compare or str(result.status) == "interrupted":
        return result, seconds, None
    progress.stage("comparing with a grid of 100 alphas")
    fresh = build_criterion(problem, arguments.cv, arguments.tol)

    def evaluate(alpha: float) -> float:
        return float(fresh.evaluate(alpha=alpha).value)

    alphas = grid_alphas(*result.bounds["alpha"])
    return result, seconds, search_grid(evaluate, alphas, progress.grid_point)


def _model(
    arguments: argparse.Namespace, ratio: float | None, delta: float | None
) -> dict[str, Any]:
    return {
        "name": arguments.model,
        "l1_ratio": ratio,
        "delta": delta,
        "folds": arguments.cv,
        "intercept": not arguments.no_intercept,
        "shuffle": arguments.shuffle,
        "tolerance": arguments.tol,
    }


def _draw(result: Any, arguments: argparse.Namespace) -> None:
    from matplotlib.figure import Figure

    from fastpiggy.plots import CriterionDisplay

    # A Figure of its own needs no display and leaves pyplot's state alone.
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = CriterionDisplay.from_result(result, ax=figure.subplots()).ax_
    axes.set_ylabel(f"{arguments.cv}-fold cross-validation loss")
    write_atomically(arguments.plot, lambda place: figure.savefig(place, dpi=150))
