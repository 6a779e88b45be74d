"""What one would write by hand for a solution and its derivative along log(alpha).

The fastest primal solver at a loose tolerance gives support and signs; one Cholesky solve on the
support then polishes the solution and gives the derivative.  The logistic loss takes two Newton
steps before it; where X is sparse, conjugate gradients give the derivative alone.  No library ships
it, and it is blind: it does not check that the support was right.  scikit-learn's kernels and
liblinear are called directly, without the classes around them.
"""

from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec
from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from scipy.linalg.lapack import dposv
from scipy.sparse import issparse
from scipy.special import expit

#: Solution and derivative, each of p entries.
Pair = tuple[np.ndarray, np.ndarray]
#: The same at a tolerance, whose meaning is the solver's own.
Baseline = Callable[[float], Pair]

MODULES = ("sklearn", "celer", "skglm")
_EPOCHS = 100_000


class Cell(NamedTuple):
    """A problem at one alpha, with what the derivative is judged by: held-out rows."""

    loss: str
    X: Any
    y: np.ndarray
    X_val: Any
    y_val: np.ndarray
    alpha: float


def missing() -> list[str]:
    """Peers that are not installed."""
    return [module for module in MODULES if find_spec(module) is None]


def baselines(cell: Cell) -> dict[str, Baseline]:
    """Every baseline for a cell, by name; those whose library is missing are left out."""
    n, p = cell.X.shape
    if cell.loss == "logistic":
        solvers = {
            "liblinear": liblinear, "celer": celer_logistic, "skglm": skglm_logistic,
        }  # fmt: skip
        found = {name: partial(_newton, cell, solver) for name, solver in solvers.items()}
    elif issparse(cell.X):
        found = {
            f"{name}, CG {rtol:.0e}": partial(_on_support, cell, solver, rtol)
            for name, solver in (
                ("scikit-learn", scikit_learn_sparse),
                ("celer", celer),
                # Its first working set doubles slowly up to supports of thousands.
                ("skglm", partial(skglm, start=1000)),
            )
            for rtol in (1e-3, 1e-5, 1e-6)
        }
    else:
        found = {
            name: partial(_cholesky, cell, solver)
            for name, solver in (
                ("celer", celer), ("skglm", skglm), ("scikit-learn", scikit_learn),
                ("scikit-learn unscreened", partial(scikit_learn, screening=False)),
            )
        }  # fmt: skip
        if n > p:
            found["scikit-learn Gram"] = partial(gram_and_cholesky, cell)
    absent = set(missing())
    return {name: run for name, run in found.items() if _module(name) not in absent}


def _module(name: str) -> str:
    known = [module for module in ("celer", "skglm") if name.startswith(module)]
    return known[0] if known else "sklearn"


# Primal solvers: coefficients at a tolerance.


def scikit_learn(
    X: np.ndarray, y: np.ndarray, alpha: float, tol: float, screening: bool = True
) -> np.ndarray:
    """scikit-learn's Cython kernel; the tolerance is of the duality gap over ``y'y``."""
    from sklearn.linear_model._cd_fast import enet_coordinate_descent as kernel

    w = np.zeros(X.shape[1])
    kernel(
        w, len(y) * alpha, 0.0, X, y, _EPOCHS, tol, _seed(), False, False,
        **_screening(kernel, screening),
    )  # fmt: skip
    return w


def scikit_learn_sparse(X: Any, y: np.ndarray, alpha: float, tol: float) -> np.ndarray:
    """The same for a CSC matrix."""
    from sklearn.linear_model._cd_fast import sparse_enet_coordinate_descent as kernel

    w, centre = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    kernel(
        w, len(y) * alpha, 0.0, X.data, X.indices, X.indptr, y, None, centre, _EPOCHS, tol,
        _seed(), False, False, **_screening(kernel, True),
    )  # fmt: skip
    return w


def celer(X: Any, y: np.ndarray, alpha: float, tol: float) -> np.ndarray:
    """celer with its Lasso's defaults; the tolerance is of the duality gap over ``y'y``."""
    from celer import celer_path

    return celer_path(X, y, "lasso", alphas=[alpha], max_iter=100, prune=True, tol=tol)[1][:, 0]


def skglm(X: Any, y: np.ndarray, alpha: float, tol: float, start: int = 10) -> np.ndarray:
    """skglm's solver of the Lasso; the tolerance is of the violation over alpha."""
    from skglm.datafits import Quadratic
    from skglm.penalties import L1
    from skglm.solvers import AndersonCD

    solver = AndersonCD(max_iter=100, p0=start, tol=tol * alpha, fit_intercept=False)
    return solver.solve(X, y, Quadratic(), L1(alpha), run_checks=False)[0]


def liblinear(X: np.ndarray, y: np.ndarray, alpha: float, tol: float) -> np.ndarray:
    """liblinear's l1 logistic regression, of rows in C order, without an intercept."""
    from sklearn.svm._liblinear import set_verbosity_wrap, train_wrap

    set_verbosity_wrap(0)
    n = len(y)
    kind, bias = 6, -1.0
    coefficients, _ = train_wrap(
        np.ascontiguousarray(X), (y > 0).astype(float), False, kind, tol, bias, 1.0 / (n * alpha),
        np.ones(2), _EPOCHS, 0, 0.1, np.ones(n),
    )  # fmt: skip
    return coefficients[0]


def celer_logistic(X: np.ndarray, y: np.ndarray, alpha: float, tol: float) -> np.ndarray:
    """celer's prox-Newton solver, whose loss is a sum over the rows."""
    from celer import celer_path

    options = {"alphas": [len(y) * alpha], "max_iter": 100, "prune": True, "use_PN": True}
    return celer_path(X, y, "logreg", tol=tol, **options)[1][:, 0]


def skglm_logistic(X: np.ndarray, y: np.ndarray, alpha: float, tol: float) -> np.ndarray:
    """skglm's prox-Newton solver; the tolerance is of the violation over alpha."""
    from skglm.datafits import Logistic
    from skglm.penalties import L1
    from skglm.solvers import ProxNewton

    solver = ProxNewton(max_iter=100, tol=tol * alpha, fit_intercept=False)
    return solver.solve(X, y, Logistic(), L1(alpha), run_checks=False)[0]


@cache
def _seed() -> np.random.RandomState:
    # Read by the kernels only where the order of coordinates is random.
    return np.random.RandomState(0)


def _screening(kernel: Callable[..., Any], wanted: bool) -> dict[str, bool]:
    """Older releases have no screening to choose."""
    return {"do_screening": wanted} if "do_screening" in signature(kernel).parameters else {}


# The derivative, once support and signs are known.


def _cholesky(cell: Cell, solver: Callable[..., np.ndarray], tol: float) -> Pair:
    w = solver(cell.X, cell.y, cell.alpha, tol)
    return polish(cell.X, cell.y, w, cell.alpha)


def polish(X: np.ndarray, y: np.ndarray, w: np.ndarray, alpha: float) -> Pair:
    """Solution and derivative on the support and signs of w, by one factorisation."""
    support = np.flatnonzero(w)
    A = X[:, support]
    return _solved(w, support, A.T @ A, A.T @ y, len(y) * alpha)


def gram_and_cholesky(cell: Cell, tol: float) -> Pair:
    """scikit-learn's Gram kernel; the Gram of the support is read off the one of all columns."""
    from sklearn.linear_model._cd_fast import enet_coordinate_descent_gram as kernel

    X, y = cell.X, cell.y
    gram, correlation, w = X.T @ X, X.T @ y, np.zeros(X.shape[1])
    kernel(
        w, len(y) * cell.alpha, 0.0, gram, correlation, y, _EPOCHS, tol, _seed(), False, False,
        **_screening(kernel, True),
    )  # fmt: skip
    support = np.flatnonzero(w)
    block = gram[np.ix_(support, support)]
    return _solved(w, support, block, correlation[support], len(y) * cell.alpha)


def _solved(
    w: np.ndarray, support: np.ndarray, gram: np.ndarray, correlation: np.ndarray, scale: float
) -> Pair:
    push = scale * np.sign(w[support])
    out = np.zeros((2, w.size))
    _, solved, fail = dposv(gram, np.column_stack([correlation - push, -push]))
    # A singular Gram is a failure of the baseline, which its error then shows.
    out[:, support] = np.nan if fail else solved.T
    return out[0], out[1]


def _on_support(cell: Cell, solver: Callable[..., np.ndarray], rtol: float, tol: float) -> Pair:
    """The derivative by conjugate gradients; a polish of w costs more than it wins."""
    w = solver(cell.X, cell.y, cell.alpha, tol)
    support = np.flatnonzero(w)
    dw = np.zeros(w.size)
    push = -len(cell.y) * cell.alpha * np.sign(w[support])
    dw[support] = conjugate_gradients(cell.X[:, support], push, rtol)
    return w, dw


def conjugate_gradients(A: Any, right: np.ndarray, rtol: float) -> np.ndarray:
    """``A'A x = right`` from zero, the diagonal as preconditioner."""
    transposed = A.T
    diagonal = np.asarray(A.multiply(A).sum(axis=0)).ravel()
    x, residual = np.zeros(right.size), right.copy()
    z = residual / diagonal
    direction, rho = z.copy(), residual @ z
    enough = rtol**2 * (right @ right)
    for _ in range(2 * right.size):
        if residual @ residual <= enough:
            break
        image = transposed @ (A @ direction)
        step = rho / (direction @ image)
        x += step * direction
        residual -= step * image
        z = residual / diagonal
        before, rho = rho, residual @ z
        direction = z + rho / before * direction
    return x


def _newton(cell: Cell, solver: Callable[..., np.ndarray], tol: float) -> Pair:
    w = solver(cell.X, cell.y, cell.alpha, tol)
    return polish_logistic(cell.X, cell.y, w, cell.alpha)


def polish_logistic(X: np.ndarray, y: np.ndarray, w: np.ndarray, alpha: float) -> Pair:
    """Two Newton steps on the support and signs of w, then the derivative there."""
    support = np.flatnonzero(w)
    A, b = X[:, support], w[support]
    push = len(y) * alpha * np.sign(b)
    out = np.full((2, w.size), np.nan)
    for step in range(3):
        chance = expit(-y * (A @ b))
        hessian = (A * (chance * (1.0 - chance))[:, None]).T @ A
        if step == 2:
            break
        _, move, fail = dposv(hessian, A.T @ (y * chance) - push)
        if fail:
            return out[0], out[1]
        b = b + move
    _, slope, fail = dposv(hessian, -push)
    if not fail:
        out[:] = 0.0
        out[0, support], out[1, support] = b, slope
    return out[0], out[1]


# The first-order baseline.


def forward(cell: Cell, tol: float, epochs: int = 20_000) -> Pair:
    """``Forward`` of sparse-ho (Bertrand et al., 2020, algorithm 2), written anew.

    Coordinate descent over all columns from zero, the derivative along log(alpha) in the same loop;
    the duality gap every ten epochs, over the objective at zero.  The work of an epoch is that of
    sparse-ho's: both residuals are updated for every column, changed or not, and the objective is
    computed after each epoch.
    """
    X, y, alpha = cell.X, cell.y, cell.alpha
    n, p = X.shape
    squares = X.multiply(X).sum(axis=0) if issparse(X) else np.linalg.norm(X, axis=0) ** 2
    curvature = np.asarray(squares).ravel() / n
    w, dw, r, dr = np.zeros(p), np.zeros(p), y.copy(), np.zeros(n)
    top = y @ y / (2 * n)
    for epoch in range(epochs):
        if issparse(X):
            _forward_sparse(X.data, X.indptr, X.indices, w, dw, r, dr, alpha, curvature)
        else:
            _forward_dense(X, w, dw, r, dr, alpha, curvature)
        objective = r @ r / (2 * n) + alpha * np.abs(w).sum()
        if epoch and epoch % 10 == 0:
            dual = r / (alpha * n)
            dual /= max(1.0, np.abs(X.T @ dual).max())
            if objective - (alpha * (y @ dual) - alpha**2 * n / 2 * (dual @ dual)) < tol * top:
                break
    return w, dw


@njit
def _forward_dense(X, w, dw, r, dr, alpha, curvature):
    n, p = X.shape
    for j in range(p):
        if curvature[j] == 0.0:
            continue
        column = X[:, j]
        before, dbefore = w[j], dw[j]
        u = before + column @ r / (curvature[j] * n)
        du = dbefore + column @ dr / (curvature[j] * n)
        w[j] = np.sign(u) * max(abs(u) - alpha / curvature[j], 0.0)
        dw[j] = du - alpha * np.sign(w[j]) / curvature[j] if w[j] != 0.0 else 0.0
        r -= column * (w[j] - before)
        dr -= column * (dw[j] - dbefore)


@njit
def _forward_sparse(data, indptr, indices, w, dw, r, dr, alpha, curvature):
    n = r.size
    for j in range(w.size):
        if curvature[j] == 0.0:
            continue
        before, dbefore = w[j], dw[j]
        dot = ddot = 0.0
        for k in range(indptr[j], indptr[j + 1]):
            dot += data[k] * r[indices[k]]
            ddot += data[k] * dr[indices[k]]
        u = before + dot / (curvature[j] * n)
        du = dbefore + ddot / (curvature[j] * n)
        w[j] = np.sign(u) * max(abs(u) - alpha / curvature[j], 0.0)
        dw[j] = du - alpha * np.sign(w[j]) / curvature[j] if w[j] != 0.0 else 0.0
        for k in range(indptr[j], indptr[j + 1]):
            r[indices[k]] -= data[k] * (w[j] - before)
            dr[indices[k]] -= data[k] * (dw[j] - dbefore)
