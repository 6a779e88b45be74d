"""Support vector machines and regression: against scikit-learn, differences, and bad input."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.svm import SVC, SVR

import fastpiggy as fp

RNG = np.random.default_rng(0)
X, NEW = RNG.standard_normal((40, 2)), RNG.standard_normal((30, 2))
LABELS = np.where(X[:, 0] * X[:, 1] + 0.3 * RNG.standard_normal(40) > 0, "yes", "no")
TARGETS = np.sin(2 * X[:, 0]) + 0.1 * RNG.standard_normal(40)


def machine(**changes):
    return fp.support_vector_machine(X, LABELS, **{"C": 1.0, "width": 0.7, **changes})


def regression(**changes):
    values = {"C": 1.0, "width": 1.0, "epsilon": 0.1, "ridge": 1e-2, **changes}
    return fp.support_vector_regression(X, TARGETS, **values)


MAKERS = pytest.mark.parametrize("make", [machine, regression])
INTERCEPT = pytest.mark.parametrize("fit_intercept", [True, False])


def test_scikit_learn_finds_the_same():
    problem = machine(ridge=0.0)
    sol = fp.solve(problem)
    other = SVC(C=1.0, gamma=0.5 / 0.7**2, tol=1e-10).fit(X, LABELS)
    np.testing.assert_allclose(problem.predict(sol, NEW), other.decision_function(NEW), atol=1e-5)
    assert list(np.flatnonzero(sol.x)) == sorted(other.support_)
    problem = regression(ridge=0.0)
    sol = fp.solve(problem)
    other = SVR(C=1.0, gamma=0.5, epsilon=0.1, tol=1e-10).fit(X, TARGETS)
    np.testing.assert_allclose(problem.predict(sol, NEW), other.predict(NEW), atol=1e-4)


@MAKERS
@INTERCEPT
def test_derivatives_of_coefficients_and_intercept(make, fit_intercept):
    problem = make(fit_intercept=fit_intercept)
    names = problem.hyperparameters
    sol = fp.solve(problem, wrt=names)
    assert sol.certificate.status == "converged" and sol.certificate.certified
    v = RNG.standard_normal(40)
    adjoint = sol.vjp(v, intercept=2.0)
    for name in names:
        step = 1e-6
        high, low = (
            fp.solve(problem.replace(**{name: getattr(problem, name) + side * step}))
            for side in (1.0, -1.0)
        )
        J, b = sol.jacobian[name], sol.intercept_jacobian[name]
        np.testing.assert_allclose(J, (high.x - low.x) / (2 * step), rtol=1e-5, atol=1e-5)
        expected = (high.intercept - low.intercept) / (2 * step)
        np.testing.assert_allclose(b, expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(adjoint[name], v @ J + 2.0 * b, rtol=1e-9, atol=1e-9)
    assert fit_intercept or sol.intercept == 0.0 == sol.intercept_jacobian["C"]


@MAKERS
def test_admm_ends_at_the_same(make):
    problem = make()
    exact = fp.solve(problem, wrt="C")
    found = fp.solve(problem, wrt="C", algorithm="admm")
    np.testing.assert_allclose(found.x, exact.x, atol=1e-9)
    np.testing.assert_allclose(found.jacobian["C"], exact.jacobian["C"], atol=1e-7)


@MAKERS
@pytest.mark.parametrize("folds", [False, True])
def test_criteria_have_the_gradient(make, folds):
    problem = make()
    y = LABELS if make is machine else TARGETS
    judged = np.where(NEW.prod(axis=1) > 0, "yes", "no") if make is machine else NEW[:, 0]
    assert len(y) == 40
    criterion = fp.CrossVal(problem, cv=4) if folds else fp.HeldOut(problem, NEW, judged)
    at = {name: 1.1 * getattr(problem, name) for name in problem.hyperparameters}
    with warnings.catch_warnings(action="ignore", category=fp.FastpiggyWarning):
        found = criterion.evaluate(**at)
        for name in at:
            step = 1e-6
            high, low = (
                criterion.evaluate(**{**at, name: at[name] + side * step}).value
                for side in (1.0, -1.0)
            )
            slope = (high - low) / (2 * step)
            np.testing.assert_allclose(found.gradient[name], slope, rtol=1e-4, atol=1e-6)


def test_tune_finds_less_than_where_it_starts():
    problem = machine(C=0.3, width=2.0)
    criterion = fp.CrossVal(problem, cv=4)
    with warnings.catch_warnings(action="ignore", category=fp.FastpiggyWarning):
        start = criterion.evaluate(C=0.3, width=2.0).value
        bounds = {"C": (0.05, 20.0), "width": (0.2, 4.0)}
        result = fp.tune(criterion, wrt=["C", "width"], bounds=bounds, max_evals=40)
    assert result.value < start - 0.01


def test_rows_without_a_say_and_kinks():
    # All coefficients on their bounds: the intercept is any of an interval.
    with pytest.warns(fp.FastpiggyWarning, match="no row has a coefficient strictly inside"):
        sol = fp.solve(machine(C=1e-3), wrt="C")
    assert sol.certificate.status == "singular_active_set"
    alone = fp.solve(machine(C=1e-3, fit_intercept=False), wrt="C")
    np.testing.assert_allclose(np.abs(alone.jacobian["C"]), 1.0)


def test_pickle():
    sol = fp.solve(machine(), wrt="C")
    again = pickle.loads(pickle.dumps(sol))
    assert again.vjp(np.ones(40), 1.0)["C"] == pytest.approx(sol.vjp(np.ones(40), 1.0)["C"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"C": 0.0}, "C must be"),
        ({"width": -1.0}, "width must be"),
        ({"ridge": -1.0}, "ridge must be"),
    ],
)
def test_bad_input(change, words):
    with pytest.raises(ValueError, match=words):
        machine(**change)
    with pytest.raises(ValueError, match=words):
        regression(**change)


def test_more_bad_input():
    with pytest.raises(ValueError, match="epsilon must be"):
        regression(epsilon=0.0)
    with pytest.raises(ValueError, match="X must have 2 columns"):
        machine().kernel(np.ones((3, 3)))
    with pytest.raises(ValueError, match="'gamma' is no parameter"):
        machine().replace(gamma=1.0)
    with pytest.raises(ValueError, match="the problem's labels"):
        fp.HeldOut(machine(), NEW, np.full(30, "maybe"))
    with pytest.raises(ValueError, match="takes rows and targets alone"):
        fp.HeldOut(machine(), NEW, np.full(30, "yes"), sample_weight=np.ones(30))
    with pytest.raises(ValueError, match="wrt must name"):
        fp.solve(machine(), wrt="C").vjp(np.ones(40), wrt="epsilon")
    with pytest.raises(ValueError, match="judged in its own way"):
        fp.CrossVal(machine(), metric="mse")
