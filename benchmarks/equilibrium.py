"""Equilibrium layers, forward and backward, beside NumPy at the same tolerance.

NumPy: Peaceman-Rachford (or forward-backward, whichever is faster) on all inputs at once with the
fastest of a grid of steps, the resolvent inverted once, until ``z - max(W z + c, 0)`` is below the
tolerance, looked at every fifth iteration; then one batched direct solve of the adjoint and the
products of its gradients.  Inverse and step are not timed.  torchdeq where it is installed: its
Anderson solver in double precision, implicit gradients to the same tolerance.
"""

from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.common import relative
from benchmarks.timing import interleaved, ratio

TOL = 1e-8


class Case:
    """A layer with random weights and the weights v of a loss."""

    def __init__(self, units: int, batch: int, m: float) -> None:
        import fastpiggy as fp

        rng = np.random.default_rng(0)
        P, R = rng.standard_normal((2, units, units)) / np.sqrt(units)
        self.W = fp.monotone_weights(P, R, m).W
        self.U = rng.standard_normal((units, 50)) / np.sqrt(50)
        self.b, self.x = 0.1 * rng.standard_normal(units), rng.standard_normal((batch, 50))
        self.v = rng.standard_normal((batch, units))

    def ours(self) -> tuple[np.ndarray, dict[str, Any]]:
        import fastpiggy as fp

        layer = fp.equilibrium(self.W, self.U, self.b, self.x)
        sol = fp.solve(layer, tol=TOL, wrt=None)
        return sol.x, sol.vjp(self.v)


class ByHand:
    """NumPy's way with one splitting and one step."""

    def __init__(self, case: Case, splitting: str, step: float) -> None:
        self.case, self.splitting, self.step = case, splitting, step
        eye = np.eye(len(case.W))
        forward = (1 - step) * eye + step * case.W
        resolvent = np.linalg.inv((1 + step) * eye - step * case.W)
        self.M = np.ascontiguousarray((forward if splitting == "FB" else resolvent).T)
        self.WT = np.ascontiguousarray(case.W.T)

    def forward(self, most: int = 2000) -> tuple[np.ndarray, int]:
        case, a = self.case, self.step
        c = case.x @ case.U.T + case.b
        ac, Z = a * c, np.zeros_like(c)
        u = ac
        for k in range(1, most + 1):
            if self.splitting == "FB":
                Z = np.maximum(Z @ self.M + ac, 0.0)
            else:
                h = 2 * Z - u
                u = 2 * ((h + ac) @ self.M) - h
                Z = np.maximum(u, 0.0)
            if k % 5 == 0 and np.abs(np.maximum(Z @ self.WT + c, 0.0) - Z).max() <= TOL:
                return Z, k
        return Z, most + 1

    def __call__(self) -> tuple[np.ndarray, dict[str, Any]]:
        case, (Z, _) = self.case, self.forward()
        D = (Z > 0).astype(float)
        K = np.eye(len(case.W)) - self.WT * D[:, None, :]
        g = D * np.linalg.solve(K, case.v[:, :, None])[:, :, 0]
        return Z, {"W": g.T @ Z, "U": g.T @ case.x, "b": g.sum(axis=0), "x": g @ case.U}


def best_by_hand(case: Case) -> tuple[ByHand, int]:
    """The splitting and the step with the fewest iterations."""
    eye = np.eye(len(case.W))
    L = np.linalg.norm(eye - case.W, 2)
    m = np.linalg.eigvalsh(eye - 0.5 * (case.W + case.W.T))[0]
    tried = [ByHand(case, "FB", s * m / L**2) for s in (1.0, 1.9)]
    tried += [ByHand(case, "PR", s / L) for s in (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)]
    found = [(way.forward()[1], i) for i, way in enumerate(tried)]
    return tried[min(found)[1]], min(found)[0]


def by_torchdeq(case: Case) -> Callable[[], Any] | None:
    try:
        import torch
        import torchdeq
    except ImportError:
        return None
    torch.set_num_threads(1)
    W, U, b, x = (
        torch.tensor(a, dtype=torch.float64, requires_grad=True)
        for a in (case.W, case.U, case.b, case.x)
    )
    v = torch.tensor(case.v)
    deq = torchdeq.get_deq(
        f_solver="anderson", b_solver="anderson", f_max_iter=500, b_max_iter=500, f_tol=TOL,
        b_tol=TOL, f_stop_mode="abs", b_stop_mode="abs",
    )  # fmt: skip

    def call() -> Any:
        c = x @ U.T + b
        found, _ = deq(lambda z: torch.relu(z @ W.T + c), torch.zeros_like(c))
        return torch.autograd.grad((v * found[-1]).sum(), (W, U, b, x))

    return call


def line(units: int, batch: int, m: float, rounds: int) -> list[str]:
    case = Case(units, batch, m)
    by_hand, iterations = best_by_hand(case)
    z, g = case.ours()
    exact, h = by_hand()
    error = max(relative(exact, z), *(relative(h[name], g[name]) for name in h))
    calls: dict[str, Callable[[], Any]] = {"NumPy": by_hand, "fastpiggy": case.ours}
    torchdeq = by_torchdeq(case)
    if torchdeq is not None:
        calls["torchdeq"] = torchdeq
    seconds = interleaved(calls, rounds)
    return [
        f"{units} units, batch {batch}, m = {m:g}", f"{by_hand.splitting}, {iterations}",
        *(report.number(1e3 * median(seconds[name])) for name in ("NumPy", "fastpiggy")),
        report.number(ratio(seconds["fastpiggy"], seconds["NumPy"])), f"{error:.0e}",
        report.number(ratio(seconds["fastpiggy"], seconds["torchdeq"])) if torchdeq else "",
    ]  # fmt: skip


HEAD = (
    "layer", "NumPy's splitting, iterations", "NumPy, ms", "fastpiggy, ms",
    "fastpiggy over NumPy", "apart", "over torchdeq",
)  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    chosen = report.options(__doc__, argv)
    rounds = 3 if chosen.quick else 9
    cases = [(100, 256, 0.5), (100, 256, 0.1), (100, 1, 0.5), (30, 1000, 0.5)]
    rows = []
    for case in cases[:1] if chosen.quick else cases:
        report.progress(f"{case[0]} units, batch {case[1]}")
        rows.append(line(*case, rounds))
    method = f"Medians of {rounds} interleaved runs in one process, both to {TOL:g}."
    report.publish(
        "equilibrium", chosen,
        [report.header("equilibrium", chosen, method), report.table(HEAD, rows)],
    )  # fmt: skip


if __name__ == "__main__":
    main()
