"""Solve random problems of all kinds and check every result that calls itself converged.

A `converged` result must satisfy the optimality conditions of its objective to 1e-8, and its
derivatives must equal those of a reference in extended precision (``random_reference``) to 1e-6.
Anything else, and any exception, is listed with what reproduces it, and the exit code is 1.
"""

import argparse
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks import report
from benchmarks.random_cases import KINDS, Case, draw
from benchmarks.random_data import STORAGES
from benchmarks.random_reference import Long, refine, scale, violation

#: Of the optimality, over the problem's scale, and of the derivative, over its size or 1.
OPTIMALITY, DERIVATIVE = 1e-8, 1e-6

#: What float64 coefficients may leave beside: this times the rounding of the sums in a gradient.
ROUNDING = 4.0

#: Active columns, scaled to length one, beyond this condition determine no derivative in float64.
_CONDITION = 1e10


@dataclass
class Result:
    """What became of one problem.

    Parameters
    ----------
    kind, label, storage, seed, index
        Of the problem.
    status : str
        Of the certificate, or ``"exception"``.
    seconds : float
        Of the solve itself.
    optimality, rounding : float
        The largest violation over the scale, as the reference sees it, and what of it rounding
        explains.
    derivative, scaled : float
        Error of the derivative over its size or 1, and over its size in units of the columns.
    faults : list of str
    """

    kind: str
    label: str
    storage: str
    seed: int
    index: int
    status: str = "exception"
    seconds: float = 0.0
    optimality: float = 0.0
    rounding: float = 0.0
    derivative: float = 0.0
    scaled: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def command(self) -> str:
        """Solves this problem alone."""
        where = f"--storage {self.storage} --seed {self.seed} --start {self.index} --count 1"
        return f"python -m benchmarks.random_problems --only {self.kind} {where}"


def check(kind: str, seed: int, index: int, storages: Sequence[str] = STORAGES) -> Result:
    """Draw a problem, solve it, and hold the result against the reference."""
    case = draw(kind, seed, index, storages)
    result = Result(kind, case.label, case.storage, seed, index)
    try:
        sol = _solve(case, result)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{where.filename.rsplit('/', 1)[-1]}:{where.lineno}"
        result.faults.append(f"{type(error).__name__}: {str(error)[:200]} ({place})")
        return result
    result.status = str(sol.certificate.status)
    if not np.all(np.isfinite(sol.x)):
        result.faults.append("coefficients are not finite")
    elif result.status == "converged":
        with np.errstate(all="ignore"):
            _compare(case, sol, result)
    return result


def _solve(case: Case, result: Result):
    import fastpiggy as fp

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", fp.FastpiggyWarning)
        x0 = None if case.start is None else fp.solve(case.build(case.start))
        begin = time.perf_counter()
        sol = fp.solve(case.build(case.alpha), wrt=case.wrt, x0=x0)
        result.seconds = time.perf_counter() - begin
    for one in told:
        place = f"{one.filename.rsplit('/', 1)[-1]}:{one.lineno}"
        result.faults.append(f"{one.category.__name__}: {str(one.message)[:200]} ({place})")
    return sol


def _compare(case: Case, sol, result: Result) -> None:
    model = case.model
    x = np.asarray(sol.x, dtype=Long)
    if model.intercept:
        x = np.append(x, Long(sol.intercept))
    unit = scale(model)
    found, rounding = violation(model, x)
    result.optimality = float(found.max() / unit)
    excess = (found - ROUNDING * rounding) / unit
    result.rounding = float((ROUNDING * rounding / unit)[np.argmax(found)])
    if excess.max() > OPTIMALITY:
        j = int(np.argmax(excess))
        result.faults.append(
            f"optimality {found[j] / unit:.1e} at coordinate {j}, where rounding leaves "
            f"{rounding[j] / unit:.1e} (the certificate says {sol.certificate.optimality:.1e}, "
            f"rounding {sol.certificate.floor:.1e})"
        )
    directions = {name: np.ones((1, 1)) if d is None else d for name, d in case.wrt.items()}
    reference = refine(model, x, directions)
    if reference.condition > _CONDITION:
        result.faults.append(
            f"the solution is not determined: on its active set, where the reference refined it, "
            f"columns have the condition {reference.condition:.1e} (the certificate says the "
            f"derivative is within {sol.certificate.tangent_error or 0:.1e})"
        )
        return
    left, rounding = violation(model, reference.x)
    # The reference's own rounding is in longdouble: far below.
    if not (left <= 1e-11 * unit + 1e-2 * rounding).all():
        j = int(np.argmax(left - 1e-2 * rounding))
        result.faults.append(
            f"the active set is not that of a solution: where it is refined coordinate {j} is off "
            f"by {left[j] / unit:.1e} (Newton step {reference.change:.0e}, condition "
            f"{reference.condition:.0e})"
        )
        return
    _compare_derivatives(case, sol, reference, result)


def _compare_derivatives(case: Case, sol, reference, result: Result) -> None:
    p = len(sol.x)
    size = np.sqrt(np.asarray(1 / case.model.steps(), dtype=float))
    size = np.append(size, np.ones(len(reference.x) - p))
    wanted = {name: np.asarray(J, dtype=float) for name, J in reference.jacobian.items()}
    got = {name: _whole(sol, name, len(reference.x)) for name in wanted}
    total = max(1.0, float(np.linalg.norm(np.hstack(list(wanted.values())))))
    owns = {name: float(np.linalg.norm(size[:, None] * J)) for name, J in wanted.items()}
    # What a derivative is small against: one of 0, as for a constant y, is only rounding.
    unit = dict.fromkeys(wanted, max(owns.values()))
    if case.alpha > 0:
        unit["alpha"] = float(np.linalg.norm(size * np.asarray(reference.x, float))) / case.alpha
    names = {}
    for name, J in wanted.items():
        gap = got[name] - J
        names[name] = float(np.linalg.norm(gap)) / total
        own = max(owns[name], 1e-9 * unit[name])
        if own > 0:
            error = float(np.linalg.norm(size[:, None] * gap)) / own
            result.scaled = max(result.scaled, error)
    worst = max(names, key=names.get)
    result.derivative = float(np.linalg.norm(list(names.values())))
    if not result.derivative <= DERIVATIVE:
        error = sol.certificate.tangent_error
        result.faults.append(
            f"derivative error {result.derivative:.1e} (most by {worst}; the certificate says "
            f"{error / total:.1e}, condition {reference.condition:.0e})"
        )
    _compare_products(sol, wanted, total, case, result)


def _whole(sol, name: str, size: int) -> np.ndarray:
    J = np.asarray(sol.jacobian[name]).reshape(len(sol.x), -1)
    if size > len(sol.x):
        J = np.vstack([J, np.reshape(sol.intercept_jacobian[name], (1, -1))])
    return J


def _compare_products(sol, wanted: dict, total: float, case: Case, result: Result) -> None:
    """The adjoint: products with the transposed Jacobian."""
    v = np.random.default_rng(result.index).standard_normal(len(next(iter(wanted.values()))))
    p = len(sol.x)
    b = float(v[p]) if len(v) > p else 0.0
    found = sol.vjp(v[:p], b, wrt=list(wanted))
    for name, J in wanted.items():
        d = case.wrt[name]
        got = np.reshape(found[name], -1) if d is None else found[name] @ d
        error = float(np.linalg.norm(got - v @ J)) / (total * float(np.linalg.norm(v)))
        if not error <= DERIVATIVE:
            result.faults.append(f"vjp error {error:.1e} in {name}")


def run(
    count: int, seed: int = 0, start: int = 0, only: str | None = None, seconds: float = np.inf,
    tell: Callable[[Result], None] = lambda result: None, storages: Sequence[str] = STORAGES,
) -> Iterator[Result]:  # fmt: skip
    """Check problems in turn until there are `count`, or the seconds are over."""
    begin = time.perf_counter()
    for index in range(start, start + count):
        if time.perf_counter() - begin > seconds:
            return
        result = check(only or KINDS[index % len(KINDS)], seed, index, storages)
        tell(result)
        yield result


def summary(results: list[Result]) -> list[str]:
    """Tables in Markdown: statuses by kind, the largest errors, the slowest, what went wrong."""
    statuses = Counter(result.status for result in results)
    order = [status for status, _ in statuses.most_common()]
    rows = []
    for kind in KINDS:
        mine = [result for result in results if result.kind == kind]
        if not mine:
            continue
        good = [result for result in mine if result.status == "converged"]
        counts = Counter(result.status for result in mine)
        rows.append([
            kind, str(len(mine)), *(str(counts[status]) for status in order),
            *(f"{max((getattr(r, name) for r in good), default=0.0):.0e}"
              for name in ("optimality", "derivative", "scaled")),
            str(sum(len(result.faults) for result in mine)),
        ])  # fmt: skip
    total = [str(statuses[status]) for status in order]
    rows.append(["all", str(len(results)), *total, "", "", "",
                 str(sum(len(result.faults) for result in results))])  # fmt: skip
    head = ["", "problems", *order, "optimality", "derivative", "by column", "faults"]
    beyond = sum(result.optimality > OPTIMALITY for result in results)
    scaled = sum(result.scaled > DERIVATIVE for result in results)
    note = (
        "Optimality and derivative: the largest of the converged results, derivative over the "
        "larger of its norm and 1; by column: each parameter's alone, rows in units of their "
        f"columns. {beyond} converged results have an optimality above {OPTIMALITY:.0e}, all but "
        f"the faults within the rounding of float64 coefficients; {scaled} have a derivative that "
        f"is off by more than {DERIVATIVE:.0e} by column."
    )
    slow = sorted(results, key=lambda result: -result.seconds)[:10]
    slowest = [[r.kind, f"{r.seconds:.2f}", str(r.index), r.status, r.label] for r in slow]
    return [
        report.table(head, rows),
        note,
        "The slowest, compiling included:",
        report.table(["kind", "seconds", "number", "status", "problem"], slowest),
    ]


def options(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="number of the first problem")
    parser.add_argument("--seconds", type=float, default=np.inf, help="stop after so many")
    parser.add_argument("--only", choices=KINDS, help="problems of one kind")
    parser.add_argument("--storage", choices=STORAGES, help="X in one storage")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks/ as well")
    chosen = parser.parse_args(argv)
    chosen.quick = False
    return chosen


def main(argv: Sequence[str] | None = None) -> int:
    """Run, report, and return the exit code."""
    chosen = options(argv)
    if np.finfo(Long).eps > 1e-18:
        print("longdouble has no more digits than float64 here: there is no reference")
        return 2

    def tell(result: Result) -> None:
        if chosen.count == 1:
            print(result)
        for fault in result.faults:
            about = f"    {result.label}\n    {result.command}"
            print(f"{result.kind} {result.index}: {fault}\n{about}", flush=True)

    storages = (chosen.storage,) if chosen.storage else STORAGES
    asked = chosen.count, chosen.seed, chosen.start, chosen.only, chosen.seconds
    results = list(run(*asked, tell, storages))
    if not results:
        return 0
    method = f"{len(results)} problems, seed {chosen.seed}, from number {chosen.start}."
    header = report.header("random_problems", chosen, method)
    report.publish("random_problems", chosen, [header, *summary(results)])
    return int(any(result.faults for result in results))


if __name__ == "__main__":
    sys.exit(main())
