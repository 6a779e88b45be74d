"""RidgeCV: scikit-learn's leave-one-out numbers, fits without each row, and the curve."""

import numpy as np
import pytest
import scipy.sparse
import sklearn.linear_model as theirs

import fastpiggy as fp
from fastpiggy import estimators as ours

rng = np.random.default_rng(11)
ALPHAS = [1e-2, 0.1, 1.0, 10.0, 100.0]


def data(n, p):
    X = rng.standard_normal((n, p)) + 1.0
    return X, X[:, :3] @ [[2.0, 0.0], [-1.0, 0.5], [0.5, 0.8]] + rng.standard_normal((n, 2))


SHAPES = {"tall": data(50, 12), "wide": data(25, 60), "square": data(20, 20)}
WEIGHTS = {"plain": None, "weighted": rng.uniform(0.2, 2.0, 50), "zero": np.r_[0.0, np.ones(49)]}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("options", [
    {}, {"fit_intercept": False}, {"alpha_per_target": True}
], ids=str)  # fmt: skip
@pytest.mark.parametrize("targets", [1, 2])
def test_scikit_learn(shape, weight, options, targets):
    X, Y = SHAPES[shape]
    y = Y[:, 0] if targets == 1 else Y
    s = None if WEIGHTS[weight] is None else WEIGHTS[weight][: len(X)]
    options = {"alphas": ALPHAS, "store_cv_results": True, **options}
    other = theirs.RidgeCV(**options).fit(X, y, sample_weight=s)
    model = ours.RidgeCV(**options).fit(X, y, sample_weight=s)
    np.testing.assert_array_equal(model.alpha_, other.alpha_)
    assert np.shape(model.best_score_) == np.shape(other.best_score_)
    np.testing.assert_allclose(model.best_score_, other.best_score_, rtol=1e-9)
    np.testing.assert_allclose(model.cv_results_, other.cv_results_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(model.predict(X), other.predict(X), rtol=1e-6, atol=1e-8)


def trimmed(model, X, y):
    """A callable, with an asymmetric view of errors."""
    miss = y - model.predict(X)
    return -float(np.mean(np.abs(miss) + 0.3 * miss))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scoring", [None, "r2", "neg_mean_absolute_error", trimmed])
@pytest.mark.parametrize("cv", [None, 4])
@pytest.mark.parametrize("targets", [1, 2])
def test_scores_are_scikit_learns(shape, scoring, cv, targets):
    X, Y = SHAPES[shape]
    y = Y[:, 0] if targets == 1 else Y
    # With one target and a score scikit-learn's own fails there.
    per_target = cv is None and scoring is not trimmed and (targets > 1 or scoring is None)
    for each in (False, True) if per_target else (False,):
        options = {"alphas": [3.0, 100.0, 0.1, 20.0], "cv": cv, "scoring": scoring,
                   "alpha_per_target": each, "store_cv_results": cv is None}  # fmt: skip
        other = theirs.RidgeCV(**options).fit(X, y)
        model = ours.RidgeCV(**options).fit(X, y)
        np.testing.assert_array_equal(model.alpha_, other.alpha_)
        assert np.shape(model.best_score_) == np.shape(other.best_score_)
        np.testing.assert_allclose(model.best_score_, other.best_score_, rtol=1e-8)
        np.testing.assert_allclose(model.predict(X), other.predict(X), rtol=1e-6, atol=1e-8)
        if cv is None:
            np.testing.assert_allclose(model.cv_results_, other.cv_results_, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("cv", [None, 4])
def test_weights_of_rows_and_scores(cv):
    X, Y = SHAPES["tall"]
    options = {"alphas": ALPHAS, "cv": cv, "scoring": "neg_mean_absolute_error"}
    s = WEIGHTS["weighted"]
    other = theirs.RidgeCV(**options).fit(X, Y, sample_weight=s)
    model = ours.RidgeCV(**options).fit(X, Y, sample_weight=s)
    assert model.alpha_ == other.alpha_
    assert model.best_score_ == pytest.approx(other.best_score_, rel=1e-8)
    if cv is None:
        with pytest.raises(ValueError, match="a row of sample_weight 0 has none"):
            ours.RidgeCV(**options).fit(X, Y, sample_weight=WEIGHTS["zero"])
    searched = ours.RidgeCV(None, cv=4, alpha_per_target=True).fit(X, Y)
    for k in range(2):
        again = theirs.RidgeCV([searched.alpha_[k]], cv=4).fit(X, Y[:, k])
        assert searched.best_score_[k] == pytest.approx(again.best_score_, rel=1e-8)


def test_defaults_are_scikit_learns():
    X, Y = SHAPES["tall"]
    model, other = ours.RidgeCV().fit(X, Y), theirs.RidgeCV().fit(X, Y)
    assert model.alpha_ == other.alpha_
    assert model.best_score_ == pytest.approx(other.best_score_, rel=1e-9)
    sparse = ours.RidgeCV().fit(scipy.sparse.csr_array(X), Y)
    assert sparse.best_score_ == pytest.approx(other.best_score_, rel=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_the_fit_without_each_row(shape):
    X, Y = SHAPES[shape]
    y, n = Y[:, 0], len(X)
    model = ours.RidgeCV(alphas=[3.0], store_cv_results=True).fit(X, y)
    found = []
    for i in range(n):
        rest = np.arange(n) != i
        one = theirs.Ridge(alpha=3.0, tol=1e-12).fit(X[rest], y[rest])
        found.append((y[i] - one.predict(X[[i]])[0]) ** 2)
    np.testing.assert_allclose(model.cv_results_[:, 0], found, rtol=1e-8)
    assert model.criterion_ == pytest.approx(np.mean(found), rel=1e-9)


@pytest.mark.parametrize("cv", [None, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradient_is_in_its_own_alpha(cv, shape):
    X, Y = SHAPES[shape]
    model = ours.RidgeCV(alphas=[2.0], cv=cv).fit(X, Y)
    h = 1e-4
    up, down = (ours.RidgeCV([2.0 + s * h], cv=cv).fit(X, Y).criterion_ for s in (1, -1))
    assert model.gradient_["alpha"] == pytest.approx((up - down) / (2 * h), rel=1e-5)


@pytest.mark.parametrize("cv", [None, 5])
def test_a_search_is_as_good_as_a_fine_grid(cv):
    X, Y = SHAPES["tall"]
    model = ours.RidgeCV(None, cv=cv).fit(X, Y)
    fine = ours.RidgeCV(np.geomspace(model.alphas_[-1], model.alphas_[0], 500), cv=cv).fit(X, Y)
    assert model.criterion_ <= fine.criterion_
    assert abs(model.gradient_["alpha"]) * model.alpha_ < 1e-8 * model.criterion_
    each = ours.RidgeCV(None, cv=cv, alpha_per_target=True).fit(X, Y)
    assert each.alpha_.shape == each.best_score_.shape == (2,)
    alone = [ours.RidgeCV(None, cv=cv).fit(X, column).alpha_ for column in Y.T]
    np.testing.assert_allclose(each.alpha_, alone, rtol=1e-10)
    # One for all weighs between both.
    assert min(alone) <= model.alpha_ <= max(alone)


def test_folds_in_closed_form_and_by_solves_are_the_same(monkeypatch):
    X, Y = SHAPES["tall"]
    closed = ours.RidgeCV(ALPHAS, cv=3).fit(X, Y[:, 0])
    monkeypatch.setattr("fastpiggy.tuning.spectra._SIDE", 5)
    solved = ours.RidgeCV(ALPHAS, cv=3).fit(X, Y[:, 0])
    np.testing.assert_allclose(solved.mse_path_, closed.mse_path_, rtol=1e-8)
    assert solved.best_score_ == pytest.approx(closed.best_score_, rel=1e-8)
    assert solved.gradient_["alpha"] == pytest.approx(closed.gradient_["alpha"], rel=1e-6)


def test_the_edge_of_the_range_is_said():
    X = SHAPES["tall"][0]
    noise = np.random.default_rng(1).standard_normal(len(X))
    with pytest.warns(fp.FastpiggyWarning, match="upper edge of the range"):
        ours.RidgeCV(None).fit(X, noise)
    constant = ours.RidgeCV(None).fit(np.ones((5, 2)), np.arange(5.0))
    assert not constant.coef_.any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scoring": "r2", "alphas": None}, "scoring must be None with alphas=None"),
        ({"scoring": ["r2"]}, "scoring must be None, a scorer's name"),
        ({"scoring": lambda *_: np.nan}, "gave no score"),
        ({"gcv_mode": "fast"}, "gcv_mode must be"),
        ({"alphas": [0.0, 1.0]}, "alphas must be positive"),
        ({"alphas": [-1.0], "cv": 3}, "alphas must be"),
        ({"cv": 3, "store_cv_results": True}, "store_cv_results=True is for cv=None"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        ours.RidgeCV(**options).fit(*SHAPES["tall"])
