"""Trend filters as problems: checks, alpha_max, and the discrete splines underneath."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from scipy.linalg import null_space
from scipy.optimize import lsq_linear

import fastpiggy as fp
from fastpiggy.structured.trend_filter.discrete_spline import (
    DiscreteSpline,
    Gram,
    differences,
    dual,
    placed,
)

degrees = pytest.mark.parametrize("degree", [0, 1, 2, 3])
NO_ROWS = np.zeros(0, dtype=np.int64)


def signal(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(n), rng.uniform(0.5, 2.0, n)


def dense(n, order):
    return np.diff(np.eye(n), order, axis=0)


@degrees
def test_differences(degree):
    table, D = differences(9, degree + 1), dense(9, degree + 1)
    for i in range(len(D)):
        np.testing.assert_array_equal(table[:, i], D[i, i : i + degree + 2])
    u = np.random.default_rng(0).standard_normal(len(D))
    at, rows = placed(9, degree + 1, None), np.array([0, 2, 3])
    found = dual(D.T @ u, degree + 1, NO_ROWS, np.zeros(0), at)
    np.testing.assert_allclose(found, u, atol=1e-12)
    found = dual(D.T @ u, degree + 1, rows, u[rows], at)
    np.testing.assert_allclose(found, u, atol=1e-12)


@degrees
@pytest.mark.parametrize("n", [5, 12, 40])
@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_splines_span_the_null_space(degree, n, share):
    order = degree + 1
    D = dense(n, order)
    rows = np.flatnonzero(np.random.default_rng(n).random(n - order) < share)
    spline = DiscreteSpline(n, order, rows)
    N, off = spline.basis.toarray(), np.setdiff1d(np.arange(n - order), rows)
    assert np.linalg.matrix_rank(N) == spline.size == N.shape[1]
    assert np.all(N >= 0)
    np.testing.assert_allclose(N.sum(axis=1), 1.0, atol=1e-13)
    np.testing.assert_allclose(D[off] @ N, 0.0, atol=1e-12)
    np.testing.assert_allclose(D[rows] @ N, spline.jumps.toarray(), atol=1e-12)


@degrees
def test_gram_is_well_conditioned_however_far_knots_are_apart(degree):
    order, n = degree + 1, 20_000
    rows = np.array([1, 2, 3, 9000, 9001, 19_000])
    spline, rng = DiscreteSpline(n, order, rows), np.random.default_rng(0)
    gram = Gram(spline, rng.uniform(0.5, 2.0, n))
    G = gram.toarray()
    scale = np.sqrt(np.diag(G))
    least = np.linalg.eigvalsh(G / scale / scale[:, None])[0]
    assert gram.least_eigenvalue <= least <= 4.01 * gram.least_eigenvalue
    assert gram.least_eigenvalue > 1e-2 and not gram.singular
    c = rng.standard_normal((spline.size, 3))
    np.testing.assert_allclose(gram.solve(G @ c), c, rtol=1e-11, atol=1e-11)


@degrees
def test_gram_with_a_curb(degree):
    rng = np.random.default_rng(0)
    spline = DiscreteSpline(30, degree + 1, np.array([3, 4, 17]))
    w, curb = rng.uniform(0.5, 2.0, 30), np.array([0.0, 2.0, 0.5])
    N, jumps = spline.basis.toarray(), spline.jumps.toarray()
    G = (N.T * w) @ N + (jumps.T * curb) @ jumps
    np.testing.assert_allclose(Gram(spline, w, curb).toarray(), G, atol=1e-12)
    c = rng.standard_normal(spline.size)
    np.testing.assert_allclose(Gram(spline, w, curb).solve(G @ c), c, rtol=1e-10)


@degrees
def test_dual_takes_out_the_rounding_of_long_sums(degree):
    """A million-fold sum of sums: what is left is the rounding between knots."""
    order, n = degree + 1, 20_000
    rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(n - order, 30, replace=False))
    spline = DiscreteSpline(n, order, rows)
    y, signs = rng.standard_normal(n), rng.choice([-1.0, 1.0], 30)
    N, x = spline.basis, np.zeros(n)
    gram = Gram(spline, np.ones(n))
    for _ in range(3):
        x = x + N @ gram.solve(N.T @ (y - x) - spline.jumps.T @ signs)
    g, at = y - x, placed(n, order, None)
    u = dual(g, order, rows, signs, at)
    np.testing.assert_array_equal(u[rows], signs)
    # In whole numbers, far from any rounding: sums, and the polynomials through the knots near.
    scale = 2**60
    sums = np.array([int(value * scale) for value in g], dtype=object)
    for _ in range(order):
        sums = -np.cumsum(sums)
    nodes = np.concatenate([np.arange(-order, 0), rows, np.arange(n - order, n)])
    zeros = np.zeros(order)
    targets = [int(value * scale) for value in np.concatenate([zeros, signs, zeros])]
    missed = [b - (sums[i] if i >= 0 else 0) for i, b in zip(nodes, targets, strict=True)]
    for a in (order - 1, order + 7, order + 29):
        near = range(a - (order - 1) // 2, a - (order - 1) // 2 + order)
        for i in range(nodes[a] + 1, nodes[a + 1], 97):
            exact = Fraction(sums[i])
            for j in near:
                share = Fraction(missed[j])
                for k in near:
                    share *= Fraction(int(i - nodes[k]), int(nodes[j] - nodes[k])) if k != j else 1
                exact += share
            assert abs(u[i] - float(exact / scale)) <= 1e-13 * abs(u).max()


@degrees
def test_alpha_max_is_where_the_dual_of_the_polynomial_fits_in(degree):
    y, w = signal(25)
    problem, D = fp.trend_filter(y, 1.0, degree, w), dense(25, degree + 1)
    x = np.polyval(np.polyfit(np.arange(25), y, degree, w=np.sqrt(w)), np.arange(25))
    u = np.linalg.lstsq(D.T, w * (y - x), rcond=None)[0]
    assert problem.alpha_max() == pytest.approx(abs(u).max(), rel=1e-9)
    top = problem.alpha_max()
    assert abs(D @ fp.solve(problem.replace(alpha=1.001 * top)).x).max() < 1e-11
    assert abs(D @ fp.solve(problem.replace(alpha=0.99 * top)).x).max() > 1e-7


@degrees
def test_a_polynomial_has_alpha_max_zero(degree):
    t = np.arange(30.0)
    for y in (np.full(30, 3.3), 7 * t**degree - t + 2):
        if degree or np.ptp(y) == 0:
            assert fp.trend_filter(y, 1.0, degree).alpha_max() == 0.0


@degrees
def test_solution_is_that_of_the_dual_box_problem(degree):
    """``x = y - inv(W) D'u`` with u of least ``norm_inv(W)(W y - D'u)`` in the box."""
    y, w = signal(20)
    problem, D = fp.trend_filter(y, 1.0, degree, w), dense(20, degree + 1)
    problem = problem.replace(alpha=0.05 * problem.alpha_max())
    root = np.sqrt(w)
    box = lsq_linear(D.T / root[:, None], root * y, (-problem.alpha, problem.alpha), tol=1e-14)
    x = y - D.T @ box.x / w
    np.testing.assert_allclose(fp.solve(problem).x, x, atol=1e-6)


@degrees
def test_units(degree):
    """Weights are raw: all times c is alpha over c; and everything scales with y."""
    y, w = signal(40)
    problem = fp.trend_filter(y, 1.0, degree, w)
    problem = problem.replace(alpha=0.02 * problem.alpha_max())
    x = fp.solve(problem).x
    double = fp.trend_filter(y, 2 * problem.alpha, degree, 2 * w)
    np.testing.assert_allclose(fp.solve(double).x, x, rtol=1e-11, atol=1e-12)
    assert double.alpha_max() == pytest.approx(2 * problem.alpha_max(), rel=1e-12)
    for c in (1e-150, 1e-6, 1e120):
        scaled = fp.solve(fp.trend_filter(c * y, c * problem.alpha, degree, w)).x
        np.testing.assert_allclose(scaled / c, x, rtol=1e-10, atol=1e-11)


def test_weight_two_is_two_points_on_one_place():
    """Total variation: a point twice in a row, at no distance, is one of double weight."""
    y = np.array([0.0, 5.0, 1.0, 4.0])
    one = fp.solve(fp.trend_filter(y, 0.3, 0, [1.0, 2.0, 1.0, 1.0]))
    two = fp.solve(fp.trend_filter(y[[0, 1, 1, 2, 3]], 0.3, 0))
    np.testing.assert_allclose(two.x, one.x[[0, 1, 1, 2, 3]], atol=1e-12)


def test_replace_shares_what_belongs_to_y():
    y, w = signal(30)
    problem = fp.trend_filter(y, 1.0, 2, w)
    null = problem.null_model
    assert problem.replace(alpha=0.5).null_model is null
    other = problem.replace(y=y + 1, sample_weight=2 * w)
    assert other.null_model is not null
    np.testing.assert_array_equal(other.y, y + 1)
    np.testing.assert_array_equal(problem.y, y)
    assert other.shape == (30,) and other.order == 3 and other.rows == 27
    assert set(problem.parameters) == {"alpha", "y", "sample_weight"}
    with pytest.raises(ValueError, match="'degree' is no parameter of this problem"):
        problem.replace(degree=1)
    assert repr(problem) == "<TrendFilter n 30, degree 2, alpha=1>"
    again = pickle.loads(pickle.dumps(problem))
    assert again.alpha_max() == problem.alpha_max()


def test_what_is_handed_in_is_copied():
    y, w = signal(10)
    problem = fp.trend_filter(y, 1.0, 1, w)
    y[:], w[:] = 0.0, 1.0
    assert np.all(problem.y != 0) and np.all(problem.sample_weight != 1)


@pytest.mark.parametrize(
    "y",
    [[0, 1, 5, 4], np.array([0, 1, 5, 4], dtype=np.int8), np.array([[0.0], [1], [5], [4]]),
     (0.0, 1.0, 5.0, 4.0), np.array([0, 1, 5, 4], dtype=np.float32),
     np.array([4.0, 5, 1, 0])[::-1]],
)  # fmt: skip
def test_signals_of_all_kinds(y):
    problem = fp.trend_filter(y, 1, 1, [1, 1, 1, 2])
    assert problem.y.dtype == np.float64 and problem.y.flags.c_contiguous
    np.testing.assert_array_equal(problem.y, [0, 1, 5, 4])


BAD = [
    ({"y": [1.0, np.nan, 2.0]}, ValueError, "y must be finite, got nan at index 1"),
    ({"y": [1.0, 2.0, np.inf]}, ValueError, "y must be finite, got inf at index 2"),
    ({"y": [1.0, 2.0]}, ValueError, r"y must have .* more than degree \+ 1 = 2 points"),
    ({"y": np.ones((3, 2))}, ValueError, r"y must have one dimension .* got shape \(3, 2\)"),
    ({"y": []}, ValueError, "y must have one dimension"),
    ({"y": ["a", "b", "c"]}, TypeError, "y must hold numbers"),
    ({"y": [1j, 2, 3]}, TypeError, "y must be real"),
    ({"alpha": -1.0}, ValueError, "alpha must be a finite number"),
    ({"alpha": np.nan}, ValueError, "alpha must be a finite number"),
    ({"alpha": "1"}, TypeError, "alpha must be a real number"),
    ({"degree": 4}, ValueError, "degree must be 0, 1, 2 or 3, got 4"),
    ({"degree": -1}, ValueError, "degree must be 0, 1, 2 or 3, got -1"),
    ({"degree": 1.0}, TypeError, "degree must be an integer"),
    ({"degree": True}, TypeError, "degree must be an integer"),
    ({"sample_weight": [1.0, 2.0]}, ValueError, r"sample_weight must have shape \(5,\)"),
    ({"sample_weight": [1.0, -2.0, 1, 1, 1]}, ValueError, "sample_weight must not be negative"),
    ({"sample_weight": [0.0, 0, 0, 0, 1]}, ValueError, "at least degree . 1 = 2 positive"),
    ({"sample_weight": [np.nan, 1, 1, 1, 1]}, ValueError, "sample_weight must be finite"),
]


@pytest.mark.parametrize("change, error, words", BAD, ids=[words for _, _, words in BAD])
def test_bad_input(change, error, words):
    arguments = {"y": [0.0, 1.0, 5.0, 4.0, 2.0], "alpha": 1.0, "degree": 1, **change}
    with pytest.raises(error, match=words):
        fp.trend_filter(**arguments)


def test_sums_that_overflow_are_refused():
    y = np.full(50, 1e306) * np.array([1, -1, 1, 1, -1] * 10)
    with pytest.raises(ValueError, match="y is finite but its sums overflow"):
        fp.trend_filter(y, 1.0, 3).alpha_max()


@degrees
def test_null_model(degree):
    y, w = signal(30)
    null = fp.trend_filter(y, 1.0, degree, w).null_model
    D = dense(30, degree + 1)
    np.testing.assert_allclose(D.T @ null.u, w * (y - null.x), atol=1e-10)
    polynomials = null_space(D)
    np.testing.assert_allclose(polynomials.T @ (w * (y - null.x)), 0.0, atol=1e-11)
