"""Nonsmooth solvers for CPUs whose derivatives come with the solution.

``import fastpiggy as fp``; then ``fp.lasso``, ``fp.solve``, ``fp.CrossVal``, ``fp.tune``.  Names are
loaded when they are first used, so that importing the package costs little more than Numba.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastpiggy._version import __version__

if TYPE_CHECKING:
    from fastpiggy.certificate import Certificate, FastpiggyWarning, Status
    from fastpiggy.criteria import CrossVal, Evaluation, HeldOut
    from fastpiggy.problems import Problem, elastic_net, group_lasso, lasso, logistic, ridge
    from fastpiggy.solution import Solution
    from fastpiggy.solving import solve
    from fastpiggy.tuning import SearchStatus, TuneResult, alpha_range, tune

_HOMES = {
    "fastpiggy.certificate": ("Certificate", "FastpiggyWarning", "Status"),
    "fastpiggy.compile": ("record",),
    "fastpiggy.criteria": ("CrossVal", "Evaluation", "HeldOut"),
    "fastpiggy.problems": ("Problem", "elastic_net", "group_lasso", "lasso", "logistic", "ridge"),
    "fastpiggy.solution": ("Solution",),
    "fastpiggy.solving": ("solve",),
    "fastpiggy.tuning": ("SearchStatus", "TuneResult", "alpha_range", "tune"),
    "fastpiggy.solving.options": ("BlockDescent", "CoordinateDescent", "ForwardBackward"),
}
_ROOMS = ("algorithms", "datasets", "designs", "losses", "penalties", "plots", "problems")
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF), *_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
    elif name in _ROOMS:
        value = import_module(f"fastpiggy.{name}")
    else:
        raise AttributeError(f"module 'fastpiggy' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
