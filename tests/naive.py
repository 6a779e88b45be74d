"""Each iteration and its tangent in plain NumPy, written from the papers.

Nothing here imports the package, and the package imports nothing here: these are the numbers that
it is held against.  Parameters are dicts by name (``p``), directions of them dicts of arrays with
a leading axis of m (``d``), tangents are rows.  The formulas take other routes than the package
where there is one: Moreau's identity for the norms, bisection for the simplex, the dual box
problem and the projector of the generalised lasso for total variation.
"""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from scipy.optimize import lsq_linear
from scipy.special import expit

# Losses: start of the state, slope, curvature, and the parameters' part of the slope's tangent.


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


LOSSES = {"LeastSquares": _least_squares(), "Logistic": _logistic(), "Huber": _huber()}


# Penalties: prox(u, step, p) -> z and tangent(u, step, p, du, d, dstep, q) -> dz, with vectors
# `step` and `q`; dstep has m entries.  Rows: papers, table of Clarke selections.


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
    "SquaredL2": _squared_l2(),
    "Box": _box(),
    "MCP": _mcp(),
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


# Iterations.  `c` binds a problem: dense A with its directions dA (m, n, p), loss, penalty, their
# parameters and directions, `free` trailing unpenalised coordinates, selection q, dstep.


def gradient(c, x, J):
    """States, slopes and gradient of the loss at x, with their tangents."""
    s = c.loss.start(c.p_loss) + c.A @ x
    S = c.loss.dstart(c.p_loss, c.d_loss) + J @ c.A.T + c.dA @ x
    r = c.loss.slope(s, c.p_loss)
    R = c.loss.curvature(s, c.p_loss) * S + c.loss.dslope(s, c.p_loss, c.d_loss)
    g = c.A.T @ r
    G = R @ c.A + np.einsum("kij,i->kj", c.dA, r)
    return SimpleNamespace(s=s, S=S, r=r, R=R, g=g, G=G)


def backward(c, u, U, steps, dstep):
    """The prox of the penalised coordinates with its tangent; the free ones pass."""
    p = u.size - c.free
    z, Z = np.array(u), np.array(U)
    z[:p] = c.penalty.prox(u[:p], steps[:p], c.p_penalty)
    Z[:, :p] = c.penalty.tangent(
        u[:p], steps[:p], c.p_penalty, U[:, :p], c.d_penalty, dstep, c.q[:p]
    )
    return z, Z


def forward_backward(c, steps, x, J):
    """``x+ = prox(x - step grad f)``, ``J+ = P_v (J - step (H J + f_theta)) + P_theta``."""
    at = gradient(c, x, J)
    U = J - steps * at.G - np.multiply.outer(c.dstep, at.g)
    return backward(c, x - steps * at.g, U, steps, c.dstep)


def descent(c, blocks, steps, x, J, moving=True):
    """One sweep of proximal steps on blocks of coordinates; also the largest move over its step.

    Coordinate descent (Bertrand et al., 2105.01637) where the blocks are single coordinates.
    """
    x, J, largest = np.array(x), np.array(J), 0.0
    for members in blocks:
        at = gradient(c, x, J)
        u, U = x - steps * at.g, J - steps * at.G
        z, Z = backward(c, u, U, steps, 0 * c.dstep)
        largest = max(largest, np.max(abs(z - x)[members] / steps[members]))
        J[:, members] = Z[:, members]
        if moving:
            x[members] = z[members]
    return x, J, largest


def fixed_point(c, steps, x, iterations=20000, tol=1e-15):
    """Forward-backward to the end, without tangents."""
    p = x.size - c.free
    for _ in range(iterations):
        z = x - steps * (c.A.T @ c.loss.slope(c.loss.start(c.p_loss) + c.A @ x, c.p_loss))
        z[:p] = c.penalty.prox(z[:p], steps[:p], c.p_penalty)
        if np.max(abs(z - x)) <= tol * max(1.0, np.max(abs(x))):
            break
        x = z
    return z


def implicit(c, steps, x):
    """``J = (I - A)^-1 B``, [A, B] the selection of the forward-backward map at x."""
    zero = np.zeros((len(c.dstep), x.size))
    B = forward_backward(c, steps, x, zero)[1]
    still = SimpleNamespace(**vars(c))
    for name in ("d_loss", "d_penalty"):
        parts = getattr(c, name).items()
        setattr(still, name, {k: np.zeros((x.size, *np.shape(v)[1:])) for k, v in parts})
    still.dA, still.dstep = np.zeros((x.size, *c.A.shape)), np.zeros(x.size)
    # Row i: the image of the i-th unit vector, so this is A'.
    A = forward_backward(still, steps, x, np.eye(x.size))[1]
    return np.linalg.solve((np.eye(x.size) - A).T, B.T).T
