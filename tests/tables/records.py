"""Records and directions of them."""

from typing import Any

import numpy as np

from fastpiggy.algorithms.composite import prox


def zeros(record: Any, m: int) -> Any:
    return type(record)(*(np.zeros((m, *np.shape(value))) for value in record))


def directions(record: Any, rng: Any, m: int) -> Any:
    """Random directions, of random signs, of all the parameters of a record at once.

    Zero weights stay zero: below zero there is no penalty, so nothing to take differences of.
    """
    held = getattr(record, "held", ())
    found = zeros(record, m)
    for name, value, d in zip(record._fields, record, found):
        if name not in held:
            d[...] = rng.standard_normal(d.shape)
            if name == "weights":
                d[:, value == 0] = 0.0
    return found


def moved(record: Any, d: Any, k: int, e: float) -> Any:
    """The record, moved by e along direction k."""
    held = getattr(record, "held", ())
    return type(record)(
        *(
            value if name in held else value + e * along[k]
            for name, value, along in zip(record._fields, record, d)
        )
    )


def apply_prox(penalty, u, step, du=None, d=None, q=0.0):
    """``prox_all`` in plain Python: z, and dz where there is a du."""
    return _prox(type(penalty).prox_all, penalty, u, step, du, d, q)


def compiled_prox(penalty, u, step, du=None, d=None, q=0.0):
    """The same by the kernel."""
    return _prox(prox, penalty, u, step, du, d, q)


def _prox(call, penalty, u, step, du, d, q):
    p = u.size
    m = 0 if du is None else len(du)
    steps, q = np.full(p, float(step)), np.full(p, float(q))
    du, d = np.zeros((0, p)) if du is None else du, zeros(penalty, m) if d is None else d
    z, dz = np.empty(p), np.empty((m, p))
    call(penalty, u, steps, z, du, dz, d, m, q)
    return z, dz
