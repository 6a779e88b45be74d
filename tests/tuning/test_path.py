"""The search along exact paths, against solves of every fold and grids of them."""

import warnings

import numpy as np
import pytest
from scipy import sparse

import fastpiggy as fp
from fastpiggy.tuning.path import PathSearch


def data(n, p, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.5 * rng.standard_normal((n, 1)) + 1.0
    y = X[:, :3] @ [2.0, -1.0, 1.0] + noise * rng.standard_normal(n) + 5.0
    return X, y, rng


def exact(criterion, alpha):
    return criterion.along({"alpha": float(alpha)}, ()).value


def problems():
    X, y, rng = data(48, 12)
    V, u, _ = data(30, 70, seed=1)
    w = rng.uniform(0.5, 2.0, 12)
    w[4] = 0.0
    s = rng.integers(0, 4, 48).astype(float)
    s[:3] = 1.0
    one = np.array_split(rng.permutation(48), 4)
    pairs = [(np.setdiff1d(np.arange(48), part)[:-3], part) for part in one]
    boot = [(rng.integers(0, 48, 48), rng.integers(0, 48, 20)) for _ in range(3)]
    return {
        "tall": fp.CrossVal(fp.lasso(X, y, 1.0, fit_intercept=True)),
        "no intercept": fp.CrossVal(fp.lasso(X, y, 1.0), cv=3),
        "weights": fp.CrossVal(
            fp.lasso(X, y, 1.0, weights=w, sample_weight=s, fit_intercept=True), cv=4
        ),
        "wide": fp.CrossVal(fp.lasso(V, u, 1.0, fit_intercept=True)),
        "wide, weights": fp.CrossVal(
            fp.lasso(V, u, 1.0, weights=rng.uniform(0.5, 2.0, 70), fit_intercept=True), n_jobs=2
        ),
        "rows left out": fp.CrossVal(fp.lasso(X, y, 1.0, fit_intercept=True), cv=pairs),
        "bootstrap": fp.CrossVal(fp.lasso(X, y, 1.0, fit_intercept=True), cv=boot),
        "held out": fp.HeldOut(fp.lasso(V[:20], u[:20], 1.0, fit_intercept=True), V[20:], u[20:]),
        "float32": fp.CrossVal(fp.lasso(np.float32(V), u, 1.0, fit_intercept=True)),
        "sparse": fp.CrossVal(
            fp.lasso(sparse.csc_array(V * (V > 1.0)), u, 1.0, fit_intercept=True), cv=3
        ),
        "large and small": fp.CrossVal(
            fp.lasso(X * np.geomspace(1e-4, 1e4, 12), 1e6 * y, 1.0, fit_intercept=True)
        ),
    }


@pytest.mark.parametrize("name", problems())
def test_the_curve_is_that_of_cold_solves_and_its_minimum_below_a_grid(name):
    criterion = problems()[name]
    with warnings.catch_warnings():
        # Columns of 1e-4 to 1e4 have their best alpha below the range.
        warnings.filterwarnings("ignore", message="edge_of_range")
        result = fp.tune(criterion, method="path")
    curve = result.curve
    assert result.method == "path" and result.status in ("converged", "edge_of_range")
    alphas = np.geomspace(curve.knots[0], curve.knots[-1], 40)[1:-1]
    values = np.array([exact(criterion, alpha) for alpha in alphas])
    np.testing.assert_allclose(curve(alphas), values, rtol=1e-9)
    assert result.value <= values.min() * (1 + 1e-12)
    np.testing.assert_allclose(exact(criterion, result.params["alpha"]), result.value, rtol=1e-9)
    np.testing.assert_allclose(curve.fold_values(alphas[7]).mean(), curve(alphas[7]), rtol=1e-12)
    with warnings.catch_warnings():
        # With one part the best often stands on a kink of the problem itself.
        warnings.simplefilter("ignore", fp.FastpiggyWarning)
        direct = fp.solve(criterion.problem.replace(**result.params), wrt="alpha")
    np.testing.assert_allclose(result.solution.x, direct.x, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(
        result.solution.jacobian["alpha"], direct.jacobian["alpha"], rtol=1e-6, atol=1e-8
    )


def test_slopes_of_the_curve_are_those_of_the_criterion():
    criterion = problems()["wide"]
    curve = fp.tune(criterion).curve
    for alpha in np.geomspace(0.9 * curve.knots[0], 1.1 * curve.knots[-1], 9):
        found = criterion.evaluate_quietly(alpha=float(alpha))
        below, above = curve.slopes(alpha)
        assert below == above
        np.testing.assert_allclose(above, found.gradient["alpha"], rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(curve.fold_slopes(alpha), found.fold_gradients["alpha"], 1e-6)
    knot = curve.knots[5]
    below, above = curve.slopes(knot)
    h = 1e-7 * knot
    np.testing.assert_allclose(above, (curve(knot + h) - curve(knot)) / h, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(below, (curve(knot) - curve(knot - h)) / h, rtol=1e-4, atol=1e-5)


def test_the_gradient_at_the_best_is_zero_or_between_the_slopes():
    result = fp.tune(problems()["wide"])
    below, above = result.curve.slopes(result.params["alpha"])
    assert below <= result.gradient["alpha"] <= above
    assert abs(result.gradient["alpha"]) < 1e-9
    assert ("on a knot" in result.message) == (below != above)
    [at] = result.history
    assert at.value == result.value and at.solves == 0
    np.testing.assert_allclose(at.fold_values.mean(), result.value, rtol=1e-12)


def test_the_rule_of_one_standard_error():
    result = fp.tune(problems()["tall"])
    curve = result.curve
    limit = result.value + curve.standard_error(result.params["alpha"])
    values = curve.fold_values(result.params["alpha"])
    np.testing.assert_allclose(limit - result.value, values.std(ddof=1) / np.sqrt(5))
    alpha = curve.one_standard_error()
    np.testing.assert_allclose(curve(alpha), limit, rtol=1e-10)
    above = np.linspace(alpha, curve.knots[0], 500)[1:]
    assert np.all(curve(above) > limit)
    with pytest.raises(ValueError, match="two folds"):
        fp.tune(problems()["held out"]).curve.one_standard_error()


def test_minima_are_counted_by_the_rise_between_them():
    curve = fp.tune(problems()["wide"], bounds=(1e-2, 5.0)).curve
    alphas, values = curve.minima(apart=0.0)
    ends = zip(curve.knots, curve.knots[1:], strict=False)
    fine = np.concatenate([np.linspace(a, b, 30, endpoint=False) for a, b in ends])
    seen = curve(fine)
    dips = (seen[1:-1] < seen[:-2]) & (seen[1:-1] <= seen[2:])
    assert abs(int(dips.sum()) - values.size) <= 2
    some, _ = curve.minima(apart=1e-2)
    assert set(some) <= set(alphas) and some.size <= alphas.size
    assert curve.minimum()[1] == values.min()


def test_path_and_slopes_agree_where_the_curve_has_one_minimum():
    criterion = problems()["tall"]
    path, slopes = (fp.tune(criterion, method=method) for method in ("path", "slopes"))
    assert slopes.method == "slopes" and slopes.curve is None
    np.testing.assert_allclose(path.value, slopes.value, rtol=1e-3)
    assert path.value <= slopes.value


def test_slopes_say_that_they_look_locally_where_p_is_above_n():
    message = fp.tune(problems()["wide"], method="slopes").message
    assert "locally" in message
    assert "locally" not in fp.tune(problems()["tall"], method="slopes").message


def test_the_null_model_may_be_best():
    X, _, rng = data(40, 60)
    result = fp.tune(fp.CrossVal(fp.lasso(X, rng.standard_normal(40), 1.0, fit_intercept=True)))
    if not np.any(result.solution.x):
        assert result.status == "converged" and "null model" in result.message
    y = np.tile([1.0, -1.0], 20)
    X = np.tile(rng.standard_normal((1, 5)), (40, 1)) + 1e-3 * rng.standard_normal((40, 5))
    result = fp.tune(fp.CrossVal(fp.lasso(X, y, 1.0, fit_intercept=True)))
    assert result.curve is not None


def test_edges_of_the_range_and_passed_alphas():
    criterion = problems()["tall"]
    whole = fp.tune(criterion)
    with pytest.warns(fp.FastpiggyWarning, match="edge of the range"):
        result = fp.tune(criterion, bounds=(1e-6, 1e-5))
    assert result.status == "edge_of_range"
    np.testing.assert_allclose(exact(criterion, 5e-6), result.curve(5e-6), rtol=1e-9)
    alpha = whole.params["alpha"]
    inner = fp.tune(criterion, bounds=(0.5 * alpha, 1.5 * alpha))
    np.testing.assert_allclose([inner.params["alpha"], inner.value], [alpha, whole.value], 1e-10)
    assert inner.curve.knots[0] == 1.5 * alpha
    with pytest.raises(ValueError, match="visited"):
        inner.curve(2.0 * alpha)


@pytest.mark.parametrize("ugly", ["duplicates", "zero", "binary", "noiseless", "one column"])
def test_ugly_data_end_in_the_truth(ugly):
    X, y, _ = data(40, 25, noise=0.0 if ugly == "noiseless" else 1.0)
    if ugly == "duplicates":
        X = np.column_stack([X, X[:, :3], -X[:, 1]])
    elif ugly == "zero":
        X[:, ::4] = 0.0
    elif ugly == "binary":
        X = (X > 1.0).astype(float)
    elif ugly == "one column":
        X = X[:, :1]
    criterion = fp.CrossVal(fp.lasso(X, y, 1.0, fit_intercept=True))
    with warnings.catch_warnings():
        # Duplicates have no one solution, noiseless data the best alpha on the lower edge.
        warnings.simplefilter("ignore", fp.FastpiggyWarning)
        result = fp.tune(criterion)
    low, high = result.bounds["alpha"]
    grid = min(exact(criterion, alpha) for alpha in np.geomspace(low, high, 60))
    assert result.value <= grid * (1 + 1e-6)
    np.testing.assert_allclose(exact(criterion, result.params["alpha"]), result.value, rtol=1e-7)


@pytest.mark.parametrize("name", ["tall", "wide", "weights", "bootstrap"])
def test_watching_too_little_gives_the_same_curve(name, monkeypatch):
    from fastpiggy.tuning import fold_paths

    whole = fp.tune(problems()[name], method="path")
    descend = fold_paths.descend_to
    monkeypatch.setattr(
        fold_paths, "descend_to",
        lambda fold, end, pieces, first, reach: descend(
            fold, end, pieces, first, reach if reach == np.inf else -0.8
        ),
    )  # fmt: skip
    part = fp.tune(problems()[name], method="path")
    np.testing.assert_allclose(part.params["alpha"], whole.params["alpha"], rtol=1e-9)
    np.testing.assert_allclose(part.value, whole.value, rtol=1e-10)
    np.testing.assert_allclose(part.curve.knots, whole.curve.knots, rtol=1e-9)


def test_a_loss_that_is_not_that_of_the_curve_sends_the_search_back(monkeypatch):
    from fastpiggy.tuning import path

    whole, visits = fp.tune(problems()["wide"]), []
    visit = path.FoldPaths.visit
    monkeypatch.setattr(
        path.FoldPaths, "visit", lambda *a: visits.append(a[0].reach) or visit(*a)
    )  # fmt: skip
    loss = path.FoldPaths.loss.fget
    monkeypatch.setattr(
        path.FoldPaths, "loss", property(lambda self: loss(self) + (len(visits) == 1))
    )
    found = fp.tune(problems()["wide"])
    assert len(visits) == 2
    np.testing.assert_allclose(found.params["alpha"], whole.params["alpha"], rtol=1e-9)


def test_a_broken_path_falls_back_on_slopes(monkeypatch):
    from fastpiggy.tuning import fold_paths

    monkeypatch.setattr(fold_paths, "_TOLERANCE", -1.0)
    criterion = problems()["tall"]
    result = fp.tune(criterion)
    assert result.method == "slopes" and "not by path" in result.message
    with pytest.raises(ValueError, match="broke off"):
        fp.tune(criterion, method="path")


def test_an_interrupt_keeps_what_was_seen(monkeypatch):
    descend, calls = PathSearch._look, []

    def look(self, *arguments):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return descend(self, *arguments)

    monkeypatch.setattr(PathSearch, "_look", look)
    result = fp.tune(problems()["wide"])
    assert result.status == "interrupted" and result.solution is None
    np.testing.assert_allclose(result.curve.fold_values(result.curve.knots[-1]).mean(),
                               result.curve.ends[-1])  # fmt: skip


@pytest.mark.parametrize(
    ("criterion", "wrt", "words"),
    [
        (lambda: fp.CrossVal(fp.ridge(np.eye(6), np.arange(6.0), 1.0)), "alpha", "for the Lasso"),
        (lambda: problems()["tall"], "weights", "more than alpha"),
        (
            lambda: fp.CrossVal(fp.lasso(*data(20, 4)[:2], 1.0), metric="mae"),
            "alpha",
            "mean squared error",
        ),
    ],
)
def test_a_path_where_there_is_none_is_refused(criterion, wrt, words):
    with pytest.raises(ValueError, match=words):
        fp.tune(criterion(), wrt, method="path")


def centred(n=60, p=12):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    return X, X[:, :4].sum(axis=1) + rng.standard_normal(n)


def test_large_means_of_columns_and_targets_leave_the_search_as_it_is():
    X, y = centred()
    near, far = (
        fp.tune(fp.CrossVal(fp.lasso(*data, 1.0, fit_intercept=True)))
        for data in ((X, y), (X + 1e6, y + 1e7))
    )
    np.testing.assert_allclose(far.params["alpha"], near.params["alpha"], rtol=1e-6)
    np.testing.assert_allclose(far.value, near.value, rtol=1e-7)


def test_unpenalised_columns_of_tall_data():
    X, y = centred()
    weights = np.ones(12)
    weights[3] = 0.0
    problem = fp.lasso(X, y, 1.0, weights=weights, fit_intercept=True)
    result = fp.tune(fp.CrossVal(problem), method="path")
    assert result.status == "converged"
    found = fp.CrossVal(problem).evaluate(alpha=1.001 * result.params["alpha"])
    np.testing.assert_allclose(result.curve(1.001 * result.params["alpha"]), found.value, rtol=1e-9)


def test_weights_of_a_loss_of_ones_own_need_not_sum_to_one():
    X, y = centred()
    own = fp.Problem(
        fp.losses.LeastSquares(y, np.ones(60)), fp.penalties.L1(1.0, np.ones(12)), X,
        fit_intercept=True,
    )  # fmt: skip
    whole = fp.tune(fp.CrossVal(own), method="path")
    mean = fp.tune(fp.CrossVal(fp.lasso(X, y, 1.0, fit_intercept=True)), method="path")
    np.testing.assert_allclose(whole.params["alpha"], 60 * mean.params["alpha"], rtol=1e-9)
    np.testing.assert_allclose(whole.value, mean.value, rtol=1e-9)
