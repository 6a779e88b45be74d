"""Cone programs, by the homogeneous self-dual embedding."""

from fastpiggy.structured.cone_program.problem import ConeProgram, cone_program
from fastpiggy.structured.cone_program.solution import ConeSolution

__all__ = ["ConeProgram", "ConeSolution", "cone_program"]
