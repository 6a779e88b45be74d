"""The loops that composition is measured against: each written by hand for one case.

Least squares with sample weights s, an l1 penalty with weights (or total variation), m tangents
along alpha.  Same arithmetic, same flags, same stopping quantities as the composed kernels, but
plain arguments: no records, no protocols.
"""

import numpy as np
from numba import njit

from fastpiggy.compile.flags import OUTER
from fastpiggy.penalties.total_variation import _denoise, _fill_blocks


@njit(**OUTER)
def rows_pass(X, y, s, W, r, G):
    """``G = X'(s (X W' - [y 0 ... 0]))`` for W of 1 + m rows, four rows of X at a time."""
    n, p = X.shape
    G[:] = 0.0
    for i in range(0, n - 3, 4):
        A, B, C, D = X[i], X[i + 1], X[i + 2], X[i + 3]
        k = 0
        while k < W.shape[0]:
            a = W[k]
            t0 = t1 = t2 = t3 = 0.0
            if k + 1 < W.shape[0]:
                b = W[k + 1]
                v0 = v1 = v2 = v3 = 0.0
                for j in range(p):
                    t0 += A[j] * a[j]
                    t1 += B[j] * a[j]
                    t2 += C[j] * a[j]
                    t3 += D[j] * a[j]
                    v0 += A[j] * b[j]
                    v1 += B[j] * b[j]
                    v2 += C[j] * b[j]
                    v3 += D[j] * b[j]
                r[k + 1, 0], r[k + 1, 1], r[k + 1, 2], r[k + 1, 3] = v0, v1, v2, v3
            else:
                for j in range(p):
                    t0 += A[j] * a[j]
                    t1 += B[j] * a[j]
                    t2 += C[j] * a[j]
                    t3 += D[j] * a[j]
            r[k, 0], r[k, 1], r[k, 2], r[k, 3] = t0, t1, t2, t3
            k += 2
        for row in range(4):
            r[0, row] -= y[i + row]
            for k in range(W.shape[0]):
                r[k, row] *= s[i + row]
        k = 0
        while k < W.shape[0]:
            g = G[k]
            r0, r1, r2, r3 = r[k, 0], r[k, 1], r[k, 2], r[k, 3]
            if k + 1 < W.shape[0]:
                h = G[k + 1]
                w0, w1, w2, w3 = r[k + 1, 0], r[k + 1, 1], r[k + 1, 2], r[k + 1, 3]
                for j in range(p):
                    g[j] += r0 * A[j] + r1 * B[j] + r2 * C[j] + r3 * D[j]
                    h[j] += w0 * A[j] + w1 * B[j] + w2 * C[j] + w3 * D[j]
            else:
                for j in range(p):
                    g[j] += r0 * A[j] + r1 * B[j] + r2 * C[j] + r3 * D[j]
            k += 2
    for i in range(n - n % 4, n):
        for k in range(W.shape[0]):
            total = 0.0
            for j in range(p):
                total += X[i, j] * W[k, j]
            pull = s[i] * (total - y[i] if k == 0 else total)
            for j in range(p):
                G[k, j] += pull * X[i, j]


@njit(**OUTER)
def _moved(W, Z, step):
    """Take the step and return what the engine's stopping looks at."""
    change = tangent_change = tangent_size = residual = 0.0
    for j in range(W.shape[1]):
        delta = Z[0, j] - W[0, j]
        change += delta * delta
        residual = max(residual, abs(delta) / step)
        W[0, j] = Z[0, j]
    for k in range(1, W.shape[0]):
        for j in range(W.shape[1]):
            delta = Z[k, j] - W[k, j]
            tangent_change += delta * delta
            tangent_size += Z[k, j] * Z[k, j]
            W[k, j] = Z[k, j]
    return change + tangent_change + tangent_size + residual


@njit(**OUTER)
def forward_backward_l1(X, y, s, alpha, weights, dalpha, step, W, steps):
    m, p = W.shape[0] - 1, W.shape[1]
    G, Z, r = np.empty((m + 1, p)), np.empty((m + 1, p)), np.empty((m + 1, 4))
    seen = 0.0
    for _ in range(steps):
        rows_pass(X, y, s, W, r, G)
        for j in range(p):
            u, t = W[0, j] - step * G[0, j], step * alpha * weights[j]
            inside = abs(u) <= t
            Z[0, j] = 0.0 if inside else u - np.copysign(t, u)
            for k in range(1, m + 1):
                du = W[k, j] - step * G[k, j]
                dt = step * dalpha[k - 1] * weights[j]
                Z[k, j] = 0.0 if inside else du - dt * np.copysign(1.0, u)
        seen += _moved(W, Z, step)
    return seen


@njit(**OUTER)
def forward_backward_tv(X, y, s, alpha, dalpha, step, W, steps):
    """The taut string itself, and the fill of the blocks it finds, are the package's own."""
    m, p = W.shape[0] - 1, W.shape[1]
    G, Z, r = np.empty((m + 1, p)), np.empty((m + 1, p)), np.empty((m + 1, 4))
    U, jump = np.empty((m + 1, p)), np.zeros(p)
    seen = 0.0
    for _ in range(steps):
        rows_pass(X, y, s, W, r, G)
        for k in range(m + 1):
            for j in range(p):
                U[k, j] = W[k, j] - step * G[k, j]
        _denoise(U[0], step * alpha, Z[0])
        for j in range(p - 1):
            jump[j] = np.sign(Z[0, j + 1] - Z[0, j])
        _fill_blocks(U[0], step * alpha, jump, Z[0])
        for k in range(1, m + 1):
            _fill_blocks(U[k], step * dalpha[k - 1], jump, Z[k])
        seen += _moved(W, Z, step)
    return seen


@njit(**OUTER)
def _dot(column, r):
    total = 0.0
    for i in range(r.size):
        total += column[i] * r[i]
    return total


@njit(**OUTER)
def descent_dense(X, s, alpha, weights, dalpha, lipschitz, x, J, r, R, epochs):
    """Epochs of coordinate descent; r holds the weighted residual, R its tangents."""
    m, seen = J.shape[0], 0.0
    new = np.empty(m)
    for _ in range(epochs):
        largest = 0.0
        for j in range(x.size):
            column, step = X[:, j], 1.0 / lipschitz[j]
            u, t = x[j] - step * _dot(column, r), step * alpha * weights[j]
            inside = abs(u) <= t
            z = 0.0 if inside else u - np.copysign(t, u)
            delta = z - x[j]
            largest = max(largest, abs(delta) * lipschitz[j])
            differs = delta != 0.0
            for k in range(m):
                new[k] = 0.0
                if not inside:
                    dt = step * dalpha[k] * weights[j]
                    new[k] = J[k, j] - step * _dot(column, R[k]) - dt * np.copysign(1.0, u)
                differs = differs or new[k] != J[k, j]
            if not differs:
                continue
            x[j] = z
            if m == 0:
                for i in range(r.size):
                    r[i] += delta * s[i] * column[i]
                continue
            R0, c = R[0], new[0] - J[0, j]
            for i in range(r.size):
                pull = s[i] * column[i]
                r[i] += delta * pull
                R0[i] += c * pull
            for k in range(1, m):
                Rk, c = R[k], new[k] - J[k, j]
                for i in range(r.size):
                    Rk[i] += c * s[i] * column[i]
            for k in range(m):
                seen += (new[k] - J[k, j]) ** 2
                J[k, j] = new[k]
        seen += largest
    return seen


@njit(**OUTER)
def _sparse_dot(data, indices, lo, hi, r):
    total = 0.0
    for e in range(lo, hi):
        total += data[e] * r[indices[e]]
    return total


@njit(**OUTER)
def descent_sparse(data, indices, indptr, s, alpha, weights, dalpha, lipschitz, x, J, r, R, epochs):
    """The same on CSC columns."""
    m, seen = J.shape[0], 0.0
    new = np.empty(m)
    for _ in range(epochs):
        largest = 0.0
        for j in range(x.size):
            lo, hi, step = indptr[j], indptr[j + 1], 1.0 / lipschitz[j]
            u = x[j] - step * _sparse_dot(data, indices, lo, hi, r)
            t = step * alpha * weights[j]
            inside = abs(u) <= t
            z = 0.0 if inside else u - np.copysign(t, u)
            delta = z - x[j]
            largest = max(largest, abs(delta) * lipschitz[j])
            differs = delta != 0.0
            for k in range(m):
                new[k] = 0.0
                if not inside:
                    slope = _sparse_dot(data, indices, lo, hi, R[k])
                    dt = step * dalpha[k] * weights[j]
                    new[k] = J[k, j] - step * slope - dt * np.copysign(1.0, u)
                differs = differs or new[k] != J[k, j]
            if not differs:
                continue
            x[j] = z
            for e in range(lo, hi):
                i = indices[e]
                pull = s[i] * data[e]
                r[i] += delta * pull
                for k in range(m):
                    R[k, i] += (new[k] - J[k, j]) * pull
            for k in range(m):
                seen += (new[k] - J[k, j]) ** 2
                J[k, j] = new[k]
        seen += largest
    return seen
