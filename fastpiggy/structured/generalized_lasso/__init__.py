"""Generalized Lassos: signals that a matrix of one's own makes sparse."""

from fastpiggy.structured.generalized_lasso.problem import GeneralizedLasso, generalized_lasso

__all__ = ["GeneralizedLasso", "generalized_lasso"]
