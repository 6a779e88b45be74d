"""Criteria of the fit: degrees of freedom, values, gradients, and searches by knots."""

import numpy as np
import pytest
from scipy.special import gammaln

import fastpiggy as fp
from fastpiggy.criteria.degrees import fit_statistics
from fastpiggy.problems import FitStatistics


def data(n=40, p=15, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.3
    y = X[:, :3] @ [2.0, -1.0, 1.0] + rng.standard_normal(n) + 1.0
    return X, y, rng


def problems():
    X, y, rng = data()
    s = rng.uniform(0.5, 2.0, 40)
    return {
        "lasso": fp.lasso(X, y, 0.1, sample_weight=s, fit_intercept=True),
        "elastic net": fp.elastic_net(X, y, 0.2, 0.6, sample_weight=s, fit_intercept=True),
        "ridge": fp.ridge(X, y, 0.3),
        "group": fp.group_lasso(X, y, 0.1, np.arange(15) // 3, fit_intercept=True),
        "logistic": fp.logistic(X, y > 1.0, 0.05, 0.7, fit_intercept=True),
    }


def fitted(problem, y, alpha=None):
    if alpha is not None:
        problem = problem.replace(alpha=alpha)
    sol = fp.solve(problem.replace(y=y), tol=1e-12)
    return problem.design.X @ sol.x + sol.intercept


@pytest.mark.parametrize("name", ["lasso", "elastic net", "ridge", "group"])
def test_degrees_of_freedom_are_the_trace_of_the_fit_in_y(name):
    problem = problems()[name]
    found = fit_statistics(fp.solve(problem, tol=1e-12), ()).degrees_of_freedom
    y, h = problem.loss.y, 1e-5
    trace = 0.0
    for i in range(y.size):
        e = np.zeros(y.size)
        e[i] = h
        trace += (fitted(problem, y + e)[i] - fitted(problem, y - e)[i]) / (2 * h)
    np.testing.assert_allclose(found, trace, rtol=1e-6)
    # And the tangents, one a target.
    tangents = fp.solve(problem, wrt="y", tol=1e-12)
    J = tangents.jacobian["y"]
    fit = problem.design.X @ J + tangents.intercept_jacobian["y"]
    np.testing.assert_allclose(found, np.trace(fit), rtol=1e-8)


def test_degrees_of_freedom_in_closed_form():
    X, _, _ = data()
    d = np.linalg.svd(X, compute_uv=False) ** 2 / 40
    found = fit_statistics(fp.solve(problems()["ridge"]), ()).degrees_of_freedom
    np.testing.assert_allclose(found, (d / (d + 0.3)).sum(), rtol=1e-10)
    sol = fp.solve(problems()["lasso"])
    support = np.count_nonzero(sol.x)
    np.testing.assert_allclose(fit_statistics(sol, ()).degrees_of_freedom, support + 1, rtol=1e-12)


def criteria(problem):
    if problem.classes is not None:
        return [fp.Aic(problem), fp.Bic(problem), fp.Ebic(problem, gamma=0.5)]
    return [
        fp.Sure(problem, 1.3), fp.Gcv(problem), fp.Aic(problem), fp.Aic(problem, 1.3),
        fp.Bic(problem), fp.Ebic(problem, gamma=0.5),
    ]  # fmt: skip


@pytest.mark.parametrize("name", problems())
def test_gradients_equal_central_differences(name):
    problem = problems()[name]
    names = ["alpha", "l1_ratio"] if "l1_ratio" in problem.parameters else ["alpha"]
    for criterion in criteria(problem):
        criterion.tol = 1e-12
        found = criterion.along({}, tuple(names))
        for parameter in names:
            value = problem.parameters[parameter]
            h = 1e-5 * value
            sides = [criterion.along({parameter: value + side * h}, ()) for side in (1, -1)]
            supports = [side.solutions[0].x != 0 for side in sides]
            assert np.array_equal(*supports)
            difference = (sides[0].value - sides[1].value) / (2 * h)
            np.testing.assert_allclose(found.gradient[parameter], difference, rtol=2e-6)


def test_values_in_closed_form():
    problem = problems()["lasso"]
    sol = fp.solve(problem)
    s = problem.loss.sample_weight * 40
    rss = s @ (problem.loss.y - problem.design.X @ sol.x - sol.intercept) ** 2
    k, p = np.count_nonzero(sol.x) + 1, 15
    models = gammaln(p + 1) - gammaln(k) - gammaln(p - k + 2)
    expected = [
        rss / 40 - 1.69 + 2 * 1.69 * k / 40, rss / 40 / (1 - k / 40) ** 2,
        40 * np.log(rss / 40) + 2 * k, rss / 1.69 + 2 * k, 40 * np.log(rss / 40) + np.log(40) * k,
        40 * np.log(rss / 40) + np.log(40) * k + models,
    ]  # fmt: skip
    found = [criterion.evaluate().value for criterion in criteria(problem)]
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    labels = problems()["logistic"]
    sol = fp.solve(labels)
    z = labels.loss.y * (labels.design.X @ sol.x + sol.intercept)
    df = fit_statistics(sol, ()).degrees_of_freedom
    expected = 2 * np.log1p(np.exp(-z)).sum() + 2 * df
    np.testing.assert_allclose(fp.Aic(labels).evaluate().value, expected, rtol=1e-10)


@pytest.mark.parametrize("wide", [False, True])
def test_all_knots_are_compared_where_the_criterion_jumps(wide):
    X, y, _ = data(n=30, p=50 if wide else 12, seed=2)
    problem = fp.lasso(X, y, 1.0, fit_intercept=True)
    for criterion in (fp.Sure(problem, 1.0), fp.Bic(problem, 1.0), fp.Gcv(problem)):
        assert criterion.jumps
        result = fp.tune(criterion)
        assert result.status == "converged" and "jumps" in result.message
        curve = result.curve
        grid = np.geomspace(curve.knots[0], curve.knots[-1], 300)[1:-1]
        values = [criterion.along({"alpha": float(a)}, ()).value for a in grid]
        np.testing.assert_allclose(curve(grid), values, rtol=1e-8, atol=1e-10)
        assert result.value <= min(values) + 1e-12
        again = criterion.evaluate(**result.params)
        np.testing.assert_allclose(again.value, result.value, rtol=1e-8)
        np.testing.assert_allclose(again.gradient["alpha"], result.gradient["alpha"], rtol=1e-5)
        with pytest.raises(ValueError, match="slopes say nothing"):
            fp.tune(criterion, method="slopes")
        with pytest.raises(ValueError, match="slopes say nothing"):
            fp.tune(criterion, "weights")


def test_smooth_criteria_are_searched_by_slopes():
    problem = problems()["ridge"]
    criterion = fp.Gcv(problem)
    assert not criterion.jumps
    result = fp.tune(criterion, method="slopes")
    low, high = result.bounds["alpha"]
    grid = [criterion.along({"alpha": float(a)}, ()).value for a in np.geomspace(low, high, 100)]
    assert result.method == "slopes" and result.value <= min(grid) * (1 + 1e-6)


def test_sure_estimates_the_error_of_the_fit():
    X, _, rng = data(n=60, p=20)
    mean = X[:, :3] @ [2.0, -1.0, 1.0]
    problem = fp.lasso(X, mean, 0.15)
    estimates, errors = [], []
    for _ in range(300):
        y = mean + rng.standard_normal(60)
        found = fp.Sure(problem.replace(y=y), 1.0).along({}, ())
        estimates.append(found.value)
        errors.append(np.mean((X @ found.solutions[0].x - mean) ** 2))
    difference = np.subtract(estimates, errors)
    assert abs(difference.mean()) < 3 * difference.std() / np.sqrt(300)


@pytest.mark.parametrize(("n", "p"), [(80, 20), (60, 150)])
def test_the_noise_level_is_near_the_truth(n, p):
    found = []
    for seed in range(5):
        X, y, _ = data(n, p, seed)
        found.append(fp.noise_level(fp.lasso(X, y, 1.0, fit_intercept=True)))
    assert abs(np.mean(found) - 1.0) < 0.15
    with pytest.raises(TypeError, match="must be a Lasso"):
        fp.noise_level(problems()["ridge"])


class Means:
    """A structured problem: the mean of y shrunk, with the statistics of its fit."""

    family = "composite"

    def __init__(self, inner):
        self.inner = inner

    @property
    def parameters(self):
        return {"alpha": self.inner.parameters["alpha"]}

    def replace(self, **changes):
        return Means(self.inner.replace(**changes))

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def fit_statistics(self, solution, names):
        return FitStatistics(4.0, 2.0, 10, 5, True, False, dict.fromkeys(names, 3.0),
                             dict.fromkeys(names, 1.0))  # fmt: skip


def test_a_structured_problem_brings_its_own_statistics():
    problem = Means(problems()["ridge"])
    found = fp.Sure(problem, 1.0).along({}, ("alpha",))
    np.testing.assert_allclose(found.value, 4 / 10 - 1 + 4 / 10)
    np.testing.assert_allclose(found.gradient["alpha"], 3 / 10 + 2 / 10)


X, Y, _ = data()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: fp.Sure(fp.lasso(X, Y, 0.1), 0.0), ValueError, "sigma"),
        (lambda: fp.Sure(fp.logistic(X, Y > 1, 0.1), 1.0), TypeError, "normal targets"),
        (lambda: fp.Gcv(fp.huber(X, Y, 0.1, 1.0)), TypeError, "normal targets"),
        (lambda: fp.Aic(fp.lasso(X[:12], Y[:12], 0.1)), ValueError, "sigma must be given"),
        (lambda: fp.Bic(fp.logistic(X, Y > 1, 0.1), 1.0), ValueError, "two classes"),
        (lambda: fp.Ebic(fp.lasso(X, Y, 0.1), gamma=2.0), ValueError, "gamma"),
        (lambda: fp.Sure(3, 1.0), TypeError, "problem must be"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
