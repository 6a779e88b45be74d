"""Problems: what binds data and hyperparameters to kernels."""

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
from fastpiggy.problems.trend_filter import TrendFilter, trend_filter

__all__ = [
    "Problem",
    "TrendFilter",
    "elastic_net",
    "group_lasso",
    "huber",
    "lasso",
    "logistic",
    "ridge",
    "squared_hinge",
    "trend_filter",
]
