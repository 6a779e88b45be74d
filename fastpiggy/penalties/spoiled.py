"""What whole-vector penalties share: no number is lost, and sizes are checked."""

import numpy as np

from fastpiggy.compile import routine


@routine
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


def check_size(size, p, name="size", each=1):
    """Raise where p is not `each` times a field of the penalty."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size * each != p:
        raise ValueError(
            f"penalty.{name} must be the integer {p // each} for the {p} columns of X, got {size!r}"
            if p % each == 0
            else f"X must have a multiple of {each} columns for this penalty, got {p}"
        )
