"""Support vector machines and regression, with derivatives in their hyperparameters."""

from fastpiggy.structured.support_vectors.problem import (
    SupportVectors,
    support_vector_machine,
    support_vector_regression,
)

__all__ = ["SupportVectors", "support_vector_machine", "support_vector_regression"]
