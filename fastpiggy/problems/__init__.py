"""Problems: what binds data and hyperparameters to kernels."""

from fastpiggy.problems.conversions import from_C, from_glmnet
from fastpiggy.problems.fit_statistics import FitStatistics
from fastpiggy.problems.linear import (
    elastic_net,
    group_lasso,
    huber,
    lasso,
    logistic,
    ridge,
    squared_hinge,
)
from fastpiggy.problems.problem import Problem

__all__ = [
    "FitStatistics",
    "Problem",
    "elastic_net",
    "from_C",
    "from_glmnet",
    "group_lasso",
    "huber",
    "lasso",
    "logistic",
    "ridge",
    "squared_hinge",
]
