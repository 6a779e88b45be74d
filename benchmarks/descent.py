"""An epoch of coordinate descent: ours without and with a tangent, and scikit-learn's kernel.

scikit-learn's Cython kernel is called directly, screening off, with a tolerance of 0, so that the
epochs are the same; both sides start at zero.  The cost of an epoch is that of a long run less a
short one, over the difference: what is done once a call (checks, a duality gap) does not count.
"""

import warnings
from collections.abc import Callable
from inspect import signature
from statistics import median

import numpy as np

from benchmarks import blocks, report
from benchmarks.common import dense_case
from benchmarks.timing import interleaved

SHAPES = ((200, 1000), (2000, 1000), (10000, 500))
QUICK = ((100, 300), (400, 200))


def theirs(X: np.ndarray, y: np.ndarray, alpha: float) -> Callable[[int], np.ndarray]:
    """So many epochs of scikit-learn's kernel from zero."""
    from sklearn.linear_model._cd_fast import enet_coordinate_descent

    n, p = X.shape
    seed = np.random.RandomState(0)
    screening = {"do_screening": False}
    # Older releases have no screening to switch off; a Cython function may hide its arguments.
    if "do_screening" not in signature(enet_coordinate_descent).parameters:
        screening = {}

    def run(epochs: int) -> np.ndarray:
        w = np.zeros(p)
        _, _, _, done = enet_coordinate_descent(
            w, n * alpha, 0.0, X, y, epochs, 0.0, seed, False, False, **screening
        )
        if done != epochs:
            raise RuntimeError(f"scikit-learn stopped after {done} of {epochs} epochs")
        return w

    return run


def alpha_for_support(X: np.ndarray, y: np.ndarray, size: int) -> float:
    """The alpha at which about so many coefficients are not zero."""
    import fastpiggy as fp

    problem = fp.lasso(X, y, 1.0)
    top = problem.alpha_max()
    low, high = 1e-3 * top, top
    for _ in range(12):
        middle = np.sqrt(low * high)
        if np.count_nonzero(fp.solve(problem.replace(alpha=middle), tol=1e-4).x) > size:
            low = middle
        else:
            high = middle
    return float(high)


def measure(n: int, p: int, epochs: int, rounds: int) -> list[str]:
    """The line of the table for one shape."""
    X, y, _, _ = dense_case(n, p)
    alpha = alpha_for_support(X, y, p // 10)
    short, long = max(2, epochs // 10), max(2, epochs // 10) + epochs
    design, loss = blocks.design("columns", X), blocks.loss("least squares", y)
    ours = [
        blocks.make("coordinate_descent", design, loss, blocks.penalty("l1", alpha, p), m)
        for m in (0, 1)
    ]
    reference = theirs(X, y, alpha)
    gap = 0.0
    for at in ours:
        at.run(long)
        gap = max(gap, float(np.abs(at.state.x - reference(long)).max()))
    if gap > 1e-9:
        raise RuntimeError(f"the iterates differ by {gap}: not the same epochs")
    support = np.count_nonzero(ours[0].state.x)
    calls = {}
    for name, steps in (("short", short), ("long", long)):
        calls[f"theirs {name}"] = lambda steps=steps: reference(steps)
        calls[f"none {name}"] = lambda steps=steps: ours[0].run(steps)
        calls[f"one {name}"] = lambda steps=steps: ours[1].run(steps)
    seconds = interleaved(calls, rounds)
    epoch = {
        side: [
            (slow - quick) / epochs
            for slow, quick in zip(seconds[f"{side} long"], seconds[f"{side} short"], strict=True)
        ]
        for side in ("theirs", "none", "one")
    }
    typical = {side: median(found) for side, found in epoch.items()}
    return [
        f"{n} x {p}", str(support), str(epochs),
        *(report.number(1e3 * typical[side]) for side in ("theirs", "none", "one")),
        report.number(typical["none"] / typical["theirs"]),
        report.number(typical["one"] / typical["none"]), f"{gap:.0e}",
    ]  # fmt: skip


HEAD = (
    "shape", "support", "epochs", "scikit-learn, ms", "no tangent, ms", "one tangent, ms",
    "no tangent over scikit-learn", "one tangent over none", "difference of iterates",
)  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    chosen = report.options(__doc__, argv)
    warnings.simplefilter("ignore")  # scikit-learn's, that a tolerance of 0 is not reached
    rounds = 5 if chosen.quick else 15
    rows = []
    for n, p in QUICK if chosen.quick else SHAPES:
        report.progress(f"{n} x {p}")
        rows.append(measure(n, p, 20 if chosen.quick else 50, rounds))
    method = f"Fortran order, float64; medians of {rounds} interleaved runs in one process."
    note = (
        "Milliseconds an epoch, alpha such that about a tenth of the coefficients are not zero, "
        "from zero; the tangent along alpha."
    )
    parts = [report.header("descent", chosen, method), report.table(HEAD, rows), note]
    report.publish("descent", chosen, parts)


if __name__ == "__main__":
    main()
