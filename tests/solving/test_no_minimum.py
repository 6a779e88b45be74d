"""Problems without a minimum, and coefficients that nothing but rounding holds."""

import numpy as np
import pytest

import fastpiggy as fp


def test_separated_classes_without_a_penalty_are_unbounded():
    rng = np.random.default_rng(0)
    X = np.asfortranarray(rng.standard_normal((10, 25)))
    problem = fp.logistic(X, rng.standard_normal(10) > 0, 0.0)
    with pytest.warns(fp.FastpiggyWarning, match="no solution exists"):
        sol = fp.solve(problem, wrt="alpha")
    assert sol.certificate.status == "unbounded"
    # At once, not after 20 000 sweeps.
    assert sol.iterations < 50


def test_classes_that_overlap_or_are_penalised_have_one():
    rng = np.random.default_rng(1)
    X, y = np.asfortranarray(rng.standard_normal((40, 3))), rng.standard_normal(40) > 0
    for problem in (fp.logistic(X, y, 0.0), fp.logistic(X, X[:, 0] > 0, 0.01)):
        assert fp.solve(problem).certificate.status == "converged"


def test_a_column_so_small_that_its_residual_drowns():
    # x_1 stands on the level part of the penalty, where its slope, 1e-26, is nothing next to
    # alpha; there is no stationary point on that part.
    X = np.zeros((4, 2), order="F")
    X[0, 0], X[1, 1] = 2.0, 5e-8
    y = np.array([2.0, 0.0, 0.0, 0.0])
    penalty = fp.penalties.MCP(1.4e-4, 1.95, np.array([1.4, 4e-8]))
    loss = fp.losses.LeastSquares(y, np.full(4, 0.25))
    problem = fp.Problem(loss, penalty, X)
    assert 1e-10 > penalty.gamma * penalty.alpha * penalty.weights[1]
    sol = fp.solve(problem, wrt="alpha", x0=[1.0, -1e-10])
    assert sol.x[1] == 0.0 and sol.x[0] == pytest.approx(1.0)
    assert sol.certificate.status == "converged"
