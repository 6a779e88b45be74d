"""Smooth parts: value, slope and curvature, row by row."""

from fastpiggy.losses.huber import Huber
from fastpiggy.losses.least_squares import LeastSquares
from fastpiggy.losses.logistic import Logistic
from fastpiggy.losses.protocol import Constant, Loss
from fastpiggy.losses.squared_hinge import SquaredHinge

__all__ = ["Constant", "Huber", "LeastSquares", "Logistic", "Loss", "SquaredHinge"]
