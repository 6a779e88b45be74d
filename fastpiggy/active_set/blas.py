"""The routines of BLAS and LAPACK that active sets use, on arrays in C order."""

from fastpiggy.compile import fortran, routine

_dgemm = fortran("scipy.linalg.cython_blas", "dgemm", "cciiidpipidpi")
_dsyrk = fortran("scipy.linalg.cython_blas", "dsyrk", "cciidpidpi")
_dpotrf = fortran("scipy.linalg.cython_lapack", "dpotrf", "cipio")

_N, _T, _L, _U = ord("N"), ord("T"), ord("L"), ord("U")


@routine
def products(A, first, last, G):
    """Rows `first` to `last` of the Gram matrix of A's rows, up to the diagonal, into G."""
    n, width = A.shape[1], G.shape[1]
    here, rows = A.ctypes.data + 8 * first * n, G.ctypes.data + 8 * first * width
    if first > 0:
        # Fortran sees the transposes: G' = A A[first:last]'.
        _dgemm(_T, _N, first, last - first, n, 1.0, A.ctypes.data, n, here, n, 0.0, rows, width)
    # What is the lower triangle here is the upper one there.
    _dsyrk(_U, _T, last - first, n, 1.0, here, n, 0.0, rows + 8 * first, width)


@routine
def cholesky(R, k):
    """R with ``R'R`` the matrix in the leading upper triangle; False where it is not positive."""
    return _dpotrf(_L, k, R.ctypes.data, R.shape[1]) == 0
