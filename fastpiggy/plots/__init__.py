"""Pictures of results (extra ``fastpiggy[plot]``)."""

from fastpiggy.plots.criterion import plot_criterion

__all__ = ["plot_criterion"]
