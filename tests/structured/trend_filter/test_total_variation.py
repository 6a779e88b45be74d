"""Total variation by taut string or dynamic programming: exact, with its derivative."""

import numpy as np
import pytest

import fastpiggy as fp
from fastpiggy.structured.trend_filter.dynamic_programming import minimise
from fastpiggy.structured.trend_filter.projection import Projection
from fastpiggy.structured.trend_filter.segments import Segments
from fastpiggy.structured.trend_filter.taut_string import total_variation


def solution(y, w, alpha, solve=total_variation):
    n = y.size
    x = np.empty(n)
    solve(y, w, float(alpha), x, np.empty(n), False)
    return x


def violation(y, w, alpha, x):
    """Of the conditions, by hand: u from sums, within alpha, at the sign's bound at jumps."""
    u, jump = -np.cumsum(w * (y - x)), np.sign(np.diff(x))
    at_jumps = np.where(jump != 0, u[:-1] - alpha * jump, 0.0)
    return max(abs(u[-1]), (abs(u) - alpha).max(), abs(at_jumps).max(initial=0.0))


def test_random_signals():
    rng = np.random.default_rng(0)
    for trial in range(200):
        n = int(rng.integers(2, 30))
        # Rounded, so that many jumps and bounds tie.
        y, w = rng.standard_normal(n).round(trial % 3), rng.uniform(0.2, 2.0, n)
        if trial % 2:
            w[rng.random(n) < 0.4] = 0.0
            w[rng.integers(n)] = 1.0
        alpha = 10 ** rng.uniform(-3, 1)
        assert violation(y, w, alpha, solution(y, w, alpha)) < 1e-12


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_the_taut_string_equals_dynamic_programming(scale):
    rng = np.random.default_rng(4)
    for trial in range(60):
        n = int(rng.integers(2, 80))
        y = (rng.standard_normal(n) + 5.0 * (trial % 2)).cumsum() if trial % 3 else np.ones(n)
        y = scale * y.round(trial % 4 + 1).astype(np.float32).astype(float)
        w = np.ones(n) if trial % 2 else rng.uniform(0.1, 3.0, n)
        alpha, x = scale * 10 ** rng.uniform(-6, 3), np.empty(n)
        minimise(y, w, alpha, x)
        np.testing.assert_allclose(solution(y, w, alpha), x, atol=1e-13 * abs(y).max())


def test_smooth_signals_go_to_dynamic_programming():
    """Each point of a ramp needs a look far ahead."""
    n = 500
    y, w = np.linspace(0.0, 1.0, n) ** 2, np.linspace(1.0, 2.0, n)
    arrays = [np.empty(n), np.empty(n)]
    assert total_variation(y, w, 0.5, *arrays, False)[0] == -1
    problem = fp.trend_filter(y, 0.5, 0, w)
    sol = fp.solve(problem, "alpha")
    assert violation(y, w, 0.5, sol.x) < 1e-12 and sol.certificate.certified
    moved = [fp.solve(problem.replace(alpha=0.5 + h)).x for h in (1e-7, -1e-7)]
    slope = (moved[0] - moved[1]) / 2e-7
    np.testing.assert_allclose(sol.jacobian["alpha"], slope, atol=1e-6 * abs(slope).max())


def test_runs_the_same_without_the_compiler():
    rng = np.random.default_rng(1)
    plain = getattr(total_variation, "py_func", total_variation)
    for _ in range(20):
        y, w = rng.standard_normal(25), rng.uniform(0, 2, 25)
        np.testing.assert_allclose(solution(y, w, 0.4), solution(y, w, 0.4, plain), atol=1e-13)


@pytest.mark.parametrize("shift, scale", [(0.0, 1e-8), (1e8, 1.0), (0.0, 1e8)])
def test_scales(shift, scale):
    rng = np.random.default_rng(2)
    y, w = np.round(rng.standard_normal(200).cumsum(), 2), rng.uniform(0.5, 2.0, 200)
    x = fp.solve(fp.trend_filter(y, 0.7, 0, w)).x
    moved = fp.solve(fp.trend_filter(shift + scale * y, 0.7 * scale, 0, w)).x
    np.testing.assert_allclose((moved - shift) / scale, x, atol=1e-7 if shift else 1e-12)


def test_agrees_with_admm_and_its_splines():
    rng = np.random.default_rng(3)
    y, w = rng.standard_normal(300).cumsum(), rng.uniform(0.5, 2.0, 300)
    problem = fp.trend_filter(y, 5.0, 0, w)
    sol = fp.solve(problem, wrt=["alpha", "sample_weight"])
    assert sol.algorithm == "dynamic_programming" and sol.cost.way == "dynamic programming"
    assert isinstance(sol.adjoint.point, Segments) and sol.certificate.certified
    other = fp.solve(problem, wrt=["alpha", "sample_weight"], algorithm="admm")
    assert isinstance(other.adjoint.point, Projection) and other.certificate.certified
    np.testing.assert_allclose(sol.x, other.x, atol=1e-11)
    for name in sol.jacobian:
        np.testing.assert_allclose(sol.jacobian[name], other.jacobian[name], atol=1e-11)
    np.testing.assert_allclose(sol.certificate.margin, other.certificate.margin, rtol=1e-8)
    assert (
        sol.degrees_of_freedom == other.degrees_of_freedom == np.count_nonzero(np.diff(sol.x)) + 1
    )
    assert sol.objective == pytest.approx(other.objective, rel=1e-12)


def test_ties_are_kinks():
    """Integers and an integer alpha: bounds met exactly, on the inactive side by default."""
    y = np.array([0.0, 2.0, 0.0, 5.0, 5.0, 5.0])
    problem = fp.trend_filter(y, 1.0, 0)
    with pytest.warns(fp.FastpiggyWarning, match="at_kink"):
        sol = fp.solve(problem, wrt="alpha")
    np.testing.assert_allclose(sol.x, [1, 1, 1, 14 / 3, 14 / 3, 14 / 3], atol=1e-14)
    np.testing.assert_array_equal(sol.certificate.kinks, [0])
    sides = sol.one_sided("alpha")
    h = 1e-6
    for side, step in ((sides.left, -h), (sides.right, h)):
        moved = fp.solve(problem.replace(alpha=1.0 + step)).x
        np.testing.assert_allclose(side["alpha"], (moved - sol.x) / step, atol=1e-8)


def test_a_hundred_thousand_points():
    n = 100_000
    y = np.sin(np.arange(n) * 12 / n) + 0.3 * np.random.default_rng(0).standard_normal(n)
    for alpha in (1e-3, 1.0, 1e3):
        sol = fp.solve(fp.trend_filter(y, alpha, 0), wrt="alpha")
        assert sol.certificate.status == "converged" and sol.certificate.optimality < 1e-11
        assert sol.certificate.tangent_error < 1e-8


def test_no_iterations_to_run_along_with():
    problem = fp.trend_filter([0.0, 0.0, 3.0, 4.0], 0.5, 0)
    with pytest.raises(ValueError, match=r"'piggyback' runs along with iterations, .* 'admm'"):
        fp.solve(problem, "alpha", algorithm="dynamic_programming", derivative="piggyback")
    assert fp.solve(problem, "alpha", derivative="piggyback").algorithm == "admm"
