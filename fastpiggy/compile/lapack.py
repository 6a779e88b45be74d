"""Products, eigenvalues and singular values inside kernels, on arrays in C order.

Fortran sees the transposes of such arrays: what it calls columns are rows here.
"""

import numpy as np

from fastpiggy.compile.fortran import fortran
from fastpiggy.compile.helper import routine

_dgemm = fortran("scipy.linalg.cython_blas", "dgemm", "cciiidpipidpi")
_dsyevd = fortran("scipy.linalg.cython_lapack", "dsyevd", "ccipippipio")
_dgesdd = fortran("scipy.linalg.cython_lapack", "dgesdd", "ciipippipipipo")

_N, _T, _L, _S, _V = ord("N"), ord("T"), ord("L"), ord("S"), ord("V")


@routine
def product(A, B, C):
    """``C = A B``."""
    n = B.shape[1]
    _dgemm(_N, _N, n, A.shape[0], A.shape[1], 1.0, B.ctypes.data, n, A.ctypes.data, A.shape[1],
           0.0, C.ctypes.data, n)  # fmt: skip


@routine
def product_nt(A, B, C):
    """``C = A B'``."""
    n, inner = B.shape
    _dgemm(_T, _N, n, A.shape[0], inner, 1.0, B.ctypes.data, inner, A.ctypes.data, inner,
           0.0, C.ctypes.data, n)  # fmt: skip


@routine
def product_tn(A, B, C):
    """``C = A' B``."""
    n, m = B.shape[1], A.shape[1]
    _dgemm(_N, _T, n, m, A.shape[0], 1.0, B.ctypes.data, n, A.ctypes.data, m,
           0.0, C.ctypes.data, n)  # fmt: skip


@routine
def eigen(Q, d):
    """Eigenvalues of a symmetric matrix into d, rising; its eigenvectors become the rows of Q.

    False where LAPACK did not converge.
    """
    n = d.size
    work, iwork = np.empty(1 + 6 * n + 2 * n * n), np.empty(3 + 5 * n, dtype=np.int32)
    info = _dsyevd(_V, _L, n, Q.ctypes.data, n, d.ctypes.data, work.ctypes.data, work.size,
                   iwork.ctypes.data, iwork.size)  # fmt: skip
    return info == 0


@routine
def singular(A, U, s, V):
    """``A = U' diag(s) V`` with rows of U and V orthonormal, s falling; A is overwritten.

    Shapes are (a, b), (k, a), (k,) and (k, b), k the smaller of a and b.  False where LAPACK did
    not converge.
    """
    (a, b), k = A.shape, s.size
    # Of A': its left vectors are the rows of V, and its right ones, transposed, columns of (a, k).
    right = np.empty((a, k))
    work, iwork = np.empty(4 * k * k + 7 * k + 64 * (a + b)), np.empty(8 * k, dtype=np.int32)
    info = _dgesdd(_S, b, a, A.ctypes.data, b, s.ctypes.data, V.ctypes.data, b, right.ctypes.data,
                   k, work.ctypes.data, work.size, iwork.ctypes.data)  # fmt: skip
    for i in range(a):
        for j in range(k):
            U[j, i] = right[i, j]
    return info == 0
