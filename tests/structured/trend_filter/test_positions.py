"""Trend filters at unequal positions, against dense divided differences."""

import numpy as np
import pytest
from scipy.linalg import null_space

import fastpiggy as fp
from fastpiggy.structured.trend_filter.discrete_spline import DiscreteSpline, differences

NAMES = ["alpha", "y", "sample_weight"]


def dense(t, degree):
    """Differences of divided differences, by hand."""
    D = np.diff(np.eye(t.size), axis=0)
    for p in range(1, degree + 1):
        D = np.diff(D * p / (t[p:] - t[:-p])[:, None], axis=0)
    return D


def example(degree, n=40, share=0.05, unit=1.0):
    rng = np.random.default_rng(degree)
    # ADMM alone does not arrive where third slopes of very uneven distances meet.
    steps = rng.uniform(0.5, 1.5, n) if degree == 3 else rng.exponential(1.0, n)
    t = 7.0 + unit * np.cumsum(steps)
    y = 3 * abs(np.arange(n) / n - 0.5) + 0.15 * rng.standard_normal(n)
    problem = fp.trend_filter(y, 1.0, degree, rng.uniform(0.5, 2.0, n), t)
    return problem.replace(alpha=share * problem.alpha_max())


degrees = pytest.mark.parametrize("degree", [0, 1, 2, 3])


@degrees
def test_operator_and_splines(degree):
    problem, rows = example(degree), np.array([3, 4, 17, 30])
    D, t = dense(problem.t, degree), problem.t
    table = np.zeros_like(D)
    for j, diagonal in enumerate(differences(t.size, degree + 1, t)):
        table[np.arange(len(D)), np.arange(len(D)) + j] = diagonal
    np.testing.assert_allclose(table, D, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(problem.differences(problem.y), D @ problem.y, atol=1e-11)
    spline = DiscreteSpline(t.size, degree + 1, rows, t)
    N, off = spline.basis.toarray(), np.setdiff1d(np.arange(len(D)), rows)
    np.testing.assert_allclose(N.sum(axis=1), 1.0, atol=1e-13)
    rounding = 1e-14 * abs(D).max() + 1e-13
    np.testing.assert_allclose(D[off] @ N, 0.0, atol=rounding)
    np.testing.assert_allclose(D[rows] @ N, spline.jumps.toarray(), atol=rounding)


@degrees
@pytest.mark.parametrize("share", [0.3, 0.05, 1e-4])
def test_three_witnesses(degree, share):
    problem, rng, h = example(degree, share=share), np.random.default_rng(1), 1e-6
    D, w = dense(problem.t, degree), problem.sample_weight
    sol = fp.solve(problem, wrt=NAMES)
    assert sol.certificate.status == "converged" and sol.certificate.certified
    z = D @ sol.x
    z[abs(z) < 1e-9 * abs(D).max()] = 0.0
    N = null_space(D[z == 0]) if np.any(z == 0) else np.eye(z.size + degree + 1)
    P = N @ np.linalg.solve((N.T * w) @ N, N.T)
    wanted = {"alpha": -P @ D.T @ np.sign(z), "y": P * w, "sample_weight": P * (problem.y - sol.x)}
    assert sol.degrees_of_freedom == N.shape[1]
    d = {name: rng.standard_normal(np.shape(problem.parameters[name])) for name in NAMES}
    d["alpha"] *= problem.alpha
    ends = [
        problem.replace(**{name: problem.parameters[name] + e * d[name] for name in NAMES})
        for e in (h, -h)
    ]
    quotient = (fp.solve(ends[0]).x - fp.solve(ends[1]).x) / (2 * h)
    along = wanted["alpha"] * d["alpha"]
    along = along + wanted["y"] @ d["y"] + wanted["sample_weight"] @ d["sample_weight"]
    np.testing.assert_allclose(along, quotient, rtol=1e-6, atol=1e-6)
    fused = fp.solve(problem, wrt=NAMES, derivative="piggyback", tol=1e-10, max_iter=100_000)
    for name in NAMES:
        size = np.linalg.norm(wanted[name])
        assert np.linalg.norm(sol.jacobian[name] - wanted[name]) <= 1e-8 * size
        assert np.linalg.norm(fused.jacobian[name] - wanted[name]) <= 1e-6 * size


@degrees
@pytest.mark.parametrize("spread", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("share", [0.3, 1e-3, 1e-7])
def test_gaps_of_many_orders_of_magnitude(degree, spread, share):
    """Lognormal gaps: at a spread of 3 the longest is a million times the shortest."""
    rng = np.random.default_rng(degree)
    t = np.cumsum(np.exp(spread * rng.standard_normal(400)))
    y = np.sin(np.arange(400) / 30) + 0.2 * rng.standard_normal(400)
    problem = fp.trend_filter(y, 1.0, degree, t=t)
    problem = problem.replace(alpha=share * problem.alpha_max())
    sol = fp.solve(problem, wrt="alpha")
    assert sol.certificate.status == "converged" and sol.certificate.certified
    assert sol.certificate.optimality < 1e-10


@degrees
def test_conditions_by_hand(degree):
    """``D'u = W (y - x)`` by dense least squares: within alpha, at the bound of the sign."""
    problem = example(degree)
    x, D = fp.solve(problem).x, dense(problem.t, degree)
    u = np.linalg.lstsq(D.T, problem.sample_weight * (problem.y - x), rcond=None)[0]
    z = D @ x
    at = abs(z) > 1e-9 * abs(D).max()
    np.testing.assert_allclose(u[at], problem.alpha * np.sign(z[at]), rtol=1e-8)
    assert abs(u).max() <= problem.alpha * (1 + 1e-8)


@degrees
@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_units_of_time(degree, unit):
    """alpha goes as a unit of t to the power of the degree; x does not move."""
    problem = example(degree)
    other = fp.trend_filter(
        problem.y, problem.alpha * unit**degree, degree, problem.sample_weight, unit * problem.t
    )
    np.testing.assert_allclose(fp.solve(other).x, fp.solve(problem).x, atol=1e-9)
    assert other.alpha_max() == pytest.approx(problem.alpha_max() * unit**degree, rel=1e-9)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_equal_distances_of_one_are_the_default(degree):
    y = np.random.default_rng(0).standard_normal(30).cumsum()
    plain = fp.solve(fp.trend_filter(y, 2.0, degree))
    np.testing.assert_allclose(
        fp.solve(fp.trend_filter(y, 2.0, degree, t=np.arange(5.0, 35.0))).x, plain.x, atol=1e-9
    )
    # Half the distance doubles slopes, and quadruples curvatures.
    half = fp.trend_filter(y, 2.0 / 2.0**degree, degree, t=np.arange(30) / 2)
    np.testing.assert_allclose(fp.solve(half).x, plain.x, atol=1e-9)


BAD = [
    ([0.0, 1.0, 1.0, 2.0], 1, r"t must increase, got 1.0 at index 2 twice; give such points once"),
    ([0.0, 2.0, 1.0, 3.0], 1, r"t must increase, got 1.0 at index 2 after a larger one; sort"),
    ([0.0, 1.0, 2.0], 1, r"t must have shape \(4,\)"),
    ([0.0, 1.0, np.nan, 3.0], 1, "t must be finite"),
]


@pytest.mark.parametrize("t, degree, words", BAD, ids=[words for *_, words in BAD])
def test_bad_positions(t, degree, words):
    with pytest.raises(ValueError, match=words):
        fp.trend_filter([0.0, 1.0, 5.0, 4.0], 1.0, degree, t=t)
