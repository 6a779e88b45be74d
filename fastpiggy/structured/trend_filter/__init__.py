"""Trend filters: signals whose differences of some order are sparse."""

from fastpiggy.structured.trend_filter.problem import TrendFilter, trend_filter

__all__ = ["TrendFilter", "trend_filter"]
