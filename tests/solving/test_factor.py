"""The system on the active set where rows are fewer: against the matrix itself, in NumPy."""

import numpy as np
import pytest

import fastpiggy as fp
from fastpiggy.designs import matrix
from fastpiggy.solving.binding import bind
from fastpiggy.solving.dual_factor import DualFactor
from fastpiggy.solving.factor import Factor
from fastpiggy.solving.linearisation import Linearisation


@pytest.mark.parametrize("free", [0, 1, 3])
def test_dual_factor_is_the_matrix(free):
    rng = np.random.default_rng(free)
    A, h, C = rng.standard_normal((20, 50)), rng.uniform(0.5, 2, 20), rng.uniform(0.01, 1, 50)
    h[3] = 0.0
    C[rng.choice(50, free, replace=False)] = 0.0
    found = Factor.of(matrix.as_design(np.asfortranarray(A)), np.arange(50), None, h, C)
    assert isinstance(found, DualFactor) and found.formed and not found.singular
    K = (A.T * h) @ A + np.diag(C)
    inverse, R = np.linalg.inv(K), rng.standard_normal((50, 3))
    np.testing.assert_allclose(found.solve(R), inverse @ R, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.times(R), K @ R, rtol=1e-12, atol=1e-12)
    assert found.trace(C) == pytest.approx(np.trace(inverse @ (K - np.diag(C))), rel=1e-10)
    moved = np.trace(inverse @ np.diag(C) @ inverse @ np.diag(C)) - np.trace(inverse @ np.diag(C))
    assert found.trace_slope(C, C) == pytest.approx(moved, rel=1e-9)
    assert 0.02 * np.linalg.eigvalsh(K)[0] < found.least_eigenvalue <= np.linalg.eigvalsh(K)[0]
    assert np.all(found.spread(R) >= np.abs(inverse) @ np.abs(R) - 1e-12)
    assert np.all(found.terms(R) >= np.abs(K) @ np.abs(R) - 1e-12)


def test_where_rounding_would_show_the_matrix_itself_is_factored():
    A, C = np.random.default_rng(0).standard_normal((20, 50)), np.full(50, 1e-12)
    design = matrix.as_design(np.asfortranarray(A))
    assert not isinstance(Factor.of(design, np.arange(50), None, np.ones(20), C), DualFactor)
    # Two free columns that are the same.
    A[:, 1], C = A[:, 0], np.r_[0.0, 0.0, np.ones(48)]
    design = matrix.as_design(np.asfortranarray(A))
    found = Factor.of(design, np.arange(50), None, np.ones(20), C)
    assert not isinstance(found, DualFactor) and found.singular


def test_wide_ridge_by_hand():
    rng = np.random.default_rng(1)
    X, y, v = rng.standard_normal((12, 40)), rng.standard_normal(12), rng.standard_normal(40)
    sol = fp.solve(fp.ridge(X, y, 0.3, fit_intercept=True), "alpha")
    A, b = X - X.mean(axis=0), y - y.mean()
    K = A.T @ A / 12 + 0.3 * np.eye(40)
    x = np.linalg.solve(K, A.T @ b / 12)
    slope = -np.linalg.solve(K, x)
    np.testing.assert_allclose(sol.x, x, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(sol.jacobian["alpha"], slope, rtol=1e-9, atol=1e-11)
    assert sol.vjp(v)["alpha"] == pytest.approx(v @ slope, rel=1e-9)
    assert sol.certificate.certified and sol.certificate.tangent_error < 1e-9
    # A start that is the solution is not left.
    again = fp.solve(sol.problem, x0=x)
    assert again.iterations == 0 and again.certificate.status == "converged"
    np.testing.assert_allclose(again.intercept, y.mean() - X.mean(axis=0) @ x, rtol=1e-10)


def test_an_inverse_beyond_the_range_of_floats_leaves_no_eigenvalue_known():
    assert Factor.of_matrix(np.diag([1.0, 1e-310])).least_eigenvalue < 1e-300


def test_a_diagonal_next_to_nothing_is_not_inverted():
    A, C = np.ones((2, 4)), np.full(4, 1e-320)
    found = Factor.of(matrix.as_design(np.asfortranarray(A)), np.arange(4), None, np.ones(2), C)
    assert not isinstance(found, DualFactor)
    assert found.singular


@pytest.mark.parametrize("make", [fp.elastic_net, fp.logistic])
def test_a_factor_goes_on_only_where_the_system_is_the_same(make):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((40, 6))
    y = np.where(X @ rng.standard_normal(6) > 0, 1.0, -1.0)
    problem = make(X, y, 0.05, 0.5, fit_intercept=True)
    binding = bind(problem, True, np.zeros(6))
    sol = fp.solve(problem)
    x = binding.inward(sol.x, sol.intercept)
    point = Linearisation(binding, x)
    members = point.active[0]
    factor, near = point.factor, point.at(x * (1.0 + 1e-9))
    np.testing.assert_array_equal(near.active[0], members)
    assert (near.factor is factor) == (make is fp.elastic_net)
    elsewhere = point.at(np.append(np.zeros(6), x[-1]))
    assert not np.array_equal(elsewhere.active[0], members)
    for other in (near, elsewhere):
        A = matrix.block(binding.design, other.active[0])
        K = (A.T * other.curvatures) @ A + np.diag(other.active[2])
        np.testing.assert_allclose(other.factor.K, K, rtol=1e-12, atol=1e-15)


def test_the_hessian_on_the_active_coordinates():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((30, 8)), rng.standard_normal(30)
    problem = fp.elastic_net(X, y, 0.1, 0.7)
    point = Linearisation(bind(problem, True, np.zeros(8)), fp.solve(problem).x)
    members = point.active[0]
    assert 0 < members.size < 8
    on, H = np.zeros((8, 2)), X.T @ X / 30
    on[members] = rng.standard_normal((members.size, 2))
    for V in (on, rng.standard_normal((8, 2))):
        np.testing.assert_allclose(point._times_active(V), (H @ V)[members], rtol=1e-12, atol=1e-14)
