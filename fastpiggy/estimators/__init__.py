"""Estimators with scikit-learn's face (extra ``fastpiggy[sklearn]``)."""

try:
    import sklearn  # noqa: F401
except ImportError as error:
    raise ImportError(
        "fastpiggy.estimators needs scikit-learn: pip install 'fastpiggy[sklearn]'"
    ) from error

from fastpiggy.estimators.covariance import GraphicalLasso, GraphicalLassoCV
from fastpiggy.estimators.elastic_net import ElasticNet, ElasticNetCV
from fastpiggy.estimators.group_lasso import GroupLasso, GroupLassoCV
from fastpiggy.estimators.lasso import Lasso, LassoCV, WeightedLassoCV
from fastpiggy.estimators.logistic import SparseLogisticRegression, SparseLogisticRegressionCV
from fastpiggy.estimators.ridge import Ridge, RidgeCV
from fastpiggy.estimators.trend_filter import TrendFilter

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "GraphicalLasso",
    "GraphicalLassoCV",
    "GroupLasso",
    "GroupLassoCV",
    "Lasso",
    "LassoCV",
    "Ridge",
    "RidgeCV",
    "SparseLogisticRegression",
    "SparseLogisticRegressionCV",
    "TrendFilter",
    "WeightedLassoCV",
]
