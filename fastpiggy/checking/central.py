"""Central differences with the step that keeps the active set and that rounding leaves most of."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

#: Shorter ones would have both ends within the tolerance of kinks, which then are not seen.
_STEPS = 6
_RATIO = 8.0

#: Two differences that agree so well, relative to their size, need no better step.
_ENOUGH = 1e-8

#: Differences that agree this much worse than the best pair before: rounding has taken over.
_WORSE = 10.0

#: A jump of a piece: the prox's slopes and the loss's curvatures move less within one.
_JUMP = 1e-3


class Central(NamedTuple):
    """A central difference.

    Parameters
    ----------
    slope : ndarray of shape (size,)
    step : float
    changed : float
        Share of the pieces that are not the same at both ends and at the centre.
    noise : float
        Norm of what two differences in turn disagree by.
    """

    slope: np.ndarray
    step: float
    changed: float
    noise: float


def central(
    at: Callable[[float], tuple[np.ndarray, np.ndarray]], pieces: np.ndarray, first: float
) -> Central:
    """The best central difference of ``at(h)``, which gives a value and its pieces.

    Parameters
    ----------
    at : callable
        Raises ValueError where h leaves the range.
    pieces : ndarray
        Numbers at h = 0 that jump where the active set changes.
    first : float
        The longest step.
    """
    best, before, refused = None, None, None
    for k in range(_STEPS):
        step = first / _RATIO**k
        try:
            (up, above), (down, below) = at(step), at(-step)
        except ValueError as error:
            refused = error
            continue
        slope = (up - down) / (2.0 * step)
        found = Central(slope, step, _changed(pieces, above, below), np.inf)
        if before is not None and before.changed == found.changed == 0.0:
            gap = slope - before.slope
            noise = float(np.linalg.norm(gap))
            if best is not None and best.noise < np.inf and noise > _WORSE * best.noise:
                break
            if best is None or noise < best.noise:
                best = Central(slope + gap / (_RATIO**2 - 1.0), step, 0.0, noise)
            if noise <= _ENOUGH * float(np.linalg.norm(slope)):
                break
        elif best is None or found.changed < best.changed:
            best = found
        before = found
    if best is None:
        raise refused or ValueError("no step was tried")
    return best


def _changed(pieces: np.ndarray, *ends: np.ndarray) -> float:
    moved = np.zeros(pieces.shape, dtype=bool)
    for end in ends:
        moved |= ~(np.abs(end - pieces) <= _JUMP)
    return float(moved.mean()) if moved.size else 0.0
