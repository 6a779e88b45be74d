"""The squared l2 norm (ridge)."""

from typing import NamedTuple

import numpy as np

from fastpiggy.compile import record
from fastpiggy.penalties.protocol import CoordinatePenalty


@record(CoordinatePenalty)
class SquaredL2(NamedTuple):
    """``alpha/2 norm(x)^2``; the prox is ``u / (1 + step alpha)``, smooth.

    Parameters
    ----------
    alpha : float
        Not negative.
    """

    alpha: float

    def value(self, j, x):
        return 0.5 * self.alpha * x * x

    def prox(self, j, u, step):
        return u / (1.0 + step * self.alpha)

    def prox_tangent(self, j, u, step, z, du, d, k, q):
        return (du - step * d.alpha[k] * z) / (1.0 + step * self.alpha)

    def alpha_max(self, g: np.ndarray) -> float:
        """Raise: no alpha sets a coefficient to zero."""
        raise ValueError(
            "alpha_max does not exist for a squared l2 penalty: it sets no coefficient to zero at "
            "any alpha; give the range of alpha yourself"
        )
