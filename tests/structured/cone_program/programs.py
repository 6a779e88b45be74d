"""Cone programs whose solution is known, in the manner of diffcp's: any v of K* - K gives one."""

import numpy as np

from fastpiggy.penalties import ConeProduct, prox

MIXED = {"z": 2, "l": 8, "q": [4, 5], "s": [3], "ep": 2, "ed": 1}


def product(cones):
    return ConeProduct(
        cones.get("z", 0), cones.get("l", 0), np.array(cones.get("q", []), dtype=np.int64),
        np.array(cones.get("s", []), dtype=np.int64), cones.get("ep", 0), cones.get("ed", 0),
    )  # fmt: skip


def rows(cones):
    sides = cones.get("s", [])
    straight = cones.get("z", 0) + cones.get("l", 0) + sum(cones.get("q", []))
    return (
        straight
        + sum(k * (k + 1) // 2 for k in sides)
        + 3 * (cones.get("ep", 0) + cones.get("ed", 0))
    )


def known(cones, n, seed):
    """A, b, c and the solution (x, y, s): ``s = P(v)``, ``y = s - v``, b and c to fit."""
    rng = np.random.default_rng(seed)
    m = rows(cones)
    v = rng.standard_normal(m)
    s = prox(product(cones), v)
    y = s - v
    A, x = rng.standard_normal((m, n)), rng.standard_normal(n)
    return (A, A @ x + s, -A.T @ y), (x, y, s)
