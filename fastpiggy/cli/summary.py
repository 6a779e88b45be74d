"""One dictionary with all that is known at the end: the table prints it, ``--json`` saves it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from fastpiggy._version import __version__
from fastpiggy.cli.grid import GridSearch
from fastpiggy.cli.models import LABELS
from fastpiggy.cli.scaling import Scaling
from fastpiggy.cli.table import Table


def summarise(
    *,
    table: Table,
    scaling: Scaling,
    model: dict[str, Any],
    result: Any,
    compile_seconds: float,
    grid: GridSearch | None,
    warnings: list[str],
) -> dict[str, Any]:
    """Collect the outcome of a search.

    Parameters
    ----------
    table : Table
        As it was used, after scaling.
    scaling : Scaling
        How the columns were changed.
    model : dict
        Name, l1_ratio, folds, intercept, shuffle, tolerance.
    result : TuneResult
        Of `fastpiggy.tune`; interrupted ones too.
    compile_seconds : float
        What came before the search.
    grid : GridSearch or None
        The comparison, if it was made.
    warnings : list of str
        What the library warned of.

    Returns
    -------
    dict
        Sections of names and values, arrays allowed.
    """
    return {
        "fastpiggy": __version__,
        "data": _data(table, scaling, is_labels=model["name"] in LABELS),
        "model": model,
        "best": _best(result),
        "fit": _fit(result.solution, table, scaling),
        "certificate": _certificate(result.solution, table),
        "search": {
            "status": _word(result.status),
            "message": result.message,
            "minima": result.n_minima,
            "way": result.way,
            "evaluations": len(result.history),
            "solves": result.solves,
            "seconds": result.seconds,
            "compile_seconds": compile_seconds,
        },
        "grid": None if grid is None else asdict(grid),
        "history": [_evaluation(e) for e in result.history],
        "warnings": warnings,
    }


def _data(table: Table, scaling: Scaling, *, is_labels: bool) -> dict[str, Any]:
    n, p = table.X.shape
    stored = f"dense {table.X.dtype}"
    if table.is_sparse:
        stored = f"sparse {table.X.dtype}, {table.X.nnz / (n * p):.2%} not zero"
    return {
        "source": table.source,
        "rows": n,
        "columns": p,
        "stored": stored,
        "scaling": scaling.label,
        "labels": np.unique(table.y) if is_labels else None,
        "notes": table.notes,
    }


def _best(result: Any) -> dict[str, Any]:
    alpha = float(np.asarray(result.params["alpha"]))
    slope = float(np.asarray(result.gradient["alpha"]))
    return {"alpha": alpha, "loss": float(result.value), "slope": slope, "log_slope": alpha * slope}


def _fit(solution: Any, table: Table, scaling: Scaling) -> dict[str, Any] | None:
    """Describe the fit on all rows: the support with its coefficients in both units."""
    if solution is None:
        return None
    x = np.asarray(solution.x, dtype=np.float64)
    support = np.flatnonzero(x)
    coefficients, intercept = scaling.unscale(x, float(solution.intercept))
    return {
        "support_size": support.size,
        "intercept": intercept,
        "support": [
            {
                "column": table.names[j],
                "coefficient": coefficients[j],
                "as_used": x[j],
            }
            for j in support[np.argsort(-np.abs(x[support]), kind="stable")]
        ],
    }


def _certificate(solution: Any, table: Table) -> dict[str, Any] | None:
    if solution is None:
        return None
    certificate = solution.certificate
    names = ("optimality", "tolerance", "tangent_residual", "tangent_error", "certified", "rate")
    found = {name: getattr(certificate, name) for name in names}
    kinks = np.atleast_1d(np.asarray(certificate.kinks, dtype=int))
    return {
        "status": _word(certificate.status),
        **found,
        "kinks": [table.names[j] for j in kinks],
        "margin": certificate.margin,
        "message": certificate.message,
    }


def _evaluation(evaluation: Any) -> dict[str, Any]:
    return {
        "params": dict(evaluation.params),
        "loss": evaluation.value,
        "gradient": dict(evaluation.gradient),
        "seconds": evaluation.seconds,
        "solves": evaluation.solves,
    }


def _word(status: Any) -> str:
    """Give the word of a status, which may be an enum whose values are words."""
    return str(getattr(status, "value", status))
