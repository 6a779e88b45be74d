"""Implicit differentiation of one's own equations: the derivative of their solution."""

from fastpiggy.implicit.derivative import Derivative, jvp, vjp

__all__ = ["Derivative", "jvp", "vjp"]
