"""The factor that follows a matrix, against factors made anew."""

import numpy as np
import pytest

from fastpiggy.active_set.triangle import append, backward, forward, remove
from fastpiggy.compile import kernel


@kernel
def add(R, k, t, diagonal, least):
    return append(R, k, t, diagonal, least)


@kernel
def drop(R, k, a, v):
    remove(R, k, a, v)


@kernel
def solve(R, k, b, d):
    """``R'R d = b``; b is overwritten."""
    forward(R, k, b)
    backward(R, k, b, d)


def gram(n, k, seed, noise=None):
    """Of random columns; with noise, of columns that nearly depend on the first two."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, k))
    if noise is not None:
        A[:, 2:] = A[:, :2] @ rng.standard_normal((2, k - 2)) + noise * A[:, 2:]
    return A.T @ A, rng


def factor(K, room):
    """Room for more than K, filled with what nobody may read."""
    k = len(K)
    R = np.full((room, room), np.nan)
    for j in range(k):
        t = np.full(room, np.nan)
        t[:j] = K[:j, j]
        assert add(R, j, t, K[j, j], 0.0) > 0
    return R


@pytest.mark.parametrize("noise", [None, 1e-2])
def test_columns_one_by_one_give_the_factor(noise):
    K, _ = gram(20, 9, seed=1, noise=noise)
    R = factor(K, 12)
    upper = np.linalg.cholesky(K).T
    atol = 1e-12 * np.sqrt(K.max()) / (noise or 1.0)
    np.testing.assert_allclose(np.triu(R[:9, :9]), upper, rtol=1e-10, atol=atol)


def test_the_pivot_is_the_squared_distance_to_the_other_columns():
    K, _ = gram(15, 5, seed=2)
    R, t = factor(K[:4, :4], 6), np.append(K[:4, 4], [np.nan, np.nan])
    pivot = add(R, 4, t, K[4, 4], 0.0)
    assert pivot == pytest.approx(K[4, 4] - K[4, :4] @ np.linalg.solve(K[:4, :4], K[:4, 4]))
    assert R[4, 4] == pytest.approx(np.sqrt(pivot))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_dependent_column_leaves_the_factor_alone(sign):
    K, _ = gram(15, 5, seed=3)
    R = factor(K, 7)
    before, t = R.copy(), np.append(sign * K[:, 2], [np.nan, np.nan])
    pivot = add(R, 5, t, K[2, 2], 1e-10 * K[2, 2])
    assert abs(pivot) < 1e-10 * K[2, 2]
    np.testing.assert_array_equal(R, before)


def test_a_pivot_that_is_not_finite_leaves_the_factor_alone():
    K, _ = gram(15, 3, seed=3)
    R = factor(K, 5)
    before = R.copy()
    assert not add(R, 3, np.array([1.0, np.nan, 0.0, 0.0, 0.0]), 1.0, 1e-10) > 1e-10
    np.testing.assert_array_equal(R, before)


def test_two_triangles_solve_a_system():
    K, rng = gram(20, 8, seed=4)
    b, d = rng.standard_normal(10), np.full(10, 7.0)
    wanted = np.linalg.solve(K, b[:8])
    tail = b[8:].copy()
    solve(factor(K, 10), 8, b, d)
    np.testing.assert_allclose(d[:8], wanted, rtol=1e-10)
    # What stands beyond the leading part is somebody else's.
    np.testing.assert_array_equal(d[8:], 7.0)
    np.testing.assert_array_equal(b[8:], tail)


@pytest.mark.parametrize("noise", [None, 1e-3])
@pytest.mark.parametrize("a", [0, 3, 7])
def test_a_row_and_column_leave_and_the_right_hand_side_follows(a, noise):
    K, rng = gram(30, 8, seed=5, noise=noise)
    R, b, v = factor(K, 9), rng.standard_normal(8), np.zeros(9)
    v[:8] = np.linalg.solve(np.linalg.cholesky(K), b)
    drop(R, 8, a, v)
    keep = np.delete(np.arange(8), a)
    rest, upper = K[np.ix_(keep, keep)], np.triu(R[:7, :7])
    np.testing.assert_allclose(upper.T @ upper, rest, rtol=1e-10, atol=1e-12 * K.max())
    # Of the near-singular one the residual says it, not the solution.
    found = upper.T @ v[:7]
    np.testing.assert_allclose(found, b[keep], rtol=1e-8, atol=1e-10)


def test_hundreds_of_changes_keep_the_factor_of_the_right_matrix():
    K, rng = gram(60, 40, seed=6)
    R, v, order = np.full((40, 40), np.nan), np.zeros(40), []
    for _change in range(400):
        k = len(order)
        outside = np.setdiff1d(np.arange(40), order)
        if k and (not outside.size or rng.random() < 0.45):
            a = int(rng.integers(k))
            drop(R, k, a, v)
            del order[a]
            continue
        j, t = int(rng.choice(outside)), np.full(40, np.nan)
        t[:k] = K[order, j]
        assert add(R, k, t, K[j, j], 1e-10 * K[j, j]) > 0
        # The right-hand side is a row of ones.
        v[k] = (1.0 - t[:k] @ v[:k]) / R[k, k]
        order.append(j)
    k, upper = len(order), np.triu(R[: len(order), : len(order)])
    assert k > 5
    np.testing.assert_allclose(upper.T @ upper, K[np.ix_(order, order)], rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(upper.T @ v[:k], np.ones(k), rtol=1e-10)
