"""Searches over several numbers, weights and blocks of weights; the estimate by nested splits."""

import warnings

import numpy as np
import pytest

import fastpiggy as fp
from fastpiggy.tuning.scales import scales_of


def data(seed=0, n=80, p=40):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    y = X[:, :5] @ rng.choice([-1.0, 1.0], 5) + rng.standard_normal(n)
    return X, y


def quietly(*arguments, **options):
    with warnings.catch_warnings():
        # Short searches say that they were short, which is not what is looked at here.
        warnings.simplefilter("ignore", fp.FastpiggyWarning)
        return fp.tune(*arguments, **options)


BLOCKS = np.repeat(["a", "b", "c", "d"], 10)


def test_tied_weights_are_equal_in_their_blocks_and_their_slope_is_the_sum():
    X, y = data(n=160)
    problem = fp.lasso(X[:80], y[:80], 0.1)
    criterion = fp.HeldOut(problem, X[80:], y[80:])
    result = quietly(criterion, "weights", tie=BLOCKS, max_evals=45)
    weights = result.params["weights"].reshape(4, 10)
    assert np.ptp(weights, axis=1).max() == 0.0 and np.ptp(weights[:, 0]) > 0.0
    assert result.value < 0.98 * criterion.evaluate_quietly().value
    (scale,) = scales_of(criterion, "weights", None, BLOCKS)
    assert scale.size == 4
    at = np.log([0.5, 1.0, 2.0, 1.5])

    def value(t):
        return criterion.evaluate_quietly(weights=scale.outward(t)).value

    slope = scale.slope(
        criterion.evaluate_quietly(weights=scale.outward(at)).gradient["weights"], at
    )
    for k in range(4):
        step = 1e-6 * np.eye(4)[k]
        np.testing.assert_allclose(
            slope[k], (value(at + step) - value(at - step)) / 2e-6, rtol=1e-5, atol=1e-8
        )


def test_weights_of_zero_stay_zero_in_blocks():
    X, y = data(n=160)
    weights = np.where(BLOCKS == "b", 0.0, 2.0)
    criterion = fp.HeldOut(fp.lasso(X[:80], y[:80], 0.1, weights=weights), X[80:], y[80:])
    found = quietly(criterion, "weights", tie=BLOCKS, max_evals=9).params["weights"]
    assert np.all(found[BLOCKS == "b"] == 0.0) and np.all(found[BLOCKS != "b"] > 0.0)


def test_many_numbers_on_few_rows_are_said_to_overfit():
    X, y = data(n=160)
    criterion = fp.HeldOut(fp.lasso(X[:80], y[:80], 0.1), X[80:], y[80:])
    assert "40 numbers were fitted to 80" in quietly(criterion, "weights", max_evals=9).message
    assert "were fitted" not in quietly(criterion, method="slopes").message


def test_slopes_say_that_they_looked_locally_where_columns_outnumber_rows():
    X, y = data(n=30)
    wide = quietly(fp.CrossVal(fp.lasso(X, y, 1.0)), method="slopes", max_evals=6)
    assert "slopes look locally" in wide.message and "another minimum" in wide.message
    X, y = data()
    assert "locally" not in quietly(fp.CrossVal(fp.lasso(X, y, 1.0)), method="slopes").message


def test_estimate_is_the_loss_of_searches_without_the_outer_part():
    X, y = data(n=60, p=20)
    problem = fp.lasso(X, y, 1.0, fit_intercept=True)
    criterion = fp.CrossVal(problem, cv=4)
    result = fp.tune(criterion, estimate=True)
    assert result.estimate.fold_values.shape == (4,)
    for k, (train, test) in enumerate(criterion.splits):
        # The same by hand, on copies of the rows: the other three folds.
        place = np.full(60, -1)
        place[train] = np.arange(train.size)
        inner = [
            (place[np.setdiff1d(train, other)], place[other])
            for j, (_, other) in enumerate(criterion.splits)
            if j != k
        ]
        part = fp.lasso(X[train], y[train], 1.0, fit_intercept=True)
        found = fp.tune(fp.CrossVal(part, inner))
        alpha = result.estimate.params[k]["alpha"]
        np.testing.assert_allclose(alpha, found.params["alpha"], rtol=1e-8)
        loss = np.mean((y[test] - X[test] @ found.solution.x - found.solution.intercept) ** 2)
        np.testing.assert_allclose(result.estimate.fold_values[k], loss, rtol=1e-7)
    assert result.estimate.value == result.estimate.fold_values.mean()
    # What was found is that of a search without an estimate.
    assert result.params == fp.tune(criterion).params


def test_estimate_shows_that_weights_overfit_the_held_out_rows():
    X, y = data(n=160)
    criterion = fp.HeldOut(fp.lasso(X[:80], y[:80], 0.1), X[80:120], y[80:120])
    result = quietly(criterion, "weights", max_evals=45, estimate=2)
    assert result.estimate.value > 1.2 * result.value
    for k, (train, test) in enumerate([(slice(100, 120), slice(80, 100)), (slice(80, 100),) * 2]):
        weights = result.estimate.params[k]["weights"]
        x = fp.solve(fp.lasso(X[:80], y[:80], 0.1, weights=weights)).x
        if k == 0:
            loss = np.mean((y[test] - X[test] @ x) ** 2)
            np.testing.assert_allclose(result.estimate.fold_values[0], loss, rtol=1e-6)
            inner = fp.HeldOut(criterion.problem, X[train], y[train])
            again = quietly(inner, "weights", max_evals=45)
            np.testing.assert_allclose(again.params["weights"], weights, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"tie": np.zeros(40)}, ValueError, "tie is for vectors"),
        ({"wrt": "weights", "tie": np.zeros(3)}, ValueError, r"tie must have shape \(40,\)"),
        ({"wrt": "weights", "tie": np.zeros(40)}, ValueError, "equal within a block"),
        ({"estimate": 1}, ValueError, "cv must be between"),
        ({"estimate": [(np.arange(40), np.arange(40, 80))]}, ValueError, "two splits at least"),
    ],
)
def test_bad_input_is_named(arguments, error, words):
    X, y = data()
    weights = np.linspace(1.0, 2.0, 40)
    with pytest.raises(error, match=words):
        fp.tune(fp.CrossVal(fp.lasso(X, y, 1.0, weights=weights)), **arguments)


def test_estimate_is_refused_where_no_rows_judge():
    X, y = data()
    with pytest.raises(TypeError, match="estimate is for CrossVal and HeldOut"):
        fp.tune(fp.Gcv(fp.ridge(X, y, 1.0)), estimate=True)
