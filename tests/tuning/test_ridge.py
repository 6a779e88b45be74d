"""The closed form of ridge regression, against solves and NumPy's own linear algebra."""

import warnings

import numpy as np
import pytest

import fastpiggy as fp

SHAPES = [(60, 12), (24, 40)]


def data(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * rng.uniform(0.3, 3.0, p) + 2.0
    return X, X @ rng.standard_normal(p) + 3.0 * rng.standard_normal(n) + 5.0


def by_hand(X, y, s, train, test, alpha, intercept):
    """The held-out loss of one fold from the normal equations, and none of the package."""
    w = s[train] / s[train].sum()
    mean, level = (w @ X[train], w @ y[train]) if intercept else (0.0, 0.0)
    A, b = X[train] - mean, y[train] - level
    x = np.linalg.solve(A.T @ (A * w[:, None]) + alpha * np.eye(X.shape[1]), A.T @ (w * b))
    v = s[test] / s[test].sum()
    return v @ (y[test] - level - (X[test] - mean) @ x) ** 2


@pytest.mark.parametrize(("n", "p"), SHAPES)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("overlap", [True, False])
def test_the_curve_is_that_of_the_normal_equations(n, p, intercept, overlap):
    X, y = data(n, p)
    s = np.random.default_rng(1).uniform(0.2, 2.0, n)
    s[3] = 0.0
    problem = fp.ridge(X, y, 1.0, sample_weight=s, fit_intercept=intercept)
    rows = np.arange(n)
    tests = [rows[:9], rows[5:14]] if overlap else [rows[k::4] for k in range(4)]
    splits = [(np.setdiff1d(rows, test), test) for test in tests]
    result = fp.tune(fp.CrossVal(problem, splits), bounds=(1e-3, 1e3))
    assert result.method == "closed_form" and result.status == "converged"
    for alpha in (1e-2, 1.0, 30.0, result.params["alpha"]):
        found = [by_hand(X, y, s, *split, alpha, intercept) for split in splits]
        np.testing.assert_allclose(result.curve.fold_values(alpha), found, rtol=1e-9)
        h = 1e-4 * alpha
        slope = (result.curve(alpha + h) - result.curve(alpha - h)) / (2 * h)
        np.testing.assert_allclose(result.curve.slopes(alpha)[0], slope, rtol=1e-5, atol=1e-7)
    assert result.value == result.curve(result.params["alpha"])
    fine = np.geomspace(1e-3, 1e3, 4000)
    assert result.value <= result.curve(fine).min() * (1 + 1e-14)
    assert abs(result.gradient["alpha"]) * result.params["alpha"] < 1e-8 * result.value


@pytest.mark.parametrize(("n", "p"), SHAPES)
def test_value_and_slope_are_those_of_exact_solves(n, p):
    X, y = data(n, p)
    V, u = data(15, p, seed=2)
    problem = fp.ridge(X, y, 1.0, fit_intercept=True)
    criteria = [fp.HeldOut(problem, V, u), fp.Gcv(problem), fp.Sure(problem, 3.0)]
    if n > p:
        criteria += [fp.Bic(problem), fp.Ebic(problem, 3.0)]
    for criterion in criteria:
        with warnings.catch_warnings():
            # Some are least at an end of the range, which is not what is looked at here.
            warnings.simplefilter("ignore", fp.FastpiggyWarning)
            result = fp.tune(criterion)
        assert result.method == "closed_form"
        low, high = result.bounds["alpha"]
        for alpha in np.geomspace(1e3 * low, 0.1 * high, 3):
            exact = criterion.evaluate_quietly(alpha=float(alpha))
            np.testing.assert_allclose(result.curve(alpha), exact.value, rtol=1e-8)
            slope = result.curve.slopes(alpha)[0]
            np.testing.assert_allclose(
                slope, exact.gradient["alpha"], rtol=1e-6, atol=1e-8 * abs(exact.value / alpha)
            )
        np.testing.assert_allclose(
            result.solution.x, fp.solve(result.solution.problem).x, atol=1e-8
        )


def test_one_standard_error_is_the_largest_alpha_within_it():
    X, y = data(60, 12)
    curve = fp.tune(fp.CrossVal(fp.ridge(X, y, 1.0, fit_intercept=True))).curve
    best, value = curve.minimum()
    sparser = curve.one_standard_error()
    limit = value + curve.standard_error(best)
    np.testing.assert_allclose(curve(sparser), limit, rtol=1e-9)
    above = np.geomspace(sparser * 1.001, curve.knots[0], 200)
    assert sparser > best and np.all(curve(above) > limit)


@pytest.mark.parametrize("ugly", ["zero and double columns", "1e8", "1e-8", "one column"])
def test_ugly_columns(ugly):
    X, y = data(30, 8)
    if ugly.startswith("zero"):
        X[:, 1], X[:, 2] = 0.0, X[:, 3]
    elif ugly == "one column":
        X = X[:, :1]
    else:
        X = X * float(ugly)
    criterion = fp.CrossVal(fp.ridge(X, y, 1.0, fit_intercept=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FastpiggyWarning)
        result = fp.tune(criterion)
    found = [
        by_hand(X, y, np.ones(30), train, test, result.params["alpha"], True)
        for train, test in criterion.splits
    ]
    np.testing.assert_allclose(result.value, np.mean(found), rtol=1e-8)


def test_where_it_does_not_fit_is_said():
    X, y = data(30, 8)
    with pytest.raises(ValueError, match="it is for ridge"):
        fp.tune(fp.CrossVal(fp.lasso(X, y, 1.0)), method="closed_form")
    with pytest.raises(ValueError, match="mean squared error"):
        fp.tune(fp.CrossVal(fp.ridge(X, y, 1.0), metric="mae"), method="closed_form")
    with pytest.warns(fp.FastpiggyWarning, match="does not change"):
        fp.tune(fp.HeldOut(fp.ridge(np.zeros((9, 2)), y[:9], 1.0), X[:, :2], y), bounds=(1.0, 2.0))
