"""The table at the end, for a person."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from fastpiggy.cli.models import TITLE

# Coefficients that the table names; all of them are in the JSON file.
LARGEST = 8
# Kinks that the table names.
SHOWN = 5


def print_report(summary: dict[str, Any], console: Console) -> None:
    """Print the outcome of a search.

    Parameters
    ----------
    summary : dict
        As `summarise` makes it.
    console : rich.console.Console
        Where to.
    """
    model = summary["model"]
    name = TITLE[model["name"]]
    if model["delta"] is not None:
        name += f" (delta {model['delta']:.4g})"
    if model["l1_ratio"] not in (None, 1.0):
        name += f" (l1_ratio {model['l1_ratio']:g})"
    title = f"{name}, alpha by {model['folds']}-fold cross-validation"
    grid = Grid(title=title, title_justify="left", show_header=False, box=None)
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in _rows(summary):
        # Text, since names from a file may hold what rich takes for markup.
        grid.add_row(label, Text(value))
    console.print(grid)
    for warning in summary["warnings"]:
        console.print(Text(f"warning: {warning}", style="yellow"), soft_wrap=True)


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    rows = [*_data_rows(summary), *_best_rows(summary)]
    if summary["fit"] is not None:
        rows += _fit_rows(summary)
        rows += _certificate_rows(summary["certificate"])
    return [*rows, *_search_rows(summary["search"]), *_grid_rows(summary)]


def _data_rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    data, model = summary["data"], summary["model"]
    rows = [
        ("data", data["source"]),
        ("", f"{data['rows']} rows, {data['columns']} columns ({data['stored']})"),
        ("columns", data["scaling"]),
        ("intercept", "yes" if model["intercept"] else "no"),
    ]
    if model["shuffle"] is not None:
        rows.append(("folds", f"of rows shuffled with seed {model['shuffle']}"))
    if data["labels"] is not None:
        rows.append(("labels", " and ".join(map(str, data["labels"])) + " (the last is +1)"))
    return rows + [("note", note) for note in data["notes"]]


def _best_rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    best = summary["best"]
    slope = f"slope there {best['slope']:.2g} in alpha, {best['log_slope']:.2g} in log alpha"
    return [
        ("best alpha", f"{best['alpha']:.6g}"),
        ("CV loss", f"{best['loss']:.8g}; {slope}"),
    ]


def _fit_rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    fit = summary["fit"]
    rows = [("support", f"{fit['support_size']} of {summary['data']['columns']} columns")]
    if fit["support"]:
        shown = [f"{c['column']} {c['as_used']:+.4g}" for c in fit["support"][:LARGEST]]
        more = len(fit["support"]) - len(shown)
        rows.append(("largest", ", ".join(shown) + (f", and {more} more" if more else "")))
    return rows


def _certificate_rows(certificate: dict[str, Any]) -> list[tuple[str, str]]:
    kinks = certificate["kinks"]
    shown = ", ".join(kinks[:SHOWN]) + (", ..." if kinks[SHOWN:] else "")
    optimality = f"optimality {certificate['optimality']:.2g}"
    optimality += f" (tolerance {certificate['tolerance']:.2g})"
    rows = [
        ("certificate", f"{certificate['status']}: {optimality}"),
        ("derivative", _derivative(certificate)),
        ("kinks", f"{len(kinks)}: {shown}" if kinks else "none"),
    ]
    if certificate["margin"] is not None:
        down, up = certificate["margin"]
        text = f"alpha can fall by {down:.2g} or rise by {up:.2g} before the support changes"
        rows.append(("margin", f"{text} (first order)"))
    if certificate["status"] != "converged" and certificate["message"]:
        rows.append(("", certificate["message"]))
    return rows


def _derivative(certificate: dict[str, Any]) -> str:
    """Say how far off the derivative can be, and whether that is a bound."""
    if certificate["tangent_error"] is None:
        return f"error not known; tangent residual {certificate['tangent_residual']:.2g}"
    kind = "at most" if certificate["certified"] else "about"
    ending = "a bound" if certificate["certified"] else "an estimate, not a bound"
    return f"error {kind} {certificate['tangent_error']:.2g} ({ending})"


def _search_rows(search: dict[str, Any]) -> list[tuple[str, str]]:
    effort = search["way"]
    effort += f" in {search['seconds']:.3g} s"
    rows = [("search", f"{search['status']}: {effort}")]
    if search["message"]:
        rows.append(("", search["message"]))
    if search["compile_seconds"]:
        rows.append(("before it", f"kernels ready in {search['compile_seconds']:.2g} s"))
    return rows


def _grid_rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    grid = summary["grid"]
    if grid is None:
        return []
    label = f"{grid['points']}-point grid"
    if not grid["points"]:
        return [(label, "interrupted before its first point")]
    loss, best = grid["value"], summary["best"]["loss"]
    text = f"CV loss {loss:.8g} at alpha {grid['alpha']:.6g}, in {grid['seconds']:.3g} s"
    if not grid["finished"]:
        return [(label, f"interrupted; so far {text}")]
    times = grid["seconds"] / max(summary["search"]["seconds"], 1e-9)
    took = f"{times:.3g} times as long as the search"
    return [(label, text), ("", f"{took}; {_against(best, loss)}")]


def _against(best: float, grid: float) -> str:
    if best == grid:
        return "the same loss"
    better = "search" if best < grid else "grid"
    apart = abs(best - grid) / max(abs(grid), 1e-300)
    return f"the {better}'s loss is lower by {apart:.2g} of its value"
