"""Docstrings name every parameter and what is fitted, also where several classes share a text."""

import inspect
import re

import numpy as np
import pytest

from fastpiggy import estimators as est

X = np.random.default_rng(0).standard_normal((30, 4))
y = X[:, 0] + 0.1 * X[:, 1]
FEW = {"alphas": [0.1], "cv": 3}
OPTIONS = {
    "GraphicalLassoCV": FEW, "ElasticNetCV": FEW, "GroupLassoCV": FEW,
    "WeightedLassoCV": {**FEW, "max_evals": 3}, "SparseLogisticRegressionCV": {"Cs": [1.0]},
    "TrendFilter": {"degree": 0}, "RidgeCV": {"store_cv_results": True},
}  # fmt: skip


def listed(doc, section):
    """Names in a section of a numpydoc string."""
    found = re.search(rf"^ *{section}\n *-+\n(.*?)(?=\n *\w+\n *-+\n|\Z)", doc, re.S | re.M)
    lines = inspect.cleandoc("\n" + found[1]).splitlines()
    heads = [line for line in lines if line and not line.startswith(" ")]
    return [name for head in heads for name in head.split(" : ")[0].split(", ")]


@pytest.mark.parametrize("name", est.__all__)
@pytest.mark.filterwarnings("ignore::fastpiggy.FastpiggyWarning")
def test_docstring(name):
    cls = getattr(est, name)
    assert not re.search(r"^ *\{\w+\}$", cls.__doc__, re.M)
    described = listed(cls.__doc__, "Parameters")
    assert sorted(described) == sorted(inspect.signature(cls).parameters)
    model = cls(**OPTIONS.get(name, {}))
    target = y > 0 if "Logistic" in name else y
    if name == "TrendFilter":
        model.fit(X[:, 0], y)
    else:
        model.fit(X, target)
    fitted = [key for key in vars(model) if key.endswith("_") and not key.startswith("_")]
    described = set(listed(cls.__doc__, "Attributes"))
    assert set(fitted) - {"n_features_in_"} <= described
    assert described <= {*fitted, "feature_names_in_", "n_features_in_"}
