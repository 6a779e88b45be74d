"""The Newton system of a sparse precision matrix on its support, by conjugate gradients.

With ``W = inv(P)`` the Hessian of ``-logdet P`` is ``D -> W D W``.  On the symmetric matrices that
vanish off a support E it is positive definite, with eigenvalues from ``1/lambda_max(P)^2`` up, and
``D -> (P D P)_E`` is close to its inverse.
"""

import numpy as np

from fastpiggy.compile import helper, kernel
from fastpiggy.compile.lapack import product

#: Support entries over p^2 from which a product with D goes through dense matrices: one gemm moves
#: about eight times as many numbers a second as the loops over single entries.
_DENSE = 0.12


@helper
def _sandwich(A, rows, columns, v, D, N, out):
    """``out = (A D A)_E`` for symmetric A and D, D the entries v of E."""
    n, size = A.shape[0], v.size
    if size > _DENSE * n * n:
        for i in range(n):
            for j in range(n):
                D[i, j] = 0.0
        for e in range(size):
            D[rows[e], columns[e]] = v[e]
            D[columns[e], rows[e]] = v[e]
        product(A, D, N)
    else:
        # D holds (A D)', which has long rows.
        for i in range(n):
            for j in range(n):
                D[i, j] = 0.0
        for e in range(size):
            i, j, x = rows[e], columns[e], v[e]
            above, below = D[i], D[j]
            left, right = A[i], A[j]
            for k in range(n):
                above[k] += x * right[k]
            if i != j:
                for k in range(n):
                    below[k] += x * left[k]
        for i in range(n):
            for j in range(n):
                N[i, j] = D[j, i]
    for e in range(size):
        left, right, total = N[rows[e]], A[columns[e]], 0.0
        for k in range(n):
            total += left[k] * right[k]
        out[e] = total


@helper
def _dot(rows, columns, a, b):
    """The inner product of two symmetric matrices."""
    total = 0.0
    for e in range(a.size):
        total += (1.0 if rows[e] == columns[e] else 2.0) * a[e] * b[e]
    return total


@kernel
def conjugate_gradients(W, P, rows, columns, curb, R, X, tol, most):
    """Solve ``(W X W)_E + curb o X = R`` on a support, one right-hand side after the other.

    Parameters
    ----------
    W, P : ndarray of shape (p, p)
        The second is the first one's inverse.
    rows, columns : ndarray of shape (size,), int
        The support, ``rows <= columns``.
    curb : ndarray of shape (size,)
        Not negative.
    R, X : ndarray of shape (m, size)
        Right-hand sides; where to start, overwritten by the solutions.
    tol : float
        On the residual in the norm of the inverse, over that of R.
    most : int
        Iterations at the most.

    Returns
    -------
    int
        Iterations of all.
    """
    n, size = W.shape[0], rows.size
    D, N = np.empty((n, n)), np.empty((n, n))
    r, z, p, q = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    done = 0
    for k in range(R.shape[0]):
        x = X[k]
        _sandwich(P, rows, columns, R[k], D, N, z)
        goal = tol * tol * abs(_dot(rows, columns, R[k], z))
        _sandwich(W, rows, columns, x, D, N, q)
        for e in range(size):
            r[e] = R[k, e] - q[e] - curb[e] * x[e]
            p[e] = 0.0
        last = 1.0
        for _ in range(most):
            _sandwich(P, rows, columns, r, D, N, z)
            now = _dot(rows, columns, r, z)
            if not now > goal:
                break
            for e in range(size):
                p[e] = z[e] + now / last * p[e]
            _sandwich(W, rows, columns, p, D, N, q)
            for e in range(size):
                q[e] += curb[e] * p[e]
            step = now / _dot(rows, columns, p, q)
            for e in range(size):
                x[e] += step * p[e]
                r[e] -= step * q[e]
            last = now
            done += 1
    return done


@kernel
def descend(W, P, G, A, rows, columns, tol, most, first, found):
    """Coordinate descent on the quadratic model of the objective at P, the l1 norm included.

    ``<G, D> + <D, W D W>/2 + sum_ij A_ij abs(P_ij + D_ij)`` over the symmetric D on a support
    (Hsieh, Sustik, Dhillon, Ravikumar, "QUIC", JMLR 15, 2014); `found`, the entries of ``P + D``,
    is where it starts and ends, and its zeros are exact.  It ends where the moves of a sweep are
    `tol` times the largest of all, that of a turn before being `first`, or after `most` sweeps;
    returns their number, the largest move, and whether they have come to rest.
    """
    n, size, done, still = W.shape[0], rows.size, 0, False
    # U = D W
    U = np.zeros((n, n))
    for e in range(size):
        i, j = rows[e], columns[e]
        move = found[e] - P[i, j]
        if move != 0.0:
            for k in range(n):
                U[i, k] += move * W[j, k]
            if i != j:
                for k in range(n):
                    U[j, k] += move * W[i, k]
    for _ in range(most):
        largest = 0.0
        done += 1
        for e in range(size):
            i, j = rows[e], columns[e]
            total = G[i, j]
            left = W[i]
            for k in range(n):
                total += left[k] * U[k, j]
            curvature = W[i, j] * W[i, j] + W[i, i] * W[j, j] if i != j else W[i, i] * W[i, i]
            x = found[e]
            u, top = x - total / curvature, A[i, j] / curvature
            z = u if top == 0.0 else np.copysign(max(abs(u) - top, 0.0), u)
            move = z - x
            if move == 0.0:
                continue
            found[e] = z
            largest = max(largest, abs(move) * np.sqrt(curvature))
            above, below = U[i], U[j]
            right = W[j]
            for k in range(n):
                above[k] += move * right[k]
            if i != j:
                for k in range(n):
                    below[k] += move * left[k]
        first = max(first, largest)
        if not largest > tol * first:
            still = True
            break
    return done, first, still
