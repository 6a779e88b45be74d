"""The likelihood of rows that were held out, and its slope."""

import numpy as np
import pytest

import fastpiggy as fp


def rows(n=60, p=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    X[:, 1] += 0.8 * X[:, 0]
    X[:, 3] -= 0.6 * X[:, 2]
    return X + 3.0


@pytest.mark.parametrize("correlation", [False, True])
def test_value_and_slope(correlation):
    X = rows()
    problem = fp.sparse_inverse_covariance(None, 0.1, data=X[:40], correlation=correlation)
    criterion = fp.HeldOut(problem, X[40:])
    found = criterion.evaluate(alpha=0.11)
    P = fp.solve(problem.replace(alpha=0.11)).x
    away = X[40:] - X[:40].mean(axis=0)
    wanted = np.mean([r @ P @ r for r in away]) - np.linalg.slogdet(P)[1]
    np.testing.assert_allclose(found.value, wanted, rtol=1e-12)
    up, down = (criterion.evaluate(alpha=0.11 + h).value for h in (1e-6, -1e-6))
    np.testing.assert_allclose(found.gradient["alpha"], (up - down) / 2e-6, rtol=1e-6)


def test_folds_and_tune():
    X = rows()
    problem = fp.sparse_inverse_covariance(None, 0.1, data=X)
    criterion = fp.CrossVal(problem, cv=4)
    found = criterion.evaluate(alpha=0.1)
    one = fp.HeldOut(fp.sparse_inverse_covariance(None, 0.1, data=X[15:]), X[:15])
    np.testing.assert_allclose(found.fold_values[0], one.evaluate(alpha=0.1).value, rtol=1e-12)
    result = fp.tune(criterion)
    top = problem.alpha_max()
    grid = [criterion.evaluate_quietly(alpha=a).value for a in np.geomspace(top / 1000, top, 80)]
    assert result.status == "converged" and result.value <= min(grid) + 1e-9


def test_a_matrix_alpha_has_a_gradient():
    X = rows()
    alpha = np.full((6, 6), 0.1)
    criterion = fp.HeldOut(fp.sparse_inverse_covariance(None, alpha, data=X[:40]), X[40:])
    found = criterion.evaluate()
    D = np.random.default_rng(1).uniform(-1e-6, 1e-6, (6, 6))
    D = D + D.T
    up, down = (criterion.evaluate(alpha=alpha + s * D).value for s in (1, -1))
    slope = (found.gradient["alpha"] * D).sum()
    np.testing.assert_allclose(slope, (up - down) / 2, rtol=1e-5)
    with pytest.raises(ValueError, match="alpha is a matrix"):
        fp.tune(criterion)


def test_bad_input():
    X = rows()
    plain = fp.sparse_inverse_covariance(np.cov(X.T), 0.1)
    with pytest.raises(ValueError, match="data="):
        fp.CrossVal(plain)
    with pytest.raises(ValueError, match="X_val must have 6 columns"):
        fp.HeldOut(plain, X[:, :5])
    with pytest.raises(ValueError, match="rows alone"):
        fp.HeldOut(plain, X, X[:, 0])
    with pytest.raises(ValueError, match="metric is for"):
        fp.CrossVal(plain, metric="mse")
    with pytest.raises(ValueError, match="cv must be between 2"):
        fp.CrossVal(fp.sparse_inverse_covariance(None, 0.1, data=X), cv=61)
