"""Scalars of the solution, with their gradients in the hyperparameters."""

from fastpiggy.criteria.criterion import Criterion
from fastpiggy.criteria.evaluation import Evaluation
from fastpiggy.criteria.held_out import CrossVal, HeldOut
from fastpiggy.criteria.information import Aic, Bic, Ebic, Gcv, Sure
from fastpiggy.criteria.metrics import Huber

__all__ = [
    "Aic", "Bic", "Criterion", "CrossVal", "Ebic", "Evaluation", "Gcv", "HeldOut", "Huber", "Sure",
]  # fmt: skip
