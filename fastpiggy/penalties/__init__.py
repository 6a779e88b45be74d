"""Nonsmooth parts: value, prox, and the selection of the prox's Clarke Jacobian."""

from fastpiggy.lazy import lazy

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
