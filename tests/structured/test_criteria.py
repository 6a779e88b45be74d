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
