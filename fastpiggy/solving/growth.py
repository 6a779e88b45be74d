"""Whether the tangents of a run grow, read off the run itself."""

import numpy as np

from fastpiggy.certificate import Growth

#: Fewer tangent steps than this say nothing; so many are needed to see slow growth.
_SHORT, _LONG = 100, 1000
#: What the increments must gain over the last half of a short run, and of a long one.
_FAST, _SLOW = 4.0, 1.01
#: Increments that shrink by less than this over the last half of a run stand still.
_STILL = 1e-4
#: Increments below this share of J, summed over the last half, are rounding.
_ROUNDING = 1e-6
_BLOCKS = 8


def growth(change: np.ndarray, size: np.ndarray) -> Growth | None:
    """How the tangents grow over the last half of a run; None where they do not.

    At a solution increments obey ``D+ = A D``.  Where A contracts they shrink; where it has the
    eigenvalue 1 they come to stand still, and J grows linearly; where products of selections
    expand they grow geometrically; like a power of the number of steps where FISTA's momentum piles
    up what does not shrink.  Largest increments of blocks are compared, since those of a
    method with momentum oscillate.

    Parameters
    ----------
    change, size : ndarray of shape (k,)
        ``norm(J+ - J)`` and ``norm(J+)`` of each step on which tangents ran.
    """
    total, half = change.size, change.size // 2
    if total < _SHORT:
        return None
    change, size = change[-half:], size[-half:]
    if not (np.all(np.isfinite(change)) and np.all(np.isfinite(size))):
        return None
    blocks = np.array_split(np.arange(half), _BLOCKS)
    at = np.array([block[np.argmax(change[block])] for block in blocks])
    most = change[at]
    if not most[-1] * half > _ROUNDING * size.max() or most[-1] < (1 - _STILL) * most.max():
        return None
    gain = float(most[-1] / most[0])
    if gain > (_SLOW if half >= _LONG // 2 else _FAST):
        # One jump, as where the active set settles late, is no growth: both halves must gain.
        if not 0.2 < np.log(most[_BLOCKS // 2] / most[0]) / np.log(gain) < 0.8:
            return None
        if _straight(np.log(at + total - half + 1.0), most) < _straight(at, most):
            return Growth("power", 1.0, float(most[-1]))
        return Growth("geometric", float(gain ** (1.0 / (at[-1] - at[0]))), float(most[-1]))
    if gain > _SLOW or most.min() < 0.5 * most[-1]:
        return None
    rises = size[-1] - size[0] > 0.1 * most[-1] * half
    return Growth("linear" if rises else "bounded", 1.0, float(most[-1]))


def _straight(at: np.ndarray, most: np.ndarray) -> float:
    """How far log(most) is from a straight line in `at`."""
    line = np.polynomial.Polynomial.fit(at, np.log(most), 1)
    return float(np.abs(line(at) - np.log(most)).sum())
