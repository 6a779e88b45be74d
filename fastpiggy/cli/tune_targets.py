"""``fastpiggy tune DATA --targets FILE``: an alpha for each of many targets."""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from fastpiggy.cli.errors import CommandError
from fastpiggy.cli.models import LABELS, TITLE, build_problem, delta_of, l1_ratio_of
from fastpiggy.cli.output import write_json
from fastpiggy.cli.progress import Progress
from fastpiggy.cli.read import CSV
from fastpiggy.cli.read_csv import read_columns
from fastpiggy.cli.read_npz import read_array
from fastpiggy.cli.scaling import Scaling, as_given, standardise
from fastpiggy.cli.table import Table, check_table


def tune_targets(arguments: argparse.Namespace) -> int:
    """Run the search for all targets, report it, and save it.

    Parameters
    ----------
    arguments : argparse.Namespace
        Of `build_parser`, with `targets`.

    Returns
    -------
    int
        0, or 130 if it was interrupted.
    """
    _check(arguments)
    ratio = l1_ratio_of(arguments.model, arguments.l1_ratio)
    with warnings.catch_warnings(record=True) as caught, Progress(Console(stderr=True)) as progress:
        warnings.simplefilter("always")
        progress.stage(f"reading {arguments.data} and {arguments.targets}")
        table, scaling, targets = _load(arguments)
        progress.stage("preparing (kernels are compiled once, then kept on disk)")
        result = _search(arguments, ratio, table, targets.X, progress)
    notes = list(dict.fromkeys(str(warning.message) for warning in caught))
    summary = _summary(arguments, table, scaling, targets, result, notes)
    _report(summary, Console())
    if arguments.json is not None:
        write_json(arguments.json, summary)
    return 130 if "interrupted" in result.statuses else 0


def _check(arguments: argparse.Namespace) -> None:
    """Refuse, before any work, what does not go together with many targets."""
    if arguments.data is None:
        raise CommandError("--targets needs a DATA file with the features")
    if arguments.model in LABELS:
        raise CommandError(f"--targets is for numbers, and --model {arguments.model} has labels")
    if arguments.model == "huber" and arguments.delta is None:
        raise CommandError("--targets with --model huber needs one --delta for all of them")
    for option, given in (
        ("--target", arguments.target),
        ("--plot", arguments.plot),
        ("--drop-missing", arguments.drop_missing),
    ):
        if given:
            raise CommandError(f"{option} does not go together with --targets")


def _load(arguments: argparse.Namespace) -> tuple[Table, Scaling, Table]:
    """Read features and targets; shuffle and scale as asked."""
    table = _numbers(arguments.data, arguments.design or "X", arguments.drop)
    targets = _numbers(arguments.targets, "Y", ())
    n, m = table.X.shape[0], targets.X.shape[0]
    if n != m:
        raise CommandError(f"{arguments.data} has {n} rows, and {arguments.targets} has {m}")
    if arguments.shuffle is not None:
        order = np.random.default_rng(arguments.shuffle).permutation(n)
        table, targets = replace(table, X=table.X[order]), replace(targets, X=targets.X[order])
    if arguments.no_standardize:
        return *as_given(table), targets
    return *standardise(table, intercept=not arguments.no_intercept), targets


def _numbers(path: Path, name: str, drop: Any) -> Table:
    try:
        if not path.is_file():
            raise CommandError(f"{path}: is no file")
        ending = path.suffix.lower()
        if ending in CSV:
            return check_table(read_columns(path, drop))
        if ending == ".npz":
            if drop:
                raise CommandError(f"{path}: --drop is for CSV files")
            return check_table(read_array(path, name))
    except OSError as error:
        raise CommandError(f"{path}: cannot be read: {error.strerror or error}") from error
    raise CommandError(f"{path}: the name should end in one of {', '.join([*CSV, '.npz'])}")


def _search(
    arguments: argparse.Namespace,
    ratio: float | None,
    table: Table,
    Y: np.ndarray,
    progress: Progress,
) -> Any:
    import fastpiggy as fp

    problem = build_problem(
        arguments.model,
        table.X,
        Y[:, 0],
        l1_ratio=ratio,
        fit_intercept=not arguments.no_intercept,
        delta=delta_of(arguments.model, arguments.delta, Y[:, 0]),
    )
    options = {} if arguments.tol is None else {"tol": arguments.tol}
    try:
        return fp.tune_many(
            problem,
            Y,
            cv=arguments.cv,
            n_jobs=arguments.jobs,
            store=arguments.store,
            progress=lambda found: progress.stage(str(found)),
            **options,
        )
    except (ValueError, TypeError, OSError) as error:
        raise CommandError(str(error)) from error


def _summary(
    arguments: argparse.Namespace,
    table: Table,
    scaling: Scaling,
    targets: Table,
    result: Any,
    notes: list[str],
) -> dict[str, Any]:
    """Everything as JSON has it, coefficients in the units of the file."""
    found = []
    for t, name in enumerate(targets.names):
        row = result.coefficients[[t]]
        dense = row.toarray()[0]
        coefficients, intercept = scaling.unscale(dense, result.intercepts[t])
        found.append(
            {
                "target": name,
                "status": str(result.statuses[t]),
                "alpha": float(result.alphas[t]),
                "loss": float(result.values[t]),
                "optimality": float(result.optimality[t]),
                "intercept": intercept,
                "coefficients": {table.names[j]: float(coefficients[j]) for j in row.indices},
            }
        )
    n, p = table.X.shape
    return {
        "data": {"source": table.source, "rows": n, "columns": p, "scaling": scaling.label,
                 "targets": targets.source, "notes": [*table.notes, *targets.notes]},
        "model": {"name": arguments.model, "folds": arguments.cv,
                  "intercept": not arguments.no_intercept, "shuffle": arguments.shuffle},
        "seconds": result.seconds,
        "store": None if arguments.store is None else str(arguments.store),
        "statuses": dict(Counter(map(str, result.statuses))),
        "targets": found,
        "warnings": notes,
    }  # fmt: skip


def _report(summary: dict[str, Any], console: Console) -> None:
    data, model, targets = summary["data"], summary["model"], summary["targets"]
    title = f"{TITLE[model['name']]}, an alpha for each target by {model['folds']}-fold "
    grid = Grid(title=f"{title}cross-validation", title_justify="left", show_header=False, box=None)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    done = [target for target in targets if target["status"] != "interrupted"]
    alphas = [target["alpha"] for target in done if np.isfinite(target["alpha"])]
    sizes = [len(target["coefficients"]) for target in done]
    rows = [
        ("data", f"{data['source']}: {data['rows']} rows, {data['columns']} columns"),
        ("columns", data["scaling"]),
        ("targets", f"{data['targets']}: {len(targets)}"),
        ("searches", ", ".join(f"{v} {k}" for k, v in summary["statuses"].items())),
    ]
    if alphas:
        low, mid, high = np.quantile(alphas, [0.0, 0.5, 1.0])
        rows.append(("best alpha", f"median {mid:.4g}, from {low:.4g} to {high:.4g}"))
        low, mid, high = np.quantile(sizes, [0.0, 0.5, 1.0])
        rows.append(("support", f"median {mid:.4g} columns, from {low:.4g} to {high:.4g}"))
    rows.append(("time", f"{summary['seconds']:.3g} s"))
    if summary["store"] is not None:
        rows.append(("store", summary["store"]))
    for label, value in rows + [("note", note) for note in data["notes"]]:
        # Text, since names from a file may hold what rich takes for markup.
        grid.add_row(label, Text(value))
    console.print(grid)
    for warning in summary["warnings"]:
        console.print(Text(f"warning: {warning}", style="yellow"), soft_wrap=True)
