"""The scales on which hyperparameters are searched, and their ranges."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastpiggy.problems import checks
from fastpiggy.solving.binding import bind

#: The default range of alpha below alpha_max, and of weights around their values.
DECADES = 3

#: l1_ratio stays this far inside its interval: at 0 there is no sparsity and no alpha_max.
_INSIDE = 0.01


@dataclass(frozen=True)
class Scale:
    """A hyperparameter as the search sees it: the logarithm of what is positive, else itself.

    Parameters
    ----------
    name : str
    value : float or ndarray
        Where the problem stands.
    low, high : float
        The range, in natural units.
    free : ndarray of bool
        Which entries move; zero weights stay zero.
    logarithm : bool
    blocks : ndarray of int, optional
        For each entry that moves, the block that it moves with; each on its own where not given.
    """

    name: str
    value: Any
    low: float
    high: float
    free: np.ndarray
    logarithm: bool
    blocks: np.ndarray | None = None

    @property
    def size(self) -> int:
        return int(self.free.sum() if self.blocks is None else self.blocks.max() + 1)

    @property
    def start(self) -> np.ndarray:
        """Where the problem stands, one number a variable, in natural units and in the range."""
        value = np.atleast_1d(self.value)[self.free].astype(float)
        if self.blocks is not None:
            _, first = np.unique(self.blocks, return_index=True)
            value = value[first]
        return np.clip(value, self.low, self.high)

    @property
    def range(self) -> tuple[float, float]:
        """The range as the search sees it."""
        return self.inward(self.low), self.inward(self.high)

    def widens(self, side: str) -> bool:
        """Whether the range could be wider at its ``"low"`` or ``"high"`` end."""
        ends = {"low": 0.0, "high": 1.0}
        return not (self.name == "l1_ratio" and getattr(self, side) == ends[side])

    def inward(self, value: Any) -> Any:
        return np.log(value) if self.logarithm else value

    def outward(self, t: np.ndarray) -> Any:
        """The natural value for the search's variables; clipped, since exp(log(b)) may pass b."""
        found = np.clip(np.exp(t) if self.logarithm else t, self.low, self.high)
        if np.ndim(self.value) == 0:
            return float(found[0])
        value = np.array(self.value)
        value[self.free] = found if self.blocks is None else found[self.blocks]
        return value

    def slope(self, gradient: Any, t: np.ndarray) -> np.ndarray:
        """The gradient as the search sees it."""
        found = np.atleast_1d(gradient)[self.free]
        if self.blocks is not None:
            found = np.bincount(self.blocks, found)
        return found * np.exp(t) if self.logarithm else found


def scales_of(criterion: Any, wrt: Any, bounds: Any, tie: Any = None) -> list[Scale]:
    """Check `wrt`, `bounds` and `tie` of :func:`fastpiggy.tune` and make the scales."""
    names = [wrt] if isinstance(wrt, str) else list(wrt)
    known = criterion.hyperparameters
    for name in names:
        if name not in known:
            raise ValueError(
                f"wrt must name hyperparameters of the penalty ({', '.join(map(repr, known))}), "
                f"got {name!r}"
            )
    if not names:
        raise ValueError("wrt must name at least one hyperparameter, got none")
    if {"alpha", "weights"} <= set(names):
        raise ValueError(
            "wrt must not hold alpha and weights together: only their product matters; tune alpha "
            "first, then weights"
        )
    if bounds is not None and not isinstance(bounds, Mapping):
        if len(names) > 1:
            raise TypeError(f"bounds must be a mapping of names to (low, high), got {bounds!r}")
        bounds = {names[0]: bounds}
    bounds = dict(bounds or {})
    for name in bounds:
        if name not in names:
            raise ValueError(f"bounds must be for names in wrt ({', '.join(names)}), got {name!r}")
    scales = [_scale(criterion.problem, name, bounds.get(name), names) for name in names]
    if tie is None:
        return scales
    vectors = [scale for scale in scales if np.ndim(scale.value)]
    if not vectors:
        raise ValueError(
            f"tie is for vectors such as weights, and wrt has none ({', '.join(names)})"
        )
    return [_tied(scale, tie) if np.ndim(scale.value) else scale for scale in scales]


def _tied(scale: Scale, tie: Any) -> Scale:
    """One variable a block of labels."""
    labels = np.asarray(tie.to_numpy() if hasattr(tie, "to_numpy") else tie)
    if labels.shape != np.shape(scale.value):
        raise ValueError(
            f"tie must have shape {np.shape(scale.value)}, one label an entry of {scale.name}, got "
            f"{labels.shape}"
        )
    value = np.asarray(scale.value)
    for label in np.unique(labels):
        here = value[labels == label]
        if np.any(here != here[0]):
            raise ValueError(
                f"{scale.name} must be equal within a block of tie, got {here.min():.6g} to "
                f"{here.max():.6g} in block {label!r}"
            )
    _, blocks = np.unique(labels[scale.free], return_inverse=True)
    return replace(scale, blocks=blocks)


def _scale(problem: Any, name: str, bounds: Any, names: list[str]) -> Scale:
    value = problem.parameters[name]
    if np.ndim(value) > 1:
        raise ValueError(
            f"tune takes numbers and vectors, and {name} is a matrix of shape {np.shape(value)}; "
            "give one number, or follow criterion.evaluate(...).gradient yourself"
        )
    free = np.atleast_1d(value) > 0 if np.ndim(value) else np.ones(1, dtype=bool)
    logarithm = name != "l1_ratio"
    if bounds is None:
        low, high = _default(problem, name, value, names)
    else:
        try:
            low, high = (checks.number(b, f"bounds[{name!r}]", open_low=logarithm) for b in bounds)
        except TypeError:
            raise TypeError(f"bounds[{name!r}] must be two numbers, got {bounds!r}") from None
    if not low < high:
        raise ValueError(f"bounds[{name!r}] must have low < high, got ({low}, {high})")
    if name == "l1_ratio" and high > 1.0:
        raise ValueError(f"bounds['l1_ratio'] must lie in [0, 1], got ({low}, {high})")
    if not free.any():
        raise ValueError(f"{name} has no positive entry to tune")
    return Scale(name, value, low, high, free, logarithm)


def _default(problem: Any, name: str, value: Any, names: list[str]) -> tuple[float, float]:
    if name == "alpha":
        return alpha_range(problem, "l1_ratio" in names)
    if name == "l1_ratio":
        return _INSIDE, 1.0
    if np.ndim(value):
        positive = value[value > 0]
        if not positive.size:
            return 0.0, 1.0
        return positive.min() * 10.0**-DECADES, positive.max() * 10.0**DECADES
    if value <= 0:
        raise ValueError(f"bounds[{name!r}] must be given: its value {value} sets no range")
    return value * 10.0**-DECADES, value * 10.0**DECADES


def alpha_range(problem: Any, any_ratio: bool = False) -> tuple[float, float]:
    """The default range of alpha.

    ``[alpha_max/1000, alpha_max]``; where l1_ratio is tuned too, alpha_max is that at l1_ratio 1
    below and that at 0.1 above.  Ridge: from 1e-6 to 10 times the largest eigenvalue of the
    weighted Gram ``X' diag(s) X`` (centred with an intercept), beyond which nothing changes.

    Parameters
    ----------
    problem : Problem
    any_ratio : bool, default=False
        Whether l1_ratio is tuned too.

    Returns
    -------
    low, high : float

    Raises
    ------
    ValueError
        Where alpha_max does not exist, or is 0.
    """
    if not hasattr(problem, "penalty"):
        # A structured problem: no l1_ratio, no ridge.
        top = problem.alpha_max()
        return _positive(top * 10.0**-DECADES, problem), top
    p = problem.shape[1]
    ridge = getattr(problem.penalty, "l1_ratio", 1.0) == 0.0
    if type(problem.penalty).__name__ == "SquaredL2" or (ridge and not any_ratio):
        top = bind(problem, False, np.zeros(p)).largest_curvature
        return 1e-6 * top, 10.0 * top
    if any_ratio:
        at_one = problem.replace(l1_ratio=1.0).alpha_max()
        return _positive(at_one * 10.0**-DECADES, problem), at_one / 0.1
    top = problem.alpha_max()
    return _positive(top * 10.0**-DECADES, problem), top


def _positive(low: float, problem: Any) -> float:
    if not low > 0:
        raise ValueError(
            "alpha_max is 0: the target is constant or orthogonal to every column, so that no "
            "alpha > 0 changes the solution; there is nothing to tune"
        )
    return low
