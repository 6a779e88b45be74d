"""Huber's loss as a problem: linear systems on active columns and inlying rows."""

import numpy as np
import pytest
from sklearn.linear_model import SGDRegressor

import fastpiggy as fp

TOL = 1e-13


def data(n=60, p=10, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.2
    return X, X[:, :3] @ [1.0, -2.0, 1.5] + noise * rng.standard_normal(n), rng


def robust(intercept=True, delta=0.8):
    X, y, rng = data()
    y[::9] += 15.0
    w = rng.uniform(0.7, 1.3, 10)
    w[6] = 0.0
    return fp.huber(X, y, 0.06, delta, 0.8, weights=w, sample_weight=rng.uniform(0.5, 1.5, 60),
                    fit_intercept=intercept)  # fmt: skip


@pytest.mark.parametrize("intercept", [True, False])
def test_hubers_closed_form(intercept):
    """Least squares on the rows within delta, a constant pull from those beyond."""
    problem = robust(intercept)
    X, y, s = problem.design.X, problem.loss.y, problem.loss.sample_weight
    w, alpha, ratio, delta = problem.penalty.weights, 0.06, 0.8, 0.8
    sol = fp.solve(problem, wrt=["alpha", "delta", "y"], tol=TOL)
    assert sol.certificate.status == "converged"
    S = np.flatnonzero(sol.x)
    k = S.size
    A = np.column_stack([X[:, S], np.ones(60)]) if intercept else X[:, S]
    pad = np.zeros(int(intercept))
    z = X @ sol.x + sol.intercept - y
    inside, sign = np.abs(z) < delta, np.sign(z)
    assert 10 < inside.sum() < 55 and 3 < k < 10
    ridge = np.append(np.full(k, alpha * (1 - ratio)), pad)
    K = (A.T * (s * inside)) @ A + np.diag(ridge)
    signs = w[S] * np.sign(sol.x[S])
    pull = A.T @ (s * np.where(inside, -y, delta * sign))
    x = np.linalg.solve(K, -pull - np.append(alpha * ratio * signs, pad))
    np.testing.assert_allclose(sol.x[S], x[:k], rtol=1e-9)
    value = np.where(inside, z**2 / 2, delta * (np.abs(z) - delta / 2))
    value = s @ value + alpha * (ratio * w @ np.abs(sol.x) + (1 - ratio) / 2 * sol.x @ sol.x)
    assert sol.objective == pytest.approx(value, rel=1e-12)
    moved = {"alpha": np.append(ratio * signs + (1 - ratio) * x[:k], pad),
             "delta": A.T @ (s * ~inside * sign), "y": -A.T * (s * inside)}  # fmt: skip
    for name, part in moved.items():
        J = -np.linalg.solve(K, part)
        np.testing.assert_allclose(sol.jacobian[name][S], J[:k], rtol=1e-8, atol=1e-11)
        if intercept:
            np.testing.assert_allclose(sol.intercept_jacobian[name], J[k], rtol=1e-8, atol=1e-11)


def test_huber_within_delta_is_the_elastic_net():
    X, y, _ = data()
    wide, squares = fp.huber(X, y, 0.1, 1e6, 0.7), fp.elastic_net(X, y, 0.1, 0.7)
    assert wide.alpha_max() == pytest.approx(squares.alpha_max(), rel=1e-12)
    a, b = (fp.solve(problem, wrt="alpha", tol=TOL) for problem in (wide, squares))
    np.testing.assert_allclose(a.x, b.x, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(a.jacobian["alpha"], b.jacobian["alpha"], rtol=1e-9, atol=1e-12)


def test_huber_against_stochastic_gradients():
    """Of scikit-learn, on the same objective; it stops early, so its objective cannot be lower."""
    X, y, _ = data()
    y[::9] += 15.0
    alpha, ratio, delta = 0.05, 0.6, 0.8
    model = SGDRegressor(loss="huber", epsilon=delta, penalty="elasticnet", alpha=alpha,
                         l1_ratio=ratio, fit_intercept=False, max_iter=20_000, tol=None,
                         random_state=0, eta0=0.02, power_t=0.5)  # fmt: skip
    theirs = model.fit(X, y).coef_
    sol = fp.solve(fp.huber(X, y, alpha, delta, ratio), tol=TOL)
    z = np.abs(X @ theirs - y)
    value = np.mean(np.where(z < delta, z**2 / 2, delta * (z - delta / 2)))
    value += alpha * (ratio * np.abs(theirs).sum() + (1 - ratio) / 2 * theirs @ theirs)
    assert sol.objective <= value <= sol.objective * (1 + 1e-3)


def test_a_row_on_the_knee_is_a_kink():
    """The residual of row 2 is delta itself: the curvature there is s_2 or 0, and so dx differs."""
    X, delta, alpha = np.array([[1.0], [2.0], [1.0]]), 1.0, 0.1
    x = 1.5
    # Residuals 0.4, r, -1 with the optimality condition (0.4 + 2 r - 1) / 3 = -alpha.
    r = 0.5 * (0.6 - 3 * alpha)
    y = X[:, 0] * x - np.array([0.4, r, -delta])
    with pytest.warns(fp.FastpiggyWarning, match="rows of the loss 2 stand on a kink"):
        sol = fp.solve(fp.huber(X, y, alpha, delta=delta), "alpha")
    np.testing.assert_allclose(sol.x, [x], rtol=1e-12)
    assert sol.certificate.status == "at_kink"
    assert not sol.certificate.certified
    # One element of Clarke's set: the weighted Gram matrix without or with row 2.
    assert np.isclose(sol.jacobian["alpha"][0], [-3 / 5, -3 / 6], rtol=1e-9).any()


def test_a_row_on_the_knee_that_no_active_column_touches_is_none():
    X, y = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1e-3]]), np.array([0.5, 0.7, 1.0])
    sol = fp.solve(fp.huber(X, y, 0.1, delta=1.0), "alpha")
    assert sol.x[0] > 0 and sol.x[1] == 0
    assert sol.certificate.status == "converged"


def test_targets_far_from_zero_have_the_same_solution():
    # With every row beyond the knee there is no curvature to find the intercept by.
    X, y, _ = data()
    near = fp.huber(np.asfortranarray(X), y, 0.1, 0.7, fit_intercept=True)
    low, high = y.min(), y.max()
    for _ in range(100):
        middle = 0.5 * (low + high)
        up = np.clip(middle - y, -0.7, 0.7).sum() > 0
        low, high = (low, middle) if up else (middle, high)
    top = np.abs(X.T @ np.clip(low - y, -0.7, 0.7)).max() / 60
    sol = fp.solve(near, wrt="alpha")
    for shift in (30.0, -1e6):
        far = near.replace(y=y + shift)
        assert far.alpha_max() == pytest.approx(top, rel=1e-9)
        end = fp.solve(far, wrt="alpha")
        assert end.certificate.status == "converged"
        np.testing.assert_allclose(end.x, sol.x, atol=1e-8)
        np.testing.assert_allclose(end.jacobian["alpha"], sol.jacobian["alpha"], atol=1e-8)
        assert end.intercept - shift == pytest.approx(sol.intercept, abs=1e-8)
