"""Problems: what binds data and hyperparameters to kernels."""

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
    "group_lasso",
    "huber",
    "lasso",
    "logistic",
    "ridge",
    "squared_hinge",
]
