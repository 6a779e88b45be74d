"""Derivatives of problems and criteria, one's own blocks included, against central differences."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastpiggy.checking.central import Central, central
from fastpiggy.checking.report import GradientCheck, ParameterCheck
from fastpiggy.checking.targets import target_of
from fastpiggy.problems import checks
from fastpiggy.problems import directions as directed

__all__ = ["GradientCheck", "ParameterCheck", "check_gradient"]

#: Parameters that do not go below zero: their directions are relative, so that zeros stay zero.
_NONNEGATIVE = ("alpha", "weights", "sample_weight")

#: A derivative below this, over the size it would naturally have, is compared with that size.
_SMALL = 1e-6


def check_gradient(
    problem: Any, wrt: Any = "alpha", *, algorithm: Any = "auto", derivative: str = "auto",
    rtol: float = 1e-6, directions: int = 3, seed: int = 0, tol: float = 1e-12,
) -> GradientCheck:  # fmt: skip
    """Compare a derivative with central differences whose step keeps the active set.

    A difference across a kink is no derivative.  Several steps are tried along each direction, and
    of those at whose ends every coordinate stands on the same side of its kink the one is taken
    where two central differences in turn agree best.

    Parameters
    ----------
    problem : problem or criterion
        A :class:`fastpiggy.Problem`, one's own losses and penalties included, a structured problem
        such as :class:`fastpiggy.TrendFilter`, or a criterion such as :class:`fastpiggy.CrossVal`.
    wrt : str, iterable of str, or dict of str to array_like, default="alpha"
        Parameters by name, or directions of them, as in :func:`fastpiggy.solve`.
    algorithm, derivative : optional
        As in :func:`fastpiggy.solve`: what makes the derivative of a problem.  The solutions that
        differences are taken of come from the default.
    rtol : float, default=1e-6
        The relative error up to which `ok` is True.
    directions : int, default=3
        Number of random directions of a parameter that is an array.
    seed : int, default=0
        Of these directions.
    tol : float, default=1e-12
        Of all solves.

    Returns
    -------
    GradientCheck
        By parameter: the error, the share of coordinates that changed side, the step, both
        derivatives, and `ok`.

    Raises
    ------
    ValueError
        For an unknown name or a wrong shape, or where the parameter stands on the edge of its
        range.
    TypeError
        If `problem` is neither problem nor criterion.

    Notes
    -----
    With D(h) the central difference of step h, the two of successive steps h and h/8 are
    extrapolated, ``D(h/8) + (D(h/8) - D(h)) / 63``, which leaves an error of order ``h^4``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> problem = fp.lasso(np.eye(3), np.array([3.0, 0.5, -2.0]), alpha=0.5)
    >>> found = fp.check_gradient(problem, ["alpha", "y"])
    >>> found.ok, found["alpha"].changed, found["alpha"].derivative
    (True, 0.0, array([-3.,  0.,  3.]))
    """
    target = target_of(problem, algorithm, derivative, checks.number(tol, "tol", open_low=True))
    rtol = checks.number(rtol, "rtol", open_low=True)
    if isinstance(directions, bool) or not isinstance(directions, int) or directions < 1:
        raise ValueError(f"directions must be a positive integer, got {directions!r}")
    asked = _directions(target, wrt, directions, np.random.default_rng(seed))
    derivatives = target.derivatives(asked)
    found = {}
    for d in asked:
        differences = [_along(target, d.name, v) for v in d.values]
        found[d.name] = _compared(target, d, derivatives[d.name], differences, rtol)
    return GradientCheck(target.status, found)


def _directions(
    target: Any, wrt: Any, count: int, rng: np.random.Generator
) -> list[directed.Direction]:
    """What was asked for, random directions in the place of whole arrays."""
    if not isinstance(wrt, Mapping):
        wrt = dict.fromkeys([wrt] if isinstance(wrt, str) else wrt)
    found = {}
    for name, values in wrt.items():
        value = target.value(name)
        if values is None and np.ndim(value):
            values = _random(name, value, count, rng)
        found[name] = values
    return directed.parse(target.problem, found, 1)


def _random(name: str, value: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    V = rng.choice([-1.0, 1.0], (*value.shape, count))
    V *= rng.uniform(0.5, 1.0, V.shape)
    if value.ndim == 2 and np.array_equal(value, value.T):
        V = 0.5 * (V + np.swapaxes(V, 0, 1))
    if name in _NONNEGATIVE:
        V *= value[..., None]
    return np.where(np.isfinite(value)[..., None], V, 0.0)


def _along(target: Any, name: str, v: np.ndarray) -> Central:
    value = target.value(name)
    inside = np.where(np.isfinite(value), value, 0.0)
    size = float(np.linalg.norm(inside)) or np.sqrt(np.size(value))
    first = 1e-3 * size / (float(np.linalg.norm(v)) or 1.0)
    if name == "alpha" and np.ndim(value) == 0:
        room = min(target.margin or (np.inf, np.inf)) / abs(float(v))
        first = min(first, 0.5 * room) if room > 0 else first
    try:
        return central(lambda h: target.at(name, value + h * v), target.pieces, first)
    except ValueError as error:
        raise ValueError(
            f"there is no central difference in {name!r} here, since it cannot move both ways "
            f"({error}); move it off the edge of its range, or give directions that it can take"
        ) from None


def _compared(
    target: Any, d: directed.Direction, J: np.ndarray, found: list[Central], rtol: float
) -> ParameterCheck:  # fmt: skip
    D = np.stack([one.slope for one in found], axis=1)
    value = target.value(d.name)
    moved = np.linalg.norm(d.values.reshape(len(d.values), -1), axis=1)
    inside = np.linalg.norm(np.where(np.isfinite(value), value, 0.0)) or 1.0
    natural = _SMALL * target.size * moved / inside
    size = np.maximum(np.linalg.norm(J, axis=0), np.linalg.norm(D, axis=0))
    size = np.maximum(np.maximum(size, natural), 1e-300)
    error = float((np.linalg.norm(J - D, axis=0) / size).max())
    noise = float((np.array([one.noise for one in found]) / size).max())
    changed = max(one.changed for one in found)
    step = min(one.step for one in found)
    shape = (*target.shape, *(d.shape[-1:] if np.ndim(value) or d.shape else ()))
    columns = (J.reshape(shape), D.reshape(shape))
    ok = changed == 0 and error <= rtol
    return ParameterCheck(d.name, error, changed, noise, step, *map(_plain, columns), ok)


def _plain(value: np.ndarray) -> Any:
    return float(value) if value.ndim == 0 else value
