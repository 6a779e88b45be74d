"""Standardising, and the way back to the units of the file."""

import numpy as np
import pytest
from scipy import sparse

from fastpiggy.cli.errors import CommandError
from fastpiggy.cli.scaling import as_given, standardise
from fastpiggy.cli.table import Table


def table(X):
    names = tuple(f"c{j}" for j in range(X.shape[1]))
    return Table(X, np.arange(float(X.shape[0])), names, "made")


def columns(kind):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((40, 5)) * [1, 1e-6, 1e5, 3, 1] + [0, 1, 2e5, -3, 7]
    X[:, 4] = 7.7
    X[rng.random((40, 5)) < 0.3] *= kind == "dense"
    X[:, 4] = 7.7
    return X


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("intercept", [True, False])
def test_columns_have_spread_one_and_predictions_survive(kind, intercept):
    X = columns(kind)
    given = table(X if kind == "dense" else sparse.csc_array(X))
    before = X.copy()
    used, scaling = standardise(given, intercept=intercept)
    Z = used.X.toarray() if kind == "sparse" else used.X
    np.testing.assert_allclose(Z.std(axis=0), 1, rtol=1e-9)
    if kind == "dense" and intercept:
        np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-9)
        assert "mean 0" in scaling.label
    else:
        assert "not centred" in scaling.label
        np.testing.assert_array_equal(Z == 0, X[:, :4] == 0)
    x, b = np.array([1.0, -2.0, 3.0, 0.0]), 0.7
    coefficients, constant = scaling.unscale(x, b)
    expected = Z @ x + b
    size = np.abs(X[:, :4] * coefficients).max()
    np.testing.assert_allclose(X[:, :4] @ coefficients + constant, expected, atol=1e-12 * size)
    assert constant == b or (kind == "dense" and intercept)
    np.testing.assert_array_equal(
        given.X.toarray() if kind == "sparse" else given.X, before, "the input was changed"
    )
    assert used.names == ("c0", "c1", "c2", "c3")
    assert used.notes == ("constant columns were left out: 'c4' (1 in all)",)


def test_float32_stays_float32():
    used, _ = standardise(table(columns("dense").astype(np.float32)), intercept=True)
    assert used.X.dtype == np.float32


def test_all_columns_constant():
    with pytest.raises(CommandError, match="every feature column is constant"):
        standardise(table(np.ones((4, 2))), intercept=True)


def test_as_given_changes_nothing():
    given = table(columns("dense"))
    used, scaling = as_given(given)
    assert used is given
    coefficients, constant = scaling.unscale(np.arange(5.0), 2.0)
    np.testing.assert_array_equal(coefficients, np.arange(5.0))
    assert constant == 2.0
