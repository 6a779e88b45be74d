"""Least squares with bounds on its active set."""

import numpy as np
import pytest
from scipy.optimize import lsq_linear

import fastpiggy as fp
from fastpiggy.penalties import Box, NonnegativeElasticNet, NonnegativeL1
from fastpiggy.solving.bounded import Bounds, follow


def draw(seed):
    """X, y, bounds and a start: shapes both ways, copies, zero columns, rounded entries."""
    rng = np.random.default_rng(seed)
    n, p = rng.integers(1, 30), rng.integers(3, 50)
    X, y = rng.standard_normal((n, p)), 3 * rng.standard_normal(n)
    if seed % 4 == 0:
        X[:, 1], X[:, 2] = X[:, 0], 0.0
    if seed % 7 == 0:
        X = np.round(X)
    lower, upper = np.zeros(p), np.full(p, np.inf)
    if seed % 2:
        lower, upper = -rng.random(p), rng.random(p)
    if seed % 5 == 0:
        upper[: p // 3] = lower[: p // 3]
    return X, y, Bounds(lower, upper), rng.standard_normal(p) * (seed % 3)


@pytest.mark.parametrize("seed", range(40))
def test_follow_against_the_optimality_conditions(seed):
    X, y, bounds, x = draw(seed)
    n = len(y)
    G, c = X.T @ X / n, -X.T @ y / n
    ends = []
    for start in (np.clip(x, *bounds), bounds.corner(np.clip(x, *bounds))):
        given = start.copy()
        end = follow(G, c + G @ start, start, bounds)
        np.testing.assert_array_equal(start, given)
        if end is not None:
            ends.append(end)
    # From a corner, where nothing is free at first, it always arrives.
    assert ends and end is not None
    # It is looser than the conditions: nothing may lie above what it finds.
    wanted = lsq_linear(X, y, tuple(bounds), tol=1e-14) if seed % 5 else None
    for x in ends:
        assert np.all(x >= bounds.lower) and np.all(x <= bounds.upper)
        step = np.clip(x - (c + G @ x), *bounds)
        np.testing.assert_allclose(x, step, atol=1e-9)
        if wanted is not None:
            assert np.sum((X @ x - y) ** 2) / 2 <= wanted.cost * (1 + 1e-12) + 1e-12


def test_more_columns_than_rows_where_descent_runs_out_of_sweeps():
    rng = np.random.default_rng(3)
    n, p = 46, 245
    X = rng.standard_normal((n, p))
    y = np.abs(rng.standard_normal(p)) @ X.T + rng.standard_normal(n)
    problem = fp.Problem(
        fp.losses.LeastSquares(y, np.full(n, 1 / n)), NonnegativeL1(1.0, np.ones(p)), X
    )
    problem = problem.replace(alpha=1e-4 * problem.alpha_max())
    sol = fp.solve(problem, wrt="alpha")
    assert sol.certificate.status == "converged"
    assert sol.certificate.optimality <= 1e-9
    S = np.flatnonzero(sol.x)
    wanted = np.linalg.solve(X[:, S].T @ X[:, S] / n, -np.ones(S.size))
    np.testing.assert_allclose(sol.jacobian["alpha"][S], wanted, rtol=1e-6)


@pytest.mark.parametrize(("n", "p"), [(40, 12), (30, 80)])
@pytest.mark.parametrize("ratio", [1.0, 0.4, 0.0])
def test_nonnegative_elastic_net(n, p, ratio):
    """Nonnegative least squares on the rows of X and one a coefficient; its derivative there."""
    rng = np.random.default_rng(n)
    X, alpha = rng.standard_normal((n, p)), 0.05
    y = X[:, :4] @ [2.0, -1.0, 1.0, 0.5] + 0.3 * rng.standard_normal(n)
    c = rng.uniform(0.5, 1.5, p)
    loss = fp.losses.LeastSquares(y, np.full(n, 1 / n))
    problem = fp.Problem(loss, NonnegativeElasticNet(alpha, ratio, c), X)
    sol = fp.solve(problem, wrt=["alpha", "l1_ratio"])
    assert sol.certificate.status == "converged" and sol.certificate.optimality < 1e-12
    ridge = alpha * (1 - ratio)
    gradient = X.T @ (X @ sol.x - y) / n + ridge * sol.x + alpha * ratio * c
    S = sol.x > 0
    assert 2 < S.sum() < p
    np.testing.assert_allclose(gradient[S], 0.0, atol=1e-12)
    assert gradient[~S].min() > -1e-12 and not sol.x[~S].any()
    H = X[:, S].T @ X[:, S] / n + ridge * np.eye(S.sum())
    for name, moved in (
        ("alpha", (1 - ratio) * sol.x + ratio * c), ("l1_ratio", alpha * (c - sol.x)),
    ):  # fmt: skip
        wanted = np.zeros(p)
        wanted[S] = -np.linalg.solve(H, moved[S])
        np.testing.assert_allclose(sol.jacobian[name], wanted, rtol=1e-7, atol=1e-9)


def test_a_bound_on_both_sides_with_its_derivative():
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((40, 12)), 4 * rng.standard_normal(40)
    lower, upper = -0.3 * np.ones(12), 0.2 * np.ones(12)
    problem = fp.Problem(fp.losses.LeastSquares(y, np.full(40, 1 / 40)), Box(lower, upper), X)
    dy = rng.standard_normal((40, 1))
    sol = fp.solve(problem, wrt={"y": dy})
    wanted = lsq_linear(X, y, (lower, upper), tol=1e-14)
    np.testing.assert_allclose(sol.x, wanted.x, atol=1e-7)
    assert {-0.3, 0.2} <= set(sol.x)
    free = (sol.x > lower) & (sol.x < upper)
    along = np.zeros((12, 1))
    along[free] = np.linalg.lstsq(X[:, free], dy)[0]
    assert free.any() and np.abs(along[free]).max() > 0.05
    np.testing.assert_allclose(sol.jacobian["y"], along, rtol=1e-8, atol=1e-12)
