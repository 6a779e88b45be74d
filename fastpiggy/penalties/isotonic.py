"""Rising sequences: isotonic regression as a penalty."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record, routine
from fastpiggy.penalties.protocol import Penalty
from fastpiggy.penalties.spoiled import check_size, spoiled


@routine
def pool(y, ends, means):
    """The rising sequence nearest to y, by pooling adjacent violators in O(n).

    Block b ends before ``ends[b]`` and has the value ``means[b]``; returns how many there are.
    """
    blocks = 0
    for i in range(y.size):
        ends[blocks], means[blocks] = i + 1, y[i]
        blocks += 1
        while blocks > 1 and means[blocks - 2] > means[blocks - 1]:
            lo = ends[blocks - 3] if blocks > 2 else 0
            middle, hi = ends[blocks - 2], ends[blocks - 1]
            # A step from one of the two means, which has no large ones to cancel.
            share = (hi - middle) / (hi - lo)
            means[blocks - 2] += share * (means[blocks - 1] - means[blocks - 2])
            ends[blocks - 2] = hi
            blocks -= 1
    lo = 0
    for b in range(blocks):
        # The merges add up their rounding; once more, from the block itself.
        total = 0.0
        for i in range(lo, ends[b]):
            total += y[i] - means[b]
        means[b] += total / (ends[b] - lo)
        lo = ends[b]
    return blocks


@record(Penalty)
class Isotonic(NamedTuple):
    """Zero on rising sequences ``x_0 <= x_1 <= ...``, infinite elsewhere; the prox projects.

    Adjacent violators are pooled to their mean, and the Jacobian averages over each block.  Where
    two neighbouring blocks have the same mean they are one block or two: q = 0 is one, q = 1 two,
    and between them the two tangents are blended.  One selection serves all coordinates, the first
    entry's.  It has no parameters.

    Parameters
    ----------
    size : int
        Number of coefficients.

    References
    ----------
    Best and Chakravarti (1990), Active set algorithms for isotonic regression; Djolonga and Krause
    (2017), Differentiable learning of submodular models, for the Jacobian.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import Isotonic, prox
    >>> z, dz = prox(Isotonic(4), [1.0, 3.0, 2.0, 4.0], wrt="u")
    >>> z.round(4), dz[1].round(4)
    (array([1. , 2.5, 2.5, 4. ]), array([0. , 0.5, 0.5, 0. ]))
    """

    size: int
    held = ("size",)  # no parameter

    def value_all(self, x):
        size, fall = 0.0, 0.0
        for j in range(x.size):
            size = max(size, abs(x[j]))
        for j in range(x.size - 1):
            fall = max(fall, x[j] - x[j + 1])
        return 0.0 if fall <= 1e-9 * size else np.inf

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        if spoiled(u, z, dz, m):
            return
        p = u.size
        ends, means = np.empty(p, dtype=np.int64), np.empty(p)
        blocks = pool(u, ends, means)
        size, lo = 0.0, 0
        for b in range(blocks):
            size = max(size, abs(means[b]))
            for j in range(lo, ends[b]):
                z[j] = means[b]
            lo = ends[b]
        for k in range(m):
            # Blocks of equal means from `start` on, together and apart.
            start, merged = 0, 0.0
            for b in range(blocks):
                lo, alone = ends[b - 1] if b > 0 else 0, 0.0
                for j in range(lo, ends[b]):
                    alone += du[k, j]
                merged += alone
                for j in range(lo, ends[b]):
                    dz[k, j] = q[0] * alone / (ends[b] - lo)
                if b == blocks - 1 or means[b + 1] - means[b] > 1e-14 * size:
                    for j in range(start, ends[b]):
                        dz[k, j] += (1.0 - q[0]) * merged / (ends[b] - start)
                    start, merged = ends[b], 0.0

    def check(self, p):
        check_size(self.size, p)
