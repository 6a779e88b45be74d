"""The searches, against grids and against curves whose minima are known."""

import numpy as np
import pytest

import fastpiggy as fp
from fastpiggy.tuning.cubic import Node, interpolate, minimiser
from fastpiggy.tuning.one import OneSearch


def data(seed=0, n=80, p=40):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    y = X[:, :5] @ rng.choice([-1.0, 1.0], 5) + rng.standard_normal(n)
    return X, y


def test_cubic_finds_the_minimum_of_a_cubic():
    rng = np.random.default_rng(0)
    for _ in range(50):
        c = rng.standard_normal(4)
        f, df = np.poly1d(c), np.poly1d(c).deriv()
        a, b = (Node(t, f(t), df(t)) for t in (-1.0, 1.5))
        found = minimiser(a, b)
        inside = [r.real for r in df.roots if abs(r.imag) < 1e-12 and -1 < r.real < 1.5]
        minima = [r for r in inside if df.deriv()(r) > 0]
        if minima:
            np.testing.assert_allclose(found, (minima[0], f(minima[0])), rtol=1e-8, atol=1e-10)
        else:
            assert found is None
        np.testing.assert_allclose(interpolate(a, b, 0.3), f(0.3), atol=1e-12)


@pytest.mark.parametrize("kink", [0.0, 1.0])
def test_one_search_finds_the_better_of_two_basins(kink):
    def curve(t):
        value = np.cos(2.5 * t) + 0.1 * t + kink * abs(t + 1.2)
        slope = -2.5 * np.sin(2.5 * t) + 0.1 + kink * np.sign(t + 1.2)
        return Node(t, value, slope)

    search = OneSearch(curve, -3.0, 3.0, 200, stop_early=False)
    assert search.run() == "converged"
    grid = np.linspace(-3, 3, 100_001)
    best = min(curve(t).value for t in grid)
    assert search.best.value <= best + 1e-5 * abs(best)
    assert search.minima() >= 2
    assert len(search.nodes) < 60


@pytest.mark.parametrize("model", ["lasso", "ridge", "elastic_net", "logistic", "group_lasso"])
def test_no_worse_than_a_grid(model):
    X, y = data()
    if model == "logistic":
        y = np.where(y > 0, 1, 0)
    options = {"groups": np.arange(40) // 4} if model == "group_lasso" else {}
    problem = getattr(fp, model)(X, y, alpha=1.0, fit_intercept=True, **options)
    criterion = fp.CrossVal(problem, cv=5)
    result = fp.tune(criterion, method="slopes")
    low, high = result.bounds["alpha"]
    grid = [criterion.evaluate_quietly(alpha=a).value for a in np.geomspace(high, low, 100)]
    # The curve has a knot wherever a fold's support changes: basins that differ by less than the
    # gain the search looks for, some 1e-6 a step, may both stand.
    assert result.value <= min(grid) * (1 + 1e-5)
    assert result.status == "converged" and result.n_minima >= 1
    assert result.value == min(found.value for found in result.history)
    again = criterion.evaluate_quietly(**result.params)
    np.testing.assert_allclose(again.value, result.value, rtol=1e-8)
    np.testing.assert_allclose(
        again.gradient["alpha"], result.gradient["alpha"], rtol=1e-4, atol=1e-6
    )
    direct = fp.solve(problem.replace(**result.params))
    np.testing.assert_allclose(result.solution.x, direct.x, atol=1e-9)
    assert set(result.solution.jacobian) == {"alpha"}


def test_default_ranges():
    X, y = data()
    lasso = fp.lasso(X, y, 1.0)
    top = np.abs(X.T @ y).max() / y.size
    assert fp.alpha_range(lasso) == pytest.approx((top / 1000, top))
    largest = np.linalg.norm(X, 2) ** 2 / y.size
    assert fp.alpha_range(fp.ridge(X, y, 1.0)) == pytest.approx(
        (1e-6 * largest, 10 * largest), rel=2e-3
    )
    result = fp.tune(fp.CrossVal(lasso), bounds=(0.05, 0.2), method="slopes")
    assert result.bounds == {"alpha": (0.05, 0.2)}
    assert all(0.05 <= found.params["alpha"] <= 0.2 for found in result.history)


def test_two_parameters_beat_a_grid():
    X, y = data()
    X[:, 20:] = X[:, :20] + 0.1 * X[:, 20:]
    criterion = fp.CrossVal(fp.elastic_net(X, y, 0.1, 0.5, fit_intercept=True), cv=5)
    result = fp.tune(criterion, wrt=["alpha", "l1_ratio"])
    top = criterion.problem.alpha_max()
    grid = min(
        criterion.evaluate_quietly(alpha=a, l1_ratio=r).value
        for r in (0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
        for a in np.geomspace(top, top / 1000, 25)
    )
    assert result.value <= 1.001 * grid
    assert set(result.params) == {"alpha", "l1_ratio"}


def test_weights_improve_on_one_alpha_and_zeros_stay():
    X, y = data(n=160)
    X, V, y, u = X[:80], X[80:], y[:80], y[80:]
    start = fp.tune(fp.HeldOut(fp.lasso(X, y, 1.0), V, u))
    weights = np.ones(40)
    weights[2] = 0.0
    problem = fp.lasso(X, y, start.params["alpha"], weights=weights)
    criterion = fp.HeldOut(problem, V, u)
    result = fp.tune(criterion, wrt="weights")
    assert result.status == "converged" and "a smaller tol goes on" in result.message
    further = fp.tune(criterion, wrt="weights", tol=1e-6)
    assert further.value < result.value and len(further.history) > len(result.history)
    # Where the problem stands nothing is active: half the penalty is where there is a slope.
    top = problem.replace(alpha=problem.alpha_max() * 1.5)
    from_nothing = fp.tune(fp.HeldOut(top, V, u), wrt="weights")
    assert from_nothing.status == "converged"
    assert from_nothing.value < 0.9 * from_nothing.history[0].value
    assert result.params["weights"][2] == 0.0
    assert np.all(result.params["weights"][weights > 0] > 0)
    assert result.value < 0.95 * criterion.evaluate_quietly().value


def test_edge_of_range_warns():
    X, y = data()
    with pytest.warns(fp.FastpiggyWarning, match="edge of the range"):
        result = fp.tune(fp.CrossVal(fp.lasso(X, y, 1.0)), bounds=(1e-6, 1e-4))
    assert result.status == "edge_of_range"


def test_flat_criterion_warns():
    X, y = data()
    with pytest.warns(fp.FastpiggyWarning, match="does not change"):
        result = fp.tune(fp.HeldOut(fp.lasso(X, y, 1.0), X, y), bounds=(10.0, 20.0))
    assert result.status == "flat"


def test_max_evals_warns():
    X, y = data()
    with pytest.warns(fp.FastpiggyWarning, match="raise it"):
        result = fp.tune(fp.CrossVal(fp.lasso(X, y, 1.0)), method="slopes", max_evals=4)
    assert result.status == "max_evals" and len(result.history) == 4
    with pytest.warns(fp.FastpiggyWarning, match="raise it"):
        result = fp.tune(fp.CrossVal(fp.elastic_net(X, y, 1.0)), ["alpha", "l1_ratio"], max_evals=4)
    assert len(result.history) == 4


def test_interrupt_returns_the_best_so_far():
    X, y = data()
    seen = []

    def stop(found):
        seen.append(found)
        if len(seen) == 5:
            raise KeyboardInterrupt

    result = fp.tune(fp.CrossVal(fp.lasso(X, y, 1.0)), method="slopes", callback=stop)
    assert result.status == "interrupted" and result.solution is None
    assert list(result.history) == seen
    assert result.value == min(found.value for found in seen)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"wrt": "gamma"}, ValueError, "wrt must name hyperparameters"),
        ({"wrt": "y"}, ValueError, "wrt must name hyperparameters"),
        ({"wrt": []}, ValueError, "at least one"),
        ({"wrt": ["alpha", "weights"]}, ValueError, "only their product matters"),
        ({"bounds": (1.0, 0.5)}, ValueError, "low < high"),
        ({"bounds": (0.0, 0.5)}, ValueError, "bounds"),
        ({"bounds": 3}, TypeError, "two numbers"),
        ({"bounds": {"l1_ratio": (0, 1)}}, ValueError, "names in wrt"),
        ({"method": "grid"}, ValueError, 'method must be "auto"'),
        ({"max_evals": 1}, ValueError, "max_evals"),
        ({"tol": 0}, ValueError, "tol"),
    ],
)
def test_bad_input_is_named(arguments, error, words):
    X, y = data()
    with pytest.raises(error, match=words):
        fp.tune(fp.CrossVal(fp.lasso(X, y, 1.0)), **arguments)


def test_nothing_to_tune_is_said():
    X, _ = data()
    with pytest.raises(ValueError, match="nothing to tune"):
        fp.tune(fp.CrossVal(fp.lasso(X, np.ones(80), 1.0, fit_intercept=True)))
    with pytest.raises(TypeError, match="criterion must be"):
        fp.tune(fp.lasso(X, X[:, 0], 1.0))
