"""Cubic Hermite interpolation on an interval: values and slopes at both ends."""

from typing import NamedTuple

import numpy as np


class Node(NamedTuple):
    """A point of the curve: position, value, slope."""

    t: float
    value: float
    slope: float


def minimiser(a: Node, b: Node) -> tuple[float, float] | None:
    """Position and value of the local minimum of the cubic inside (a, b); None where it has none.

    With ``d = slope_a + slope_b - 3 (value_b - value_a)/h`` and ``w = sqrt(d^2 - slope_a slope_b)``
    it lies at ``b - h (slope_b + w - d)/(slope_b - slope_a + 2 w)`` (Nocedal and Wright, eq. 3.59).
    """
    h = b.t - a.t
    d = a.slope + b.slope - 3.0 * (b.value - a.value) / h
    square = d * d - a.slope * b.slope
    if square < 0:
        return None
    w = np.sqrt(square)
    below = b.slope - a.slope + 2.0 * w
    if below == 0:
        return None
    t = b.t - h * (b.slope + w - d) / below
    if not a.t < t < b.t:
        return None
    return float(t), interpolate(a, b, t)


def interpolate(a: Node, b: Node, t: float) -> float:
    """Value of the cubic at t."""
    h = b.t - a.t
    u = (t - a.t) / h
    return float(
        (1 + 2 * u) * (1 - u) ** 2 * a.value
        + u * (1 - u) ** 2 * h * a.slope
        + u * u * (3 - 2 * u) * b.value
        + u * u * (u - 1) * h * b.slope
    )
