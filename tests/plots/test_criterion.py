"""The curve of the criterion with its tangents."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

import fastpiggy as fp
from fastpiggy.plots import CriterionDisplay
from fastpiggy.plots.criterion import hermite

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 12))
y = X[:, 0] - X[:, 1] + 0.5 * rng.standard_normal(60)


def parabola(alpha):
    """A loss that is smooth in log alpha, smallest at alpha = 0.1, and its slope."""
    u = np.log(alpha / 0.1)
    return 5 + u**2, 2 * u / alpha


def evaluation(alpha):
    value, slope = parabola(alpha)
    return SimpleNamespace(params={"alpha": alpha}, value=value, gradient={"alpha": slope})


@pytest.fixture
def result():
    history = tuple(evaluation(alpha) for alpha in (1.0, 0.3, 0.03, 0.1))
    return SimpleNamespace(params={"alpha": 0.1}, value=5.0, history=history)


def test_points_tangents_and_best(result):
    axes = Figure().subplots()
    display = CriterionDisplay.from_result(result, ax=axes)
    assert display.ax_ is axes and display.figure_ is axes.figure
    np.testing.assert_allclose(display.points_.get_xdata(), [0.03, 0.1, 0.3, 1.0])
    np.testing.assert_allclose(display.best_.get_xydata(), [[0.1, 5.0]])
    assert axes.get_xscale() == "log" and axes.get_xlabel() == "alpha"
    # Curve, four tangents, evaluations, best.
    assert len(axes.lines) == 7 and len(display.tangents_) == 4


def test_tangents_touch_the_curve_with_its_slope(result):
    display = CriterionDisplay.from_result(result)
    for line, alpha in zip(display.tangents_, [0.03, 0.1, 0.3, 1.0], strict=True):
        (x0, y0), (x1, y1) = line.get_xydata()
        slope = (y1 - y0) / np.log(x1 / x0)
        np.testing.assert_allclose(slope, 2 * np.log(alpha / 0.1), atol=1e-12)
        np.testing.assert_allclose((y0 + y1) / 2, 5 + np.log(alpha / 0.1) ** 2)


def test_curve_is_exact_for_a_parabola(result):
    x, values = CriterionDisplay.from_result(result).curve_.get_data()
    np.testing.assert_allclose(values, 5 + np.log(x / 0.1) ** 2, rtol=1e-12)
    assert hermite(np.zeros(1), np.ones(1), np.ones(1)) == (0.0, 1.0)


def test_repeated_and_single_evaluations(result):
    result.history = result.history + result.history[:1]
    assert CriterionDisplay.from_result(result).places.size == 4
    result.history = result.history[:1]
    assert CriterionDisplay.from_result(result).points_.get_xdata().size == 1


def test_what_cannot_be_drawn(result):
    draw = CriterionDisplay.from_result
    with pytest.raises(ValueError, match="must be one of"):
        draw(result, parameter="beta")
    result.params = {"alpha": 0.1, "l1_ratio": 0.5}
    with pytest.raises(ValueError, match="say which parameter"):
        draw(result)
    assert draw(result, parameter="alpha").ax_.get_xlabel() == "alpha"
    result.params = {"alpha": np.ones(3)}
    with pytest.raises(ValueError, match="not a scalar"):
        draw(result)
    result.history = ()
    with pytest.raises(ValueError, match="no evaluation"):
        draw(result)
    with pytest.raises(ValueError, match="no history_"):
        CriterionDisplay.from_estimator(fp.estimators.LassoCV())


def test_exact_curve_of_a_search_by_path():
    result = fp.tune(fp.CrossVal(fp.lasso(X, y, alpha=1.0, fit_intercept=True)))
    display = CriterionDisplay.from_result(result)
    x, values = display.curve_.get_data()
    np.testing.assert_allclose(values, result.curve(x), rtol=1e-14)
    assert set(result.curve.knots) <= set(x)


def test_a_criterion_at_some_places():
    criterion = fp.CrossVal(fp.lasso(X, y, alpha=1.0, fit_intercept=True))
    display = CriterionDisplay.from_criterion(criterion, [0.3, 0.1])
    at = criterion.evaluate(alpha=0.1)
    assert display.values[0] == pytest.approx(at.value, rel=1e-12)
    assert display.slopes[0] == pytest.approx(at.gradient["alpha"], rel=1e-9)
    assert display.best_ is None
    again = display.plot(Figure().subplots())
    assert again is display and len(again.ax_.lines) == 4


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (fp.estimators.LassoCV(alphas=[0.3, 0.1, 0.03]), "alpha"),
        (fp.estimators.RidgeCV(alphas=[0.3, 3.0, 30.0], cv=5), "alpha"),
        (fp.estimators.SparseLogisticRegressionCV(Cs=[0.3, 1.0, 3.0]), "C"),
    ],
)
def test_estimators_are_drawn_in_their_own_scaling(estimator, name):
    estimator.fit(X, y > 0 if name == "C" else y)
    display = CriterionDisplay.from_estimator(estimator)
    asked = estimator.Cs if name == "C" else sorted(estimator.alphas)
    np.testing.assert_allclose(display.places, asked, rtol=1e-12)
    best = float(np.ravel(getattr(estimator, f"{name}_"))[0])
    i = int(np.argmin(display.values))
    assert display.places[i] == pytest.approx(best) and display.ax_.get_xlabel() == name
    assert display.slopes[i] == pytest.approx(estimator.gradient_[name], rel=1e-12)


def test_one_of_several_targets():
    model = fp.estimators.LassoCV().fit(X, np.column_stack([y, X[:, 3] + y]))
    display = CriterionDisplay.from_estimator(model, target=1)
    assert display.best == (model.alpha_[1], model.criterion_[1])
    # The search was by path: the curve is what it saw, not what its one evaluation tells.
    x, values = display.curve_.get_data()
    np.testing.assert_allclose(x[::-1], model.alphas_[1])
    np.testing.assert_allclose(values[::-1], model.mse_path_[1].mean(axis=1))


def test_one_search_for_all_targets():
    model = fp.estimators.RidgeCV().fit(X, np.column_stack([y, X[:, 3] + y]))
    for target in (0, 1):
        display = CriterionDisplay.from_estimator(model, target=target)
        assert display.best == (model.alpha_, model.criterion_) and display.places.size == 3


def test_matplotlib_is_named_where_it_is_missing(monkeypatch, result):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"fastpiggy\[plot\]"):
        CriterionDisplay.from_result(result)
