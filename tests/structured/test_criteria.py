"""Criteria of the fit on signals: values by hand, slopes by differences between knots."""

import numpy as np
import pytest

import fastpiggy as fp


def problems():
    rng = np.random.default_rng(0)
    y, w = np.sin(np.arange(60) / 7) + 0.2 * rng.standard_normal(60), rng.uniform(0.5, 2.0, 60)
    step = np.diff(np.eye(60), axis=0)
    return [
        fp.trend_filter(y, 1.0, 0, w), fp.trend_filter(y, 1.0, 1, w),
        fp.generalized_lasso(y, np.vstack([step, np.roll(step, 2, axis=1)]), 1.0, w),
    ]  # fmt: skip


@pytest.mark.parametrize("problem", problems(), ids=["degree 0", "degree 1", "generalized"])
@pytest.mark.parametrize("name", ["Sure", "Gcv", "Bic"])
def test_value_and_slope(problem, name):
    arguments = (0.2,) if name == "Sure" else ()
    criterion, alpha, h = getattr(fp, name)(problem, *arguments), 0.8, 1e-6
    found = criterion.evaluate(alpha=alpha)
    sol = fp.solve(problem.replace(alpha=alpha))
    n, df, w = 60, sol.degrees_of_freedom, problem.sample_weight / problem.sample_weight.mean()
    mse = float(np.mean(w * (problem.y - sol.x) ** 2))
    if name == "Gcv":
        assert found.value == pytest.approx(mse / (1 - df / n) ** 2)
    if name == "Sure":
        assert found.value == pytest.approx(mse - 0.04 + 0.08 * df / n)
    ends = [criterion.evaluate(alpha=alpha + e).value for e in (h, -h)]
    assert found.gradient["alpha"] == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-5)


def test_tune_lowers_the_criterion():
    problem = problems()[1]
    result = fp.tune(fp.Gcv(problem), wrt="alpha")
    low, high = fp.alpha_range(problem)
    ends = [fp.Gcv(problem).evaluate(alpha=alpha).value for alpha in (low, 0.999 * high)]
    assert result.value <= min(ends)
    assert result.solution.degrees_of_freedom > 2


@pytest.mark.parametrize("degree", [0, 1])
@pytest.mark.parametrize("name", ["Sure", "Bic"])
def test_tune_compares_all_knots(degree, name):
    """Least beside a jump, where slopes do not lead: not above a fine grid."""
    rng = np.random.default_rng(degree)
    y = 4 * abs(np.arange(60) / 60 - 0.5) + 0.15 * rng.standard_normal(60)
    problem = fp.trend_filter(y, 1.0, degree)
    criterion = fp.Sure(problem, 0.15) if name == "Sure" else fp.Bic(problem)
    top = problem.alpha_max()
    result = fp.tune(criterion, wrt="alpha", bounds=(0.004 * top, 0.9 * top))
    grid = np.geomspace(0.004 * top, 0.9 * top, 400)
    values = [criterion.evaluate(alpha=alpha).value for alpha in grid]
    assert result.value <= min(values) + 1e-9 and "between all knots from" in result.message
    # Just above a knot: with more of them below the value jumps up, and above it rises.
    alpha = result.params["alpha"]
    steps = [criterion.evaluate(alpha=alpha * (1 + e)).value for e in (-1e-6, 0.0, 1e-6)]
    assert steps[1] < steps[2] < steps[1] + 1e-4 * abs(steps[1])
    assert alpha < 0.0041 * top or steps[0] > steps[1] + 1e-3 * abs(steps[1])


def test_what_was_seen_before_comes_back_as_it_was(monkeypatch):
    """Evaluations that are not made again are not the last ones."""
    from fastpiggy.tuning import by_slopes

    asked = []

    def walk(evaluate, seen, low, high, most):
        for alpha in (0.31, 0.52, 0.31):
            asked.append((alpha, evaluate(alpha).params["alpha"]))

    monkeypatch.setattr(by_slopes, "walk", walk)
    y = np.repeat([0.0, 3.0, 1.0], 8) + np.random.default_rng(0).standard_normal(24)
    fp.tune(fp.Sure(fp.trend_filter(y, 1.0, degree=0), 1.0), bounds={"alpha": (0.1, 5.0)})
    assert len(asked) == 3
    np.testing.assert_allclose(*np.transpose(asked), rtol=1e-12)
