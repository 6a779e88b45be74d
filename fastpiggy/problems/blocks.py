"""Checks of losses and penalties that a user puts into a problem himself.

Kernels read the fields of a block as they are: an array that is too short would be read past its
end, and an integer where a number is meant would be no parameter.
"""

from functools import cache
from typing import Any, get_type_hints

import numpy as np

from fastpiggy.compile import roles
from fastpiggy.losses import Logistic, SquaredHinge
from fastpiggy.penalties import SCAD, Box, GroupL2
from fastpiggy.problems import checks

#: Ranges by name, in every block: low, high, whether low itself is excluded.
_RANGES = {"alpha": (0.0, np.inf, False), "l1_ratio": (0.0, 1.0, False)}

#: The same in the package's own blocks; a user may give these names another meaning.
_OWN = {
    **{name: (0.0, np.inf, True) for name in ("gamma", "delta", "radius", "cap")},
    "selection": (0.0, 1.0, False),
}

#: Losses of two classes: their labels are no parameters, and checked like one all the same.
_LABELLED = (Logistic, SquaredHinge)

_ROOMS = {"Loss": "losses", "Penalty": "penalties"}


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def check(block: Any, name: str, role: str, n: int, p: int) -> Any:
    """The block, its numbers as float and its arrays as float64, none of the caller's changed.

    Raises
    ------
    TypeError
        If it is no instance of a record of the role, or holds what is no number.
    ValueError
        If a field has the wrong size or range; the message names it.
    """
    if role not in roles(block) or isinstance(block, type):
        got = (
            f"the class {block.__name__} itself"
            if isinstance(block, type)
            else type(block).__name__
        )
        raise TypeError(
            f"{name} must be an instance of a record of the role {role} "
            f"(see fastpiggy.{_ROOMS[role]} or fastpiggy.record), got {got}"
        )
    changes = {}
    held = () if isinstance(block, _LABELLED) else getattr(block, "held", ())
    for field, value in zip(block._fields, block, strict=True):
        label = f"{name}.{field}"
        hint = _hints(type(block)).get(field)
        if hint is float:
            found: Any = _number(block, field, value, label)
        elif hint is np.ndarray and field not in held:
            found = _array(block, field, value, label, n, p)
        else:
            found = value
        if found is not value:
            changes[field] = found
    if changes:
        block = block._replace(**changes)
    _together(block, name, p)
    return block


def _number(block: Any, field: str, value: Any, label: str) -> float:
    own = _OWN if type(block).__module__.startswith("fastpiggy.") else {}
    low, high, is_open = {**own, **_RANGES}.get(field, (-np.inf, np.inf, False))
    found = checks.number(value, label, low, high, is_open)
    return value if type(value) is float else found


def _array(block: Any, field: str, value: Any, label: str, n: int, p: int) -> np.ndarray:
    as_it_is = isinstance(value, np.ndarray) and value.dtype == np.float64
    found = value if as_it_is and value.flags.c_contiguous else np.ascontiguousarray(
        checks.array(value, label))  # fmt: skip
    size = _size(block, field, n, p)
    if size is not None and found.shape != (size,):
        raise ValueError(f"{label} must have shape ({size},) for this X, got {found.shape}")
    bounds = field in ("lower", "upper")
    bad = np.argwhere(np.isnan(found) if bounds else ~np.isfinite(found))
    if bad.size:
        at = tuple(int(i) for i in bad[0])
        raise ValueError(f"{label} must be finite, got {found[at]} at {at}")
    if field in ("weights", "sample_weight") and found.min(initial=0.0) < 0:
        at = int(np.argmin(found))
        raise ValueError(f"{label} must not be negative, got {found[at]} at index {at}")
    return found


def _size(block: Any, field: str, n: int, p: int) -> int | None:
    """How many entries a field of that name has; None where it is the block's own affair."""
    if field in ("y", "sample_weight") and "Loss" in roles(block):
        return n
    if field in ("weights", "lower", "upper") and roles(block)[0] == "CoordinatePenalty":
        return p
    return None


def _together(block: Any, name: str, p: int) -> None:
    """What fields must be to each other and to X: said here, or by the block itself."""
    if hasattr(block, "check"):
        block.check(p)
    if isinstance(block, _LABELLED) and not np.all(np.abs(block.y) == 1.0):
        taker = "logistic" if isinstance(block, Logistic) else "squared_hinge"
        raise ValueError(f"{name}.y must hold labels -1.0 and 1.0; fastpiggy.{taker} takes any")
    if isinstance(block, SCAD) and not block.gamma > 1.0:
        raise ValueError(f"{name}.gamma must be above 1 for SCAD, got {block.gamma}")
    if isinstance(block, Box):
        bad = np.flatnonzero((block.lower > block.upper) | (block.lower == np.inf)
                             | (block.upper == -np.inf))  # fmt: skip
        if bad.size:
            j = int(bad[0])
            raise ValueError(
                f"{name}.lower must not be above {name}.upper, nor one of them infinite on the "
                f"other's side, got {block.lower[j]} and {block.upper[j]} at index {j}"
            )
    if isinstance(block, GroupL2):
        whole = np.array_equal(np.sort(block.order), np.arange(p))
        steps = np.diff(block.offsets)
        ends = block.offsets.size > 1 and block.offsets[0] == 0 and block.offsets[-1] == p
        if not (whole and ends and np.all(steps > 0) and block.weights.shape == steps.shape):
            raise ValueError(
                f"{name}.order must hold each of the {p} columns once, {name}.offsets rise from 0 "
                f"to {p}, and {name}.weights have one entry a group; fastpiggy.group_lasso makes "
                "all three from labels"
            )
