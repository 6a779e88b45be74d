"""Functions of eigenvalues and singular values, and their derivatives by divided differences.

A symmetric matrix stands in a vector as all of its p * p entries, by rows, so that the inner
product of two vectors is that of the matrices: no factor of sqrt 2, and no order of the triangle,
to remember.  The prox of a matrix that is not symmetric is that of its symmetric part, which is the
projection on symmetric matrices first; so the Jacobian is symmetric on all of R^(p p), and zero on
skew matrices.
"""

import numpy as np

from fastpiggy.compile import routine
from fastpiggy.compile.lapack import eigen, product, product_nt, product_tn


@routine
def side(size):
    """n for a vector of n * n entries."""
    return int(np.sqrt(size) + 0.5)


@routine
def decompose(u, Q, d):
    """Eigenvalues of the symmetric part of a matrix given by rows, eigenvectors in rows of Q."""
    n = d.size
    for i in range(n):
        for j in range(n):
            Q[i, j] = 0.5 * u[i * n + j] + 0.5 * u[j * n + i]
    eigen(Q, d)


@routine
def compose(Q, f, z):
    """``Q' diag(f) Q`` by rows into z, symmetric to the last bit."""
    n = f.size
    scaled, out = np.empty((n, n)), np.empty((n, n))
    for i in range(n):
        for j in range(n):
            scaled[i, j] = f[i] * Q[i, j]
    product_tn(Q, scaled, out)
    for i in range(n):
        for j in range(n):
            z[i * n + j] = 0.5 * out[i, j] + 0.5 * out[j, i]


@routine
def differentiate(Q, G, h, out):
    """``Q' (G .* (Q H Q')) Q`` for the symmetric part H of a matrix given by rows."""
    n = G.shape[0]
    H, T = np.empty((n, n)), np.empty((n, n))
    for i in range(n):
        for j in range(n):
            H[i, j] = 0.5 * h[i * n + j] + 0.5 * h[j * n + i]
    product(Q, H, T)
    product_nt(T, Q, H)
    for i in range(n):
        for j in range(n):
            H[i, j] *= G[i, j]
    product(H, Q, T)
    product_tn(Q, T, H)
    for i in range(n):
        for j in range(n):
            out[i * n + j] = 0.5 * H[i, j] + 0.5 * H[j, i]


@routine
def asymmetry(x, n):
    """The largest difference between two entries that should be the same, over the largest."""
    size, found = 0.0, 0.0
    for i in range(n):
        for j in range(n):
            size = max(size, abs(x[i * n + j]))
            found = max(found, abs(x[i * n + j] - x[j * n + i]))
    return found / size if size > 0.0 else 0.0


def check_square(p, name):
    """Raise where p coefficients are no square matrix."""
    if int(np.sqrt(p) + 0.5) ** 2 != p:
        raise ValueError(
            f"{name} is a penalty of square matrices, all n * n entries of one by rows: X must "
            f"have n * n columns, got {p}"
        )
