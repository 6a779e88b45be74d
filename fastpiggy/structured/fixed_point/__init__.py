"""Fixed points of maps that a user has written."""

from fastpiggy.structured.fixed_point.counterexample import heavy_ball_counterexample
from fastpiggy.structured.fixed_point.piggyback import piggyback
from fastpiggy.structured.fixed_point.problem import FixedPoint

__all__ = ["FixedPoint", "heavy_ball_counterexample", "piggyback"]
