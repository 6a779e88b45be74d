"""Every penalty: how to make one at random, and where its kinks are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression

from fastpiggy.penalties import (
    L1,
    MCP,
    SCAD,
    Affine,
    Box,
    CappedSimplex,
    ConeProduct,
    DualExponentialCone,
    ElasticNet,
    Entropy,
    ExponentialCone,
    GroupL2,
    Halfspace,
    Hinge,
    HuberNorm,
    Isotonic,
    L1Ball,
    L2Ball,
    LInf,
    LInfBall,
    LogDet,
    NonnegativeElasticNet,
    NonnegativeL1,
    NonnegativeOrthant,
    NuclearNorm,
    Poisson,
    PSDCone,
    SecondOrderCone,
    Simplex,
    Softplus,
    SortedL1,
    SquaredL2,
    TotalVariation,
    ZeroCone,
)
from tables import kinks, references


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


def _decreasing(rng, p):
    return SortedL1(0.25, 0.25 * (1.0 + np.arange(p, 0.0, -1.0)))


def _symmetric(rng, p):
    n = int(np.sqrt(p))
    A = rng.standard_normal((n, n))
    return (A @ A.T).ravel() / n


def _affine(rng, p):
    rows = (p + 1) // 2
    return Affine(rng.standard_normal((rows, p)), rng.standard_normal(rows))


@dataclass(frozen=True)
class PenaltyCase:
    """How to make a penalty at random, and what is known of it."""

    make: Callable[..., Any]
    kinks: Callable[..., list] = field(default=lambda penalty, u, step: [])
    convex: bool = True
    #: The same penalty switched off, whose prox is the identity; None where there is none.
    off: Callable[..., Any] | None = None
    #: Another way to the prox, ``(penalty, u, step)``, where tests/naive has none.
    reference: Callable[..., Any] | None = None
    #: Coordinates of a random point, and of a kink.
    size: int = 6
    kink_size: int = 4
    #: Whether it exists for one coordinate.
    single: bool = True
    #: Whether it is finite on a cone, or a norm's multiple, so that it has no size of its own.
    cone: bool = False


PENALTIES: dict[str, PenaltyCase] = {
    "L1": PenaltyCase(
        lambda rng, p: L1(0.1, weights(rng, p)),
        kinks.coordinates(
            lambda g, a: a * g.alpha * g.weights, lambda g, a: -a * g.alpha * g.weights
        ),
        off=lambda rng, p: L1(0.0, weights(rng, p)),
    ),
    "NonnegativeL1": PenaltyCase(
        lambda rng, p: NonnegativeL1(0.1, weights(rng, p)),
        kinks.coordinates(lambda g, a: a * g.alpha * g.weights),
    ),
    "ElasticNet": PenaltyCase(
        lambda rng, p: ElasticNet(0.25, 0.5, weights(rng, p)),
        kinks.coordinates(
            lambda g, a: a * g.alpha * g.l1_ratio * g.weights,
            lambda g, a: -a * g.alpha * g.l1_ratio * g.weights,
        ),
        off=lambda rng, p: ElasticNet(0.0, 0.6, weights(rng, p)),
    ),
    "NonnegativeElasticNet": PenaltyCase(
        lambda rng, p: NonnegativeElasticNet(0.25, 0.5, weights(rng, p)),
        kinks.coordinates(lambda g, a: a * g.alpha * g.l1_ratio * g.weights),
    ),
    "SquaredL2": PenaltyCase(lambda rng, p: SquaredL2(0.3), off=lambda rng, p: SquaredL2(0.0)),
    "Box": PenaltyCase(
        box,
        kinks.coordinates(lambda g, a: g.lower, lambda g, a: g.upper),
        off=lambda rng, p: Box(np.full(p, -np.inf), np.full(p, np.inf)),
    ),
    "MCP": PenaltyCase(
        lambda rng, p: MCP(0.125, 16.0, weights(rng, p)),
        kinks.coordinates(
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
        kinks.coordinates(
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
        groups, kinks.group_kinks, off=lambda rng, p: groups(rng, p)._replace(alpha=0.0)
    ),
    "Simplex": PenaltyCase(lambda rng, p: Simplex(1.25), kinks.simplex_kinks),
    "TotalVariation": PenaltyCase(
        lambda rng, p: TotalVariation(0.25),
        kinks.variation_kinks,
        off=lambda rng, p: TotalVariation(0.0),
    ),
    "HuberNorm": PenaltyCase(
        lambda rng, p: HuberNorm(0.5, 0.75, weights(rng, p)),
        kinks.coordinates(
            lambda g, a: g.delta + a * g.alpha * g.weights,
            lambda g, a: -g.delta - a * g.alpha * g.weights,
        ),
        off=lambda rng, p: HuberNorm(0.0, 0.75, weights(rng, p)),
    ),
    "Hinge": PenaltyCase(
        lambda rng, p: Hinge(0.25, weights(rng, p)),
        kinks.coordinates(lambda g, a: 1.0, lambda g, a: 1.0 - a * (g.alpha * g.weights)),
        off=lambda rng, p: Hinge(0.0, weights(rng, p)),
    ),
    "Softplus": PenaltyCase(
        lambda rng, p: Softplus(0.75, weights(rng, p)),
        off=lambda rng, p: Softplus(0.0, weights(rng, p)),
    ),
    "Entropy": PenaltyCase(lambda rng, p: Entropy(1.0, weights(rng, p))),
    "Poisson": PenaltyCase(
        lambda rng, p: Poisson(0.75, rng.uniform(0.5, 3, p), weights(rng, p)),
    ),
    "LInfBall": PenaltyCase(
        lambda rng, p: LInfBall(0.25),
        kinks.coordinates(lambda g, a: g.radius, lambda g, a: -g.radius),
    ),
    "L1Ball": PenaltyCase(
        lambda rng, p: L1Ball(1.25),
        kinks.at([0.5, -0.25, 0.375, -0.125], [1.0, -0.75, 0.25, -0.1]),
        reference=references.l1_ball,
    ),
    "L2Ball": PenaltyCase(
        lambda rng, p: L2Ball(1.25),
        kinks.at([0.75, 1.0, 0.0, 0.0], [0.0, 0.0, -0.75, 1.0]),
        reference=lambda g, u, a: u * min(1.0, g.radius / np.linalg.norm(u)) if u.any() else u,
    ),
    "LInf": PenaltyCase(
        lambda rng, p: LInf(0.25),
        kinks.level_kinks,
        off=lambda rng, p: LInf(0.0),
        reference=lambda g, u, a: u - references.l1_ball(L1Ball(a * g.alpha), u, a),
    ),
    "CappedSimplex": PenaltyCase(
        lambda rng, p: CappedSimplex(min(1.25, 0.5 * p), 0.75),
        kinks.at([1.0, 0.5, 0.5, -1.0], [2.0, 0.75, 0.25, -1.0]),
        reference=references.by_shift(lambda g, u, tau: np.clip(u - tau, 0.0, g.cap)),
    ),
    "Halfspace": PenaltyCase(
        lambda rng, p: Halfspace(rng.standard_normal(p), 0.3),
        kinks.plane,
        reference=lambda g, u, a: (
            u - max(g.normal @ u - g.offset, 0.0) / (g.normal @ g.normal) * g.normal
        ),
    ),
    "Affine": PenaltyCase(
        _affine,
        reference=lambda g, u, a: u - np.linalg.pinv(g.A) @ (g.A @ u - g.b),
    ),
    "Isotonic": PenaltyCase(
        lambda rng, p: Isotonic(p),
        kinks.at([0.0, 1.0, 1.0, 2.0], [1.0, 0.0, 0.5, 2.0]),
        cone=True,
        reference=lambda g, u, a: isotonic_regression(u).x,
    ),
    "SortedL1": PenaltyCase(
        _decreasing,
        kinks.sorted_kinks,
        off=lambda rng, p: _decreasing(rng, p)._replace(alpha=0.0),
        reference=references.sorted_prox,
    ),
    "ZeroCone": PenaltyCase(lambda rng, p: ZeroCone(p), cone=True),
    "NonnegativeOrthant": PenaltyCase(
        lambda rng, p: NonnegativeOrthant(p), kinks.with_zero, cone=True
    ),
    "SecondOrderCone": PenaltyCase(
        lambda rng, p: SecondOrderCone(p),
        kinks.at([1.25, 0.75, 1.0, 0.0], [-1.25, 0.75, 0.0, -1.0]),
        cone=True,
    ),
    "PSDCone": PenaltyCase(
        lambda rng, p: PSDCone(int(np.sqrt(p))),
        kinks.eigen_kinks,
        size=9,
        cone=True,
        reference=references.semidefinite,
    ),
    "ExponentialCone": PenaltyCase(
        lambda rng, p: ExponentialCone(p // 3),
        kinks.at(*kinks.EXPONENTIAL),
        kink_size=3,
        single=False,
        cone=True,
    ),
    "DualExponentialCone": PenaltyCase(
        lambda rng, p: DualExponentialCone(p // 3),
        kinks.at(*-kinks.EXPONENTIAL),
        kink_size=3,
        single=False,
        cone=True,
    ),
    "ConeProduct": PenaltyCase(
        lambda rng, p: ConeProduct(1, 2, np.array([3]), np.array([2]), 1, 1),
        kinks.product_kinks,
        size=15,
        kink_size=15,
        single=False,
        cone=True,
    ),
    "NuclearNorm": PenaltyCase(
        lambda rng, p: NuclearNorm(0.25, 2 if p % 2 == 0 else 1),
        kinks.singular_kinks,
        off=lambda rng, p: NuclearNorm(0.0, 2),
        reference=references.singular_prox,
    ),
    "LogDet": PenaltyCase(
        lambda rng, p: LogDet(0.75, _symmetric(rng, p)), size=9, reference=references.log_det_prox
    ),
}
