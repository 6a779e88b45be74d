"""The same numbers as scikit-learn's classes, and the places people put estimators into."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import sklearn
import sklearn.covariance
import sklearn.linear_model as theirs
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastpiggy as fp
from fastpiggy import estimators as ours

rng = np.random.default_rng(3)
n, p = 60, 12
X = rng.standard_normal((n, p))
y = X[:, 0] - 2 * X[:, 1] + 3 + 0.5 * rng.standard_normal(n)
Y = np.column_stack([y, X[:, 2] + rng.standard_normal(n)])
labels = np.where(y > 3, "up", "down")
weight = rng.uniform(0.5, 2.0, n)


@pytest.mark.parametrize("sample_weight", [None, weight], ids=["plain", "weighted"])
@pytest.mark.parametrize(
    ("name", "options"),
    [("Lasso", {"alpha": 0.1}), ("ElasticNet", {"alpha": 0.2, "l1_ratio": 0.7}),
     ("Ridge", {"alpha": 3.0})],
)  # fmt: skip
def test_predictions_equal(name, options, sample_weight):
    other = getattr(theirs, name)(**options, tol=1e-12).fit(X, y, sample_weight=sample_weight)
    model = getattr(ours, name)(**options).fit(X, y, sample_weight=sample_weight)
    np.testing.assert_allclose(model.predict(X), other.predict(X), rtol=1e-6)
    assert model.coef_.shape == other.coef_.shape
    assert model.score(X, y) == pytest.approx(other.score(X, y), rel=1e-6)


@pytest.mark.parametrize("C", [0.1, 2.0])
def test_logistic_equals(C):
    other = theirs.LogisticRegression(
        C=C, l1_ratio=1.0, solver="saga", tol=1e-10, max_iter=20000
    ).fit(X, labels, sample_weight=weight)
    model = ours.SparseLogisticRegression(C=C).fit(X, labels, sample_weight=weight)
    np.testing.assert_allclose(model.predict_proba(X), other.predict_proba(X), rtol=0, atol=1e-6)
    assert list(model.predict(X)) == list(other.predict(X))


def test_class_weight_equals_sample_weight():
    by_class = {"up": 3.0, "down": 1.0}
    one = ours.SparseLogisticRegression(class_weight=by_class).fit(X, labels)
    two = ours.SparseLogisticRegression().fit(X, labels, [by_class[label] for label in labels])
    np.testing.assert_allclose(one.coef_, two.coef_, rtol=1e-10)


def test_graphical_lasso_equals():
    other = sklearn.covariance.GraphicalLasso(0.1, tol=1e-10, enet_tol=1e-10).fit(X[:, :5])
    model = ours.GraphicalLasso(0.1).fit(X[:, :5])
    np.testing.assert_allclose(model.precision_, other.precision_, atol=1e-6)
    np.testing.assert_allclose(model.covariance_, other.covariance_, atol=1e-6)
    assert model.score(X[:, :5]) == pytest.approx(other.score(X[:, :5]), rel=1e-6)


@pytest.mark.parametrize("name", ["LassoCV", "ElasticNetCV"])
def test_given_alphas_equal(name):
    alphas = [0.5, 0.1, 0.02]
    other = getattr(theirs, name)(alphas=alphas, tol=1e-12).fit(X, y)
    model = getattr(ours, name)(alphas=alphas).fit(X, y)
    assert model.alpha_ == other.alpha_
    np.testing.assert_allclose(model.alphas_, other.alphas_)
    np.testing.assert_allclose(model.mse_path_, other.mse_path_, rtol=1e-6)
    np.testing.assert_allclose(model.predict(X), other.predict(X), rtol=1e-6)


def test_ridge_cv_keeps_alpha_in_folds_as_scikit_learn_does():
    model = ours.RidgeCV(alphas=[1.0, 20.0], cv=5).fit(X, y)
    # Four fifths of the rows train, with four fifths of alpha.
    for alpha, losses in zip(model.alphas_, model.mse_path_):
        fold = theirs.Ridge(alpha=alpha)
        scores = cross_val_score(fold, X, y, scoring="neg_mean_squared_error")
        np.testing.assert_allclose(losses, -scores, rtol=1e-6)
    other = theirs.Ridge(alpha=model.alpha_).fit(X, y)
    np.testing.assert_allclose(model.predict(X), other.predict(X), rtol=1e-6)


def test_search_beats_a_fine_grid():
    other = theirs.LassoCV(alphas=400, tol=1e-10).fit(X, y)
    model = ours.LassoCV(alphas=30).fit(X, y)
    assert model.criterion_ <= other.mse_path_.mean(axis=1).min() * (1 + 1e-9)
    assert model.mse_path_.shape == (30, 5) and np.all(np.diff(model.alphas_) < 0)


def test_gradient_of_logistic_cv_is_in_C():
    model = ours.SparseLogisticRegressionCV(Cs=[0.7]).fit(X, labels)
    h = 1e-5
    up, down = (
        ours.SparseLogisticRegressionCV(Cs=[0.7 + s * h]).fit(X, labels).criterion_ for s in (1, -1)
    )
    assert model.gradient_["C"] == pytest.approx((up - down) / (2 * h), rel=1e-6)


@pytest.mark.parametrize(
    "estimator", [ours.Lasso(), ours.Ridge(), ours.ElasticNet(), ours.GroupLasso(3)]
)
def test_alpha_per_target(estimator):
    model = clone(estimator).set_params(alpha=[0.1, 0.4]).fit(X, Y)
    assert model.coef_.shape == (2, p) and model.intercept_.shape == (2,)
    for k, alpha in enumerate([0.1, 0.4]):
        one = clone(estimator).set_params(alpha=alpha).fit(X, Y[:, k])
        np.testing.assert_allclose(model.predict(X)[:, k], one.predict(X), rtol=1e-12)
    with pytest.raises(ValueError, match="alpha must be a number or have shape"):
        clone(estimator).set_params(alpha=[1.0, 2.0, 3.0]).fit(X, Y)


def test_searches_of_several_targets_are_separate():
    model = ours.LassoCV().fit(X, Y)
    singles = [ours.LassoCV().fit(X, column) for column in Y.T]
    np.testing.assert_allclose(model.alpha_, [one.alpha_ for one in singles])
    assert len(model.history_) == len(model.certificate_) == 2


def test_groups():
    sol = fp.solve(fp.group_lasso(X, y, 0.2, np.arange(p) // 3, fit_intercept=True))
    np.testing.assert_allclose(ours.GroupLasso(3, 0.2).fit(X, y).coef_, sol.x, atol=1e-9)


def test_trend_filter_sorts_and_merges():
    t, signal = np.arange(20.0), np.repeat([0.0, 2.0], 10) + 0.1 * rng.standard_normal(20)
    sol = fp.solve(fp.trend_filter(signal, 0.5, 0, sample_weight=np.r_[2.0, np.ones(19)]))
    order = rng.permutation(21)
    model = ours.TrendFilter(0.5, degree=0).fit(
        np.r_[t, 0.0][order], np.r_[signal, signal[0]][order]
    )
    np.testing.assert_allclose(model.predict(t), sol.x, atol=1e-9)


def test_what_the_search_says_is_kept_without_data():
    for model in (ours.LassoCV().fit(X, y), ours.ElasticNetCV().fit(X, y)):
        again = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
        assert again.certificate_.status == model.certificate_.status
        assert all(found.solutions == () for found in again.history_)


def test_in_pipelines_and_searches():
    pipe = make_pipeline(StandardScaler(), ours.Lasso(0.1))
    found = GridSearchCV(pipe, {"lasso__alpha": [0.3, 0.03]}, cv=3).fit(X, y)
    other = GridSearchCV(
        make_pipeline(StandardScaler(), theirs.Lasso(tol=1e-12)),
        {"lasso__alpha": [0.3, 0.03]},
        cv=3,
    ).fit(X, y)
    np.testing.assert_allclose(found.predict(X), other.predict(X), rtol=1e-6)
    alone = cross_val_score(ours.LassoCV(), X, y, cv=2)
    np.testing.assert_array_equal(cross_val_score(ours.LassoCV(), X, y, cv=2, n_jobs=2), alone)
    logs = TransformedTargetRegressor(ours.Lasso(0.01), func=np.exp, inverse_func=np.log)
    assert logs.fit(X, y / 10).predict(X).shape == (n,)
    several = MultiOutputRegressor(ours.Lasso(0.1)).fit(X, Y)
    np.testing.assert_allclose(several.predict(X), ours.Lasso(0.1).fit(X, Y).predict(X))


def test_frames_names_and_output():
    frame = pd.DataFrame(X, columns=[f"c{j}" for j in range(p)])
    pipe = make_pipeline(StandardScaler(), ours.Lasso(0.1)).set_output(transform="pandas")
    pipe.fit(frame, pd.Series(y))
    assert list(pipe[-1].feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        pipe[-1].predict(frame.rename(columns={"c0": "other"}))


def test_sample_weight_is_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = make_pipeline(StandardScaler(), ours.Lasso(0.1).set_fit_request(sample_weight=True))
        pipe[0].set_fit_request(sample_weight=False)
        got = pipe.fit(X, y, sample_weight=weight).predict(X)
    Z = StandardScaler().fit_transform(X)
    np.testing.assert_allclose(got, ours.Lasso(0.1).fit(Z, y, weight).predict(Z), rtol=1e-12)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (ours.Lasso(precompute=np.eye(p)), "precompute must be True, False"),
        (ours.Lasso(selection="none"), "selection must be"),
        (ours.Lasso(alpha=-1.0), "alpha must be"),
        (ours.LassoCV(alphas=0), "alphas must be"),
        (ours.LassoCV(alphas=[-1.0]), "alphas must be"),
        (ours.LassoCV(n_jobs=0), "n_jobs must be"),
        (ours.GroupLasso(groups=0), "groups must be"),
    ],
)
def test_bad_parameters(estimator, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(X, y)


def test_scikit_learn_is_loaded_on_demand():
    """And its absence named with the extra to install."""
    code = (
        "import sys, fastpiggy as fp; assert 'sklearn' not in sys.modules\n"
        "sys.modules['sklearn'] = None\n"
        "try: fp.estimators\n"
        "except ImportError as error: assert 'fastpiggy[sklearn]' in str(error)\n"
        "else: raise SystemExit('no error')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
