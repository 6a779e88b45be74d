"""Products with whole designs from Python, against the dense matrix."""

import numpy as np
import pytest
from scipy.sparse import csc_array
from tables import DESIGNS, dense, make_design

from fastpiggy.designs import Dense, Intercept, InterceptColumns, Rows, Sparse, matrix

names = pytest.mark.parametrize("name", DESIGNS)
shapes = pytest.mark.parametrize("shape", [(1, 1), (7, 1), (1, 4), (9, 5), (300, 1000)])


def make(name, shape):
    rng = np.random.default_rng(shape)
    X = rng.standard_normal(shape) * (rng.random(shape) < 0.6)
    design = make_design(name, X)
    return design, dense(design), rng


def close(found, wanted):
    assert np.asarray(found).dtype == float
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-11)


@names
@shapes
def test_products(name, shape):
    design, A, rng = make(name, shape)
    n, p = A.shape
    assert matrix.shape(design) == (n, p)
    x, V = rng.standard_normal(p), rng.standard_normal((p, 3))
    r, W = rng.standard_normal(n), rng.standard_normal((n, 3))
    close(matrix.predict(design, x), A @ x)
    close(matrix.predict(design, V), A @ V)
    close(matrix.scatter(design, r), A.T @ r)
    close(matrix.scatter(design, W), A.T @ W)
    for nonzeros in (0, 1, p // 5):
        few = np.zeros(p)
        few[:nonzeros] = x[:nonzeros]
        close(matrix.predict(design, few), A @ few)


@names
@shapes
def test_columns(name, shape):
    design, A, rng = make(name, shape)
    n, p = A.shape
    h = rng.uniform(0.1, 1, n)
    close(matrix.squares(design, h), h @ A**2)
    for members in (np.arange(p), np.arange(p)[::-2], np.zeros(0, dtype=int), np.array([p - 1])):
        found = matrix.block(design, members)
        close(found, A[:, members])
        assert found.flags.f_contiguous


@pytest.mark.parametrize("name", [name for name in DESIGNS if "centred" not in name])
@shapes
def test_means(name, shape):
    design, A, rng = make(name, shape)
    s = rng.uniform(0, 1, len(A))
    wanted = np.zeros(A.shape[1]) if "sparse" in name else s @ A / s.sum()
    close(matrix.means(design, s), wanted)
    close(matrix.means(design, 0 * s), np.zeros(A.shape[1]))


@names
def test_by_column(name):
    if "centred" in name:
        return
    design, A, _ = make(name, (6, 4))
    found = matrix.by_column(design)
    assert isinstance(found, Dense | Sparse)
    np.testing.assert_array_equal(dense(found), A)
    # What is by column already is not copied.
    assert (found is design) == ("rows" not in name)


def test_matrices_find_their_storage():
    X = np.random.default_rng(0).standard_normal((4, 3))
    assert isinstance(matrix.as_design(X), Rows)
    assert isinstance(matrix.as_design(np.asfortranarray(X)), Dense)
    assert isinstance(matrix.as_design(X[:1].copy()), Dense)
    found = matrix.as_design(csc_array(X))
    assert isinstance(found, Sparse)
    np.testing.assert_array_equal(dense(found), X)
    np.testing.assert_array_equal(matrix.stored(found).toarray(), X)
    assert matrix.stored(Rows(X)) is X
    assert isinstance(matrix.with_intercept(Rows(X), np.zeros(3)), Intercept)
    assert isinstance(matrix.with_intercept(found, np.zeros(3)), InterceptColumns)
