"""What a call of ``solve`` asks for, checked."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastpiggy.problems import checks
from fastpiggy.solving import options as opt


class Request(NamedTuple):
    """The checked arguments of :func:`fastpiggy.solve`, see there."""

    wrt: Any
    algorithm: Any
    derivative: str
    tol: float
    max_iter: int | None
    x0: Any
    selection: np.ndarray
    trace: bool
    callback: Callable[[dict[str, Any]], Any] | None


def check(
    coordinates: int, algorithms: dict[str, type], wrt: Any, algorithm: Any, derivative: Any,
    tol: Any, max_iter: Any, x0: Any, selection: Any, trace: Any, callback: Any,
) -> Request:  # fmt: skip
    """Check what does not depend on the kind of problem.

    `algorithms` are those that the problem can take, by name; ``"auto"`` is left as it is.
    """
    if isinstance(algorithm, str) and algorithm != "auto":
        if algorithm not in algorithms:
            names = ", ".join(map(repr, ["auto", *algorithms]))
            raise ValueError(
                f"algorithm must be one of {names} for this problem, got {algorithm!r}"
            )
        algorithm = algorithms[algorithm]()
    elif algorithm != "auto" and not isinstance(algorithm, tuple(algorithms.values())):
        names = ", ".join(cls.__name__ for cls in algorithms.values())
        raise TypeError(f"algorithm must be a name or one of {names}, got {algorithm!r}")
    if derivative not in opt.DERIVATIVES:
        names = ", ".join(map(repr, opt.DERIVATIVES))
        raise ValueError(f"derivative must be one of {names}, got {derivative!r}")
    tol = checks.number(tol, "tol", open_low=True)
    if max_iter is not None and (
        isinstance(max_iter, bool) or not isinstance(max_iter, int | np.integer) or max_iter < 1
    ):
        raise ValueError(f"max_iter must be a positive integer or None, got {max_iter!r}")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable, got {callback!r}")
    return Request(
        wrt, algorithm, derivative, tol, None if max_iter is None else int(max_iter), x0,
        _selection(selection, coordinates), bool(trace), callback,
    )  # fmt: skip


def _selection(value: Any, size: int) -> np.ndarray:
    if type(value) is float and value == 0.0:
        return np.zeros(size)
    found = checks.array(value, "selection")
    if found.ndim == 0:
        found = np.full(size, float(found))
    if found.shape != (size,):
        raise ValueError(
            f"selection must be a number or have shape ({size},), one entry a coordinate, got "
            f"shape {found.shape}"
        )
    if not np.all((found >= 0) & (found <= 1)):
        raise ValueError("selection must lie in [0, 1]")
    return np.array(found)
