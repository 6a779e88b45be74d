"""The exact finish of trend filters: knots exchanged until they are right, and kinks between."""

import numpy as np
import pytest

import fastpiggy as fp
from fastpiggy.problems.directions import Direction
from fastpiggy.structured.trend_filter.exchange import finish
from fastpiggy.structured.trend_filter.knots import Knots
from fastpiggy.structured.trend_filter.projection import Projection

degrees = pytest.mark.parametrize("degree", [0, 1, 2, 3])
NO_ROWS, NO_SIGNS = np.zeros(0, dtype=np.int64), np.zeros(0)


def example(degree, n, share):
    rng = np.random.default_rng(degree)
    y = 4 * abs(np.arange(n) / n - 0.5) + 0.15 * rng.standard_normal(n)
    problem = fp.trend_filter(y, 1.0, degree)
    return problem.replace(alpha=share * problem.alpha_max())


@degrees
def test_selection_of_admm_at_a_kink(degree):
    """q strictly inside: the implicit solve is the fixed point of ADMM's own recursion."""
    problem = example(degree, 12, 1.0)
    knots, q, rho = Knots(problem, NO_ROWS, NO_SIGNS), np.full(problem.rows, 0.3), 2.0
    point = Projection(knots, q, rho)
    J = point.solve(point.movement([Direction("alpha", np.ones(1), ())]))[:, 0]
    D = np.diff(np.eye(problem.y.size), problem.order, axis=0)
    kink, sign = point.kinks[0], np.sign(knots.u[point.kinks[0]])
    inverse = np.linalg.inv(np.eye(problem.y.size) + rho * D.T @ D)
    v = np.zeros(problem.rows)
    for _ in range(5000):
        z = np.zeros_like(v)
        z[kink] = 0.3 * (v[kink] - sign / rho)
        x = rho * inverse @ (D.T @ (2 * z - v))
        v = v + D @ x - z
    np.testing.assert_allclose(J, x, rtol=1e-6, atol=1e-8 * abs(J).max())


@degrees
@pytest.mark.parametrize("share", [0.3, 1e-3, 1e-6])
def test_exact_at_many_points(degree, share):
    """Knots found and solved for to rounding where ADMM alone would not arrive."""
    n = 20_000
    y = np.sin(np.arange(n) * 12 / n) + 0.15 * np.random.default_rng(0).standard_normal(n)
    problem = fp.trend_filter(y, 1.0, degree)
    problem = problem.replace(alpha=share * problem.alpha_max())
    knots = finish(problem, NO_ROWS, NO_SIGNS, 1e-9)
    assert knots.optimality < 1e-11
    # The conditions, by hand: signs where there is a knot, the bound elsewhere.
    assert np.all(knots.signs * knots.z > 0)
    assert abs(knots.u).max() <= problem.alpha * (1 + 1e-11)
    g, scale = y - knots.x, abs(y).max()
    pad = np.zeros(problem.order)
    if problem.alpha < 1e3 * scale:
        back = (-1) ** problem.order * np.diff(np.r_[pad, knots.u, pad], problem.order)
        np.testing.assert_allclose(back, g, atol=1e-9 * scale)


@degrees
def test_descent_alone_arrives(degree):
    problem = example(degree, 40, 1e-3)
    found = finish(problem, NO_ROWS, NO_SIGNS, 1e-9, exchange=False)
    assert found.optimality < 1e-11
    np.testing.assert_allclose(found.x, fp.solve(problem).x, atol=1e-11)


@degrees
@pytest.mark.parametrize("share", [1e-8, 1e-5, 1e-2])
def test_rows_beside_a_knot_are_no_kinks(degree, share):
    """At many points abs(u) is close to alpha there: measured by alpha_max it would be a kink."""
    n = 50_000
    t = np.arange(n)
    corners = abs(t % (n // 8) - n / 16) / (n / 16)
    noise = np.random.default_rng(0).standard_normal(n)
    problem = fp.trend_filter(np.sin(12 * t / n) + corners + 0.3 * noise, 1.0, degree)
    problem = problem.replace(alpha=share * problem.alpha_max())
    sol = fp.solve(problem, wrt="alpha")
    assert sol.certificate.status == "converged" and sol.certificate.certified
    assert sol.certificate.optimality < 1e-11
