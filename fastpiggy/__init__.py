"""Nonsmooth solvers for CPUs whose derivatives come with the solution.

``import fastpiggy as fp``; then ``fp.lasso``, ``fp.solve``, ``fp.CrossVal``, ``fp.tune``.  The
public names stand in ``__init__.pyi`` and are loaded when they are first used, so that importing
the package costs little more than importing Numba.
"""

from fastpiggy._version import __version__ as __version__
from fastpiggy.lazy import lazy

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
