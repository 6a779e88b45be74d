"""Sparse inverse covariance selection: the graphical Lasso."""

from fastpiggy.structured.sparse_inverse_covariance.problem import (
    SparseInverseCovariance,
    sparse_inverse_covariance,
)

__all__ = ["SparseInverseCovariance", "sparse_inverse_covariance"]
