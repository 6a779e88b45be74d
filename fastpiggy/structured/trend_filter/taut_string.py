"""Total variation by the taut string, with its derivative and what certifies both, in one pass.

Condat, "A direct algorithm for 1-D total variation denoising" (2013), here in slopes: a segment
from a point on has the value v as long as the sums of ``w (y - v)`` from there stay within
``-alpha`` and ``alpha``, so that v lies between the largest of ``(sum - alpha)/weight`` and the
least of ``(sum + alpha)/weight``.  Where none is left, the segment ends at the last point that set
the bound which was hit.  What lies beyond is looked at again; where that happens too often, as on
smooth signals, dynamic programming is for it.
"""

import numpy as np

from fastpiggy.compile import helper, kernel

#: Looks at a point, on average, that dynamic programming does not cost less than; once over all
#: points beside, for a first segment that ends late.
_LOOKS = 5


@helper
def _segment(y, w, alpha, start, pull):
    """The segment from `start` on, when what is left of it pulls it up by `pull`.

    Returns where it stops, about its value, the sign of the jump there, and the points looked at.
    """
    # Unsigned: an index that might be negative costs five instructions more.  And no branches but
    # the way out, which nobody could predict.
    one, n = np.uint64(1), np.uint64(y.size)
    low = high = k = start
    level, total, weight = y[k], pull, 0.0
    least, most = -np.inf, np.inf
    below = above = 0.0
    while k < n:
        total += w[k] * (y[k] - level)
        weight += w[k]
        share = 1.0 / weight
        below, above = (total - alpha) * share, (total + alpha) * share
        if (above < least) | (below > most):
            break
        low = k if below >= least else low
        least = below if below > least else least
        high = k if above <= most else high
        most = above if above < most else most
        k += one
    down = above < least
    if k == n:
        mean = total / weight
        down = mean < least
        if not (down or mean > most):
            return n, level + mean, 0.0, n - start
    if down:
        return low + one, level + least, -1.0, k - start
    return high + one, level + most, 1.0, k - start


@helper
def _next(x, start):
    """The same of a known solution."""
    one, last = np.uint64(1), np.uint64(x.size - 1)
    k = start
    while k < last and x[k + one] == x[k]:
        k += one
    if k == last:
        return k + one, x[k], 0.0
    return k + one, x[k], 1.0 if x[k + one] > x[k] else -1.0


@helper
def _mean(y, w, first, stop, mean, pull):
    """The weighted mean of some points, moved by a pull: a guess corrected once, and the weight."""
    weight, rest = 0.0, pull
    for i in range(first, stop):
        weight += w[i]
        rest += w[i] * (y[i] - mean)
    return (mean + rest / weight if weight > 0.0 else mean), weight


@kernel
def total_variation(y, w, alpha, x, slope, known):
    """Minimise ``sum_i w_i (x_i - y_i)^2 / 2 + alpha sum_i abs(x_{i+1} - x_i)`` into x.

    x is the weighted mean of y between two jumps, shifted by the bounds that its dual variable u,
    with ``D'u = W (y - x)``, has at the ends; the derivative of x along alpha is the slope.
    `alpha` is positive and a weight is.

    All arrays are of y's size.  Where x is `known`, to rounding and with its jumps, it is only
    looked over.

    Returns
    -------
    jumps : int
        -1, and all else open, where the taut string is too slow.
    longest : int
        Points of the longest segment.
    defect : float
        The largest miss of ``D'u = W (y - x)``.
    smallest : float
        The smallest jump, in the direction of its sign.
    peak : float
        The largest of abs(u) off the jumps.
    size : float
        The largest of ``w (abs(y) + abs(x))``.
    away : float
        ``norm(y - x)``.
    spread : float
        The norm of the slope, each entry times the points of its segment and four.
    lightest : float
        The smallest weight of a segment.
    gradient, top : float
        With the mean m for x: the largest of ``abs(w (y - m))``, and of abs(u).
    """
    first, n = np.uint64(0), np.uint64(y.size)
    mean, looks = y[0], first
    for _ in range(2):
        mean, _weight = _mean(y, w, first, n, mean, 0.0)
    gradient = top = base = 0.0
    size = away = spread = defect = peak = 0.0
    lightest, smallest, longest = np.inf, np.inf, 0
    jumps, left, before = 0, 0.0, 0.0
    while first < n:
        if known:
            stop, guess, right = _next(x, first)
        else:
            stop, guess, right, looked = _segment(y, w, alpha, first, -alpha * left)
            looks += looked
            if looks > n + np.uint64(_LOOKS) * stop:
                jumps = -1
                break
        value, weight = _mean(y, w, first, stop, guess, alpha * (right - left))
        run, held, along = alpha * left, 0.0, 0.0
        points = np.int64(stop - first)
        if weight > 0.0:
            along = (right - left) / weight
            error = (points + 4.0) * along
            spread += points * error * error
        longest = points if points > longest else longest
        lightest = weight if weight < lightest else lightest
        level = abs(value)
        for j in range(first, stop):
            # One later, so that the last is left out.
            peak = held if held > peak else peak
            off, both = y[j] - value, w[j] * (abs(y[j]) + level)
            run -= w[j] * off
            held = abs(run)
            away += off * off
            moved = w[j] * (y[j] - mean)
            base -= moved
            sum_, moved = abs(base), abs(moved)
            size = both if both > size else size
            gradient = moved if moved > gradient else gradient
            top = sum_ if sum_ > top else top
            x[j], slope[j] = value, along
        miss = abs(run - alpha * right)
        defect = miss if miss > defect else defect
        if jumps > 0:
            jump = (value - before) * left
            smallest = jump if jump < smallest else smallest
        if stop < n:
            jumps += 1
        first, left, before = stop, right, value
    if not abs(base) < np.inf:
        # NaN compares false, and was no largest entry: it is left in the sum.
        gradient = np.inf
    # Reports are tuples: a call of a kernel costs more with every array.
    return (
        jumps, longest, defect, smallest, peak, size, np.sqrt(away), np.sqrt(spread),
        lightest, gradient, top,
    )  # fmt: skip
