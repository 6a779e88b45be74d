"""What held-out rows are judged by: slopes, values, and gradients of criteria."""

import numpy as np
import pytest
from sklearn import metrics as truth

import fastpiggy as fp
from fastpiggy.criteria import metrics


def data(n=50, p=10):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    return X, X[:, :2] @ [2.0, -1.0] + rng.standard_normal(n), rng


ALL = {
    "mse": metrics.squared_error, "mae": metrics.absolute_error, "huber": fp.criteria.Huber(0.7),
    "log_loss": metrics.log_loss, "deviance": metrics.binomial_deviance,
    "smoothed_hinge": metrics.smoothed_hinge,
}  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_slopes_are_differences(name):
    rng = np.random.default_rng(1)
    z = 3.0 * rng.standard_normal(200)
    y = rng.choice([-1.0, 1.0], 200)
    h = 1e-6
    metric = ALL[name]
    value, slope = metric(y, z)
    np.testing.assert_allclose(
        slope, (metric(y, z + h)[0] - metric(y, z - h)[0]) / (2 * h), rtol=1e-5, atol=1e-7
    )
    assert value.shape == slope.shape == z.shape and np.all(value >= 0)


def test_values_are_those_of_scikit_learn():
    _, y, rng = data()
    z = y + rng.standard_normal(50)
    np.testing.assert_allclose(ALL["mae"](y, z)[0].mean(), truth.mean_absolute_error(y, z))
    labels = np.sign(y)
    p = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(ALL["log_loss"](labels, z)[0].mean(), truth.log_loss(labels, p))
    far = ALL["log_loss"](np.array([1.0, -1.0]), np.array([-800.0, -800.0]))
    np.testing.assert_allclose(far[0], [800.0, 0.0])
    np.testing.assert_allclose(far[1], [-1.0, 0.0])


def pinball(y, z):
    r = y - z
    return np.where(r > 0, 0.8 * r, -0.2 * r), np.where(r > 0, -0.8, 0.2)


@pytest.mark.parametrize(
    "metric", ["mae", "deviance", fp.criteria.Huber(0.5), pinball, "log_loss", "smoothed_hinge"]
)
def test_gradients_of_criteria_equal_central_differences(metric):
    X, y, _ = data()
    problem = fp.lasso(X, y, 0.1, fit_intercept=True)
    if metric in ("log_loss", "smoothed_hinge"):
        problem = fp.logistic(X, y > 0, 0.02, fit_intercept=True)
    criterion = fp.CrossVal(problem, cv=4, metric=metric, tol=1e-12)
    alpha = problem.penalty.alpha
    found, h = criterion.evaluate(), 1e-6 * alpha
    sides = [criterion.evaluate(alpha=alpha + side * h).value for side in (1, -1)]
    np.testing.assert_allclose(found.gradient["alpha"], (sides[0] - sides[1]) / (2 * h), 1e-5)
    weights = found.gradient["weights"] @ problem.penalty.weights / alpha
    np.testing.assert_allclose(weights, found.gradient["alpha"], rtol=1e-6)
    result = fp.tune(fp.CrossVal(problem, cv=4, metric=metric))
    assert result.value <= found.value


def test_the_own_loss_by_its_name_is_the_same_criterion():
    X, y, _ = data()
    problem = fp.lasso(X, y, 0.1)
    own, named = (fp.CrossVal(problem, metric=metric) for metric in (None, "mse"))
    assert own.evaluate().value == named.evaluate().value
    assert fp.tune(named).method == "path"
    held = fp.HeldOut(problem, X[:9], y[:9], metric="mae").evaluate()
    x = held.solutions[0].x
    np.testing.assert_allclose(held.value, np.abs(X[:9] @ x - y[:9]).mean())


@pytest.mark.parametrize(
    ("metric", "error", "words"),
    [
        ("log_loss", ValueError, "metric must be one of 'mse'"),
        ("accuracy", ValueError, "got 'accuracy'"),
        (3, TypeError, "name or a function"),
        (lambda y, z: (y - z) ** 2, (TypeError, ValueError), "metric must return two arrays"),
        (lambda y, z: (1.0, 2.0), ValueError, "got shape"),
    ],
)
def test_bad_metrics_are_named(metric, error, words):
    X, y, _ = data()
    with pytest.raises(error, match=words):
        fp.CrossVal(fp.lasso(X, y, 0.1), metric=metric)
    with pytest.raises(ValueError, match="delta"):
        fp.criteria.Huber(0.0)
