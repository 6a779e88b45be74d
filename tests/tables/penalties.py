"""Every penalty: how to make one at random, and where its kinks are."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from scipy.linalg import sqrtm
from scipy.optimize import brentq, isotonic_regression

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


def _at(*points: Any) -> Callable[..., list]:
    """Kinks at points that do not depend on the penalty."""
    return lambda penalty, u, step: [np.array(point, dtype=float) for point in points]


def _with_zero(penalty, u, step):
    return [np.where(np.arange(u.size) == j, 0.0, u) for j in range(u.size)]


def _plane(penalty, u, step):
    a = penalty.normal
    for _ in range(3):
        u = u - (a @ u - penalty.offset) / (a @ a) * a
    return [u]


def _level_kinks(penalty, u, step):
    """Of the l-infinity norm: the sum of magnitudes is t, or one just touches the level."""
    t = step * penalty.alpha
    return [t * np.array([0.5, -0.25, 0.125, 0.125]), np.array([1.0 + t, -1.0, 0.3, -0.2])]


def _sorted_kinks(penalty, u, step):
    """Two clusters meet, or one reaches zero."""
    t = step * penalty.alpha
    w = t * penalty.weights
    return [
        np.array([-1.0 - w[1], 0.1 * w[3], 1.0 + w[0], 0.1 * w[3]]),
        np.array([3.0, w[2], -2.0, 0.1 * w[3]]),
    ]


def _singular_kinks(penalty, u, step):
    U, _, V = np.linalg.svd(u.reshape(penalty.rows, -1), full_matrices=False)
    s = np.array([3.0, step * penalty.alpha])
    return [(U * s @ V).ravel()]


def _eigen_kinks(penalty, u, step):
    """One eigenvalue of zero beside a positive one, and beside a negative one."""
    v = np.array([0.6, 0.8])
    return [sign * np.outer(v, v).ravel() for sign in (1.0, -1.0)]


def _product_kinks(penalty, u, step):
    u = u.copy()
    u[1] = 0.0
    return [u]


#: Points on the borders of the exponential cone, of its polar cone, and of what lies between.
EXPONENTIAL = np.array([
    [1.0, 1.0, np.e], [-2.0, 0.5, 0.5 * np.exp(-4.0)], [1.0, 0.5, -np.exp(-0.5)],
    [-1.0, 0.0, 0.5], [-1.0, -1.0, 0.0], [-1.0, 0.0, -1.0], [0.0, -1.0, 1.0],
])  # fmt: skip


def _decreasing(rng, p):
    return SortedL1(0.25, 0.25 * (1.0 + np.arange(p, 0.0, -1.0)))


def _symmetric(rng, p):
    n = int(np.sqrt(p))
    A = rng.standard_normal((n, n))
    return (A @ A.T).ravel() / n


def _affine(rng, p):
    rows = (p + 1) // 2
    return Affine(rng.standard_normal((rows, p)), rng.standard_normal(rows))


def _by_shift(clip: Callable[..., Any]) -> Callable[..., Any]:
    """Projection ``clip(u, tau)`` with the tau for which the magnitudes sum to the radius."""

    def project(penalty, u, step):
        def excess(tau):
            return abs(clip(penalty, u, tau)).sum() - penalty.radius

        low, high = -abs(u).max() - penalty.radius - 5, abs(u).max() + penalty.radius + 5
        return clip(penalty, u, brentq(excess, low, high, xtol=1e-15, rtol=1e-15))

    return project


def _cut(penalty, u, tau):
    """What is left of magnitudes when tau is taken off; nothing is where tau is not positive."""
    return np.sign(u) * np.maximum(abs(u) - max(tau, 0.0), 0.0)


def _l1_ball(penalty, u, step):
    return u if abs(u).sum() <= penalty.radius else _by_shift(_cut)(penalty, u, step)


def _sorted_prox(penalty, u, step):
    order = np.argsort(-abs(u), kind="stable")
    less = abs(u)[order] - step * penalty.alpha * penalty.weights
    z = np.empty(u.size)
    z[order] = np.maximum(isotonic_regression(less, increasing=False).x, 0.0)
    return np.sign(u) * z


def _singular_prox(penalty, u, step):
    U, s, V = np.linalg.svd(u.reshape(penalty.rows, -1), full_matrices=False)
    return (U * np.maximum(s - step * penalty.alpha, 0.0) @ V).ravel()


def _symmetric_part(u):
    A = u.reshape(int(np.sqrt(u.size)), -1)
    return (A + A.T) / 2


def _semidefinite(penalty, u, step):
    """``(A + abs(A))/2``, the modulus by the square root of the square."""
    A = _symmetric_part(u)
    d, Q = np.linalg.eigh(A)
    return ((A + (Q * abs(d)) @ Q.T) / 2).ravel()


def _log_det_prox(penalty, u, step):
    t = step * penalty.alpha
    A = _symmetric_part(u - t * penalty.S)
    return np.real(A + sqrtm(A @ A + 4 * t * np.eye(len(A)))).ravel() / 2


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
    "NonnegativeElasticNet": PenaltyCase(
        lambda rng, p: NonnegativeElasticNet(0.25, 0.5, weights(rng, p)),
        _coordinates(lambda g, a: a * g.alpha * g.l1_ratio * g.weights),
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
    "HuberNorm": PenaltyCase(
        lambda rng, p: HuberNorm(0.5, 0.75, weights(rng, p)),
        _coordinates(
            lambda g, a: g.delta + a * g.alpha * g.weights,
            lambda g, a: -g.delta - a * g.alpha * g.weights,
        ),
        off=lambda rng, p: HuberNorm(0.0, 0.75, weights(rng, p)),
    ),
    "Hinge": PenaltyCase(
        lambda rng, p: Hinge(0.25, weights(rng, p)),
        _coordinates(lambda g, a: 1.0, lambda g, a: 1.0 - a * (g.alpha * g.weights)),
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
        _coordinates(lambda g, a: g.radius, lambda g, a: -g.radius),
    ),
    "L1Ball": PenaltyCase(
        lambda rng, p: L1Ball(1.25),
        _at([0.5, -0.25, 0.375, -0.125], [1.0, -0.75, 0.25, -0.1]),
        reference=_l1_ball,
    ),
    "L2Ball": PenaltyCase(
        lambda rng, p: L2Ball(1.25),
        _at([0.75, 1.0, 0.0, 0.0], [0.0, 0.0, -0.75, 1.0]),
        reference=lambda g, u, a: u * min(1.0, g.radius / np.linalg.norm(u)) if u.any() else u,
    ),
    "LInf": PenaltyCase(
        lambda rng, p: LInf(0.25),
        _level_kinks,
        off=lambda rng, p: LInf(0.0),
        reference=lambda g, u, a: u - _l1_ball(L1Ball(a * g.alpha), u, a),
    ),
    "CappedSimplex": PenaltyCase(
        lambda rng, p: CappedSimplex(min(1.25, 0.5 * p), 0.75),
        _at([1.0, 0.5, 0.5, -1.0], [2.0, 0.75, 0.25, -1.0]),
        reference=_by_shift(lambda g, u, tau: np.clip(u - tau, 0.0, g.cap)),
    ),
    "Halfspace": PenaltyCase(
        lambda rng, p: Halfspace(rng.standard_normal(p), 0.3),
        _plane,
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
        _at([0.0, 1.0, 1.0, 2.0], [1.0, 0.0, 0.5, 2.0]),
        cone=True,
        reference=lambda g, u, a: isotonic_regression(u).x,
    ),
    "SortedL1": PenaltyCase(
        _decreasing,
        _sorted_kinks,
        off=lambda rng, p: _decreasing(rng, p)._replace(alpha=0.0),
        reference=_sorted_prox,
    ),
    "ZeroCone": PenaltyCase(lambda rng, p: ZeroCone(p), cone=True),
    "NonnegativeOrthant": PenaltyCase(lambda rng, p: NonnegativeOrthant(p), _with_zero, cone=True),
    "SecondOrderCone": PenaltyCase(
        lambda rng, p: SecondOrderCone(p),
        _at([1.25, 0.75, 1.0, 0.0], [-1.25, 0.75, 0.0, -1.0]),
        cone=True,
    ),
    "PSDCone": PenaltyCase(
        lambda rng, p: PSDCone(int(np.sqrt(p))),
        _eigen_kinks,
        size=9,
        cone=True,
        reference=_semidefinite,
    ),
    "ExponentialCone": PenaltyCase(
        lambda rng, p: ExponentialCone(p // 3),
        _at(*EXPONENTIAL),
        kink_size=3,
        single=False,
        cone=True,
    ),
    "DualExponentialCone": PenaltyCase(
        lambda rng, p: DualExponentialCone(p // 3),
        _at(*-EXPONENTIAL),
        kink_size=3,
        single=False,
        cone=True,
    ),
    "ConeProduct": PenaltyCase(
        lambda rng, p: ConeProduct(1, 2, np.array([3]), np.array([2]), 1, 1),
        _product_kinks,
        size=15,
        kink_size=15,
        single=False,
        cone=True,
    ),
    "NuclearNorm": PenaltyCase(
        lambda rng, p: NuclearNorm(0.25, 2 if p % 2 == 0 else 1),
        _singular_kinks,
        off=lambda rng, p: NuclearNorm(0.0, 2),
        reference=_singular_prox,
    ),
    "LogDet": PenaltyCase(
        lambda rng, p: LogDet(0.75, _symmetric(rng, p)), size=9, reference=_log_det_prox
    ),
}
