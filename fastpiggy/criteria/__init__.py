"""Scalars of the solution, with their gradients in the hyperparameters."""

from fastpiggy.criteria.evaluation import Evaluation
from fastpiggy.criteria.held_out import CrossVal, HeldOut

__all__ = ["CrossVal", "Evaluation", "HeldOut"]
