"""Weighted l1 problems above a penalty that bends down: where descent takes all of its sweeps."""

import numpy as np
import pytest

import fastpiggy as fp

GAMMA = 3.7


def scaled(kind, seed, part=1e-3, n=20, p=30):
    """Columns of sizes 1e-4 to 1: the steps of descent are far below one over their curvature."""
    rng = np.random.default_rng(seed)
    X = rng.integers(0, 3, (n, p)) * 10.0 ** rng.uniform(-4, 0, p)
    y = rng.standard_normal(n) + X[:, 0] / X[:, 0].max()
    loss = fp.losses.LeastSquares(y, np.full(n, 1 / n))
    problem = fp.Problem(loss, kind(1.0, GAMMA, np.ones(p)), X)
    return X, y, problem.replace(alpha=part * problem.alpha_max())


def slope_and_bend(kind, x, alpha):
    """Derivatives of the penalty in ``abs(x)``: the first, the second, the first along alpha."""
    size = np.abs(x)
    if kind is fp.penalties.MCP:
        bent = size < GAMMA * alpha
        slope = np.where(bent, alpha - size / GAMMA, 0.0)
        return slope, np.where(bent, -1 / GAMMA, 0.0), np.where(bent, 1.0, 0.0)
    soft, bent = size <= alpha, (size > alpha) & (size < GAMMA * alpha)
    falling = (GAMMA * alpha - size) / (GAMMA - 1)
    slope = np.where(soft, alpha, np.where(bent, falling, 0.0))
    along = np.where(soft, 1.0, np.where(bent, GAMMA / (GAMMA - 1), 0.0))
    return slope, np.where(bent, -1 / (GAMMA - 1), 0.0), along


@pytest.mark.parametrize(
    ("kind", "seed"), [(fp.penalties.MCP, 0), (fp.penalties.MCP, 6), (fp.penalties.SCAD, 2)]
)
def test_small_columns_do_not_take_all_sweeps(kind, seed):
    X, y, problem = scaled(kind, seed)
    alpha, n = problem.penalty.alpha, len(y)
    sol = fp.solve(problem, wrt="alpha")
    assert sol.certificate.status == "converged"
    # Descent alone was not there after 20000 sweeps, at a higher objective.
    assert sol.iterations < 1000
    x, on = sol.x, sol.x != 0
    g = X.T @ (X @ x - y) / n
    slope, bend, along = slope_and_bend(kind, x, alpha)
    top = problem.alpha_max()
    np.testing.assert_allclose(g[on], -(np.sign(x) * slope)[on], atol=1e-10 * top)
    assert np.all(np.abs(g[~on]) <= alpha * (1 + 1e-9))
    K = X[:, on].T @ X[:, on] / n + np.diag(bend[on])
    J = np.linalg.solve(K, -(np.sign(x) * along)[on])
    np.testing.assert_allclose(sol.jacobian["alpha"][on], J, rtol=1e-6, atol=1e-9)
    assert not sol.jacobian["alpha"][~on].any()
    # Below a descent that is stopped early, from the same start, or whose Newton steps lead to a
    # point that is stationary with dependent columns.
    options = {"algorithm": "coordinate_descent", "derivative": "none", "max_iter": 150}
    with pytest.warns(fp.FastpiggyWarning, match="max_iter|singular_active_set"):
        early = fp.solve(problem, **options)
    assert sol.objective < early.objective
