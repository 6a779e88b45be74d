"""What held-out rows are judged by: a value and a slope a row.

A metric is a function of targets and linear predictions, both of shape (k,), that returns the loss
of every row and its slope in the prediction.  Labels of two classes come as -1 and +1.  The mean is
taken with the rows' weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastpiggy.problems import checks

Metric = Callable[[np.ndarray, np.ndarray], tuple[Any, Any]]


def squared_error(y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``(z - y)^2``."""
    return (z - y) ** 2, 2.0 * (z - y)


def absolute_error(y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``abs(z - y)``, of slope 0 where the two are equal."""
    return np.abs(z - y), np.sign(z - y)


def log_loss(y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``log(1 + exp(-y z))``."""
    small = np.exp(-np.abs(z))
    # 1/(1 + exp(y z)) without overflow.
    tail = np.where(y * z > 0.0, small, 1.0) / (1.0 + small)
    return np.maximum(-y * z, 0.0) + np.log1p(small), -y * tail


def binomial_deviance(y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Twice the log-loss."""
    value, slope = log_loss(y, z)
    return 2.0 * value, 2.0 * slope


def smoothed_hinge(y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``1/2 - m`` for m = y z below 0, ``(1 - m)^2/2`` up to 1, then 0 (Rennie, Srebro 2005)."""
    m = y * z
    short = np.clip(1.0 - m, 0.0, 1.0)
    return np.where(m < 0.0, 0.5 - m, 0.5 * short**2), -y * short


@dataclass(frozen=True)
class Huber:
    """``r^2/2`` for r = z - y up to delta, ``delta (abs(r) - delta/2)`` beyond.

    Parameters
    ----------
    delta : float
        Positive, in units of y.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> metric = fp.criteria.Huber(1.0)
    >>> metric(np.zeros(2), np.array([0.5, 3.0]))
    (array([0.125, 2.5  ]), array([0.5, 1. ]))
    """

    delta: float

    def __post_init__(self) -> None:
        checks.number(self.delta, "delta", open_low=True)

    def __call__(self, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        r = z - y
        slope = np.clip(r, -self.delta, self.delta)
        return slope * (r - 0.5 * slope), slope


_NUMBERS: dict[str, Metric] = {
    "mse": squared_error, "mae": absolute_error, "deviance": squared_error,
}  # fmt: skip
_LABELS: dict[str, Metric] = {
    "log_loss": log_loss, "deviance": binomial_deviance, "smoothed_hinge": smoothed_hinge,
}  # fmt: skip


def parse(metric: Any, problem: Any) -> Metric | None:
    """The function of a metric; None where it is the problem's own loss.

    Raises
    ------
    ValueError, TypeError
        For a name that is none, or a function that does not return what a metric does.
    """
    if metric is None:
        return None
    known = _NUMBERS if problem.classes is None else _LABELS
    if isinstance(metric, str):
        if metric not in known:
            kind = "numbers" if problem.classes is None else "labels"
            raise ValueError(
                f"metric must be one of {', '.join(map(repr, known))} or a function for a problem "
                f"with {kind} as targets, got {metric!r}"
            )
        own = {"mse": "LeastSquares", "deviance": "LeastSquares", "log_loss": "Logistic"}
        # The loss's own kernel, and the exact path, where they give the same numbers.
        if type(problem.loss).__name__ == own.get(metric):
            return None
        return known[metric]
    if not callable(metric):
        raise TypeError(f"metric must be a name or a function, got {type(metric).__name__}")
    _try(metric, problem.loss.y[:2])
    return metric


def _try(metric: Any, y: np.ndarray) -> None:
    """A metric that returns something else is named at once, not in the middle of a search."""
    wanted = "metric must return two arrays, value and slope, in the shape of y and z"
    try:
        value, slope = metric(y.copy(), np.zeros(y.size))
    except (TypeError, ValueError) as error:
        raise TypeError(f"{wanted}; it raised {error!r} for two rows") from error
    for found in (value, slope):
        if np.shape(found) != y.shape:
            raise ValueError(f"{wanted}, got shape {np.shape(found)} for two rows")
