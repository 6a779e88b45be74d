"""Total variation in linear time, by dynamic programming.

Johnson, "A dynamic programming algorithm for the fused lasso and L0-segmentation" (2013): the best
cost of the first i points as a function of the i-th has a piecewise linear derivative; adding a
point tilts it, and the penalty clips it at ``-alpha`` and ``alpha``.  Where it is clipped, tm and
tp, bound each point by its neighbour on the way back.  Each clip adds two breaks and removes what
lies beyond: O(n) in all.
"""

import numpy as np

from fastpiggy.compile import kernel, routine


@routine
def _minimise(y, w, alpha, x):
    """Minimise ``sum_i w_i (x_i - y_i)^2 / 2 + alpha sum_i abs(x_{i+1} - x_i)`` into x.

    Points that are equal in the solution come out equal to the bit.  `alpha` is positive and a
    weight is.
    """
    n = y.size
    start = 0
    while w[start] == 0.0:
        start += 1
    # Sums of y would drown small differences of a signal that stands far from zero.
    level = y[start]
    # Breaks of the derivative in order, at b[lo] ... b[hi]; slope and offset change there.
    b, slope, offset = np.empty(2 * n + 2), np.empty(2 * n + 2), np.empty(2 * n + 2)
    tm, tp = np.empty(n), np.empty(n)
    lo, hi = n, n - 1
    for i in range(start, n):
        # The derivative left of all breaks is w (x - y) - alpha, right of all w (x - y) + alpha.
        bound = alpha if i > start else 0.0
        goal = alpha if i < n - 1 else 0.0
        pull = w[i] * (y[i] - level)
        a, c = w[i], -pull - bound
        # Up from the left to where it is -goal.
        first = lo
        while first <= hi and a * b[first] + c <= -goal:
            a += slope[first]
            c += offset[first]
            first += 1
        tm[i] = (-goal - c) / a
        if i == n - 1:
            break
        left_a, left_c = a, c + goal
        a, c = w[i], bound - pull
        last = hi
        while last >= first and a * b[last] + c >= goal:
            a -= slope[last]
            c -= offset[last]
            last -= 1
        tp[i] = (goal - c) / a
        lo, hi = first - 1, last + 1
        b[lo], slope[lo], offset[lo] = tm[i], left_a, left_c
        b[hi], slope[hi], offset[hi] = tp[i], -a, goal - c
    x[n - 1] = tm[n - 1]
    for i in range(n - 2, start - 1, -1):
        x[i] = min(max(x[i + 1], tm[i]), tp[i])
    for i in range(start):
        x[i] = x[start]
    for i in range(n):
        x[i] += level


@routine
def _segments(y, w, alpha, x, u, slope, rows, starts, signs, weights):
    """See :func:`total_variation`; `x` is near the minimiser and has its jumps."""
    n = y.size
    size, away, longest, spread, lightest = 0.0, 0.0, 0, 0.0, np.inf
    jumps, lo, left, before = 0, 0, 0.0, 0.0
    wrong, excess, defect, smallest, nearest = 0.0, 0.0, 0.0, np.inf, np.inf
    for i in range(n):
        if i < n - 1 and x[i + 1] == x[i]:
            continue
        right = 0.0
        if i < n - 1:
            right = 1.0 if x[i + 1] > x[i] else -1.0
        total, guess, shift = 0.0, x[i], alpha * (right - left)
        for j in range(lo, i + 1):
            total += w[j]
            shift += w[j] * (y[j] - guess)
        value = guess + shift / total if total > 0.0 else guess
        # Once more, from the mean: what is left is the rounding of y - x.
        shift = alpha * (right - left)
        for j in range(lo, i + 1):
            shift += w[j] * (y[j] - value)
        value = value + shift / total if total > 0.0 else value
        run, points, along = alpha * left, i + 1 - lo, 0.0
        if total > 0.0:
            along = (right - left) / total
            error = (points + 4.0) * along
            spread += points * error * error
        longest, lightest = max(longest, points), min(lightest, total)
        for j in range(lo, i + 1):
            off = y[j] - value
            run -= w[j] * off
            away += off * off
            size = max(size, w[j] * (abs(y[j]) + abs(value)))
            x[j], slope[j] = value, along
            if j < i:
                u[j] = run
                excess = max(excess, abs(run) - alpha)
                nearest = min(nearest, alpha - abs(run))
        defect = max(defect, abs(run - alpha * right))
        starts[jumps], weights[jumps] = lo, total
        if jumps > 0:
            jump = (value - before) * left
            wrong = max(wrong, -jump)
            smallest = min(smallest, jump)
        if i < n - 1:
            rows[jumps], signs[jumps] = i, right
            u[i] = alpha * right
            jumps += 1
        lo, left, before = i + 1, right, value
    # Reports are tuples: a call of a kernel costs more with every array.
    return (
        jumps, longest, wrong, excess, defect, smallest, nearest, size, np.sqrt(away),
        np.sqrt(spread), lightest,
    )  # fmt: skip


@kernel
def total_variation(y, w, alpha, x, u, slope, rows, starts, signs, weights):
    """Minimise ``sum_i w_i (x_i - y_i)^2 / 2 + alpha sum_i abs(x_{i+1} - x_i)`` into x.

    x is the weighted mean of y between two jumps, shifted by the bounds that its dual variable u,
    with ``D'u = W (y - x)``, has at the ends; u is summed from the left one, and the derivative of
    x along alpha is the slope.  `alpha` is positive and a weight is.

    Returns
    -------
    jumps : int
        Filled entries of `rows` and `signs`; one more of `starts` and `weights`, by segment.
    longest : int
        Points of the longest segment.
    wrong : float
        The largest jump against its sign.
    excess : float
        The largest of ``abs(u) - alpha`` off the jumps.
    defect : float
        The largest miss of ``D'u = W (y - x)``.
    smallest : float
        The smallest jump in its direction.
    nearest : float
        The smallest of ``alpha - abs(u)`` off the jumps.
    size : float
        The largest of ``w (abs(y) + abs(x))``.
    away : float
        ``norm(y - x)``.
    spread : float
        The norm of the slope, each entry times the points of its segment and four.
    lightest : float
        The smallest weight of a segment.
    """
    _minimise(y, w, alpha, x)
    return _segments(y, w, alpha, x, u, slope, rows, starts, signs, weights)


@kernel
def constant(y, w, x, u):
    """The weighted mean of y into x, and its dual variable into u.

    Returns the largest of ``abs(w (y - x))``, of ``abs(w y)`` and of abs(u).
    """
    n, total, mean = y.size, 0.0, 0.0
    for i in range(n):
        total += w[i]
    # Once more, so that what is left is the rounding of y - x.
    for _ in range(2):
        rest = 0.0
        for i in range(n):
            rest += w[i] * (y[i] - mean)
        mean += rest / total
    run, gradient, size, top = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        g = w[i] * (y[i] - mean)
        run -= g
        # NaN compares false both ways: the negation lets it through.
        if not abs(g) <= gradient:
            gradient = abs(g)
        size = max(size, abs(w[i] * y[i]))
        x[i] = mean
        if i < n - 1:
            u[i] = run
            top = max(top, abs(run))
    return gradient, size, top
