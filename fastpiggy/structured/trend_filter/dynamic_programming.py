"""Total variation in linear time, by dynamic programming.

Johnson, "A dynamic programming algorithm for the fused lasso and L0-segmentation" (2013): the best
cost of the first i points as a function of the i-th has a piecewise linear derivative; adding a
point tilts it, and the penalty clips it at ``-alpha`` and ``alpha``.  Where it is clipped, tm and
tp, bound each point by its neighbour on the way back.  Each clip adds two breaks and removes what
lies beyond: O(n) in all.
"""

import numpy as np

from fastpiggy.compile import kernel


@kernel
def minimise(y, w, alpha, x):
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
