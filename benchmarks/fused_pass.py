"""One pass over a dense matrix for the iterate and m tangents, beside BLAS and the floor.

The pass fills ``X x - y``, the gradient ``X'(X x - y)/n`` and the same of m tangents.  BLAS needs
two calls of gemv for the iterate and two for every tangent (or two of gemm for all), each of which
reads X.  The floor is reading X once: NumPy's ``X.sum()``, and a compiled loop that only adds X up.
"""

from collections.abc import Callable

import numpy as np
from numba import njit

from benchmarks import blocks, report
from benchmarks.timing import interleaved, ratio
from fastpiggy.algorithms.composite import gradient
from fastpiggy.compile.flags import OUTER

SHAPES = ((4000, 5000), (1000, 1000), (200, 1000))
TANGENTS = (0, 1, 2, 4)


@njit(**OUTER)
def read(X):
    """Four rows at a time, as the pass reads them: the bandwidth that a kernel here can have."""
    total = 0.0
    for i in range(0, X.shape[0] - 3, 4):
        A, B, C, D = X[i], X[i + 1], X[i + 2], X[i + 3]
        for j in range(A.size):
            total += A[j] + B[j] + C[j] + D[j]
    return total


def by_gemv(X: np.ndarray, y: np.ndarray, W: np.ndarray, m: int) -> Callable[[], np.ndarray]:
    """Two gemv for each of the first 1 + m rows of W."""
    n, p = X.shape
    Z, G = np.empty((m + 1, n)), np.empty((m + 1, p))

    def call() -> np.ndarray:
        for k in range(m + 1):
            np.dot(X, W[k], out=Z[k])
            if k == 0:
                Z[0] -= y
            Z[k] *= 1.0 / n
            np.dot(X.T, Z[k], out=G[k])
        return G

    return call


def by_gemm(X: np.ndarray, y: np.ndarray, W: np.ndarray, m: int) -> Callable[[], np.ndarray]:
    """Two gemm for the first 1 + m rows of W together."""
    n, p = X.shape
    Z, G, V = np.empty((m + 1, n)), np.empty((m + 1, p)), W[: m + 1]

    def call() -> np.ndarray:
        np.dot(V, X.T, out=Z)
        Z[0] -= y
        np.multiply(Z, 1.0 / n, out=Z)
        return np.dot(Z, X, out=G)

    return call


def fused(X: np.ndarray, y: np.ndarray, W: np.ndarray, m: int) -> Callable[[], np.ndarray]:
    """The package's pass, through the kernel that :func:`fastpiggy.solve` uses."""
    at = blocks.make(
        "forward_backward",
        blocks.design("rows", X),
        blocks.loss("least squares", y),
        blocks.penalty("l1", 1.0, X.shape[1]),
        m,
    )
    at.state.x[:], at.state.J[:] = W[0], W[1 : m + 1]

    def call() -> np.ndarray:
        gradient(at.problem, at.d, at.state, m)
        return np.vstack([at.state.g, at.state.G]) if call.check else at.state.g

    call.check = False
    return call


def measure(n: int, p: int, rounds: int) -> list[list[str]]:
    """The lines of the table for one shape."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((n, p)), rng.standard_normal(n)
    W = rng.standard_normal((1 + max(TANGENTS), p))
    calls: dict[str, Callable[[], object]] = {"sum": X.sum, "read": lambda: read(X)}
    for m in TANGENTS:
        ours, gemv, gemm = fused(X, y, W, m), by_gemv(X, y, W, m), by_gemm(X, y, W, m)
        ours.check = True
        np.testing.assert_allclose(ours(), gemv(), atol=1e-9)
        np.testing.assert_allclose(gemm(), gemv(), atol=1e-9)
        ours.check = False
        calls |= {f"fused {m}": ours, f"gemv {m}": gemv, f"gemm {m}": gemm}
    seconds = interleaved(calls, rounds)

    def ms(name: str) -> str:
        return report.number(1e3 * float(np.median(seconds[name])))

    rows = []
    for m in TANGENTS:
        pass_seconds = float(np.median(seconds[f"fused {m}"]))
        flops = 4 * n * p * (1 + m)
        rows.append([
            f"{n} x {p}, m = {m}", ms("sum"), ms("read"), ms(f"fused {m}"), ms(f"gemv {m}"),
            ms(f"gemm {m}"), report.number(ratio(seconds[f"fused {m}"], seconds["read"])),
            report.number(ratio(seconds[f"fused {m}"], seconds["gemv 0"])),
            report.number(ratio(seconds[f"fused {m}"], seconds["fused 1"])),
            report.number(8e-6 * n * p), report.number(8e-9 * n * p / pass_seconds),
            report.number(1e-6 * flops), report.number(1e-9 * flops / pass_seconds),
        ])  # fmt: skip
    return rows


HEAD = (
    "shape, tangents", "`X.sum()`, ms", "compiled read, ms", "fused pass, ms", "gemv, ms",
    "gemm, ms", "over read", "over gemv of the iterate alone", "over m = 1", "X, MB",
    "pass, GB/s", "Mflop", "Gflop/s",
)  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    chosen = report.options(__doc__, argv)
    shapes = ((400, 500), (203, 100)) if chosen.quick else SHAPES
    rounds = 5 if chosen.quick else 21
    rows = []
    for n, p in shapes:
        report.progress(f"{n} x {p}")
        rows += measure(n, p, rounds)
    method = f"C order, float64; medians of {rounds} interleaved runs in one process."
    note = (
        "Fused pass: states, slopes, gradient and their tangents, X read once. gemv: two calls for "
        "the iterate and two for every tangent; gemm: two calls for all. Floors: reading X once, "
        "and the arithmetic, `4 n p (1 + m)` operations. Ratios are medians over rounds."
    )
    parts = [report.header("fused_pass", chosen, method), report.table(HEAD, rows), note]
    report.publish("fused_pass", chosen, parts)


if __name__ == "__main__":
    main()
