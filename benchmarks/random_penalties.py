"""Penalties of random_reference in plain NumPy: from their formulas, by whole vectors.

Each has ``prox(u, step)``; ``active(w)``, the coordinates that move; there ``pull(w)``, its
gradient, ``second(w, on)``, its second derivative as a root of what is positive and a vector of
what is negative, and ``moved(w, name, d)``, how directions of a parameter move the gradient; and
``held(w, name, d)``, how they move the other coordinates.  Where alpha_max exists, ``largest(g)``
is the alpha at which a null model with gradient g is a solution, and ``free()`` says which
coordinates it leaves unpenalised.
"""

import numpy as np

Long = np.longdouble


class _Penalty:
    #: Whether the penalty is quadratic on an active set.
    quadratic = True

    def steps(self, steps):
        return steps

    def held(self, w, name, d):
        return np.zeros((len(w), d.shape[-1]), dtype=Long)

    def second(self, w, on):
        return np.zeros((0, int(on.sum())), dtype=Long), np.zeros(int(on.sum()), dtype=Long)

    def free(self):
        return self.weights == 0


class ElasticNet(_Penalty):
    """``alpha l1_ratio sum_j weights_j abs(w_j) + alpha (1 - l1_ratio)/2 norm(w)^2``."""

    def __init__(self, alpha, weights, l1_ratio=1.0):
        self.alpha, self.l1_ratio = Long(alpha), Long(l1_ratio)
        self.weights = np.asarray(weights, dtype=Long)
        self.t = self.alpha * self.l1_ratio * self.weights
        self.l2 = self.alpha * (1 - self.l1_ratio)

    def prox(self, u, step):
        return np.sign(u) * np.maximum(np.abs(u) - step * self.t, 0) / (1 + step * self.l2)

    def active(self, w):
        return (w != 0) | (self.t == 0)

    def pull(self, w):
        return self.t * np.sign(w) + self.l2 * w

    def second(self, w, on):
        k = int(on.sum())
        rows = np.eye(k, dtype=Long) * np.sqrt(self.l2) if self.l2 > 0 else np.zeros((0, k))
        return rows, np.zeros(k, dtype=Long)

    def moved(self, w, name, d):
        l1 = (np.sign(w) * self.weights)[:, None]
        if name == "alpha":
            return d * (self.l1_ratio * l1 + (1 - self.l1_ratio) * w[:, None])
        if name == "l1_ratio":
            return d * self.alpha * (l1 - w[:, None])
        if name == "weights":
            return self.alpha * self.l1_ratio * np.sign(w)[:, None] * d
        return np.zeros((len(w), d.shape[-1]), dtype=Long)

    def largest(self, g):
        on = self.weights > 0
        return (np.abs(g[on]) / self.weights[on]).max() / self.l1_ratio


class SquaredL2(ElasticNet):
    """``alpha/2 norm(w)^2``."""

    def __init__(self, alpha, p):
        super().__init__(alpha, np.ones(p), 0.0)


class Nonnegative(ElasticNet):
    """``alpha sum_j weights_j w_j`` on w >= 0."""

    def prox(self, u, step):
        return np.maximum(u - step * self.t, 0)

    def active(self, w):
        return w > 0

    def largest(self, g):
        on = self.weights > 0
        return (np.maximum(-g[on], 0) / self.weights[on]).max()

    def free(self):
        # Bounded below by zero all the same; the null model leaves them at any sign.
        return self.weights == 0


class Box(_Penalty):
    """Zero on ``lower <= w <= upper``."""

    def __init__(self, lower, upper):
        self.lower, self.upper = (np.asarray(v, dtype=Long) for v in (lower, upper))

    def prox(self, u, step):
        return np.clip(u, self.lower, self.upper)

    def active(self, w):
        return (w > self.lower) & (w < self.upper)

    def pull(self, w):
        return np.zeros_like(w)

    def moved(self, w, name, d):
        return np.zeros((len(w), d.shape[-1]), dtype=Long)

    def held(self, w, name, d):
        if name not in ("lower", "upper"):
            return np.zeros((len(w), d.shape[-1]), dtype=Long)
        return np.where((w == getattr(self, name))[:, None], d, 0)


class MCP(_Penalty):
    """``a abs(w) - w^2/(2 gamma)`` up to ``gamma a``, constant beyond, ``a = alpha weights``."""

    def __init__(self, alpha, weights, gamma):
        self.alpha, self.gamma = Long(alpha), Long(gamma)
        self.weights = np.asarray(weights, dtype=Long)
        self.a = self.alpha * self.weights

    def steps(self, steps):
        return np.minimum(steps, self.gamma / 2)

    def prox(self, u, step):
        firm = np.sign(u) * np.maximum(np.abs(u) - step * self.a, 0) / (1 - step / self.gamma)
        return np.where(np.abs(u) <= self.gamma * self.a, firm, u)

    def _inside(self, w):
        return np.abs(w) <= self.gamma * self.a

    def active(self, w):
        return (w != 0) | (self.a == 0)

    def pull(self, w):
        return np.where(self._inside(w), self.a * np.sign(w) - w / self.gamma, 0)

    def second(self, w, on):
        bent = np.where(self._inside(w) & (self.a > 0), 1 / self.gamma, 0)
        return np.zeros((0, int(on.sum())), dtype=Long), bent[on]

    def moved(self, w, name, d):
        inside = self._inside(w)[:, None]
        if name == "alpha":
            return inside * (np.sign(w) * self.weights)[:, None] * d
        if name == "weights":
            return inside * self.alpha * np.sign(w)[:, None] * d
        if name == "gamma":
            return inside * (w / self.gamma**2)[:, None] * d
        return np.zeros((len(w), d.shape[-1]), dtype=Long)

    def largest(self, g):
        on = self.weights > 0
        return (np.abs(g[on]) / self.weights[on]).max()


class Groups(_Penalty):
    """``alpha sum_g weights_g norm(w_g)``."""

    quadratic = False

    def __init__(self, alpha, weights, labels):
        self.alpha = Long(alpha)
        self.weights = np.asarray(weights, dtype=Long)
        self.index = np.unique(labels, return_inverse=True)[1].reshape(-1)
        self.t = (self.alpha * self.weights)[self.index]

    def _norms(self, v):
        total = np.zeros(len(self.weights), dtype=Long)
        np.add.at(total, self.index, v * v)
        return np.sqrt(total)[self.index]

    def _direction(self, w):
        norms = self._norms(w)
        return w / np.where(norms > 0, norms, 1)

    def steps(self, steps):
        # One step a group: one over the sum of its columns' curvatures, so on the safe side.
        total = np.zeros(len(self.weights), dtype=Long)
        np.add.at(total, self.index, 1 / steps)
        return 1 / total[self.index]

    def prox(self, u, step):
        norms = self._norms(u)
        return u * np.maximum(1 - step * self.t / np.where(norms > 0, norms, 1), 0)

    def active(self, w):
        return (self._norms(w) > 0) | (self.t == 0)

    def pull(self, w):
        return self.t * self._direction(w)

    def second(self, w, on):
        v, norms = self._direction(w), self._norms(w)
        same = self.index[:, None] == self.index
        P = np.where(same, np.eye(len(w)) - np.outer(v, v), 0)
        P *= np.sqrt(self.t / np.where(norms > 0, norms, 1))[:, None]
        rows = on & (norms > 0) & (self.t > 0)
        return P[np.ix_(rows, on)], np.zeros(int(on.sum()), dtype=Long)

    def moved(self, w, name, d):
        v = self._direction(w)[:, None]
        if name == "alpha":
            return self.weights[self.index][:, None] * v * d
        if name == "weights":
            return self.alpha * v * d[self.index]
        return np.zeros((len(w), d.shape[-1]), dtype=Long)

    def free(self):
        return self.weights[self.index] == 0

    def largest(self, g):
        on = self.weights[self.index] > 0
        return (self._norms(g)[on] / self.weights[self.index][on]).max()
