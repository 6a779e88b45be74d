"""Held-out and cross-validation losses and their gradients, against refits and differences."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso
from sklearn.model_selection import KFold, RepeatedKFold, StratifiedKFold

import fastpiggy as fp


def data(seed=0, n=60, p=30, noise=0.5):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.3
    y = X[:, :4] @ [1.0, -2.0, 0.5, 1.5] + noise * rng.standard_normal(n) + 2.0
    return X, y, rng


def models():
    X, y, rng = data()
    labels = np.where(y > np.median(y), "yes", "no")
    sw = rng.uniform(0.5, 2.0, y.size)
    w = rng.uniform(0.5, 2.0, X.shape[1])
    w[3] = 0.0
    groups = rng.integers(0, 8, X.shape[1])
    return {
        "lasso": fp.lasso(X, y, 0.1, fit_intercept=True),
        "lasso, weighted": fp.lasso(X, y, 0.1, weights=w, sample_weight=sw, fit_intercept=True),
        "lasso, no intercept": fp.lasso(X, y, 0.1),
        "elastic net": fp.elastic_net(X, y, 0.1, 0.6, sample_weight=sw, fit_intercept=True),
        "ridge": fp.ridge(X, y, 0.1, fit_intercept=True),
        "logistic": fp.logistic(X, labels, 0.03, 0.8, sample_weight=sw, fit_intercept=True),
        "squared hinge": fp.squared_hinge(
            X, labels, 0.1, 0.8, sample_weight=sw, fit_intercept=True
        ),
        "huber": fp.huber(X, y, 0.05, 0.7, 0.8, sample_weight=sw, fit_intercept=True),
        "group": fp.group_lasso(X, y, 0.05, groups, fit_intercept=True),
    }


@pytest.mark.parametrize("name", models())
@pytest.mark.parametrize("kind", ["cv", "held out"])
def test_gradient_equals_central_differences(name, kind):
    problem = models()[name]
    X, y, _ = data(seed=1, n=25)
    if kind == "cv":
        criterion = fp.CrossVal(problem, cv=4, tol=1e-11)
    else:
        y_val = y if problem.classes is None else np.where(y > 2, "yes", "no")
        criterion = fp.HeldOut(problem, X, y_val, tol=1e-11)
    found = criterion.evaluate()
    rng = np.random.default_rng(2)
    for parameter, gradient in found.gradient.items():
        value = problem.parameters[parameter]
        V = rng.choice([-1.0, 1.0], np.shape(value)) * (np.asarray(value) > 0)
        h = 1e-5 * (1.0 if np.ndim(value) else value)
        sides = [criterion.evaluate(**{parameter: value + side * h * V}) for side in (1, -1)]
        supports = [[s.x != 0 for s in side.solutions] for side in sides]
        changed = sum(int((a != b).sum()) for a, b in zip(*supports, strict=True))
        assert changed == 0, f"{changed} coordinates changed side: the step is too long"
        difference = (sides[0].value - sides[1].value) / (2 * h)
        np.testing.assert_allclose(np.sum(gradient * V), difference, rtol=2e-6, atol=1e-9)


def test_cross_validation_equals_refits_by_scikit_learn():
    X, y, _ = data()
    alpha = 0.07
    found = fp.CrossVal(fp.lasso(X, y, 1.0, fit_intercept=True), cv=KFold(5)).evaluate(alpha=alpha)
    for k, (train, test) in enumerate(KFold(5).split(X)):
        model = Lasso(alpha, tol=1e-12, max_iter=100_000).fit(X[train], y[train])
        expected = np.mean((y[test] - model.predict(X[test])) ** 2)
        np.testing.assert_allclose(found.fold_values[k], expected, rtol=1e-8)
        np.testing.assert_allclose(found.solutions[k].x, model.coef_, atol=1e-7)
    assert found.value == found.fold_values.mean()
    np.testing.assert_allclose(found.gradient["alpha"], found.fold_gradients["alpha"].mean())


def test_an_integer_is_scikit_learns_kfold():
    X, y, _ = data(n=23)
    criterion = fp.CrossVal(fp.lasso(X, y, 0.1), cv=5)
    for (train, test), (a, b) in zip(criterion.splits, KFold(5).split(X), strict=True):
        np.testing.assert_array_equal(train, a)
        np.testing.assert_array_equal(test, b)


def test_folds_are_stratified_for_labels():
    X, _, _ = data(n=50)
    labels = np.array([1] * 10 + [0] * 40)
    for make in (fp.logistic, fp.squared_hinge):
        for _, test in fp.CrossVal(make(X, labels, 0.1), cv=5).splits:
            assert labels[test].sum() == 2 and test.size == 10


def test_splitters_pairs_and_masks_give_the_same():
    X, y, _ = data()
    problem = fp.lasso(X, y, 0.1)
    pairs = list(KFold(4).split(X))
    masks = [(np.isin(np.arange(60), a), np.isin(np.arange(60), b)) for a, b in pairs]
    values = [fp.CrossVal(problem, cv=cv).evaluate().value for cv in (4, KFold(4), pairs, masks)]
    assert len(set(values)) == 1
    assert len(fp.CrossVal(problem, cv=RepeatedKFold(n_splits=3, n_repeats=2)).splits) == 6
    labels = y > 2
    cv = StratifiedKFold(3)
    assert len(fp.CrossVal(fp.logistic(X, labels, 0.1), cv=cv).splits) == 3


@pytest.mark.parametrize("model", ["lasso", "logistic"])
def test_integer_sample_weights_equal_repeated_rows(model):
    X, y, rng = data()
    counts = rng.integers(1, 4, y.size)
    rows = np.repeat(np.arange(y.size), counts)
    if model == "logistic":
        y = (y > np.median(y)).astype(int)
    make = getattr(fp, model)
    pairs = [(a, b) for a, b in KFold(4).split(X)]
    repeated = [tuple(np.flatnonzero(np.isin(rows, part)) for part in pair) for pair in pairs]
    one = fp.CrossVal(make(X, y, 0.05, sample_weight=counts, fit_intercept=True), pairs, tol=1e-12)
    two = fp.CrossVal(make(X[rows], y[rows], 0.05, fit_intercept=True), repeated, tol=1e-12)
    a, b = one.evaluate(), two.evaluate()
    np.testing.assert_allclose(a.fold_values, b.fold_values, rtol=1e-9)
    np.testing.assert_allclose(a.gradient["alpha"], b.gradient["alpha"], rtol=1e-7)


def test_x_is_not_copied_per_fold():
    X, y, _ = data()
    X = np.asfortranarray(X)
    criterion = fp.CrossVal(fp.lasso(X, y, 0.1, fit_intercept=True), cv=5)
    for solution in criterion.evaluate().solutions:
        assert np.shares_memory(solution.problem.design.X, X)


def test_threads_give_the_same_numbers():
    X, y, _ = data()
    problem = fp.lasso(X, y, 0.1, fit_intercept=True)
    one, two = (fp.CrossVal(problem, cv=5, n_jobs=jobs).evaluate(alpha=0.03) for jobs in (1, 3))
    np.testing.assert_array_equal(one.fold_values, two.fold_values)


def test_held_out_weights():
    X, y, rng = data()
    V, u, _ = data(seed=3, n=20)
    sw = rng.integers(1, 4, 20)
    rows = np.repeat(np.arange(20), sw)
    problem = fp.lasso(X, y, 0.1, fit_intercept=True)
    a = fp.HeldOut(problem, V, u, sample_weight=sw).evaluate()
    b = fp.HeldOut(problem, V[rows], u[rows]).evaluate()
    np.testing.assert_allclose(a.value, b.value, rtol=1e-12)
    np.testing.assert_allclose(a.gradient["alpha"], b.gradient["alpha"], rtol=1e-10)


def test_trouble_is_told_once():
    X, y, _ = data()
    X = np.column_stack([X, X[:, 0]])
    criterion = fp.CrossVal(fp.lasso(X, y, 0.05), cv=3)
    with pytest.warns(fp.FastpiggyWarning, match="3 of 3 solves") as caught:
        found = criterion.evaluate()
    assert len(caught) == 1
    assert set(found.troubled) == {"singular_active_set"}


PROBLEM = fp.lasso(*data()[:2], 0.1)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: fp.CrossVal(PROBLEM, cv=1), ValueError, "cv must be between 2"),
        (lambda: fp.CrossVal(PROBLEM, cv=61), ValueError, "number of rows 60, got 61"),
        (lambda: fp.CrossVal(PROBLEM, cv=True), TypeError, "cv must be"),
        (lambda: fp.CrossVal(PROBLEM, cv=3.5), TypeError, "cv must be"),
        (lambda: fp.CrossVal(PROBLEM, cv=[]), ValueError, "at least one"),
        (lambda: fp.CrossVal(PROBLEM, cv=[([0, 1], [99])]), ValueError, "below 60, got 99"),
        (lambda: fp.CrossVal(PROBLEM, cv=[([], [1])]), ValueError, "non-empty"),
        (lambda: fp.CrossVal(PROBLEM, tol=-1), ValueError, "tol"),
        (lambda: fp.CrossVal(PROBLEM, n_jobs=0), ValueError, "n_jobs"),
        (lambda: fp.CrossVal(3), TypeError, "problem must have rows"),
        (
            lambda: fp.HeldOut(PROBLEM, np.ones((4, 3)), np.ones(4)),
            ValueError,
            "X_val must have 30",
        ),
        (lambda: fp.HeldOut(PROBLEM, np.ones((4, 30)), np.ones(3)), ValueError, "y_val"),
        (lambda: fp.CrossVal(PROBLEM).evaluate(beta=1), ValueError, "'beta' is no parameter"),
        (lambda: fp.CrossVal(PROBLEM).evaluate(alpha=-1), ValueError, "alpha must be"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_fold_without_weight_or_class_is_named():
    X, y, _ = data(n=20)
    sw = np.ones(20)
    sw[:10] = 0
    with pytest.raises(ValueError, match="positive sample_weight in every test part"):
        fp.CrossVal(fp.lasso(X, y, 0.1, sample_weight=sw), cv=2)
    labels = np.array([0] * 19 + [1])
    with pytest.raises(ValueError, match="both classes"):
        fp.CrossVal(fp.logistic(X, labels, 0.1), cv=2)
    with pytest.raises(ValueError, match="y_val must hold the problem's labels"):
        fp.HeldOut(fp.logistic(X, labels, 0.1), X, labels + 5)
