"""The complementarity problem by itself."""

import numpy as np
import pytest

from fastpiggy.solving import complementarity
from fastpiggy.solving.complementarity import complementary


@pytest.mark.parametrize("size", [1, 5, 40, 200])
def test_complementarity(size):
    rng = np.random.default_rng(size)
    for spread in (1.0, 1e-3):
        A = rng.standard_normal((size, size))
        M = A @ A.T / size + spread * np.eye(size)
        q = rng.standard_normal(size)
        v = complementary(M, None, q)
        z, w = np.maximum(v, 0), np.maximum(-v, 0)
        np.testing.assert_allclose(M @ z + q, w, atol=1e-9 * abs(v).max())
        N = 0.3 * M + 0.5 * np.eye(size)
        v = complementary(M, N, q)
        z, w = np.maximum(v, 0), np.maximum(-v, 0)
        np.testing.assert_allclose(M @ z + q, N @ w, atol=1e-9 * abs(v).max())


def test_complementarity_by_least_squares(monkeypatch):
    """The fallback alone gives the same."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((30, 30))
    M, q = A @ A.T + 0.1 * np.eye(30), rng.standard_normal(30)
    expected = complementary(M, None, q)
    monkeypatch.setattr(complementarity, "_EXCHANGES", -30)
    np.testing.assert_allclose(complementary(M, None, q), expected, rtol=1e-8, atol=1e-10)
