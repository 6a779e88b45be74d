"""Losses: start of the state, slope, curvature, and the parameters' part of the slope's tangent."""

from types import SimpleNamespace

import numpy as np
from scipy.special import expit


def _least_squares():
    return SimpleNamespace(
        start=lambda p: -p["y"],
        dstart=lambda p, d: -d["y"],
        value=lambda z, p: p["sample_weight"] * z**2 / 2,
        slope=lambda z, p: p["sample_weight"] * z,
        curvature=lambda z, p: p["sample_weight"] + 0 * z,
        dslope=lambda z, p, d: d["sample_weight"] * z,
    )


def _logistic():
    return SimpleNamespace(
        start=lambda p: 0 * p["y"],
        dstart=lambda p, d: 0 * d["y"],
        value=lambda z, p: p["sample_weight"] * np.logaddexp(0, -p["y"] * z),
        slope=lambda z, p: -p["sample_weight"] * p["y"] * expit(-p["y"] * z),
        curvature=lambda z, p: p["sample_weight"] * expit(z) * expit(-z),
        dslope=lambda z, p, d: -d["sample_weight"] * p["y"] * expit(-p["y"] * z),
    )


def _huber():
    """The slope is the residual clipped to ``[-delta, delta]``."""

    def value(z, p):
        linear = p["delta"] * (abs(z) - p["delta"] / 2)
        return p["sample_weight"] * np.where(abs(z) <= p["delta"], z**2 / 2, linear)

    def inside(z, p):
        knee = np.where(abs(z) == p["delta"], p["selection"], 0.0)
        return np.where(abs(z) < p["delta"], 1.0, knee)

    def clipped(z, p):
        return np.clip(z, -p["delta"], p["delta"])

    def dslope(z, p, d):
        outside = (1 - inside(z, p)) * np.sign(z)
        moved = np.multiply.outer(d["delta"], outside)
        return d["sample_weight"] * clipped(z, p) + p["sample_weight"] * moved

    return SimpleNamespace(
        start=lambda p: -p["y"],
        dstart=lambda p, d: -d["y"],
        value=value,
        slope=lambda z, p: p["sample_weight"] * clipped(z, p),
        curvature=lambda z, p: p["sample_weight"] * inside(z, p),
        dslope=dslope,
    )


def _squared_hinge():
    """The square of the distance of the margin ``y z`` from ``[1, inf)``."""

    def short(z, p):
        return p["y"] * z - np.maximum(p["y"] * z, 1)

    def inside(z, p):
        margin = p["y"] * z
        return np.where(margin == 1, p["selection"], 1.0 * (margin < 1))

    return SimpleNamespace(
        start=lambda p: 0 * p["y"],
        dstart=lambda p, d: 0 * d["y"],
        value=lambda z, p: p["sample_weight"] * short(z, p) ** 2,
        slope=lambda z, p: 2 * p["sample_weight"] * p["y"] * short(z, p),
        curvature=lambda z, p: 2 * p["sample_weight"] * inside(z, p),
        dslope=lambda z, p, d: 2 * d["sample_weight"] * p["y"] * short(z, p),
    )


LOSSES = {
    "LeastSquares": _least_squares(),
    "Logistic": _logistic(),
    "SquaredHinge": _squared_hinge(),
    "Huber": _huber(),
}
