"""What is no number must come through every prox."""

import numpy as np

from fastpiggy.compile import helper


@helper
def spoiled(u, z, dz, m):
    """True where u holds a NaN or an infinity; then z and its tangents are filled with NaN."""
    for j in range(u.size):
        if not np.isfinite(u[j]):
            for i in range(u.size):
                z[i] = np.nan
                for k in range(m):
                    dz[k, i] = np.nan
            return True
    return False
