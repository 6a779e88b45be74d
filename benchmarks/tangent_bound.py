"""Compare the certificate's ``tangent_error`` with the truth on random problems of all kinds.

The problems are those of ``random_problems``, and trend filters; the derivative is taken in every
mode, at tolerances that leave errors far above rounding, and compared with that of the solution in
extended precision.  A certified bound that does not hold is listed with what reproduces it, and the
exit code is 1.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks import random_cases, report
from benchmarks.random_problems import _CONDITION as CONDITION
from benchmarks.random_reference import Long, refine, scale, violation
from benchmarks.random_trends import Trend, draw_trend

KINDS = (*random_cases.KINDS, "trend_filter")
MODES = ("implicit", "piggyback", "late", "frozen")
TOLERANCES = (1e-3, 1e-5, 1e-7, 1e-9)

#: Errors of a derivative below this, over its size, are rounding: no bound need be near them.
ROUNDING = 1e-11

#: Edges of the histogram of bound over truth.
EDGES = (1.0, 2.0, 5.0, 10.0, 100.0, 1e4, np.inf)

_STEPS = 3000


@dataclass
class Result:
    """A bound or an estimate beside the truth.

    Parameters
    ----------
    kind, mode, label : str
    index : int
    tol : float
    status : str
    certified : bool
    said, truth, size : float
        ``tangent_error``, the distance of J to the derivative, and the norm of the derivative.
    rounding : float
        Epsilon times the squared condition of the active columns: of systems in float64.
    """

    kind: str
    mode: str
    tol: float
    index: int
    seed: int
    label: str
    status: str
    certified: bool
    said: float
    truth: float
    size: float
    rounding: float = 0.0

    @property
    def ratio(self) -> float:
        """What was said over the truth."""
        return self.said / self.truth if self.truth > 0 else np.inf

    @property
    def above_rounding(self) -> bool:
        return self.truth > max(ROUNDING, self.rounding) * self.size

    @property
    def holds(self) -> bool:
        # The reference itself is exact to about the last bit of a float64.
        return self.truth <= self.said + 1e-15 * self.size


def run(
    count: int, seed: int = 0, start: int = 0, only: str | None = None, storages=("F",),
    kinds: Sequence[str] = KINDS,
) -> Iterator[Result]:  # fmt: skip
    """Problems in turn, one mode and one tolerance each."""
    for index in range(start, start + count):
        kind = only or kinds[index % len(kinds)]
        # All modes by all tolerances of a kind, before the next round of them.
        turn = index // len(kinds)
        mode, tol = MODES[turn % 4], TOLERANCES[(turn // 4 + index) % 4]
        found = compare(kind, mode, tol, seed, index, storages)
        if found is not None:
            yield found


def compare(kind, mode, tol, seed, index, storages=("F",)) -> Result | None:
    """One problem; None where no derivative is determined, or x is too far from the solution."""
    if kind == "trend_filter":
        return _compare_trend(draw_trend(seed, index), mode, tol, seed, index)
    case = random_cases.draw(kind, seed, index, storages)
    if case.label.count("scales") or not case.wrt:
        mode = "implicit"  # first-order methods would take for ever
    sol = _solve(case.build(case.alpha), case.wrt, mode, tol, "forward_backward")
    model, directions = case.model, _columns(case.wrt)
    x = np.asarray(sol.x, dtype=Long)
    x = np.append(x, Long(sol.intercept)) if model.intercept else x
    exact = _exact(case, x)
    with np.errstate(all="ignore"):
        reference = refine(model, exact, directions)
        left, rounding = violation(model, reference.x)
    solved = (left <= 1e-11 * scale(model) + 1e-2 * rounding).all()
    if not solved or reference.condition > CONDITION:
        return None
    wanted = np.hstack(list(reference.jacobian.values()))
    got = np.hstack([_whole(sol, name, len(x)) for name in directions]).astype(Long)
    rounding = np.finfo(float).eps * reference.condition**2
    return _result(sol, wanted, got, kind, mode, tol, seed, index, case.label, rounding)


def _compare_trend(trend: Trend, mode, tol, seed, index) -> Result | None:
    sol = _solve(trend.build(), {"alpha": None, "y": trend.V}, mode, tol, "auto")
    wanted = trend.derivative()
    if wanted is None:
        return None
    got = np.column_stack([sol.jacobian["alpha"], sol.jacobian["y"]])
    return _result(sol, wanted, got, "trend_filter", mode, tol, seed, index, trend.label, 0.0)


def _solve(problem, wrt, mode, tol, algorithm):
    import fastpiggy as fp

    options = {} if mode == "implicit" else {"algorithm": algorithm, "max_iter": _STEPS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fp.solve(problem, wrt=wrt, derivative=mode, tol=tol, **options)


def _exact(case, x):
    """The solution's active set, from a solve of its own."""
    import fastpiggy as fp

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sol = fp.solve(case.build(case.alpha), tol=1e-12, x0=np.asarray(x[: case.model.X.shape[1]],
                                                                        dtype=float))  # fmt: skip
    found = np.asarray(sol.x, dtype=Long)
    return np.append(found, Long(sol.intercept)) if case.model.intercept else found


def _columns(wrt):
    return {name: np.ones((1, 1)) if d is None else d for name, d in wrt.items()}


def _whole(sol, name, size):
    J = np.asarray(sol.jacobian[name]).reshape(len(sol.x), -1)
    if size > len(sol.x):
        J = np.vstack([J, np.reshape(sol.intercept_jacobian[name], (1, -1))])
    return J


def _result(sol, wanted, got, kind, mode, tol, seed, index, label, rounding):
    certificate = sol.certificate
    error = certificate.tangent_error
    return Result(
        kind, mode, tol, index, seed, label, str(certificate.status), certificate.certified,
        np.inf if error is None else float(error), float(np.sqrt(((got - wanted) ** 2).sum())),
        float(np.sqrt((np.asarray(wanted) ** 2).sum())), float(rounding),
    )  # fmt: skip


def summary(results: list[Result]) -> list[str]:
    """Tables in Markdown: the bounds and the estimates by kind, and the histogram."""
    rows = []
    for kind in (*KINDS, "all"):
        mine = [r for r in results if kind in (r.kind, "all")]
        bounds = [r for r in mine if r.certified]
        clear = [r for r in bounds if r.above_rounding]
        others = [r for r in mine if not r.certified and np.isfinite(r.said)]
        near = [r for r in clear if r.ratio <= 10]
        rows.append([
            kind, str(len(mine)), str(len(bounds)), str(sum(not r.holds for r in bounds)),
            str(len(clear)), _share(near, clear), _median([r.ratio for r in clear]),
            str(len(others)), _share([r for r in others if r.truth > r.said], others),
            _share([r for r in others if r.truth > 10 * r.said], others),
        ])  # fmt: skip
    head = ["", "problems", "certified", "violated", "above rounding", "within 10 times",
            "median ratio", "estimates", "too small", "10 times too small"]  # fmt: skip
    modes = []
    for mode in MODES:
        clear = [r for r in results if r.mode == mode and r.certified]
        loose = [r for r in clear if r.above_rounding]
        near = [r for r in loose if r.ratio <= 10]
        modes.append([mode, str(len(clear)), str(sum(not r.holds for r in clear)), str(len(loose)),
                      _share(near, loose), _median([r.ratio for r in loose])])  # fmt: skip
    note = (
        f"Above rounding: the true error is more than {ROUNDING:.0e} of the derivative's norm, and "
        "more than epsilon times the squared condition of the active columns; ratio: the bound "
        "over the true error of those. Estimates are what is not certified and finite. "
        "The bounds were corrected on the problems of seed 0: `--seed 1` draws others."
    )
    return [report.table(head, rows), note, report.table(["", *head[2:7]], modes),
            "Certified bounds over the true error, errors above rounding:",
            histogram(results)]  # fmt: skip


def histogram(results: list[Result]) -> str:
    """How often bound over truth falls between the edges, with bars."""
    ratios = [r.ratio for r in results if r.certified and r.above_rounding]
    counts = np.histogram(ratios, EDGES)[0]
    total = max(len(ratios), 1)
    rows = []
    for low, high, count in zip(EDGES[:-1], EDGES[1:], counts, strict=True):
        name = f"{low:g} to {high:g}" if np.isfinite(high) else f"above {low:g}"
        rows.append([name, str(count), f"{count / total:.1%}", "█" * round(40 * count / total)])
    return report.table(["bound over truth", "problems", "share", ""], rows)


def _share(part, whole):
    return f"{len(part) / len(whole):.1%}" if whole else ""


def _median(values):
    return f"{np.median(values):.2f}" if values else ""


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="number of the first problem")
    parser.add_argument("--only", choices=KINDS, help="problems of one kind")
    parser.add_argument("--quick", action="store_true", help="60 problems: does it work?")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks/ as well")
    chosen = parser.parse_args(argv)
    chosen.count = 60 if chosen.quick else chosen.count
    return chosen


def main(argv: Sequence[str] | None = None) -> int:
    """Run, report, and return the exit code."""
    chosen = options(argv)
    if np.finfo(Long).eps > 1e-18:
        print("longdouble has no more digits than float64 here: there is no reference")
        return 2
    begin, results = time.perf_counter(), []
    for found in run(chosen.count, chosen.seed, chosen.start, chosen.only):
        results.append(found)
        if chosen.count == 1 or (found.certified and not found.holds):
            print(found, flush=True)
        if len(results) % 100 == 0:
            report.progress(f"{len(results)} after {time.perf_counter() - begin:.0f} s")
    method = (
        f"{len(results)} of {chosen.count} problems have a derivative that is determined, seed "
        f"{chosen.seed}."
    )
    header = report.header("tangent_bound", chosen, method)
    report.publish("tangent_bound", chosen, [header, *summary(results)])
    return int(any(found.certified and not found.holds for found in results))


if __name__ == "__main__":
    sys.exit(main())
