"""Coefficients that must not be negative, against scikit-learn's classes."""

import numpy as np
import pytest
import sklearn.linear_model as theirs

from fastpiggy import estimators as ours

rng = np.random.default_rng(4)


def data(n, p):
    X = rng.standard_normal((n, p))
    return X, X[:, :4] @ [2.0, -1.0, 1.0, 0.5] + 3.0 + 0.5 * rng.standard_normal(n)


TALL, WIDE = data(60, 12), data(40, 90)
weight = rng.uniform(0.5, 2.0, 60)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Lasso", {"alpha": 0.1}), ("ElasticNet", {"alpha": 0.2, "l1_ratio": 0.7}),
        ("Ridge", {"alpha": 3.0}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rows", [TALL, WIDE], ids=["tall", "wide"])
def test_coefficients_equal(name, options, rows):
    X, y = rows
    other = getattr(theirs, name)(**options, positive=True, tol=1e-12, max_iter=100_000).fit(X, y)
    model = getattr(ours, name)(**options, positive=True).fit(X, y)
    # Ridge's L-BFGS-B stops earlier than the others.
    near = 1e-4 if name == "Ridge" else 1e-6
    np.testing.assert_allclose(model.coef_, other.coef_, atol=near)
    np.testing.assert_allclose(model.predict(X), other.predict(X), atol=10 * near)
    assert model.coef_.min() == 0.0 and model.certificate_.optimality < 1e-9


def test_sample_weight_and_targets():
    X, y = TALL
    both = np.column_stack([y, -y])
    other = theirs.Lasso(0.1, positive=True, tol=1e-12).fit(X, both[:, 1], sample_weight=weight)
    model = ours.Lasso([0.2, 0.1], positive=True).fit(X, both, sample_weight=weight)
    np.testing.assert_allclose(model.coef_[1], other.coef_, atol=1e-6)


@pytest.mark.parametrize("name", ["LassoCV", "ElasticNetCV"])
@pytest.mark.parametrize("rows", [TALL, WIDE], ids=["tall", "wide"])
def test_searches(name, rows):
    X, y = rows
    alphas = [0.5, 0.1, 0.02]
    other = getattr(theirs, name)(alphas=alphas, positive=True, tol=1e-12, max_iter=100_000)
    model = getattr(ours, name)(alphas=alphas, positive=True).fit(X, y)
    np.testing.assert_allclose(model.mse_path_, other.fit(X, y).mse_path_, rtol=1e-6)
    assert model.alpha_ == other.alpha_
    np.testing.assert_allclose(model.coef_, other.coef_, atol=1e-6)
    searched = getattr(ours, name)(positive=True).fit(X, y)
    assert searched.criterion_ <= model.criterion_ and searched.coef_.min() >= 0.0


@pytest.mark.filterwarnings("ignore:max_evals")
def test_weights():
    X, y = TALL
    model = ours.WeightedLassoCV(positive=True, max_evals=15).fit(X, y)
    assert model.coef_.min() == 0.0
    assert model.criterion_ <= ours.LassoCV(positive=True).fit(X, y).criterion_
