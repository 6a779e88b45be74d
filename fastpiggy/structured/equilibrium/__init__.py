"""Monotone equilibrium networks: ``z = prox_g(W z + U x + b)``."""

from fastpiggy.structured.equilibrium.problem import Equilibrium, equilibrium
from fastpiggy.structured.equilibrium.weights import MonotoneWeights, monotone_weights

__all__ = ["Equilibrium", "MonotoneWeights", "equilibrium", "monotone_weights"]
