"""A covariance whose inverse is nearly sparse, and what its estimate must fulfil."""

from functools import cache

import numpy as np

import fastpiggy as fp

FUSED = {"algorithm": "douglas_rachford", "derivative": "piggyback"}


def relative(found, wanted):
    return np.abs(found - wanted).max() / np.abs(wanted).max()


@cache
def covariance(p=10, n=25, seed=0):
    """Of rows with a sparse precision matrix."""
    rng = np.random.default_rng(seed)
    L = np.eye(p)
    for _ in range(p):
        i, j = rng.integers(0, p, 2)
        if i != j:
            L[i, j] = rng.uniform(-0.5, 0.5)
    rows = np.linalg.solve(L.T, rng.standard_normal((p, n))).T
    S = np.cov(rows.T, bias=True)
    S.flags.writeable = False
    return S


def problem(**options):
    return fp.sparse_inverse_covariance(covariance(), 0.15, **options)


def violation(P, S, A):
    """The largest violation of ``0 in S - inv(P) + A o sign(P)``."""
    G = S - np.linalg.inv(P)
    return np.where(P != 0, np.abs(G + A * np.sign(P)), np.maximum(np.abs(G) - A, 0.0)).max()
