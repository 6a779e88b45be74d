"""What the classes of the asv suite share.

``FASTPIGGY_BENCH=full`` asks for the sizes of real use; the default, ``small``, is for the smoke
run of every change.
"""

import os
from typing import Any, TypeVar

from numba import njit

from benchmarks.common import alpha_of, build, dense_case, stored

PROFILE = os.environ.get("FASTPIGGY_BENCH", "small")
if PROFILE not in ("small", "full"):
    raise ValueError(f"FASTPIGGY_BENCH must be 'small' or 'full', got {PROFILE!r}")

Value = TypeVar("Value")


def by_profile(small: Value, full: Value) -> Value:
    """One of two values, by the profile."""
    return small if PROFILE == "small" else full


class Benchmark:
    """Base of all classes of the suite: kernels are compiled in ``setup``, before the clock."""

    timeout = 600.0
    rounds = 2
    repeat = (3, 10, 5.0)


def warm_up(model: str, storage: str, **options: Any) -> None:
    """Compile by one small problem of the same types."""
    import fastpiggy as fp

    X, y, _, _ = dense_case(40, 20)
    X = stored(X, storage)
    problem = build(model, X, y, alpha_of(model, X, y, 0.1))
    fp.solve(problem, **options)
    fp.solve(problem, wrt="alpha", **options)


@njit
def _nothing() -> None:
    pass


# Numba fills its registries at the first call in a process, which takes it longer than most
# benchmarks here: done in the process that asv forks the others from, it is done once.
_nothing()
