"""Models at random, with solutions and derivatives from their optimality equations alone.

A model is a dict of raw inputs by name (``t``): X, y, sample_weight, alpha, ...  Its optimality
conditions on the active set are p equations, and one for the intercept, written here as a user
would write them on paper.  Newton's method with complex steps solves them to rounding and
differentiates them along anything, so that no formula is shared with the package: derivatives of
slopes, of penalties and of their parameters are never written down.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import fastpiggy as fp

_H = 1e-30


def _sigmoid(z):
    return np.where(z.real >= 0, 1, np.exp(np.where(z.real >= 0, 0, z))) / (
        1 + np.exp(np.where(z.real >= 0, -z, z))
    )


def _least_squares(z, t):
    return z - t["y"]


def _logistic(z, t):
    return -t["y"] * _sigmoid(-t["y"] * z)


def _huber(z, t):
    r = z - t["y"]
    return np.where(abs(r.real) < t["delta"].real, r, t["delta"] * np.sign(r.real))


def _norm(v):
    return np.sqrt((v * v).sum())


# Equations of the penalised coordinates: E(w, g, t, w0) = 0, the active set that of w0.


def _l1(w, g, t, w0, ridge=0.0, share=1.0):
    c = t["alpha"] * share * t["weights"]
    held = (w0 == 0) & (c.real > 0)
    return np.where(held, w, g + c * np.sign(w0) + ridge * w)


def _elastic_net(w, g, t, w0):
    return _l1(w, g, t, w0, t["alpha"] * (1 - t["l1_ratio"]), t["l1_ratio"])


def _squared_l2(w, g, t, w0):
    return g + t["alpha"] * w


def _mcp(w, g, t, w0):
    a = t["alpha"] * t["weights"]
    beyond = abs(w0) > t["gamma"].real * a.real
    inside = np.where(beyond, g, g + a * np.sign(w0) - w / t["gamma"])
    return np.where((w0 == 0) & (a.real > 0), w, inside)


def _box(w, g, t, w0):
    low, high = w0 <= t["lower"].real, w0 >= t["upper"].real
    return np.where(low, w - t["lower"], np.where(high, w - t["upper"], g))


def _group_l2(w, g, t, w0):
    E = np.empty_like(w)
    for b, label in enumerate(np.unique(t["groups"])):
        at = t["groups"] == label
        c = t["alpha"] * t["weights"][b]
        if c.real > 0 and not np.any(w0[at]):
            E[at] = w[at]
        else:
            E[at] = g[at] + (c * w[at] / _norm(w[at]) if c.real > 0 else 0)
    return E


def _simplex(w, g, t, w0):
    on = np.flatnonzero(w0)
    E = w + 0
    E[on] = g[on] - g[on[0]]
    E[on[0]] = w.sum() - t["radius"]
    return E


def _total_variation(w, g, t, w0):
    jump = np.sign(np.diff(w0))
    first = np.flatnonzero(np.concatenate([[1.0], jump]))
    ends = np.append(first[1:], len(w))
    E = w - np.roll(w, 1)
    edge = np.concatenate([[0.0], jump, [0.0]])
    for lo, hi in zip(first, ends):
        E[lo] = g[lo:hi].sum() + t["alpha"] * (edge[lo] - edge[hi])
    return E


def _gap_l1(w, g, t, share=1.0, ridge=0.0):
    c = t["alpha"] * share * t["weights"]
    g = g + ridge * w
    return np.where(w == 0, np.maximum(abs(g) - c, 0), abs(g + c * np.sign(w)))


def _gap_group(w, g, t):
    found = np.empty_like(w)
    for b, label in enumerate(np.unique(t["groups"])):
        at = t["groups"] == label
        c, size = t["alpha"] * t["weights"][b], _norm(w[at])
        found[at] = max(_norm(g[at]) - c, 0) if size == 0 else _norm(g[at] + c * w[at] / size)
    return found


def _gap_box(w, g, t):
    low, high = w <= t["lower"], w >= t["upper"]
    return np.where(low, np.maximum(-g, 0), np.where(high, np.maximum(g, 0), abs(g)))


def _gap_mcp(w, g, t):
    a = t["alpha"] * t["weights"]
    inside = abs(w) <= t["gamma"] * a
    bent = np.where(inside, g + a * np.sign(w) - w / t["gamma"], g)
    return np.where((w == 0) & (a > 0), np.maximum(abs(g) - a, 0), abs(bent))


def _gap_nonnegative(w, g, t):
    c = t["alpha"] * t["weights"]
    return np.where(w == 0, np.maximum(-g - c, 0), abs(g + c)) + np.maximum(-w, 0)


def _gap_simplex(w, g, t):
    on = w > 0
    level = g[on].mean()
    return np.where(on, abs(g - level), np.maximum(level - g, 0)) + abs(w.sum() - t["radius"])


def _gap_variation(w, g, t):
    """The dual variable is the running sum of g: at the sign of each jump, within alpha else."""
    dual, jump = np.cumsum(g), np.sign(np.diff(w))
    at = np.where(
        jump == 0, np.maximum(abs(dual[:-1]) - t["alpha"], 0), abs(dual[:-1] - t["alpha"] * jump)
    )
    return np.append(at, abs(dual[-1]))


SLOPES = {"least squares": _least_squares, "logistic": _logistic, "huber": _huber}
EQUATIONS = {
    "l1": _l1, "nonnegative": _l1, "elastic net": _elastic_net, "squared l2": _squared_l2,
    "mcp": _mcp, "box": _box, "group": _group_l2, "simplex": _simplex,
    "variation": _total_variation,
}  # fmt: skip
GAPS = {
    "l1": _gap_l1, "nonnegative": _gap_nonnegative,
    "elastic net": lambda w, g, t: _gap_l1(
        w, g, t, t["l1_ratio"], t["alpha"] * (1 - t["l1_ratio"])),
    "squared l2": lambda w, g, t: abs(g + t["alpha"] * w),
    "mcp": _gap_mcp, "box": _gap_box, "group": _gap_group, "simplex": _gap_simplex,
    "variation": _gap_variation,
}  # fmt: skip


@dataclass(frozen=True)
class Model:
    """Raw inputs, how the package is called on them, and what they mean."""

    t: dict[str, Any]
    build: Callable[..., Any]
    loss: str
    penalty: str
    intercept: bool
    #: Whether sample weights are divided by their sum.
    normalised: bool = True

    def problem(self, X: Any = None, **changes: Any) -> Any:
        """What the package makes of it; `X` in another storage."""
        t = {**self.t, **changes}
        return self.build({**t, "X": t["X"] if X is None else X}, self.intercept)

    def moved(self, name: str, along: Any) -> "Model":
        return replace(self, t={**self.t, name: self.t[name] + along})

    def gradient(self, w: np.ndarray, b: Any, t: dict[str, Any] | None = None) -> Any:
        """Of the loss: in the coefficients, and in the intercept."""
        t = self.t if t is None else t
        s = t["sample_weight"]
        r = (s / s.sum() if self.normalised else s) * SLOPES[self.loss](t["X"] @ w + b, t)
        return t["X"].T @ r, r.sum()

    def violation(self, w: np.ndarray, b: float = 0.0) -> float:
        """Largest distance of the gradient from minus the subdifferential."""
        g, total = self.gradient(w, b)
        gaps = GAPS[self.penalty](w, g, self.t)
        return float(max(gaps.max(), abs(total) if self.intercept else 0.0))

    def equations(self, z: np.ndarray, t: dict[str, Any], pattern: np.ndarray) -> np.ndarray:
        """Of the coefficients and the intercept, on the active set of `pattern`."""
        t = {k: np.asarray(v, complex) if k != "groups" else v for k, v in t.items()}
        w = z[: pattern.size].astype(complex)
        g, total = self.gradient(w, z[-1] if self.intercept else 0.0, t)
        E = EQUATIONS[self.penalty](w, g, t, pattern)
        return np.append(E, total) if self.intercept else E

    def at(self, w: np.ndarray, b: float = 0.0) -> "Optimum":
        """The solution on the active set of w."""
        z = np.append(w, b) if self.intercept else np.array(w, float)
        found = Optimum(self, np.array(w), z)
        for _ in range(6):
            E = self.equations(found.z, self.t, w).real
            found = replace(found, z=found.z - np.linalg.solve(found.slope, E))
        return found


@dataclass(frozen=True)
class Optimum:
    """A solution to rounding, and its derivatives; the intercept last where there is one."""

    model: Model
    pattern: np.ndarray
    z: np.ndarray

    @property
    def x(self) -> np.ndarray:
        return self.z[: self.pattern.size]

    @property
    def intercept(self) -> float:
        return float(self.z[-1]) if self.model.intercept else 0.0

    @property
    def slope(self) -> np.ndarray:
        """Derivative of the equations in z."""
        z, t, steps = self.z, self.model.t, 1j * _H * np.eye(self.z.size)
        columns = [self.model.equations(z + h, t, self.pattern).imag / _H for h in steps]
        return np.stack(columns, axis=1)

    def derivative(self, name: str, along: Any) -> np.ndarray:
        """Along one direction of one input."""
        moved = {**self.model.t, name: self.model.t[name] + 1j * _H * np.asarray(along)}
        E = self.model.equations(self.z, moved, self.pattern).imag / _H
        return -np.linalg.solve(self.slope, E)

    def jacobian(self, name: str) -> np.ndarray:
        """Along all entries of one input, of shape (coordinates, ...)."""
        shape = np.shape(self.model.t[name])
        units = np.eye(int(np.prod(shape))).reshape(-1, *shape)
        columns = [self.derivative(name, unit) for unit in units]
        return np.stack(columns, axis=-1).reshape(-1, *shape)


def _linear(make, *names):
    def build(t, intercept):
        more = {k: t[k] for k in ("weights", "sample_weight") if k in t and k not in names}
        return make(t["X"], t["y"], *(t[k] for k in names), **more, fit_intercept=intercept)

    return build


def _blocks(loss, penalty):
    def build(t, intercept):
        return fp.Problem(
            loss(*(t[k] for k in loss._fields if k in t)),
            penalty(*(t[k] for k in penalty._fields)), t["X"], intercept,
        )  # fmt: skip

    return build


def _ridge(t, intercept):
    return fp.ridge(
        t["X"], t["y"], t["alpha"], sample_weight=t["sample_weight"], fit_intercept=intercept
    )


_L, _P = fp.losses, fp.penalties

#: name: (build, loss, penalty, normalised, extra inputs, names that derivatives are taken along)
KINDS: dict[str, tuple] = {
    "lasso": (_linear(fp.lasso, "alpha"), "least squares", "l1", True, "alpha weights y"),
    "elastic_net": (
        _linear(fp.elastic_net, "alpha", "l1_ratio"), "least squares", "elastic net", True,
        "alpha l1_ratio weights y",
    ),
    "ridge": (_ridge, "least squares", "squared l2", True, "alpha y"),
    "logistic": (
        _linear(fp.logistic, "alpha", "l1_ratio"), "logistic", "elastic net", True,
        "alpha l1_ratio weights",
    ),
    "group_lasso": (
        _linear(fp.group_lasso, "alpha", "groups"), "least squares", "group", True,
        "alpha weights y",
    ),
    "huber l1": (_blocks(_L.Huber, _P.L1), "huber", "l1", False, "alpha weights y delta"),
    "box": (_blocks(_L.LeastSquares, _P.Box), "least squares", "box", False, "lower upper y"),
    "nonnegative": (
        _blocks(_L.LeastSquares, _P.NonnegativeL1), "least squares", "nonnegative", False,
        "alpha weights y",
    ),
    "mcp": (_blocks(_L.LeastSquares, _P.MCP), "least squares", "mcp", False, "alpha gamma weights y"),  # noqa: E501
    "simplex": (_blocks(_L.LeastSquares, _P.Simplex), "least squares", "simplex", False, "radius y"),  # noqa: E501
    "variation": (
        _blocks(_L.LeastSquares, _P.TotalVariation), "least squares", "variation", False, "alpha y",
    ),
    "logistic box": (_blocks(_L.Logistic, _P.Box), "logistic", "box", False, "lower upper"),
    "huber ridge": (_blocks(_L.Huber, _P.SquaredL2), "huber", "squared l2", False, "alpha delta y"),
}  # fmt: skip


def names(kind: str) -> list[str]:
    """Everything that a derivative can be taken along."""
    return [*KINDS[kind][4].split(), "sample_weight", "X"]


def make(
    kind: str, seed: int = 0, n: int = 20, p: int = 7, intercept: bool = False,
    weighted: bool = True, alpha: float | None = None, rho: float = 0.3,
) -> Model:  # fmt: skip
    """A model at random, with unpenalised coordinates where there are weights."""
    build, loss, penalty, normalised, _ = KINDS[kind]
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((n, 1))
    X = np.sqrt(1 - rho) * rng.standard_normal((n, p)) + np.sqrt(rho) * common
    X = X * rng.uniform(0.5, 2.0, p) + rng.uniform(-1, 1, p) * intercept
    truth = rng.choice([-2.0, -1.0, 0.0, 0.0, 1.0, 2.0], p)
    y = X @ truth + rng.standard_normal(n) + 1.5 * intercept
    if loss == "logistic":
        y = np.where(y + 2 * rng.standard_normal(n) > np.median(y), 1.0, -1.0)
        y[:2] = 1.0, -1.0
    s = rng.uniform(0.5, 2.0, n) if weighted else np.ones(n)
    w = rng.uniform(0.5, 1.5, p) if weighted else np.ones(p)
    t: dict[str, Any] = {"X": X, "y": y, "sample_weight": s if normalised else s / s.sum()}
    if loss == "huber":
        t["delta"] = 1.3
    if penalty == "group":
        t["groups"] = rng.permutation(np.arange(p) // 2)
        w = w[: len(np.unique(t["groups"]))]
    if penalty in ("l1", "nonnegative", "elastic net", "mcp", "group"):
        if weighted and penalty != "nonnegative":
            w[0] = 0.0
        t["weights"] = w
    if penalty not in ("box", "simplex"):
        level = np.abs(Model(t, build, loss, penalty, intercept, normalised).gradient(
            np.zeros(p), 0.0)[0]).max()  # fmt: skip
        t["alpha"] = rng.uniform(0.05, 0.4) * level if alpha is None else alpha
    if penalty == "elastic net":
        t["l1_ratio"] = rng.uniform(0.3, 0.9)
    if penalty == "mcp":
        # Convex on the whole where there are more rows than columns.
        least = np.linalg.eigvalsh(X.T @ (t["sample_weight"][:, None] * X)).min()
        t["gamma"] = min(2.0 / max(least, 1e-3), 40.0)
    if penalty == "box":
        t["lower"], t["upper"] = -rng.uniform(0.2, 1.0, p), rng.uniform(0.2, 1.0, p)
    if penalty == "simplex":
        t["radius"] = 2.5
    return Model(t, build, loss, penalty, intercept, normalised)


def direction(model: Model, name: str, rng: np.random.Generator) -> np.ndarray:
    """At random, of random signs; zero weights stay zero."""
    value = np.asarray(model.t[name], float)
    found = rng.standard_normal(value.shape)
    return np.where(value == 0, 0.0, found) if name == "weights" else found
