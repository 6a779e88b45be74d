"""The diabetes study, and its monomials against scikit-learn's."""

import dataclasses

import numpy as np
import pytest
from sklearn import datasets as sklearn_datasets
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from fastpiggy.datasets import load_diabetes


def sklearn_monomials(degree):
    """Follow the recipe with scikit-learn's classes, and drop copies by their correlation."""
    raw = sklearn_datasets.load_diabetes(scaled=False).data
    expand = PolynomialFeatures(degree, include_bias=False)
    X = StandardScaler().fit_transform(expand.fit_transform(StandardScaler().fit_transform(raw)))
    varying = [j for j in range(X.shape[1]) if X[:, j].std() > 0]
    correlation = np.abs(np.corrcoef(X[:, varying].T))
    keep = []
    for row, j in enumerate(varying):
        if not any(correlation[row, varying.index(i)] > 1 - 1e-9 for i in keep):
            keep.append(j)
    names = expand.get_feature_names_out(list(load_diabetes().feature_names))
    return X[:, keep], [names[j].replace(" ", "*") for j in keep]


def test_values_are_those_of_scikit_learn():
    ours, theirs = load_diabetes(), sklearn_datasets.load_diabetes(scaled=False)
    np.testing.assert_array_equal(ours.X, theirs.data)
    np.testing.assert_array_equal(ours.y, theirs.target)
    assert list(ours.feature_names) == theirs.feature_names
    assert ours.X.flags.c_contiguous and ours.X.dtype == np.float64


@pytest.mark.parametrize(("degree", "columns"), [(2, 64), (3, 283)])
def test_monomials_follow_the_recipe(degree, columns):
    ours = load_diabetes(degree)
    X, names = sklearn_monomials(degree)
    assert ours.X.shape == (442, columns)
    assert list(ours.feature_names) == names
    np.testing.assert_allclose(ours.X, X, atol=1e-12)
    assert ours.X.flags.c_contiguous


def test_monomial_columns_are_standardised():
    X = load_diabetes(degree=3).X
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(X.std(axis=0), 1, atol=1e-12)


def test_each_call_gives_new_arrays():
    first = load_diabetes()
    first.X[:] = 0
    first.y[:] = 0
    assert load_diabetes().X.min() > 0
    assert load_diabetes().y.min() > 0


def test_dataset_is_frozen_and_names_its_source():
    data = load_diabetes()
    assert "Efron" in data.description and "BSD" in data.description
    assert "442 rows, 10 columns" in repr(data)
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.X = data.y


@pytest.mark.parametrize("degree", [0, -1, 6])
def test_degree_outside_its_range(degree):
    with pytest.raises(ValueError, match=rf"degree must be between 1 and 5, got {degree}"):
        load_diabetes(degree)


@pytest.mark.parametrize("degree", [True, 2.0, "3", None])
def test_degree_of_another_type(degree):
    with pytest.raises(TypeError, match="degree must be an integer"):
        load_diabetes(degree)
