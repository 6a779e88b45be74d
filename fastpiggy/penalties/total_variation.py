"""Total variation in one dimension."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import helper, record
from fastpiggy.penalties.protocol import Penalty


@helper
def _denoise(y, t, x):
    """Condat's direct algorithm (2013), in one flat loop: Numba 0.68 compiles its nested form
    wrongly."""
    n = y.size
    k = k0 = kplus = kminus = 0
    umin, umax = t, -t
    vmin, vmax = y[0] - t, y[0] + t
    while k0 < n:
        if k == n - 1:
            if umin < 0.0:
                for i in range(k0, kminus + 1):
                    x[i] = vmin
                k0 = kminus + 1
                k = kminus = k0
                vmin, umin = y[k0], t
                umax = vmin + t - vmax
            elif umax > 0.0:
                for i in range(k0, kplus + 1):
                    x[i] = vmax
                k0 = kplus + 1
                k = kplus = k0
                vmax, umax = y[k0], -t
                umin = vmax - t - vmin
            else:
                vmin += umin / (k - k0 + 1)
                for i in range(k0, n):
                    x[i] = vmin
                k0 = n
        elif umin + y[k + 1] - vmin < -t:
            for i in range(k0, kminus + 1):
                x[i] = vmin
            k0 = kminus + 1
            k = kminus = kplus = k0
            vmin, vmax = y[k0], y[k0] + 2.0 * t
            umin, umax = t, -t
        elif umax + y[k + 1] - vmax > t:
            for i in range(k0, kplus + 1):
                x[i] = vmax
            k0 = kplus + 1
            k = kminus = kplus = k0
            vmax, vmin = y[k0], y[k0] - 2.0 * t
            umin, umax = t, -t
        else:
            umin += y[k + 1] - vmin
            umax += y[k + 1] - vmax
            k += 1
            if umin >= t:
                kminus = k
                vmin += (umin - t) / (kminus - k0 + 1)
                umin = t
            if umax <= -t:
                kplus = k
                vmax += (umax + t) / (kplus - k0 + 1)
                umax = -t


@helper
def _fill_blocks(y, t, jump, out):
    """On each block between jumps: the mean of y, plus t times the difference of its end signs."""
    n = y.size
    lo, left = 0, 0.0
    total = 0.0
    for i in range(n):
        total += y[i]
        if i == n - 1 or jump[i] != 0.0:
            right = jump[i] if i < n - 1 else 0.0
            value = (total + t * (right - left)) / (i + 1 - lo)
            for j in range(lo, i + 1):
                out[j] = value
            lo, left, total = i + 1, right, 0.0


@record(Penalty)
class TotalVariation(NamedTuple):
    """``alpha sum_i abs(x_{i+1} - x_i)``; the prox is taut-string denoising.

    Within a constant block of n_b entries the Jacobian averages, and its derivative in
    ``t = step alpha`` is ``(s_right - s_left)/n_b``, s the signs of the jumps at its ends.  Where a
    jump is zero with its dual variable at the bound the block may be split: q blends the tangents
    of the merged (q = 0) and the split signal.  One selection serves all coordinates, the first's.

    Parameters
    ----------
    alpha : float
        Not negative.
    """

    alpha: float

    def value_all(self, x):
        total = 0.0
        for i in range(x.size - 1):
            total += abs(x[i + 1] - x[i])
        return self.alpha * total

    def prox_all(self, u, steps, z, du, dz, d, m, q):
        p, t = u.size, steps[0] * self.alpha
        if t > 0.0:
            _denoise(u, t, z)
        else:
            for j in range(p):
                z[j] = u[j]
        jump, split = np.zeros(p), np.zeros(p)
        dual, kinks = 0.0, 0
        for i in range(p - 1):
            jump[i] = np.sign(z[i + 1] - z[i])
            dual += z[i] - u[i]
            split[i] = jump[i]
            if jump[i] == 0.0 and t > 0.0 and abs(dual) >= t * (1.0 - 1e-12):
                split[i] = np.sign(dual)
                kinks += 1
        if t > 0.0:
            # The denoiser adds up along a block; once more, from the block's own sum.
            _fill_blocks(u, t, jump, z)
        extra = np.empty(p)
        for k in range(m):
            dt = steps[0] * d.alpha[k]
            if t == 0.0:
                # The identity in u, also between equal neighbours.
                for j in range(p):
                    dz[k, j] = du[k, j]
                    if j < p - 1:
                        dz[k, j] += dt * jump[j]
                    if j > 0:
                        dz[k, j] -= dt * jump[j - 1]
                continue
            _fill_blocks(du[k][:p], dt, jump, dz[k])
            if kinks > 0 and q[0] > 0.0:
                _fill_blocks(du[k][:p], dt, split, extra)
                for j in range(p):
                    dz[k, j] = (1.0 - q[0]) * dz[k, j] + q[0] * extra[j]
