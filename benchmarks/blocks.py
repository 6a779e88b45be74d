"""Records and work arrays for calls of the engine's own kernels, without the public face."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.block_descent import BlockDescent
from fastpiggy.algorithms.composite import Composite, CompositeDirections
from fastpiggy.algorithms.coordinate_descent import CoordinateDescent
from fastpiggy.algorithms.forward_backward import ForwardBackward
from fastpiggy.algorithms.protocol import iterate
from fastpiggy.designs import Dense, Fixed, Intercept, InterceptColumns, Moving, Rows, Sparse
from fastpiggy.losses import Constant, Huber, LeastSquares, Logistic
from fastpiggy.penalties import L1, GroupL2, TotalVariation

GROUP = 5


@dataclass
class Setting:
    """An algorithm on a problem, with m tangents along alpha, ready to run from zero."""

    algorithm: Any
    problem: Any
    d: Any
    state: Any
    m: int
    start: dict[str, np.ndarray]

    def reset(self) -> None:
        """Back to x = 0, J = 0."""
        for name, value in self.start.items():
            getattr(self.state, name)[:] = value

    def run(self, steps: int) -> None:
        """So many iterations from zero, whatever the residuals."""
        self.reset()
        # No residual is below a negative tolerance: the number of steps is exact.
        policy = engine.Policy(steps, -1.0, np.inf, 0, True)
        trace = np.empty((steps, 5))
        engine.run(
            self.algorithm, self.problem, self.d, self.state, self.m, policy,
            engine.Progress.start(), trace,
        )  # fmt: skip


def make(
    algorithm: str, design: Any, loss: Any, penalty: Any, m: int, moving_X: bool = False
) -> Setting:
    """Bind blocks for one of the algorithms on ``loss(X x) + penalty(x)``."""
    n = loss.y.size
    squares, largest = _curvatures(design, loss)
    p = squares.size
    problem = Composite(design, loss, penalty, np.zeros(p))
    state = iterate(n, p, m)
    start = {name: np.zeros_like(getattr(state, name)) for name in state._fields}
    for i in range(n):
        start["s"][i] = loss.start(i)
        start["r"][i] = loss.slope(i, start["s"][i])
    if algorithm == "forward_backward":
        algorithm = ForwardBackward(np.full(p, 1.0 / largest))
    elif algorithm == "coordinate_descent":
        algorithm = CoordinateDescent(squares, np.arange(p), 0, np.zeros(1, dtype=np.int64))
    else:
        algorithm = BlockDescent(np.add.reduceat(squares, penalty.offsets[:-1]))
    return Setting(algorithm, problem, _directions(design, penalty, m, moving_X), state, m, start)


def _directions(design: Any, penalty: Any, m: int, moving_X: bool) -> CompositeDirections:
    """Along alpha, and where asked along X too."""
    d = type(penalty)(*(np.zeros((m, *np.shape(value))) for value in penalty))
    d.alpha[:] = 1.0 + np.arange(m)
    dX = Fixed()
    if moving_X:
        dX = Moving(np.random.default_rng(1).standard_normal((m, *design.X.shape)))
    return CompositeDirections(dX, Constant(), d, np.zeros(m))


def _curvatures(design: Any, loss: Any) -> tuple[np.ndarray, float]:
    """Bounds of the curvature along each coordinate and along any direction."""
    h = np.array([loss.bound(i) for i in range(loss.y.size)])
    if isinstance(design, Intercept | InterceptColumns):
        X = np.column_stack([design.design.X - design.mean, np.ones(h.size)])
    elif isinstance(design, Sparse):
        from scipy.sparse import csc_array

        p = design.indptr.size - 1
        X = csc_array((design.data, design.indices, design.indptr), shape=(h.size, p))
        return np.asarray((X * X).T @ h), float(h.max() * (X * X).sum())
    else:
        X = design.X
    v = np.random.default_rng(0).standard_normal(X.shape[1])
    for _ in range(20):
        v = X.T @ (h * (X @ (v / np.linalg.norm(v))))
    return h @ (X * X), 1.1 * float(np.linalg.norm(v))


def design(name: str, X: Any) -> Any:
    """The record of a matrix in a storage, with an intercept where the name says so."""
    if name == "sparse":
        return Sparse(X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32), X.shape[0])
    rows = name.startswith("rows")
    inner = Rows(np.ascontiguousarray(X)) if rows else Dense(np.asfortranarray(X))
    if name.endswith("+ intercept"):
        return (Intercept if rows else InterceptColumns)(inner, X.mean(axis=0))
    return inner


def loss(name: str, y: np.ndarray) -> Any:
    """A loss by name, with equal sample weights."""
    s = np.full(y.size, 1.0 / y.size)
    if name == "logistic":
        return Logistic(np.where(y > np.median(y), 1.0, -1.0), s)
    return Huber(y, s, float(np.std(y))) if name == "huber" else LeastSquares(y, s)


def penalty(name: str, alpha: float, p: int) -> Any:
    """A penalty by name on p coefficients."""
    if name == "total variation":
        return TotalVariation(alpha)
    if name == "l1":
        return L1(alpha, np.ones(p))
    offsets = np.append(np.arange(0, p, GROUP), p)
    return GroupL2(alpha, np.sqrt(np.diff(offsets)), offsets, np.arange(p))
