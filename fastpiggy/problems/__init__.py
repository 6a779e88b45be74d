"""Problems: what binds data and hyperparameters to kernels."""

from fastpiggy.problems.counterexample import heavy_ball_counterexample
from fastpiggy.problems.fixed_point import FixedPoint
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
    "FixedPoint",
    "Problem",
    "elastic_net",
    "group_lasso",
    "heavy_ball_counterexample",
    "huber",
    "lasso",
    "logistic",
    "ridge",
    "squared_hinge",
]
