"""Every penalty: how to make one at random, and where its kinks are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from fastpiggy.penalties import (
    L1,
    MCP,
    SCAD,
    Box,
    ElasticNet,
    GroupL2,
    NonnegativeL1,
    Simplex,
    SquaredL2,
    TotalVariation,
)


def weights(rng, p):
    """Positive, and the last one zero: an unpenalised coordinate (or group)."""
    found = rng.uniform(0.5, 1.5, p)
    found[-1] = 0.0
    return found


def box(rng, p):
    lower, upper = -rng.uniform(0.1, 0.4, p), rng.uniform(0.1, 0.4, p)
    lower[0], upper[-1] = -np.inf, np.inf
    return Box(lower, upper)


def groups(rng, p):
    """Groups of two, the last one shorter where p is odd, with scattered members."""
    offsets = np.append(np.arange(0, p, 2), p)
    return GroupL2(0.1, weights(rng, offsets.size - 1), offsets, rng.permutation(p))


def _coordinates(*values: Callable[[Any, float], Any]) -> Callable[..., list]:
    """Kinks of a separable penalty: one coordinate at a time at one of its thresholds."""

    def make(penalty, u, step):
        found = []
        for j, value in product(range(u.size), values):
            at = u.copy()
            at[j] = np.broadcast_to(value(penalty, step), u.shape)[j]
            # An unpenalised coordinate has none, a side that is open neither.
            if at[j] != 0 and np.isfinite(at[j]):
                found.append(at)
        return found

    return make


def _group_kinks(penalty, u, step):
    found = []
    for b in np.flatnonzero(penalty.weights):
        at = u.copy()
        members = penalty.order[penalty.offsets[b] : penalty.offsets[b + 1]]
        at[members] = 0.0
        # Along an axis, so that the norm is the threshold to the last bit.
        at[members[0]] = -step * penalty.alpha * penalty.weights[b]
        found.append(at)
    return found


def _simplex_kinks(penalty, u, step):
    at = np.full(u.size, -3.0 * penalty.radius)
    at[:3] = 0.75 * penalty.radius, 0.25 * penalty.radius, 0.0
    return [at, at - 1.0]


def _variation_kinks(penalty, u, step):
    t = step * penalty.alpha
    step_up = np.zeros(u.size)
    step_up[u.size // 2 :] = 2 * t * (1 / (u.size // 2) + 1 / (u.size - u.size // 2)) / 2
    return [step_up, 1.0 - step_up]


@dataclass(frozen=True)
class PenaltyCase:
    """How to make a penalty at random, and what is known of it."""

    make: Callable[..., Any]
    kinks: Callable[..., list] = field(default=lambda penalty, u, step: [])
    convex: bool = True
    #: The same penalty switched off, whose prox is the identity; None where there is none.
    off: Callable[..., Any] | None = None
    #: The largest step that the tests take.
    step: float = 2.0


PENALTIES: dict[str, PenaltyCase] = {
    "L1": PenaltyCase(
        lambda rng, p: L1(0.1, weights(rng, p)),
        _coordinates(lambda g, a: a * g.alpha * g.weights, lambda g, a: -a * g.alpha * g.weights),
        off=lambda rng, p: L1(0.0, weights(rng, p)),
    ),
    "NonnegativeL1": PenaltyCase(
        lambda rng, p: NonnegativeL1(0.1, weights(rng, p)),
        _coordinates(lambda g, a: a * g.alpha * g.weights),
    ),
    "ElasticNet": PenaltyCase(
        lambda rng, p: ElasticNet(0.25, 0.5, weights(rng, p)),
        _coordinates(
            lambda g, a: a * g.alpha * g.l1_ratio * g.weights,
            lambda g, a: -a * g.alpha * g.l1_ratio * g.weights,
        ),
        off=lambda rng, p: ElasticNet(0.0, 0.6, weights(rng, p)),
    ),
    "SquaredL2": PenaltyCase(lambda rng, p: SquaredL2(0.3), off=lambda rng, p: SquaredL2(0.0)),
    "Box": PenaltyCase(
        box,
        _coordinates(lambda g, a: g.lower, lambda g, a: g.upper),
        off=lambda rng, p: Box(np.full(p, -np.inf), np.full(p, np.inf)),
    ),
    "MCP": PenaltyCase(
        lambda rng, p: MCP(0.125, 16.0, weights(rng, p)),
        _coordinates(
            lambda g, a: a * (g.alpha * g.weights),
            lambda g, a: -a * (g.alpha * g.weights),
            lambda g, a: g.gamma * (g.alpha * g.weights),
            lambda g, a: -g.gamma * (g.alpha * g.weights),
        ),
        convex=False,
        off=lambda rng, p: MCP(0.0, 16.0, weights(rng, p)),
    ),
    "SCAD": PenaltyCase(
        lambda rng, p: SCAD(0.125, 16.0, weights(rng, p)),
        _coordinates(
            lambda g, a: a * (g.alpha * g.weights),
            lambda g, a: -a * (g.alpha * g.weights),
            lambda g, a: (1.0 + a) * (g.alpha * g.weights),
            lambda g, a: -(1.0 + a) * (g.alpha * g.weights),
            lambda g, a: g.gamma * (g.alpha * g.weights),
            lambda g, a: -g.gamma * (g.alpha * g.weights),
        ),
        convex=False,
        off=lambda rng, p: SCAD(0.0, 16.0, weights(rng, p)),
    ),
    "GroupL2": PenaltyCase(
        groups, _group_kinks, off=lambda rng, p: groups(rng, p)._replace(alpha=0.0)
    ),
    "Simplex": PenaltyCase(lambda rng, p: Simplex(1.25), _simplex_kinks),
    "TotalVariation": PenaltyCase(
        lambda rng, p: TotalVariation(0.25),
        _variation_kinks,
        off=lambda rng, p: TotalVariation(0.0),
    ),
}
