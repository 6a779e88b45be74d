"""Random problems of all kinds, for random_problems: nasty on purpose, the same for a seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import random_data as data
from benchmarks import random_penalties as penalties
from benchmarks.random_reference import Long, Model, alpha_max

KINDS = (
    "lasso", "weighted_lasso", "elastic_net", "ridge", "logistic", "logistic_elastic_net",
    "group_lasso", "huber", "nonnegative", "box", "mcp",
)  # fmt: skip


@dataclass
class Case:
    """A random problem for fastpiggy and for the reference.

    Parameters
    ----------
    kind, label, storage : str
        The label says what is special about it.
    build : callable
        ``build(alpha)`` makes the fastpiggy problem.
    model : Model
        The same for the reference.
    alpha, start : float
        Of the problem, and of the one it is warm-started from; `start` is None for a cold start.
    wrt : dict
        For :func:`fastpiggy.solve`.
    """

    kind: str
    label: str
    storage: str
    build: Callable[[float], Any]
    model: Model
    alpha: float
    start: float | None
    wrt: dict[str, Any]


def draw(kind: str, seed: int, index: int, storages: Sequence[str] = data.STORAGES) -> Case:
    """The problem of that number, X in one of the storages."""
    rng = np.random.default_rng([seed, index, KINDS.index(kind)])
    n, p = data.shape(rng, 2 if kind.startswith("logistic") else 1)
    X, ties, words = data.matrix(rng, n, p)
    storage = storages[int(rng.random() * len(storages))]
    # Draws of its own, so that the rest is the same in every storage.
    X, X64 = data.store(rng.spawn(1)[0], X, storage)
    raw = data.sample_weights(rng, n)
    s = np.ones(n) / n if raw is None else raw / raw.sum()
    y = data.target(rng, X64, ties)
    intercept = bool(rng.random() < 0.5)
    if kind.startswith("logistic"):
        y = data.labels(rng, X64, s, raw)
    make = _KINDS[kind](rng, X64, y, s, intercept)
    unit = make.unit()
    alpha, how = choose_alpha(rng, unit)
    start = None
    if rng.random() < 0.3:
        start = float(alpha * 10 ** rng.uniform(-1.5, 1.5)) if alpha > 0 else 0.3 * unit
    model = make.model(alpha)
    wrt = {"alpha": None} if kind != "box" else {}
    for name, size in make.parameters.items():
        if rng.random() < 0.5 or kind == "box":
            wrt[name] = None if size is None else make.directions(rng, name, size)
    said = {"intercept": intercept, "weighted rows": raw is not None, "warm": start is not None}
    label = ", ".join([f"{n}x{p}", storage, *words, how, *(word for word in said if said[word])])
    return Case(
        kind, label, storage, lambda alpha: make.build(X, y, alpha, raw), model, alpha, start, wrt
    )


def choose_alpha(rng: np.random.Generator, unit: float) -> tuple[float, str]:
    """Over five decades of the unit; at times at it, above it, or 0."""
    how = rng.random()
    if how < 0.05:
        return 0.0, "alpha 0"
    if how < 0.09:
        return float(unit), "alpha_max"
    if how < 0.15:
        return float(unit * rng.uniform(1.0, 3.0)), "alpha > alpha_max"
    part = 10 ** rng.uniform(-5, 0)
    return float(unit * part), f"alpha/alpha_max {part:.1e}"


class _Kind:
    """How to make a problem of a kind, its parameters but alpha drawn when it is made."""

    loss = "squares"

    def __init__(self, rng, X, y, s, intercept):
        self.rng, self.X, self.y, self.s, self.intercept = rng, X, y, s, intercept
        self.rms = np.sqrt(s @ X**2)
        self.rms[self.rms == 0] = 1.0
        self.weights = self.draw_weights(X.shape[1])
        self.delta = 1.0
        #: Names, with the size of those that take directions.
        self.parameters: dict[str, int | None] = {"weights": X.shape[1], "y": len(y)}
        self.more()

    def more(self):
        pass

    def draw_weights(self, size):
        how = self.rng.choice(4, p=[0.4, 0.25, 0.2, 0.15])
        if how == 0:
            return np.ones(size)
        found = self.rng.uniform(0.5, 2.0, size)
        if how == 2 and size == len(self.rms):
            # So that columns of every size take part.
            found = found * self.rms
        if how == 3:
            found[self.rng.choice(size, min(size, 2), replace=False)] = 0.0
        return found

    def directions(self, rng, name, size):
        """Zero weights stay zero: below zero there is no penalty."""
        found = rng.standard_normal((size, int(rng.integers(1, 4))))
        if name == "weights":
            found[self.weights == 0] = 0.0
        return found

    def model(self, alpha):
        arrays = (np.asarray(v, dtype=Long) for v in (self.X, self.y, self.s))
        return Model(*arrays, self.intercept, self.loss, self.penalty(alpha), Long(self.delta))

    def unit(self):
        """What alpha is chosen relative to."""
        model = self.model(1.0)
        found = alpha_max(model)
        noise = 1e-14 * float((np.abs(self.X).T @ (self.s * np.abs(self.y))).max())
        if found is None or not found > noise:
            return float((self.s @ self.X**2).max()) or 1.0
        return found

    def penalty(self, alpha):
        return penalties.ElasticNet(alpha, self.weights)

    def options(self, raw):
        return {"sample_weight": raw, "fit_intercept": self.intercept}

    def build(self, X, y, alpha, raw):
        import fastpiggy as fp

        return fp.lasso(X, y, alpha, weights=self.weights, **self.options(raw))


class _Weighted(_Kind):
    def draw_weights(self, size):
        found = self.rng.uniform(0.2, 3.0, size)
        found[self.rng.choice(size, min(size, int(self.rng.integers(1, 4))), replace=False)] = 0.0
        return found


class _ElasticNet(_Kind):
    def more(self):
        self.l1_ratio = float(self.rng.choice([0.0, 0.01, 0.5, 0.95, self.rng.random(), 1.0],
                                              p=[0.05, 0.1, 0.3, 0.2, 0.3, 0.05]))  # fmt: skip
        if 0.0 < self.l1_ratio < 1.0:
            self.parameters["l1_ratio"] = None

    def penalty(self, alpha):
        return penalties.ElasticNet(alpha, self.weights, self.l1_ratio)

    def build(self, X, y, alpha, raw):
        import fastpiggy as fp

        weights = {"weights": self.weights, **self.options(raw)}
        return fp.elastic_net(X, y, alpha, self.l1_ratio, **weights)


class _Ridge(_Kind):
    def more(self):
        self.parameters = {"y": len(self.y)}

    def penalty(self, alpha):
        return penalties.SquaredL2(alpha, self.X.shape[1])

    def build(self, X, y, alpha, raw):
        import fastpiggy as fp

        return fp.ridge(X, y, alpha, **self.options(raw))


class _LogisticElasticNet(_ElasticNet):
    loss = "logistic"

    def more(self):
        super().more()
        del self.parameters["y"]

    def build(self, X, y, alpha, raw):
        import fastpiggy as fp

        weights = {"weights": self.weights, **self.options(raw)}
        return fp.logistic(X, y, alpha, self.l1_ratio, **weights)


class _Logistic(_LogisticElasticNet):
    def more(self):
        super().more()
        self.l1_ratio = 1.0
        self.parameters = {"weights": self.X.shape[1]}


class _Groups(_Kind):
    def more(self):
        p = self.X.shape[1]
        few = max(1, p // int(self.rng.integers(1, 8)))
        self.labels = self.rng.integers(0, few, p)
        sizes = np.unique(self.labels, return_counts=True)[1]
        self.weights = np.sqrt(sizes)
        if self.rng.random() < 0.5:
            self.weights = self.draw_weights(len(sizes))
        self.parameters = {"weights": len(sizes), "y": len(self.y)}

    def penalty(self, alpha):
        return penalties.Groups(alpha, self.weights, self.labels)

    def build(self, X, y, alpha, raw):
        import fastpiggy as fp

        weights = {"weights": self.weights, **self.options(raw)}
        return fp.group_lasso(X, y, alpha, self.labels, **weights)


class _Blocks(_Kind):
    """Problems put together from blocks."""

    def build(self, X, y, alpha, raw):
        import fastpiggy as fp

        loss = fp.losses.LeastSquares(self.y, self.s)
        return fp.Problem(loss, self.block(alpha), X, self.intercept)


class _Huber(_Blocks):
    loss = "huber"

    def more(self):
        spread = np.std(self.y) or 1.0
        self.delta = float(spread * self.rng.choice([0.1, 0.5, 2.0]) * self.rng.uniform(0.9, 1.1))
        self.parameters["delta"] = None

    def build(self, X, y, alpha, raw):
        import fastpiggy as fp

        loss = fp.losses.Huber(self.y, self.s, self.delta)
        return fp.Problem(loss, fp.penalties.L1(alpha, self.weights), X, self.intercept)


class _Nonnegative(_Blocks):
    def penalty(self, alpha):
        return penalties.Nonnegative(alpha, self.weights)

    def block(self, alpha):
        import fastpiggy as fp

        return fp.penalties.NonnegativeL1(alpha, self.weights)


class _Box(_Blocks):
    def more(self):
        p = self.X.shape[1]
        unit = (np.std(self.y) or 1.0) / self.rms * 10 ** self.rng.uniform(-2, 0.5)
        self.lower, self.upper = (unit * self.rng.uniform(0.1, 1, p) for _ in range(2))
        self.lower = -self.lower * (self.rng.random(p) < 0.8)
        # Open sides, and coordinates that cannot move.
        self.upper[self.rng.random(p) < 0.1] = np.inf
        fixed = self.rng.random(p) < 0.05
        self.upper[fixed] = self.lower[fixed]
        self.parameters = {"y": len(self.y)}
        if not fixed.any():
            self.parameters |= {"lower": p, "upper": p}

    def penalty(self, alpha):
        return penalties.Box(self.lower, self.upper)

    def block(self, alpha):
        import fastpiggy as fp

        return fp.penalties.Box(self.lower, self.upper)


class _MCP(_Blocks):
    def more(self):
        curvature = self.s @ self.X**2
        self.gamma = float(10 ** self.rng.uniform(0.05, 1.5) / (np.median(curvature) or 1.0))
        self.parameters["gamma"] = None

    def penalty(self, alpha):
        return penalties.MCP(alpha, self.weights, self.gamma)

    def block(self, alpha):
        import fastpiggy as fp

        return fp.penalties.MCP(alpha, self.gamma, self.weights)


_KINDS = dict(zip(KINDS, (
    _Kind, _Weighted, _ElasticNet, _Ridge, _Logistic, _LogisticElasticNet, _Groups, _Huber,
    _Nonnegative, _Box, _MCP,
), strict=True))  # fmt: skip
