"""Data that ships with the package."""

from fastpiggy.datasets.dataset import Dataset
from fastpiggy.datasets.diabetes import load_diabetes

__all__ = ["Dataset", "load_diabetes"]
