"""What ``wrt=`` asks for: names and directions of parameters, as records of tangents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from fastpiggy.algorithms.composite import CompositeDirections
from fastpiggy.designs import Fixed, Moving
from fastpiggy.losses import Constant
from fastpiggy.problems import checks

#: Entries of a Jacobian that `solve` will form without being asked for directions.
LARGEST = 2**24

_START = ("x0", "step")

#: Options of algorithms that no tangent runs along.
_HELD = ("momentum", "relaxation", "restart")


@dataclass(frozen=True)
class Direction:
    """Directions of one parameter.

    Parameters
    ----------
    name : str
    values : ndarray of shape (m, ...)
        One direction a row.
    shape : tuple of int
        Trailing shape of the Jacobian that the m columns make up.
    """

    name: str
    values: np.ndarray
    shape: tuple[int, ...]

    @cached_property
    def largest(self) -> float:
        """The largest entry's size."""
        return float(np.abs(self.values).max(initial=0.0))


@cache
def _of_number(name: str) -> Direction:
    """That of a number: the number itself."""
    one = np.ones(1)
    one.flags.writeable = False
    return Direction(name, one, ())


def parse(problem: Any, wrt: Any, coordinates: int) -> list[Direction]:
    """Check `wrt` and list the directions.

    Parameters
    ----------
    problem : Problem
    wrt : None, str, iterable of str, or mapping of str to array_like
        A mapping gives directions: shape of the parameter + (m,), or None for all of it.
    coordinates : int
        Entries of x, the intercept counted, that a Jacobian has rows for.
    """
    if wrt is None:
        return []
    if isinstance(wrt, str):
        wrt = {wrt: None}
    elif not isinstance(wrt, Mapping):
        if not isinstance(wrt, Iterable):
            raise TypeError(f"wrt must be a name, names or a mapping, got {wrt!r}")
        wrt = dict.fromkeys(wrt)
    return [_direction(problem, name, values, coordinates) for name, values in wrt.items()]


def _direction(problem: Any, name: Any, values: Any, coordinates: int) -> Direction:
    shape = _shape_of(problem, name)
    if values is None and not shape:
        return _of_number(name)
    size = int(np.prod(shape))
    if values is None:
        if size * coordinates > LARGEST:
            raise ValueError(
                f"the Jacobian with respect to {name!r} would have {coordinates} x {size} "
                f"entries; ask for directions, wrt={{{name!r}: V}} with V of shape "
                f"{(*shape, 'm')}, or take products with sol.vjp(v, wrt={name!r})"
            )
        values = np.eye(size).reshape(size, *shape)
        if name in getattr(problem, "symmetric", ()):
            values = 0.5 * (values + values.swapaxes(1, 2))
        return Direction(name, values, shape)
    found = checks.array(values, f"wrt[{name!r}]")
    if found.shape == shape:
        found, trailing = found[..., None], ()
    elif found.ndim == len(shape) + 1 and found.shape[:-1] == shape:
        trailing = (found.shape[-1],)
    else:
        raise ValueError(
            f"wrt[{name!r}] must have shape {shape} or {(*shape, 'm')}, got {found.shape}"
        )
    if not np.all(np.isfinite(found)):
        raise ValueError(f"wrt[{name!r}] must be finite")
    found = np.ascontiguousarray(np.moveaxis(found, -1, 0))
    if len(shape) == 2 and name in getattr(problem, "symmetric", ()):
        if np.abs(found - found.swapaxes(1, 2)).max(initial=0.0) > 1e-10 * np.abs(found).max():
            raise ValueError(f"wrt[{name!r}] must hold symmetric matrices, as {name} itself is one")
    return Direction(name, found, trailing)


def _shape_of(problem: Any, name: Any) -> tuple[int, ...]:
    if hasattr(problem, "shape_of"):
        shape = problem.shape_of(name)
        if shape is not None:
            return shape
    known = problem.parameters
    if name in known:
        value = known[name]
        return () if isinstance(value, float) else np.shape(value)
    matrix = ["X"] if hasattr(problem, "design") else []
    if name in matrix:
        return problem.shape
    if name == "x0":
        return problem.shape[-1:] if matrix else problem.shape
    if name == "step":
        return ()
    if name == "y" and getattr(problem, "classes", None) is not None:
        raise ValueError("there is no derivative with respect to 'y': it holds labels")
    if name in _HELD:
        raise ValueError(
            f"no tangent along {name!r} is offered: a solution does not depend on this option of "
            "an algorithm. For the iterates of a run take 'step' or 'x0', or hand the map over "
            f"with {name} as its parameter: fp.piggyback(step, x0, {{{name!r}: ...}}, "
            "step_tangent=...)"
        )
    names = ", ".join(map(repr, [*known, *matrix, "x0", "step"]))
    raise ValueError(f"wrt must name parameters of the problem ({names}), got {name!r}")


def named(wrt: str | Iterable[str] | None, known: Iterable[str], *more: str) -> list[str]:
    """The parameters that a `wrt` of names asks for: all that are known where it is None."""
    names = list(known) if wrt is None else [wrt] if isinstance(wrt, str) else list(wrt)
    allowed = [*known, *more]
    for name in names:
        if name not in allowed:
            shown = ", ".join(map(repr, allowed))
            raise ValueError(f"wrt must name parameters of the problem ({shown}), got {name!r}")
    return names


def count(directions: list[Direction]) -> int:
    """Number m of tangents."""
    return sum(len(d.values) for d in directions)


def split(
    J: np.ndarray, directions: list[Direction], shape: tuple[int, ...] | None = None
) -> dict[str, np.ndarray]:
    """The columns of J by parameter, in its shape, for J of shape (p, m) and an x of `shape`."""
    if len(directions) == 1 and not directions[0].shape and (shape is None or len(shape) == 1):
        return {directions[0].name: J[:, 0]}
    found, k = {}, 0
    for d in directions:
        columns = J[:, k : k + len(d.values)]
        found[d.name] = columns.reshape((*((len(J),) if shape is None else shape), *d.shape))
        k += len(d.values)
    return found


def as_records(problem: Any, directions: list[Direction], lead: int = 0) -> CompositeDirections:
    """Tangent records that kernels read, with `lead` directions of zeros before the others."""
    m = lead + count(directions)
    blocks = {
        "penalty": _zeros(problem.penalty, m),
        "loss": _zeros(problem.loss, m),
    }
    step = np.zeros(m)
    X = np.zeros((m, *problem.shape)) if any(d.name == "X" for d in directions) else None
    moves = False
    k = lead
    for d in directions:
        rows = slice(k, k + len(d.values))
        k += len(d.values)
        if d.name == "X":
            X[rows] = d.values
        elif d.name == "step":
            step[rows] = d.values
        elif d.name != "x0":
            block = problem.block_of(d.name)
            moves = moves or block == "loss"
            values = d.values
            if d.name == "sample_weight" and problem.total_weight is not None:
                values = normalised(values, problem)
            getattr(blocks[block], d.name)[rows] = values
    loss = blocks["loss"] if moves else Constant()
    design = Fixed() if X is None else Moving(X)
    return CompositeDirections(design, loss, blocks["penalty"], step)


def normalised(values: np.ndarray, problem: Any) -> np.ndarray:
    """Directions of raw sample weights as directions of the normalised ones."""
    s = problem.loss.sample_weight
    return (values - values.sum(axis=1, keepdims=True) * s) / problem.total_weight


def _zeros(record: Any, m: int) -> Any:
    """A record of the same class, every field with a leading axis of m zeros."""
    return type(record)(*(np.zeros((m, *np.shape(value))) for value in record))
