"""The set-valued fixed point: systems of affine maps, and knots of the Lasso."""

import numpy as np
import pytest
from sklearn.linear_model import lars_path

import fastpiggy as fp

pytestmark = pytest.mark.filterwarnings("ignore::fastpiggy.FastpiggyWarning")


def test_a_segment_and_cantors_set():
    half, third = (fp.attractor([(a, 0.0), (a, 1.0)]) for a in (1 / 2, 1 / 3))
    np.testing.assert_allclose(half.vertices, [0.0, 2.0])
    assert (half.lower, half.upper) == pytest.approx((0.0, 2.0))
    assert half.largest_gap <= 2 * half.distance < 5e-3
    np.testing.assert_allclose(third.vertices, [0.0, 1.5])
    assert (third.lower, third.upper) == pytest.approx((0.0, 1.5))
    assert third.largest_gap == pytest.approx(0.5, abs=2 * third.distance)
    # Five times over, nothing stands in the middle third of what is left.
    at = third.points / 1.5
    for _ in range(5):
        assert not np.any((at > 1 / 3 + 1e-9) & (at < 2 / 3 - 1e-9))
        at = np.where(at < 0.5, 3 * at, 3 * at - 2)
    assert "2 selections" in repr(third)


def test_every_limit_lies_in_the_set():
    """Random words of maps in the plane: their tails are near the points."""
    rng = np.random.default_rng(0)
    maps = []
    for _ in range(3):
        A = rng.standard_normal((2, 2))
        maps.append((0.5 * A / np.linalg.norm(A, 2), rng.standard_normal(2)))
    found = fp.attractor(maps)
    assert found.vertices.shape == (3, 2)
    for (A, B), vertex in zip(maps, found.vertices, strict=True):
        np.testing.assert_allclose(A @ vertex + B, vertex, atol=1e-12)
    J = rng.standard_normal(2)
    for k in range(300):
        A, B = maps[rng.integers(3)]
        J = A @ J + B
        if k > 60:
            assert np.linalg.norm(found.points - J, axis=1).min() <= found.distance + 1e-12


def test_maps_whose_products_expand():
    def M(s):
        return np.array([[1.75 - s, -0.75], [1.0, 0.0]]), np.zeros(2)

    with pytest.raises(ValueError, match=r"a product of 4 of them has the spectral radius 1\.125"):
        fp.attractor([M(1.0), M(0.25)])
    # Alone each contracts, though not in the Euclidean norm.
    alone = fp.attractor([M(1.0)])
    assert alone.rate < 1.0 and not alone.vertices.any() and len(alone.points) == 1
    with pytest.raises(ValueError, match="spectral radius 1"):
        fp.attractor([(1.0, 0.5)])


def path(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((30, 20)) + 2.0 * rng.standard_normal((30, 1))
    y = X @ rng.standard_normal(20) + rng.standard_normal(30)
    alphas, _, coefs = lars_path(X, y, method="lasso")
    return X, y, alphas, np.where(abs(coefs) > 1e-10, coefs, 0.0)


def test_knots_of_a_path():
    """One kink: strict and nonstrict masks are right and left, reversed where one leaves."""
    X, y, alphas, coefs = path()
    entering = leaving = 0
    for i in range(1, len(alphas) - 1):
        slopes = np.diff(coefs)[:, i - 1 : i + 1] / np.diff(alphas)[i - 1 : i + 1]
        leaves = np.count_nonzero(coefs[:, i + 1]) < np.count_nonzero(coefs[:, i - 1])
        if entering + leaving > 8 and not leaves:
            continue
        found = fp.attractor(fp.lasso(X, y, alphas[i]))
        assert found.kinks.size == 1 and found.selections.tolist() == [[0.0], [1.0]]
        right, left = found.vertices[::-1] if leaves else found.vertices
        np.testing.assert_allclose(right, slopes[:, 0], atol=1e-6 * abs(slopes).max())
        np.testing.assert_allclose(left, slopes[:, 1], atol=1e-6 * abs(slopes).max())
        # The set holds both, and more.
        assert np.all(found.lower <= found.vertices.min(axis=0) + 1e-12)
        assert len(found.points) > 2
        entering, leaving = entering + (not leaves), leaving + leaves
    assert entering and leaving


def test_at_ties_no_one_rule_is_the_derivative_to_a_side():
    """Two correlated columns on the threshold: one comes in, and the other leaves it."""
    S, signs = np.array([[1.0, 0.9], [0.9, 1.0]]), np.array([1.0, 0.7])
    X = np.sqrt(2) * np.linalg.cholesky(S).T
    # X'y/2 = signs * alpha at alpha = 1 is a tie where both are 1; weights make them 1.
    y = 2 * np.linalg.solve(X.T, signs)
    problem = fp.lasso(X, y, 1.0, weights=signs)
    found, sides = fp.attractor(problem), fp.solve(problem).one_sided("alpha")
    assert found.kinks.tolist() == [0, 1] and len(found.vertices) == 4
    left, h = sides.left["alpha"], 1e-4
    slope = -fp.solve(problem.replace(alpha=1.0 - h), tol=1e-13).x / h
    np.testing.assert_allclose(left, slope, atol=1e-6 * abs(slope).max())
    # It is a vertex, neither that of all zeros nor that of all ones.
    off = np.linalg.norm(found.vertices - left, axis=1)
    assert off.argmin() in (1, 2) and off.min() < 1e-9
    # The mask that lets both in moves one of them to the wrong side.
    both = found.vertices[found.selections.sum(axis=1) == 2][0]
    assert np.linalg.norm(both - left) > 0.5
    np.testing.assert_allclose(both, -np.linalg.solve(S, signs), rtol=1e-9)


def test_directions_and_no_kinks():
    X, y, _, _ = path()
    problem, V = fp.lasso(X, y, 2.0, fit_intercept=True), np.random.default_rng(0)
    V = V.standard_normal((30, 2))
    found = fp.attractor(problem, {"y": V})
    wanted = fp.solve(problem, wrt={"y": V}).jacobian["y"]
    assert found.vertices.shape == (1, 20, 2) and found.kinks.size == 0
    np.testing.assert_allclose(found.vertices[0], wanted, rtol=1e-8, atol=1e-10)


def test_bad_input():
    X, y, _, _ = path()
    problem = fp.lasso(X, y, 0.5)
    for arguments, error, match in (
        (([],), ValueError, "at least one pair"),
        (([(0.5, 1.0, 2.0)],), ValueError, "must be pairs"),
        (([(0.5, [1.0, 2.0])],), ValueError, "do not fit"),
        (([(0.5, 1.0), (np.eye(2) / 2, [1.0, 2.0])],), ValueError, "one shape"),
        (([(np.nan, 1.0)],), ValueError, "finite"),
        ((3,), TypeError, "a Problem with a penalty by coordinate or"),
        ((fp.trend_filter(y, 1.0),), TypeError, "a Problem with a penalty by coordinate or"),
        ((fp.group_lasso(X, y, 0.5, np.arange(20) // 2),), TypeError, "GroupL2"),
        ((problem, ["alpha", "y"]), ValueError, "one parameter"),
    ):
        with pytest.raises(error, match=match):
            fp.attractor(*arguments)
    with pytest.raises(ValueError, match="count must be a positive integer"):
        fp.attractor(problem, count=0)


@pytest.mark.parametrize("knot", [0, 1, 2])
def test_the_whole_conservative_jacobian_of_the_lasso(knot):
    """2106.04350: ``-(I - diag(q)(I - T G))^-1 diag(q) T s`` on E, at alpha_max and at knots."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 6)), rng.standard_normal(30)
    alphas, _, path = lars_path(X, y, method="lasso")
    problem = fp.lasso(X, y, alpha=alphas[knot])
    if knot == 0:
        problem = problem.replace(alpha=problem.alpha_max())
    support = np.flatnonzero(path[:, knot])
    j = int(np.setdiff1d(np.flatnonzero(path[:, knot + 1]), support)[0])
    E = np.append(support, j)
    signs = np.sign(X[:, E].T @ (y - X @ path[:, knot]))
    G = X[:, E].T @ X[:, E] / 30
    T = np.diag(1 / np.diag(G))  # the steps of coordinates
    for q in (0.0, 0.3, 1.0):
        sol = fp.solve(problem, wrt="alpha", selection=q)
        assert sol.certificate.status == "at_kink" and list(sol.certificate.kinks) == [j]
        D = np.diag(np.append(np.ones(len(support)), q))
        J = np.zeros(6)
        J[E] = -np.linalg.solve(np.eye(len(E)) - D @ (np.eye(len(E)) - T @ G), D @ T @ signs)
        np.testing.assert_allclose(sol.jacobian["alpha"], J, rtol=1e-6, atol=1e-9)
    found = fp.attractor(problem)
    low, high = np.sort(found.vertices[:, j])
    assert found.lower[j] >= low - 1e-9 and found.upper[j] <= high + 1e-9
