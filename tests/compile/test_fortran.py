"""BLAS and LAPACK in kernels: the numbers of NumPy, compiled and not, now and from the cache."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastpiggy.compile import fortran, kernel
from fastpiggy.compile.flags import COMPILED

_dgemm = fortran("scipy.linalg.cython_blas", "dgemm", "cciiidpipidpi")
_dpotrf = fortran("scipy.linalg.cython_lapack", "dpotrf", "cipip")


@kernel
def product(A, B, C, alpha, beta):
    """``C = alpha A B + beta C`` for arrays in C order: Fortran sees the transposes."""
    (m, k), n = A.shape, B.shape[1]
    _dgemm(ord("N"), ord("N"), n, m, k, alpha, B.ctypes.data, n, A.ctypes.data, k, beta,
           C.ctypes.data, n)  # fmt: skip


@kernel
def cholesky(K, info):
    """The lower factor in the lower triangle, which is Fortran's upper one."""
    _dpotrf(ord("U"), K.shape[0], K.ctypes.data, K.shape[1], info.ctypes.data)


def check_product():
    rng = np.random.default_rng(0)
    for m, k, n in [(1, 1, 1), (3, 4, 5), (17, 2, 9), (6, 0, 4)]:
        A, B, C = (rng.standard_normal(shape) for shape in ((m, k), (k, n), (m, n)))
        wanted = 1.5 * A @ B - 0.5 * C
        product(A, B, C, 1.5, -0.5)
        np.testing.assert_allclose(C, wanted, rtol=1e-12, atol=1e-13)


def check_cholesky():
    A = np.random.default_rng(1).standard_normal((9, 6))
    K, info = A.T @ A, np.full(1, 7, dtype=np.int32)
    L = K.copy()
    cholesky(L, info)
    assert info[0] == 0
    np.testing.assert_allclose(np.tril(L), np.linalg.cholesky(K), rtol=1e-12)
    # What LAPACK says comes back through the same address.
    indefinite = np.diag([1.0, 4.0, -1.0, 2.0])
    cholesky(indefinite, info)
    assert info[0] == 3


def test_products_are_those_of_numpy():
    check_product()


def test_factors_are_those_of_numpy():
    check_cholesky()


def test_an_integer_beyond_the_first_argument_is_handed_over_whole():
    """Leading dimensions larger than the part that is worked on."""
    rng = np.random.default_rng(2)
    K = rng.standard_normal((5, 5))
    K, big, info = K @ K.T, np.full((5, 300), np.nan), np.zeros(1, dtype=np.int32)
    big[:, :5] = K
    cholesky(big, info)
    np.testing.assert_allclose(np.tril(big[:, :5]), np.linalg.cholesky(K), rtol=1e-12)
    assert np.all(np.isnan(big[:, 5:]))


@pytest.mark.compiled
def test_plain_python_calls_the_same_routines():
    here = Path(__file__)
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-W", "error", str(here)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["plain"]


#: Beside a module of its own, whose kernels go to the cache of the test.
MODULE = """
import numpy as np
from fastpiggy.compile import fortran, kernel

_dgemm = fortran("scipy.linalg.cython_blas", "dgemm", "cciiidpipidpi")

@kernel
def product(A, B, C):
    (m, k), n = A.shape, B.shape[1]
    _dgemm(ord("N"), ord("N"), n, m, k, 1.0, B.ctypes.data, n, A.ctypes.data, k, 0.0,
           C.ctypes.data, n)
"""
USE = """
from mine import product

A, B, C = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(3, 4), np.empty((2, 4))
product(A, B, C)
print(json.dumps({
    "values": C.tolist(),
    "hits": sum(product.stats.cache_hits.values()),
    "misses": sum(product.stats.cache_misses.values()),
}))
"""


@pytest.mark.compiled
def test_the_next_process_finds_the_routine_at_its_new_address(processes):
    processes.write("mine.py", MODULE)
    wanted = (np.arange(6.0).reshape(2, 3) @ np.arange(12.0).reshape(3, 4)).tolist()
    cold = processes.run(USE)
    assert (cold.values, cold.hits, cold.misses) == (wanted, 0, 1)
    assert not cold.errors
    # Shared libraries are loaded elsewhere in every process.
    for _again in range(2):
        warm = processes.run(USE)
        assert (warm.values, warm.hits, warm.misses) == (wanted, 1, 0)
        assert not warm.errors


def test_a_routine_that_does_not_exist():
    with pytest.raises(Exception, match="no_such_routine"):
        fortran("scipy.linalg.cython_blas", "no_such_routine", "i")


if __name__ == "__main__":
    check_product()
    check_cholesky()
    print("compiled" if COMPILED else "plain")
