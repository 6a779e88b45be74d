"""Sorting inside kernels: NumPy's argsort takes seconds to compile."""

import numpy as np

from fastpiggy.compile import routine


@routine
def order_rising(v, order):
    """Fill `order` with the indices that sort v, by merging runs from the bottom; stable."""
    n = v.size
    other = np.empty(n, dtype=np.int64)
    for i in range(n):
        order[i] = i
    width = 1
    while width < n:
        for lo in range(0, n, 2 * width):
            middle, hi = min(lo + width, n), min(lo + 2 * width, n)
            a, b = lo, middle
            for i in range(lo, hi):
                if a < middle and (b >= hi or v[order[a]] <= v[order[b]]):
                    other[i] = order[a]
                    a += 1
                else:
                    other[i] = order[b]
                    b += 1
        for i in range(n):
            order[i] = other[i]
        width *= 2
