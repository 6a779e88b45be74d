"""Solutions and derivatives of the linear models in extended precision, for random_problems.

Plain NumPy in ``longdouble``, written from the formulas of the objectives; nothing of fastpiggy is
imported.  The optimality conditions are read off the objective; the derivative is a linear solve
on the active set of a solution that Newton's method has refined there.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Long = np.longdouble
#: Of the numbers that fastpiggy returns.
EPS = Long(np.finfo(float).eps)

_NEWTON_STEPS = 40


@dataclass
class Model:
    """``sum_i loss(X_i w + b; y_i, s_i) + penalty(w)``, all in longdouble.

    Parameters
    ----------
    X, y, s : ndarray
        The matrix, targets (labels -1 and 1), and weights of the rows as they enter the loss.
    intercept : bool
    loss : {"squares", "logistic", "huber"}
    penalty : object
        One of :mod:`benchmarks.random_penalties`.
    delta : float
        Of the Huber loss.
    """

    X: np.ndarray
    y: np.ndarray
    s: np.ndarray
    intercept: bool
    loss: str
    penalty: Any
    delta: float = 1.0

    def slope(self, z: np.ndarray) -> np.ndarray:
        """Derivative of each row's loss in its prediction z."""
        if self.loss == "logistic":
            with np.errstate(over="ignore"):
                return -self.s * self.y / (1 + np.exp(self.y * z))
        if self.loss == "huber":
            return self.s * np.clip(z - self.y, -self.delta, self.delta)
        return self.s * (z - self.y)

    def curvature(self, z: np.ndarray) -> np.ndarray:
        """Second derivative of each row's loss."""
        if self.loss == "logistic":
            e = np.exp(-np.abs(z))
            return self.s * e / (1 + e) ** 2
        if self.loss == "huber":
            return self.s * (np.abs(z - self.y) < self.delta)
        return self.s

    @property
    def bound(self) -> np.ndarray:
        """Of the curvatures."""
        return self.s / 4 if self.loss == "logistic" else self.s

    @property
    def Z(self) -> np.ndarray:
        """X with the column of the intercept."""
        return np.column_stack([self.X, np.ones(len(self.y))]) if self.intercept else self.X

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Predictions for coefficients with the intercept last."""
        return self.Z @ x

    def steps(self) -> np.ndarray:
        """One over the curvature along each column, as the prox residual takes them."""
        curvature = self.bound @ self.X**2
        curvature = np.where(curvature > 0, curvature, max(curvature.max(), Long(1e-300)))
        return self.penalty.steps(1 / curvature)


def violation(model: Model, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far x is from optimal, by coordinate, and what rounding x to float64 leaves of that.

    The prox residual ``(w - prox(w - step g))/step``: the violation of ``-g in d penalty(w)`` where
    w is far from a kink, and continuous where it is not.  The intercept's is its gradient.
    """
    z = model.predict(x)
    r = model.slope(z)
    p = model.X.shape[1]
    w, g, steps = x[:p], model.X.T @ r, model.steps()
    found = np.abs(w - model.penalty.prox(w - steps * g, steps)) / steps
    sizes = np.abs(model.Z) @ np.abs(x)
    if model.loss != "logistic":
        sizes = sizes + np.abs(model.y)
    rounding = np.abs(model.Z).T @ (model.bound * sizes + np.abs(r))
    rounding[:p] += np.abs(w) / steps + np.abs(g)
    if model.intercept:
        found = np.append(found, abs(r.sum()))
    return found, EPS * rounding


def scale(model: Model) -> float:
    """What optimality is relative to: ``max(alpha, 1e-3 alpha_max)``, or the gradient at 0."""
    top = alpha_max(model)
    if top is not None:
        return max(float(model.penalty.alpha), 1e-3 * top) or 1.0
    r = model.slope(np.zeros(len(model.y), dtype=Long))
    X = model.X - (model.s @ model.X) / model.s.sum() if model.intercept else model.X
    found = np.abs(X.T @ r).max()
    return float(max(found, abs(r.sum())) if model.intercept else found) or 1.0


def alpha_max(model: Model) -> float | None:
    """The smallest alpha with all penalised coefficients zero; None where no alpha does that."""
    penalty = model.penalty
    if not hasattr(penalty, "largest"):
        return None
    free = penalty.free()
    shrink = 1 - getattr(penalty, "l1_ratio", 1)
    if shrink == 1:
        return None
    if free.all():
        return 0.0

    def largest(l2: float) -> float:
        return float(penalty.largest(_null_gradient(model, free, l2)))

    if not (shrink > 0 and free.any()):
        return largest(0.0)
    # Unpenalised columns shrink as alpha grows: the fixed point of a map that grows slowly.
    low, high = 0.0, max(largest(1e300), 1e-300)
    while largest(shrink * high) > high:
        high *= 2.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if largest(shrink * middle) > middle else (low, middle)
    return high


def _null_gradient(model: Model, free: np.ndarray, l2: float) -> np.ndarray:
    """Gradient with only the free columns and the intercept fitted."""
    A = model.X[:, free]
    curb = np.full(A.shape[1], float(l2))
    if model.intercept:
        A, curb = np.column_stack([A, np.ones(len(A))]), np.append(curb, 0.0)
    if not A.shape[1] or (l2 >= 1e300 and not model.intercept):
        return model.X.T @ model.slope(np.zeros(len(A), dtype=Long))
    size = np.sqrt(np.asarray(model.bound @ A**2 + curb, dtype=float))
    size[size == 0] = 1.0
    x = np.zeros(A.shape[1], dtype=Long)
    for _ in range(200 if model.loss == "huber" else 50):
        z = A @ x
        r = model.slope(z)
        # A majorant where the loss may be flat, Newton's own curvature elsewhere.
        h = model.curvature(z) if model.loss != "huber" else model.s * np.minimum(
            1, model.delta / np.maximum(np.abs(z - model.y), 1e-300))  # fmt: skip
        g = (A.T @ r + curb * x) / size
        H = (A.T * h) @ A + np.diag(curb)
        H = np.asarray(H / size[:, None] / size, dtype=float)
        step = np.linalg.lstsq(H, np.asarray(g, dtype=float), rcond=1e-13)[0]
        # Newton's steps for the logistic loss may be too long.
        x = x - step / size * min(1.0, 8.0 / max(float(np.abs(A @ (step / size)).max()), 8.0)
                                  if model.loss == "logistic" else 1.0)  # fmt: skip
        if np.abs(step).max() <= 1e-15 * max(float(np.abs(x * size).max()), 1e-300):
            break
    return model.X.T @ model.slope(A @ x)


@dataclass
class Reference:
    """A solution on one active set, and its derivatives.

    Parameters
    ----------
    x : ndarray of shape (p + intercept,)
    change : float
        The last Newton step over x, both in units of the columns.
    condition : float
        Of the active columns, scaled to length one.
    jacobian : dict of str to ndarray of shape (p + intercept, m)
    """

    x: np.ndarray
    change: float
    condition: float
    jacobian: dict[str, np.ndarray] = field(default_factory=dict)


def refine(model: Model, x: np.ndarray, directions: dict[str, np.ndarray]) -> Reference:
    """Newton's method on the active set of x, and the derivatives along `directions` (.., m)."""
    p = model.X.shape[1]
    active = np.append(model.penalty.active(x[:p]), np.ones(len(x) - p, dtype=bool))
    x = x.copy()
    change, previous = 0.0, np.inf
    system = System(model, x, active)
    for k in range(_NEWTON_STEPS):
        if not active.any():
            break
        step = system.solve(None, -system.force()[:, None])[:, 0]
        x[active] += step
        change = float(np.linalg.norm(step * system.size))
        change /= float(np.linalg.norm(x[active] * system.size)) or 1.0
        system = System(model, x, active, None if system.changes else system)
        if not np.isfinite(change) or change < 1e-18 or (k > 1 and change >= previous < 1e-14):
            break
        previous = change
    found = Reference(x, change, system.condition)
    for name, d in directions.items():
        found.jacobian[name] = system.derivative(name, np.asarray(d, dtype=Long))
    return found


class System:
    """The optimality conditions on an active set, linearised at x.

    With Z the active columns, h the curvatures of the rows and P the penalty's second derivative,
    ``Z' diag(h) Z + P`` is ``A'A`` for ``A = [sqrt(h) Z; root(P)]``, of which a QR factorisation is
    taken; its condition is not squared.  Where P is negative it is formed and eliminated.
    """

    def __init__(
        self, model: Model, x: np.ndarray, active: np.ndarray, same: "System | None" = None
    ) -> None:
        self.model, self.x, self.active = model, x, active
        self.p = model.X.shape[1]
        self.z = model.predict(x)
        self.h = model.curvature(self.z)
        w = x[: self.p]
        root, concave = model.penalty.second(w, active[: self.p])
        self.changes = model.loss != "squares" or not model.penalty.quadratic
        if same is not None:
            self.A, self.size, self.concave = same.A, same.size, same.concave
            self.R, self.reflectors, self.condition = same.R, same.reflectors, same.condition
            return
        Z = model.Z[:, active]
        extra = np.zeros((len(root), Z.shape[1]), dtype=Long)
        extra[:, : root.shape[1]] = root
        A = np.vstack([np.sqrt(self.h)[:, None] * Z, extra])
        self.concave = np.append(concave, np.zeros(Z.shape[1] - len(concave)))
        self.size = np.sqrt((A * A).sum(axis=0))
        self.size[self.size == 0] = 1
        self.A = A / self.size
        self.reflectors: list[np.ndarray] = []
        if np.any(self.concave):
            K = self.A.T @ self.A - np.diag(self.concave / self.size**2)
            self.R, self.condition = K, _condition(K)
        else:
            self.R, self.reflectors = _householder(self.A)
            self.condition = _condition(self.R)

    def force(self) -> np.ndarray:
        """The gradient of the objective on the active set."""
        g = self.model.Z[:, self.active].T @ self.model.slope(self.z)
        pull = self.model.penalty.pull(self.x[: self.p])[self.active[: self.p]]
        g[: len(pull)] += pull
        return g

    def solve(self, rows: np.ndarray | None, rhs: np.ndarray) -> np.ndarray:
        """``(A'A) y = A' rows + rhs``, the rows being those of the data."""
        scaled = rhs / self.size[:, None]
        padded = np.zeros((len(self.A), rhs.shape[1]), dtype=Long)
        if rows is not None:
            padded[: len(rows)] = rows
        if np.any(self.concave):
            y = _eliminate(self.R, scaled + self.A.T @ padded)
        else:
            for k, v in enumerate(self.reflectors):
                padded[k:] -= np.outer(v, v @ padded[k:])
            top = np.zeros_like(scaled)
            top[: min(len(top), len(padded))] = padded[: len(top)]
            y = _back(self.R, top + _forward(self.R, scaled))
        return y / self.size[:, None]

    def derivative(self, name: str, d: np.ndarray) -> np.ndarray:
        """The solution's derivative along directions of one parameter."""
        model, penalty, p = self.model, self.model.penalty, self.p
        w, on = self.x[:p], self.active[:p]
        J = np.zeros((len(self.x), d.shape[-1]), dtype=Long)
        J[:p][~on] = penalty.held(w, name, d)[~on]
        rows = -np.sqrt(self.h)[:, None] * (model.X[:, ~on] @ J[:p][~on])
        rhs = np.zeros((int(self.active.sum()), d.shape[-1]), dtype=Long)
        rhs[: int(on.sum())] = -penalty.moved(w, name, d)[on]
        if name == "y":
            rows += np.sqrt(self.h)[:, None] * d
        elif name == "delta":
            r = self.z - model.y
            outside = model.s * np.sign(r) * (np.abs(r) > model.delta)
            rhs -= model.Z[:, self.active].T @ np.outer(outside, d)
        if len(rhs):
            J[self.active] = self.solve(rows, rhs)
        return J


def _condition(R: np.ndarray) -> float:
    if not R.size:
        return 1.0
    R = np.asarray(R, dtype=float)
    values = np.linalg.svd(R, compute_uv=False) if np.all(np.isfinite(R)) else np.zeros(1)
    return float(values[0] / values[-1]) if values[-1] > 0 else np.inf


def _householder(A: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """R, and the reflectors v of ``I - v v'`` that make it, each from its own row on."""
    A = A.copy()
    n, k = A.shape
    reflectors = []
    for j in range(min(n, k)):
        v = A[j:, j].copy()
        norm = np.sqrt(v @ v)
        if norm > 0:
            v[0] += np.copysign(norm, v[0])
            v *= np.sqrt(2 / (v @ v))
            A[j:, j:] -= np.outer(v, v @ A[j:, j:])
        reflectors.append(v)
    R = np.zeros((k, k), dtype=Long)
    R[: min(n, k)] = np.triu(A[: min(n, k)])
    return R, reflectors


def _back(R: np.ndarray, rhs: np.ndarray) -> np.ndarray:
    y = rhs.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        for j in range(len(R) - 1, -1, -1):
            y[j] = (y[j] - R[j, j + 1 :] @ y[j + 1 :]) / R[j, j]
    return y


def _forward(R: np.ndarray, rhs: np.ndarray) -> np.ndarray:
    y = rhs.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        for j in range(len(R)):
            y[j] = (y[j] - R[:j, j] @ y[:j]) / R[j, j]
    return y


def _eliminate(K: np.ndarray, rhs: np.ndarray) -> np.ndarray:
    """Gauss with partial pivoting."""
    k = len(K)
    M = np.column_stack([K, rhs])
    with np.errstate(divide="ignore", invalid="ignore"):
        for j in range(k):
            i = j + int(np.argmax(np.abs(M[j:, j])))
            M[[j, i]] = M[[i, j]]
            M[j + 1 :] -= np.outer(M[j + 1 :, j] / M[j, j], M[j])
    return _back(np.triu(M[:, :k]), M[:, k:])
