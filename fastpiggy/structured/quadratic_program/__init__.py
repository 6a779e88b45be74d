"""Quadratic programs, one or many of a size, with the derivative of their solutions."""

from fastpiggy.structured.quadratic_program.problem import QuadraticProgram, quadratic_program

__all__ = ["QuadraticProgram", "quadratic_program"]
