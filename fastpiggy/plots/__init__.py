"""Pictures of results (extra ``fastpiggy[plot]``), as scikit-learn's ``Display`` objects."""

from fastpiggy.plots.criterion import CriterionDisplay
from fastpiggy.plots.path import PathDisplay
from fastpiggy.plots.trace import TraceDisplay

__all__ = ["CriterionDisplay", "PathDisplay", "TraceDisplay"]
