"""Penalties: prox(u, step, p) -> z and tangent(u, step, p, du, d, dstep, q) -> dz.

`step` and `q` are vectors, dstep has m entries.  Rows: papers, table of Clarke selections.
"""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from scipy.optimize import lsq_linear


def _threshold(step, p, d, dstep, scale, dscale):
    """``t = step scale weights`` and its tangents, scale a number that moves along dscale."""
    w = p["weights"]
    dt = np.multiply.outer(dstep * scale, w) + step * np.multiply.outer(dscale, w)
    return step * scale * w, dt + step * scale * d["weights"]


def _soft(u, t):
    """Moreau: u less its projection on the dual ball."""
    return u - np.clip(u, -t, t)


def _mask(size, t, q):
    return np.where(size > t, 1.0, np.where((size == t) & (t > 0), q, 1.0 * (size >= t)))


def _l1():
    def tangent(u, step, p, du, d, dstep, q):
        t, dt = _threshold(step, p, d, dstep, p["alpha"], d["alpha"])
        return _mask(abs(u), t, q) * (du - dt * np.sign(u))

    return SimpleNamespace(
        value=lambda x, p: p["alpha"] * p["weights"] @ abs(x),
        prox=lambda u, step, p: _soft(u, step * p["alpha"] * p["weights"]),
        tangent=tangent,
    )


def _nonnegative_l1():
    def tangent(u, step, p, du, d, dstep, q):
        t, dt = _threshold(step, p, d, dstep, p["alpha"], d["alpha"])
        return np.where(u > t, 1.0, np.where(u == t, q, 0.0)) * (du - dt)

    return SimpleNamespace(
        value=lambda x, p: p["alpha"] * p["weights"] @ x if np.all(x >= 0) else np.inf,
        prox=lambda u, step, p: np.maximum(u - step * p["alpha"] * p["weights"], 0),
        tangent=tangent,
    )


def _elastic_net():
    def parts(step, p):
        ridge = p["alpha"] * (1 - p["l1_ratio"])
        return step * p["alpha"] * p["l1_ratio"] * p["weights"], 1 + step * ridge

    def prox(u, step, p):
        t, scale = parts(step, p)
        return _soft(u, t) / scale

    def tangent(u, step, p, du, d, dstep, q):
        a, l = p["alpha"], p["l1_ratio"]
        t, dt = _threshold(step, p, d, dstep, a * l, d["alpha"] * l + a * d["l1_ratio"])
        _, scale = parts(step, p)
        dridge = d["alpha"] * (1 - l) - a * d["l1_ratio"]
        dscale = np.multiply.outer(dridge, step) + (dstep * a * (1 - l))[:, None]
        dsoft = _mask(abs(u), t, q) * (du - dt * np.sign(u))
        return dsoft / scale - _soft(u, t) * dscale / scale**2

    def value(x, p):
        l1 = p["l1_ratio"] * p["weights"] @ abs(x)
        return p["alpha"] * (l1 + (1 - p["l1_ratio"]) * (x @ x) / 2)

    return SimpleNamespace(value=value, prox=prox, tangent=tangent)


def _nonnegative_elastic_net():
    def prox(u, step, p):
        t = step * p["alpha"] * p["l1_ratio"] * p["weights"]
        return np.maximum(u - t, 0) / (1 + step * p["alpha"] * (1 - p["l1_ratio"]))

    def tangent(u, step, p, du, d, dstep, q):
        a, l = p["alpha"], p["l1_ratio"]
        t, dt = _threshold(step, p, d, dstep, a * l, d["alpha"] * l + a * d["l1_ratio"])
        scale = 1 + step * a * (1 - l)
        dridge = d["alpha"] * (1 - l) - a * d["l1_ratio"]
        dscale = np.multiply.outer(dridge, step) + (dstep * a * (1 - l))[:, None]
        on = np.where(u > t, 1.0, np.where(u == t, q, 0.0))
        return on * (du - dt) / scale - np.maximum(u - t, 0) * dscale / scale**2

    value = _elastic_net().value
    return SimpleNamespace(
        value=lambda x, p: value(x, p) if np.all(x >= 0) else np.inf, prox=prox, tangent=tangent
    )


def _squared_l2():
    def tangent(u, step, p, du, d, dstep, q):
        scale = 1 + step * p["alpha"]
        dscale = np.multiply.outer(d["alpha"], step) + (dstep * p["alpha"])[:, None]
        return du / scale - u * dscale / scale**2

    return SimpleNamespace(
        value=lambda x, p: p["alpha"] * (x @ x) / 2,
        prox=lambda u, step, p: u / (1 + step * p["alpha"]),
        tangent=tangent,
    )


def _box():
    def tangent(u, step, p, du, d, dstep, q):
        lo, hi = p["lower"], p["upper"]
        at_lo, at_hi = np.where(u == lo, 1 - q, u < lo), np.where(u == hi, 1 - q, u > hi)
        return at_lo * d["lower"] + at_hi * d["upper"] + (1 - at_lo - at_hi) * du

    def value(x, p):
        return 0.0 if np.all((p["lower"] <= x) & (x <= p["upper"])) else np.inf

    return SimpleNamespace(
        value=value, prox=lambda u, step, p: np.clip(u, p["lower"], p["upper"]), tangent=tangent
    )


def _mcp():
    """The firm threshold: a soft threshold, stretched until it meets the identity."""

    def prox(u, step, p):
        a, g = p["alpha"] * p["weights"], p["gamma"]
        return np.where(abs(u) > g * a, u, g / (g - step) * _soft(u, step * a))

    def tangent(u, step, p, du, d, dstep, q):
        a, g, size = p["alpha"] * p["weights"], p["gamma"], abs(u)
        t, dt = _threshold(step, p, d, dstep, p["alpha"], d["alpha"])
        stretch = g / (g - step)
        dstretch = (g * dstep)[:, None] - np.multiply.outer(d["gamma"], step)
        dstretch = dstretch / (g - step) ** 2
        soft = _mask(size, t, q) * (du - dt * np.sign(u)) * stretch + _soft(u, t) * dstretch
        beyond = np.where(size == g * a, 1 - q, 1.0 * (size > g * a))
        beyond = np.where(a == 0, 1.0, beyond)
        return beyond * du + (1 - beyond) * soft

    def value(x, p):
        a, g = p["alpha"] * p["weights"], p["gamma"]
        curved = a * abs(x) - x**2 / (2 * g)
        return np.sum(np.where(abs(x) <= g * a, curved, g * a**2 / 2))

    return SimpleNamespace(value=value, prox=prox, tangent=tangent)


def _scad():
    """Three slopes of the penalty: constant, falling, zero.  Where it falls, completed squares."""

    def pieces(u, step, p):
        """Masks of the three pieces beyond the dead zone, and what the middle one is made of."""
        a, g, size = p["alpha"] * p["weights"], p["gamma"], abs(u)
        return a, g, size, (g - 1) / (g - 1 - step)

    def prox(u, step, p):
        a, g, size, stretch = pieces(u, step, p)
        # The middle is the firm threshold whose dead zone would end at step a g / (g - 1).
        middle = stretch * _soft(u, step * a * g / (g - 1))
        inner = np.where(size <= (1 + step) * a, _soft(u, step * a), middle)
        return np.where(size > g * a, u, inner)

    def tangent(u, step, p, du, d, dstep, q):
        a, g, size, stretch = pieces(u, step, p)
        t, dt = _threshold(step, p, d, dstep, p["alpha"], d["alpha"])
        soft = _mask(size, t, q) * (du - dt * np.sign(u))
        c = g / (g - 1)
        dc = -d["gamma"] / (g - 1) ** 2
        knee, dknee = c * t, c * dt + np.multiply.outer(dc, t)
        dstretch = (g - 1) * dstep[:, None] - np.multiply.outer(d["gamma"], step)
        dstretch = dstretch / (g - 1 - step) ** 2
        middle = stretch * (du - dknee * np.sign(u)) + dstretch * _soft(u, knee)
        bent = np.where(size == (1 + step) * a, q, 1.0 * (size > (1 + step) * a))
        beyond = np.where(size == g * a, 1 - q, 1.0 * (size > g * a))
        beyond = np.where(a == 0, 1.0, beyond)
        return beyond * du + (1 - beyond) * (bent * middle + (1 - bent) * soft)

    def value(x, p):
        """The integral of the slope ``min(a, (g a - x)_+ / (g - 1))`` of Fan and Li."""
        a, g, size = p["alpha"] * p["weights"], p["gamma"], abs(x)
        falling = (2 * g * a * size - size**2 - a**2) / (2 * (g - 1))
        flat = a**2 * (g + 1) / 2
        return np.sum(np.where(size <= a, a * size, np.where(size <= g * a, falling, flat)))

    return SimpleNamespace(value=value, prox=prox, tangent=tangent)


def _group_l2():
    def groups(p):
        bounds = p["offsets"]
        return [p["order"][lo:hi] for lo, hi in pairwise(bounds)]

    def prox(u, step, p):
        z = np.array(u)
        for g, w in zip(groups(p), p["weights"]):
            t, r = step[g[0]] * p["alpha"] * w, np.linalg.norm(u[g])
            # Moreau: less the projection on the ball of radius t.
            z[g] -= u[g] * (min(1.0, t / r) if r > 0 else 0.0)
        return z

    def tangent(u, step, p, du, d, dstep, q):
        dz = np.array(du)
        for b, g in enumerate(groups(p)):
            w, s, r = p["weights"][b], step[g[0]], np.linalg.norm(u[g])
            t = s * p["alpha"] * w
            dt = dstep * p["alpha"] * w + s * (d["alpha"] * w + p["alpha"] * d["weights"][:, b])
            if r > 0:
                v = u[g] / r
                P = (1 - t / r) * np.eye(len(g)) + t / r * np.outer(v, v)
                side = 1.0 if r > t else q[g[0]] if r == t else 0.0
                dz[:, g] = side * (du[:, g] @ P - np.outer(dt, v))
            elif t > 0:
                dz[:, g] = 0.0
        return dz

    def value(x, p):
        sizes = [np.linalg.norm(x[g]) for g in groups(p)]
        return p["alpha"] * (p["weights"] @ sizes)

    return SimpleNamespace(value=value, prox=prox, tangent=tangent)


def _simplex():
    def shift(u, radius):
        lo, hi = u.max() - radius, u.max()
        for _ in range(80):
            tau = (lo + hi) / 2
            lo, hi = (tau, hi) if np.maximum(u - tau, 0).sum() > radius else (lo, tau)
        support = u > hi + 1e-13 * (1 + abs(hi))
        return (u[support].sum() - radius) / support.sum()

    def tangent(u, step, p, du, d, dstep, q):
        above = u - shift(u, p["radius"])
        blended = 0.0
        for support, part in ((above > 1e-13, 1 - q[0]), (above > -1e-13, q[0])):
            S, count = 1.0 * support, support.sum()
            P = np.diag(S) - np.outer(S, S) / count
            blended = blended + part * (du @ P + np.multiply.outer(d["radius"], S / count))
        return blended

    def value(x, p):
        inside = np.all(x >= -1e-12) and abs(x.sum() - p["radius"]) <= 1e-12
        return 0.0 if inside else np.inf

    return SimpleNamespace(
        value=value,
        prox=lambda u, step, p: np.maximum(u - shift(u, p["radius"]), 0),
        tangent=tangent,
    )


def _total_variation():
    def dual(u, t):
        """``min norm(u - D'v)^2 / 2`` over ``abs(v) <= t``: exact, by active sets."""
        D = np.diff(np.eye(u.size), axis=0)
        if u.size == 1 or t == 0:
            return D, np.zeros(u.size - 1)
        return D, lsq_linear(D.T, u, (-t, t), method="bvls", tol=1e-15, max_iter=500).x

    def prox(u, step, p):
        D, v = dual(u, step[0] * p["alpha"])
        return u - D.T @ v

    def tangent(u, step, p, du, d, dstep, q):
        t = step[0] * p["alpha"]
        dt = dstep * p["alpha"] + step[0] * d["alpha"]
        D, v = dual(u, t)
        jump = D @ (u - D.T @ v)
        free = abs(jump) > 1e-12
        if t == 0:
            return du - np.outer(dt, D.T @ np.sign(jump))
        blended = 0.0
        # At a kink the jump is zero with its dual at the bound: merged, or split.
        for J, part in ((free, 1 - q[0]), (abs(v) > t * (1 - 1e-9), q[0])):
            P = np.eye(u.size) - np.linalg.pinv(D[~J]) @ D[~J] if np.any(~J) else np.eye(u.size)
            blended = blended + part * (du - np.outer(dt, D[J].T @ np.sign(v[J]))) @ P
        return blended

    return SimpleNamespace(
        value=lambda x, p: p["alpha"] * abs(np.diff(x)).sum(), prox=prox, tangent=tangent
    )


PENALTIES = {
    "L1": _l1(),
    "NonnegativeL1": _nonnegative_l1(),
    "ElasticNet": _elastic_net(),
    "NonnegativeElasticNet": _nonnegative_elastic_net(),
    "SquaredL2": _squared_l2(),
    "Box": _box(),
    "MCP": _mcp(),
    "SCAD": _scad(),
    "GroupL2": _group_l2(),
    "Simplex": _simplex(),
    "TotalVariation": _total_variation(),
}


def prox_by_bisection(value, u, step, bound=1e3):
    """``argmin_z (z - u)^2/2 + step value(z)`` of a number, by bisection on difference quotients.

    Knows only the values of a penalty, finite at 0; for steps that keep the sum convex.
    """

    def rises(z):
        h = 1e-7 * max(1.0, abs(z))
        left, right = value(z - h), value(z + h)
        if not np.isfinite(left) or not np.isfinite(right):
            return z > 0
        return z - u + step * (right - left) / (2 * h) > 0

    lo, hi = -bound, bound
    while hi - lo > 1e-12 * max(1.0, abs(u)):
        middle = (lo + hi) / 2
        lo, hi = (lo, middle) if rises(middle) else (middle, hi)
    return (lo + hi) / 2
