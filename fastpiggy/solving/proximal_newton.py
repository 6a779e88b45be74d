"""Proximal Newton steps for soft thresholds: exact solutions of quadratic models.

The model at x is ``g'd + d'Hd/2`` plus the penalty; :mod:`fastpiggy.solving.parametric` solves it
on the columns that are active or near their threshold, and a line search on the objective keeps the
step in hand (Lee, Sun, Saunders, "Proximal Newton-type methods", 2014).  Descent alone takes
thousands of sweeps where alpha is small and columns are correlated.  Where the loss is quadratic
the model is exact, and what is left is a working set.
"""

from typing import Any

import numpy as np

from fastpiggy.algorithms.composite import penalty_value
from fastpiggy.designs import matrix
from fastpiggy.solving import parametric
from fastpiggy.solving.linearisation import Linearisation

_STEPS = 40
_HALVINGS = 25

#: Inactive columns enter the model from this part of their threshold on.
_NEAR = 0.7

#: Added to the model's diagonal, over its entries: times the optimality, and at the least.
_CURB, _LEAST_CURB = 1e-3, 1e-9


def applies(binding: Any) -> bool:
    """Whether the penalty is a soft threshold."""
    return binding.kind == "CoordinatePenalty" and hasattr(binding.composite.penalty, "thresholds")


def finish(point: Linearisation, tol: float) -> Linearisation:
    """Steps from x until optimality holds or none helps."""
    value = _objective(point)
    for _ in range(_STEPS):
        if point.optimality <= max(tol, point.floor):
            break
        d, expected = _direction(point)
        if d is None:
            break
        trial, found = _search(point, value, d, expected)
        if trial is None:
            break
        point, value = trial, found
    return point


def _objective(point: Linearisation) -> float:
    binding = point.binding
    return point.loss + penalty_value(binding.composite.penalty, point.x[: binding.penalised])


def _direction(point: Linearisation) -> tuple[np.ndarray | None, float]:
    """To the minimum of the model, and how much of the objective it promises; None without one."""
    level, ridge = parametric.levels(point)
    x, g = point.x, point.gradient + ridge * point.x
    W = _columns(x, g, level)
    if W is None:
        return None, 0.0
    A = matrix.block(point.binding.design, W)
    # Huber's curvature may be zero on a row, and no loss's is negative.
    A *= np.sqrt(np.maximum(point.curvatures, 0.0))[:, None]
    G = A.T @ A
    G[np.diag_indices_from(G)] += ridge[W]
    size = np.diagonal(G).copy()
    size[size == 0] = size.max(initial=0.0) or 1.0
    curb = max(_CURB * min(point.optimality, 1.0), _LEAST_CURB)
    G[np.diag_indices_from(G)] += curb * size
    end = parametric.follow(G, g[W].copy(), x[W].copy(), level[W])
    if end is None:
        return None, 0.0
    d = np.zeros_like(x)
    d[W] = end - x[W]
    return d, float(g @ d + level @ (np.abs(x + d) - np.abs(x)))


def _columns(x: np.ndarray, g: np.ndarray, level: np.ndarray) -> np.ndarray | None:
    """Active columns and those near their threshold; None where the active ones are too many."""
    active = (x != 0) | (level == 0)
    if active.sum() > parametric.COLUMNS:
        return None
    pull = np.where(active, np.inf, np.abs(g) / np.where(level > 0, level, 1.0))
    W = np.argsort(-pull, kind="stable")[: parametric.COLUMNS]
    return np.sort(W[pull[W] > _NEAR])


def _search(
    point: Linearisation, value: float, d: np.ndarray, expected: float
) -> tuple[Linearisation | None, float]:
    """The first point along d that lowers the objective enough.

    Where what is promised drowns in rounding, one that is nearer to optimal.
    """
    step, noise = 1.0, 1e-14 * abs(value)
    for _ in range(_HALVINGS):
        trial = Linearisation(point.binding, point.x + step * d)
        found = _objective(trial)
        if found <= value + 1e-4 * step * expected and -expected > noise:
            return trial, found
        if found <= value + noise and trial.optimality < 0.9 * point.optimality:
            return trial, found
        if -step * expected <= noise:
            break
        step *= 0.5
    return None, value
