"""Quadratic programs as layers: a batch, solution and full backward pass, beside ProxQP.

Backward: the derivative of v'x with respect to every entry of P, q, G and h (and A, b).  ProxQP
solves one program after the other with its dense backend and ``compute_backward`` (``pip install
proxsuite``), once at an accuracy near ours and once with its own default of 1e-5.  The errors are
those of dx/dq against a KKT solve by NumPy on the working set.
"""

from statistics import median
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.timing import interleaved, ratio

Data = dict[str, np.ndarray]


def batch(many: int, n: int, rows: int, equalities: int = 0) -> Data:
    """Random programs of which about as many rows are met as there is room for."""
    rng = np.random.default_rng(0)
    M = rng.standard_normal((many, n, n))
    G, A = rng.standard_normal((many, rows, n)), rng.standard_normal((many, equalities, n))
    x = rng.standard_normal((many, n))
    return {
        "P": M @ M.swapaxes(1, 2) / n + 0.1 * np.eye(n),
        "q": rng.standard_normal((many, n)),
        "A": A,
        "b": (A @ x[..., None])[..., 0],
        "G": G,
        "h": (G @ x[..., None])[..., 0] + rng.uniform(0.0, 1.0, (many, rows)),
        "v": rng.standard_normal((many, n)),
    }


def ours(data: Data) -> Any:
    """Problem checked and made, solution, all derivatives: x and the derivative along q."""
    import fastpiggy as fp

    sol = fp.solve(fp.quadratic_program(*(data[name] for name in ("P", "q", "A", "b", "G", "h"))))
    return sol.x, sol.vjp(data["v"])["q"]


def proxqp(data: Data, eps: float) -> Any:
    """The same by ProxQP."""
    import proxsuite

    dense = proxsuite.proxqp.dense
    P, q, A, b, G, h, v = data.values()
    (many, n), rows, e = q.shape, h.shape[1], b.shape[1]
    low, xs, slopes = np.full(rows, -1e20), [], []
    for i in range(many):
        qp = dense.QP(n, e, rows)
        qp.settings.eps_abs, qp.settings.eps_rel = eps, 0.0
        qp.init(P[i], q[i], A[i] if e else None, b[i] if e else None, G[i], low, h[i])
        qp.solve()
        along = np.zeros(n + e + rows)
        along[:n] = v[i]
        dense.compute_backward(qp, along, eps, eps, eps)
        xs.append(np.array(qp.results.x))
        slopes.append(np.array(qp.model.backward_data.dL_dg))
    return np.array(xs), np.array(slopes)


def slopes_by_kkt(data: Data, x: np.ndarray) -> np.ndarray:
    """dx/dq times v by NumPy, on the rows that are met at x."""
    P, q, A, G, h, v = (data[name] for name in ("P", "q", "A", "G", "h", "v"))
    found, n = np.empty(q.shape), q.shape[1]
    for i in range(len(q)):
        C = np.vstack([A[i], G[i][h[i] - G[i] @ x[i] < 1e-8]])
        K = np.block([[P[i], C.T], [C, np.zeros((len(C), len(C)))]])
        found[i] = -np.linalg.solve(K, np.append(v[i], np.zeros(len(C))))[:n]
    return found


def row(name: str, data: Data, rounds: int) -> list[list[str]]:
    calls: dict[str, Any] = {"fastpiggy": lambda: ours(data)}
    try:
        import proxsuite  # noqa: F401

        calls["ProxQP, 1e-9"] = lambda: proxqp(data, 1e-9)
        calls["ProxQP, 1e-5"] = lambda: proxqp(data, 1e-5)
    except ImportError:
        report.progress("proxsuite is not installed: nothing to compare with")
    exact = slopes_by_kkt(data, ours(data)[0])
    seconds, many = interleaved(calls, rounds), len(data["q"])
    lines = []
    for who, call in calls.items():
        error = np.linalg.norm(call()[1] - exact) / np.linalg.norm(exact)
        against = ratio(seconds["fastpiggy"], seconds[who])
        micro = 1e6 * median(seconds[who]) / many
        lines.append([f"{name}: {who}", report.number(micro), report.number(against),
                      report.number(error)])  # fmt: skip
    return lines


def main(argv: list[str] | None = None) -> None:
    chosen = report.options(__doc__, argv)
    rounds = 1 if chosen.quick else 5
    sizes = [(20, 10, 20, 2)] if chosen.quick else [(100, 50, 100, 0), (100, 50, 100, 10)]
    sizes += [] if chosen.quick else [(20, 200, 200, 0)]
    lines = []
    for many, n, m, e in sizes:
        report.progress(f"{many} programs, n {n}, m {m}, {e} equalities")
        name = f"{many} programs, n = {n}, m = {m}" + (f", {e} equalities" if e else "")
        lines += row(name, batch(many, n, m, e), rounds)
    head = ["batch", "microseconds a program", "ours over it", "error of dx/dq"]
    method = f"Medians of {rounds} rounds, in turns; ratios are medians of those within a round."
    publish = [report.header("quadratic", chosen, method), report.table(head, lines)]
    report.publish("quadratic", chosen, publish)


if __name__ == "__main__":
    main()
