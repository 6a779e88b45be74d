"""What the penalties with a threshold share."""

import numpy as np


def largest_ratio(size: np.ndarray, weights: np.ndarray) -> float:
    """Largest ``size / weights`` where there is a weight, 0 where nothing is penalised."""
    penalised = weights > 0
    return float(np.max(size[penalised] / weights[penalised], initial=0.0))
