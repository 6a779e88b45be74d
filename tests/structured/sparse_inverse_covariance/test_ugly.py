"""Sparse inverse covariance: blocks, single variables, scales, singular covariances, bad input."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.linalg import block_diag
from tables.covariances import FUSED, covariance, problem, relative, violation

import fastpiggy as fp


def test_blocks_are_solved_apart():
    """Each as if alone; a lone variable is its inverse variance."""
    S = covariance()
    first, second = S[:4, :4], S[4:, 4:]
    order = np.random.default_rng(4).permutation(11)
    whole = block_diag(first, [[2.5]], second)
    at = fp.sparse_inverse_covariance(whole[np.ix_(order, order)], 0.12)
    alone = [fp.solve(fp.sparse_inverse_covariance(part, 0.12), wrt="alpha") for part in
             (first, second)]  # fmt: skip
    sol = fp.solve(at, wrt="alpha")
    for name in ("x", "jacobian"):
        one = [getattr(part, name) for part in (sol, *alone)]
        found, *parts = one if name == "x" else [part["alpha"] for part in one]
        lone = [[0.4]] if name == "x" else [[0.0]]
        wanted = block_diag(parts[0], lone, parts[1])[np.ix_(order, order)]
        np.testing.assert_allclose(found, wanted, atol=1e-8)


def test_one_variable():
    sol = fp.solve(fp.sparse_inverse_covariance([[2.0]], 0.1), wrt=["alpha", "S"])
    assert sol.x == 0.5 and sol.jacobian["alpha"] == 0.0
    assert sol.jacobian["S"] == pytest.approx(-0.25)


def test_alpha_zero_is_the_inverse():
    S = covariance()
    at = fp.sparse_inverse_covariance(S, 0.0)
    sol, D = fp.solve(at, wrt={"S": np.ones((10, 10))}), np.ones((10, 10))
    wanted = np.linalg.inv(S)
    assert relative(sol.x, wanted) < 1e-9
    assert relative(sol.jacobian["S"], -wanted @ D @ wanted) < 1e-8


def test_without_a_minimum():
    constant = fp.sparse_inverse_covariance(None, 0.1, data=[[1.0, 2.0], [1.0, 3.0]])
    singular = fp.sparse_inverse_covariance(np.ones((2, 2)), 0.0)
    for at in (constant, singular):
        with pytest.warns(fp.FastpiggyWarning, match="no minimum"):
            sol = fp.solve(at)
        assert sol.certificate.status == "unbounded" and np.isfinite(sol.x).all()


def test_fewer_rows_than_variables():
    """A singular S has a minimum where every entry is penalised."""
    S = covariance(12, 5, 1)
    assert np.linalg.matrix_rank(S) == 4
    at = fp.sparse_inverse_covariance(S, 0.05)
    sol = fp.solve(at, wrt="alpha")
    assert sol.certificate.status == "converged" and sol.certificate.certified
    assert violation(sol.x, at.S, at.penalties) < 1e-9
    # A variable twice.
    twice = fp.solve(fp.sparse_inverse_covariance(np.full((2, 2), 2.0), 0.5))
    np.testing.assert_allclose(np.linalg.inv(twice.x), [[2.0, 1.5], [1.5, 2.0]], rtol=1e-9)


def test_few_rows_and_a_tiny_alpha():
    """Coordinate descent alone creeps here; by the conditions and the dense system on the support.

    22 constraints of rank are missing and P runs up to 1/alpha: the end is at rounding.
    """
    rows = np.random.default_rng(0).standard_normal((8, 30))
    S = fp.sparse_inverse_covariance(None, 1.0, data=rows).S
    at = fp.sparse_inverse_covariance(S, 1e-3 * abs(S).max())
    sol = fp.solve(at, wrt="alpha")
    assert sol.certificate.status == "converged" and sol.cost.changes < 60
    assert violation(sol.x, at.S, at.penalties) < 1e-9 * abs(S).max()
    W, P = np.linalg.inv(sol.x), sol.x
    i, j = np.nonzero(P)
    K = W[np.ix_(i, i)] * W[np.ix_(j, j)]
    signs = np.sign(P[i, j]) * (i != j)
    wanted = np.zeros_like(P)
    wanted[i, j] = np.linalg.solve(K, -signs)
    assert relative(sol.jacobian["alpha"], wanted) < 1e-6


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_units(scale):
    """``S c, alpha c`` has the solution ``P/c``, on both ways."""
    plain = fp.solve(problem(), wrt="alpha")
    at = fp.sparse_inverse_covariance(covariance() * scale, 0.15 * scale)
    for options in ({}, FUSED):
        sol = fp.solve(at, wrt="alpha", **options)
        assert sol.certificate.status == "converged"
        assert relative(sol.x * scale, plain.x) < 1e-7
        assert relative(sol.jacobian["alpha"] * scale**2, plain.jacobian["alpha"]) < 1e-5


def test_correlation_makes_units_of_single_variables_disappear():
    D = np.diag(10.0 ** np.arange(-4, 6))
    plain = fp.solve(problem(correlation=True), wrt="alpha")
    moved = fp.solve(
        fp.sparse_inverse_covariance(D @ covariance() @ D, 0.15, correlation=True), wrt="alpha"
    )
    assert relative(D @ moved.x @ D, plain.x) < 1e-6
    assert relative(D @ moved.jacobian["alpha"] @ D, plain.jacobian["alpha"]) < 1e-6
    root = np.sqrt(np.diag(covariance()))
    C = covariance() / np.outer(root, root)
    of_correlations = fp.solve(fp.sparse_inverse_covariance(C, 0.15)).x
    assert relative(plain.x * np.outer(root, root), of_correlations) < 1e-8


def test_what_is_accepted():
    """Lists, integers, float32, Fortran order, read-only rows; nothing of the caller's changes."""
    rows = np.random.default_rng(5).integers(-3, 4, (8, 3))
    kept = rows.copy()
    wanted = fp.solve(fp.sparse_inverse_covariance(np.cov(rows.T, bias=True), 0.3)).x
    strided = np.repeat(rows, 2, axis=1)[:, ::2]
    frozen = rows.astype(np.float32)
    frozen.flags.writeable = False
    for data in (rows, rows.tolist(), strided, np.asfortranarray(rows), frozen):
        found = fp.solve(fp.sparse_inverse_covariance(None, 0.3, data=data)).x
        np.testing.assert_allclose(found, wanted, rtol=1e-7)
    assert np.array_equal(rows, kept)
    S, x0 = np.array(covariance()), np.eye(10)
    fp.solve(fp.sparse_inverse_covariance(S, 0.15), x0=x0)
    assert np.array_equal(S, covariance()) and np.array_equal(x0, np.eye(10))
    again = pickle.loads(pickle.dumps(problem(correlation=True)))
    assert np.array_equal(again.penalties, problem(correlation=True).penalties)


def test_start_that_is_not_positive_definite():
    """Both ways still end at the solution."""
    wanted = fp.solve(problem()).x
    bad = -np.eye(10)
    assert relative(fp.solve(problem(), x0=bad).x, wanted) < 1e-9
    found = fp.solve(problem(), wrt="alpha", x0=bad, tol=1e-11, **FUSED)
    assert relative(found.x, wanted) < 1e-9


def test_stopped_early_is_said_and_positive_definite():
    with pytest.warns(fp.FastpiggyWarning, match="max_iter"):
        sol = fp.solve(problem(), wrt="alpha", max_iter=3, **FUSED)
    assert sol.certificate.status == "max_iter"
    assert np.linalg.eigvalsh(sol.x)[0] > 0


INDEFINITE = [[1.0, 2.0], [2.0, 1.0]]


@pytest.mark.parametrize(
    ("S", "alpha", "options", "error", "words"),
    [
        ([[1.0, 0.2], [0.3, 1.0]], 0.1, {}, ValueError, "S must be symmetric"),
        (INDEFINITE, 0.1, {}, ValueError, "S must be positive semidefinite"),
        ([[-1.0]], 0.1, {}, ValueError, "S must have variances"),
        ([[np.nan]], 0.1, {}, ValueError, "S"),
        (np.ones((2, 3)), 0.1, {}, ValueError, "S must be a square matrix"),
        (np.ones(3), 0.1, {}, ValueError, "S must be a square matrix"),
        (np.eye(2), -0.1, {}, ValueError, "alpha"),
        (np.eye(2), np.inf, {}, ValueError, "alpha"),
        (np.eye(2), "much", {}, TypeError, "alpha"),
        (np.eye(2), np.eye(3), {}, ValueError, "alpha"),
        (np.eye(2), [[0.0, 0.1], [0.2, 0.0]], {}, ValueError, "alpha must be symmetric"),
        (np.eye(2), [[0.0, -0.1], [-0.1, 0.0]], {}, ValueError, "alpha must not be negative"),
        (np.eye(2), 0.1, {"data": np.eye(2)}, ValueError, "either S or data"),
        (None, 0.1, {}, ValueError, "either S or data"),
        (None, 0.1, {"data": [[1.0, np.inf]]}, ValueError, "data must be finite"),
        (None, 0.1, {"data": [1.0, 2.0]}, ValueError, "data"),
        (np.diag([1.0, 0.0]), 0.1, {"correlation": True}, ValueError, "correlation needs"),
    ],
)  # fmt: skip
def test_bad_input(S, alpha, options, error, words):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match=words):
            fp.sparse_inverse_covariance(S, alpha, **options)


def test_bad_arguments_of_solve():
    at = problem()
    with pytest.raises(ValueError, match="wrt must name parameters"):
        fp.solve(at, wrt="lam")
    with pytest.raises(ValueError, match="symmetric"):
        fp.solve(at, wrt={"S": np.triu(np.ones((10, 10)))})
    with pytest.raises(ValueError, match="x0"):
        fp.solve(at, x0=np.eye(3))
    with pytest.raises(ValueError, match="no parameter"):
        at.replace(data=np.eye(10))
    with pytest.raises(ValueError, match="alpha_max"):
        at.replace(alpha=np.ones((10, 10))).alpha_max()
    with pytest.raises(ValueError, match="relaxation"):
        fp.DouglasRachford(relaxation=2.0)
