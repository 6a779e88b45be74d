"""Bad input is named, with its value and what is allowed; ugly input is solved."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge

import fastpiggy as fp


def data(n=40, p=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    return X, X[:, :3] @ [1.0, -2.0, 1.5] + 0.3 * rng.standard_normal(n)


X, Y = data()


def with_entry(value):
    A = X.copy()
    A[3, 5] = value
    return A


# fmt: off
BAD = [
    (lambda: fp.lasso(with_entry(np.nan), Y, 0.1), ValueError, "X .* got nan at row 3, column 5"),
    (lambda: fp.lasso(with_entry(np.inf), Y, 0.1), ValueError, "got inf at row 3, column 5"),
    (lambda: fp.solve(fp.lasso(X * 1e200, Y, 0.1)), ValueError, "overflow"),
    (lambda: fp.lasso(X[0], Y, 0.1), ValueError, "two dimensions"),
    (lambda: fp.lasso(X[:0], Y[:0], 0.1), ValueError, "at least one row"),
    (lambda: fp.lasso(X + 1j, Y, 0.1), TypeError, "X must be real"),
    (lambda: fp.lasso(X.astype(str), Y, 0.1), TypeError, "X must hold numbers"),
    (lambda: fp.lasso([[1, "a"], [2, "b"]], [1, 2], 0.1), TypeError, "X must hold numbers"),
    (lambda: fp.lasso([[1, 2], [3]], [1, 2], 0.1), ValueError, "rectangular"),
    (lambda: fp.lasso(X, Y[:-1], 0.1), ValueError, r"y must have shape \(40,\)"),
    (lambda: fp.lasso(X, np.where(Y > 1, np.nan, Y), 0.1), ValueError, "y must be finite"),
    (lambda: fp.lasso(X, Y, -1.0), ValueError, "alpha must be"),
    (lambda: fp.lasso(X, Y, np.nan), ValueError, "alpha must be"),
    (lambda: fp.lasso(X, Y, "0.1"), TypeError, "alpha must be a real number, got '0.1'"),
    (lambda: fp.lasso(X, Y, True), TypeError, "alpha must be"),
    (lambda: fp.lasso(X, Y, 0.1, weights=-np.ones(12)), ValueError, "weights must not be negative"),
    (lambda: fp.lasso(X, Y, 0.1, weights=np.ones(3)), ValueError, "weights must have shape"),
    (lambda: fp.lasso(X, Y, 0.1, sample_weight=np.zeros(40)), ValueError, "sample_weight"),
    (lambda: fp.elastic_net(X, Y, 0.1, 1.5), ValueError, "l1_ratio must be"),
    (lambda: fp.group_lasso(X, Y, 0.1, [0, 1]), ValueError, "groups must have shape"),
    (lambda: fp.group_lasso(X, Y, 0.1, np.full(12, np.nan)), ValueError, "groups must hold finite labels"),  # noqa: E501
    (lambda: fp.logistic(X, np.ones(40), 0.1), ValueError, "exactly two labels, got 1"),
    (lambda: fp.logistic(X, np.arange(40), 0.1), ValueError, "exactly two labels, got 40"),
    (lambda: fp.squared_hinge(X, np.ones(40), 0.1), ValueError, "exactly two labels, got 1"),
    (lambda: fp.squared_hinge(X, Y > 0, 0.1, 1.5), ValueError, "l1_ratio must be"),
    (lambda: fp.solve(fp.squared_hinge(X, Y > 0, 0.1), wrt="y"), ValueError, "it holds labels"),
    (lambda: fp.Problem(hinge(Y), L1, X), ValueError, r"loss\.y must hold labels .*squared_hinge"),
    (lambda: fp.Problem(hinge(np.ones(3)), L1, X), ValueError, r"loss\.y must have shape \(40,\)"),
    (lambda: fp.Problem(hinge(np.ones(40), 2.0), L1, X), ValueError, r"loss\.selection must be"),
    (lambda: fp.Problem(logistic(np.ones(3)), L1, X), ValueError, r"loss\.y must have shape"),
    (lambda: fp.huber(X, Y, 0.1, 0.0), ValueError, r"delta must be .* \(0, inf\), got 0"),
    (lambda: fp.huber(X, Y, 0.1, -1.0), ValueError, "delta must be"),
    (lambda: fp.huber(X, Y, 0.1, 1.0, 2.0), ValueError, "l1_ratio must be"),
    (lambda: fp.huber(X, Y, 0.1, 1.0).replace(delta=0.0), ValueError, "delta must be"),
    (lambda: fp.ridge(X, Y, 0.1).alpha_max(), ValueError, "alpha_max does not exist"),
    (lambda: fp.elastic_net(X, Y, 0.1, 0.0).alpha_max(), ValueError, "l1_ratio = 0"),
    (lambda: fp.lasso(X, Y, 0.1).replace(beta=1), ValueError, "'beta' is no parameter"),
    (lambda: fp.Problem(3, fp.penalties.SquaredL2(1.0), X), TypeError, "loss must be"),
    (lambda: fp.solve(3), TypeError, "problem must be made by"),
    (lambda: solve(wrt="beta"), ValueError, "wrt must name parameters"),
    (lambda: solve(wrt=3), TypeError, "wrt must be"),
    (lambda: solve(wrt={"y": np.ones((3, 2))}), ValueError, r"wrt\['y'\] must have shape"),
    (lambda: solve(algorithm="newton"), ValueError, "algorithm must be one of"),
    (lambda: solve(algorithm=3), TypeError, "algorithm must be"),
    (lambda: solve(derivative="fast"), ValueError, "derivative must be one of"),
    (lambda: solve(tol=0.0), ValueError, "tol must be"),
    (lambda: solve(max_iter=0), ValueError, "max_iter must be"),
    (lambda: solve(selection=2.0), ValueError, "selection must lie in"),
    (lambda: solve(selection=np.zeros(3)), ValueError, "selection must be"),
    (lambda: solve(x0=np.zeros(3)), ValueError, "x0 must have shape"),
    (lambda: solve(callback=3), TypeError, "callback must be callable"),
    (lambda: fp.solve(fp.logistic(X, Y > 0, 0.1), wrt="y"), ValueError, "it holds labels"),
    (lambda: fp.CoordinateDescent(order="up"), ValueError, "order must be"),
    (lambda: fp.solve(fp.lasso(X, Y, 0.1)).vjp(np.ones(3)), ValueError, "v must have shape"),
    (lambda: fp.solve(fp.lasso(X, Y, 0.1)).vjp(np.ones(12), wrt="z"), ValueError, "wrt must name"),
]
# fmt: on


L1 = fp.penalties.L1(0.1, np.ones(12))


def hinge(y, *selection):
    return fp.losses.SquaredHinge(y, np.full(40, 1 / 40), *selection)


def logistic(y):
    return fp.losses.Logistic(y, np.full(40, 1 / 40))


def solve(**arguments):
    return fp.solve(fp.lasso(X, Y, 0.1), **arguments)


@pytest.mark.parametrize(("call", "error", "words"), BAD)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_large_jacobians_are_refused_with_a_way_out():
    wide = fp.lasso(np.ones((2, 5000)), [1.0, 2.0], 0.1)
    with pytest.raises(ValueError, match="vjp"):
        fp.solve(wide, wrt="weights")


def test_nothing_of_the_callers_is_changed():
    A, b = X.copy(), Y.copy()
    w, s = np.ones(12), np.ones(40)
    for array in (A, b, w, s):
        array.flags.writeable = False
    fp.solve(fp.lasso(A, b, 0.1, weights=w, sample_weight=s, fit_intercept=True), wrt="alpha")
    np.testing.assert_array_equal(A, X)


def test_against_scikit_learn():
    kw = {"tol": 1e-13, "max_iter": 200_000}
    pairs = [
        (fp.lasso(X, Y, 0.1, fit_intercept=True), Lasso(0.1, **kw)),
        (fp.elastic_net(X, Y, 0.1, 0.4, fit_intercept=True), ElasticNet(0.1, l1_ratio=0.4, **kw)),
        (fp.ridge(X, Y, 0.1, fit_intercept=True), Ridge(0.1 * 40)),
    ]
    for problem, peer in pairs:
        sol, peer = fp.solve(problem), peer.fit(X, Y)
        np.testing.assert_allclose(sol.x, peer.coef_, atol=1e-8)
        np.testing.assert_allclose(sol.intercept, peer.intercept_, atol=1e-8)
    labels = (Y > 0).astype(int)
    sol = fp.solve(fp.logistic(X, labels, 0.02, fit_intercept=True))
    # Its tolerance stops at about 1e-6 in the coefficients.
    peer = LogisticRegression(
        C=1 / (40 * 0.02), l1_ratio=1, solver="saga", tol=1e-10, max_iter=100_000
    )
    peer.fit(X, labels)
    np.testing.assert_allclose(sol.x, peer.coef_[0], atol=1e-6)


UGLY = {
    "p >> n": (data(5, 60), 0.1),
    "one sample": (data(1, 12), 0.01),
    "one feature": ((data()[0][:, :1], data()[1]), 0.1),
    "constant y": ((X, np.ones(40)), 0.1),
    "y = 0": ((X, np.zeros(40)), 0.1),
    "zero column": ((np.where(np.arange(12) == 2, 0.0, X), Y), 0.1),
    "constant column": ((np.where(np.arange(12) == 2, 3.0, X), Y), 0.1),
    "above alpha_max": ((X, Y), 100.0),
    "tiny columns": ((X * 1e-8, Y), 1e-10),
    "huge columns": ((X * 1e8, Y), 1e7),
    "mixed scales": ((X * 10.0 ** (np.arange(12) - 6), Y), 1e-3),
    "integers": ((np.round(2 * X).astype(int), np.round(Y).astype(int)), 0.1),
    "booleans": ((X > 0, Y), 0.05),
    "frame": ((pd.DataFrame(X), pd.Series(Y)), 0.1),
    "lists": ((X.tolist(), Y.tolist()), 0.1),
}


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("name", UGLY)
def test_ugly_input_is_solved(name, intercept):
    (A, b), alpha = UGLY[name]
    sol = fp.solve(fp.lasso(A, b, alpha, fit_intercept=intercept), wrt="alpha")
    assert sol.certificate.status == "converged", sol.certificate.message
    A, b = np.asarray(A, dtype=float), np.asarray(b, dtype=float)
    g = A.T @ (A @ sol.x + sol.intercept - b) / b.size
    on = sol.x != 0
    scale = max(sol.certificate.floor, 1e-9) * max(alpha, 1e-3 * np.abs(A.T @ b).max() / b.size)
    assert np.all(np.abs(g[on] + alpha * np.sign(sol.x[on])) <= 10 * scale)
    assert np.all(np.abs(g[~on]) <= alpha + 10 * scale)
    assert np.all(np.isfinite(sol.jacobian["alpha"]))


def test_alpha_zero():
    sol = fp.solve(fp.lasso(X, Y, 0.0, fit_intercept=True), wrt="y")
    A = np.column_stack([X, np.ones(40)])
    np.testing.assert_allclose(np.append(sol.x, sol.intercept), np.linalg.lstsq(A, Y)[0], atol=1e-9)
    np.testing.assert_allclose(sol.jacobian["y"], np.linalg.pinv(A)[:-1], atol=1e-9)
    wide, y = data(5, 12)
    with pytest.warns(fp.FastpiggyWarning, match="linearly dependent"):
        sol = fp.solve(fp.lasso(wide, y, 0.0), wrt="alpha")
    assert sol.certificate.status == "singular_active_set"
    np.testing.assert_allclose(wide @ sol.x, y, atol=1e-6)


def test_alpha_max():
    w = np.linspace(0.5, 2, 12)
    w[4] = 0.0
    for problem in (
        fp.lasso(X, Y, 1.0, weights=w, fit_intercept=True),
        fp.elastic_net(X, Y, 1.0, 0.6, weights=w, fit_intercept=True),
        fp.logistic(X, Y > 0, 1.0, weights=w, fit_intercept=True),
        fp.squared_hinge(X, Y > 0, 1.0, weights=w, fit_intercept=True),
        fp.huber(X, Y, 1.0, 0.5, weights=w, fit_intercept=True),
        fp.group_lasso(X, Y, 1.0, np.arange(12) % 5, fit_intercept=True),
    ):
        top = problem.alpha_max()
        free = (
            np.arange(12) == 4
            if hasattr(problem.penalty, "l1_ratio") or "L1" in repr(problem)
            else False
        )
        above, below = (fp.solve(problem.replace(alpha=f * top)) for f in (1 + 1e-6, 1 - 1e-6))
        assert np.all((above.x == 0) | free)
        assert np.any((below.x != 0) & ~np.asarray(free))
