"""Trend filters with their derivative: total variation and piecewise lines beside code by hand.

By hand: the fastest proximal operator of total variation at hand (``prox_tv`` or ``condat_tv``
where installed, else Condat's algorithm as this package compiles it), and the closed form of the
derivative on the segments.  First-order trends: the specialised ADMM of Ramdas and Tibshirani
(2016), a banded solve and that operator in turns, stopped at the loosest tolerance at which the
derivative of the closed form on its knots is right to 1e-4.  Neither is certified.  The second
table solves over eight decades of alpha and says what the certificate reached.
"""

from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
from scipy.linalg import cho_solve_banded, cholesky_banded, solveh_banded

from benchmarks import report
from benchmarks.common import relative
from benchmarks.timing import interleaved, ratio

GOAL = 1e-4


def signal(n: int) -> np.ndarray:
    """A wave, eight corners, and noise."""
    t = np.arange(n)
    corners = np.abs(t % (n // 8) - n / 16) / (n / 16)
    return np.sin(12 * t / n) + corners + 0.3 * np.random.default_rng(0).standard_normal(n)


def denoiser() -> tuple[str, Callable[[np.ndarray, float], np.ndarray]]:
    """The proximal operator of total variation, and where it is from."""
    try:
        from prox_tv import tv1_1d

        return "prox_tv", tv1_1d
    except ImportError:
        pass
    try:
        from condat_tv import tv_denoise

        return "condat_tv", tv_denoise
    except ImportError:
        from fastpiggy.compile import kernel
        from fastpiggy.penalties.total_variation import _denoise

        @kernel
        def denoise(y, t, x):  # type: ignore[no-untyped-def]
            _denoise(y, t, x)

        def by_condat(y: np.ndarray, alpha: float) -> np.ndarray:
            x = np.empty_like(y)
            denoise(y, alpha, x)
            return x

        return "Condat's algorithm, compiled here", by_condat


def slope_on_segments(x: np.ndarray) -> np.ndarray:
    """The derivative along alpha of total variation: ``(s_right - s_left) / n_b``."""
    jump = np.diff(x)
    at = np.flatnonzero(jump)
    sizes = np.diff(np.concatenate([[0], at + 1, [x.size]]))
    return np.repeat(np.diff(np.sign(jump[at]), prepend=0, append=0) / sizes, sizes)


def slope_on_lines(knots: np.ndarray, signs: np.ndarray, n: int) -> np.ndarray:
    """The same of piecewise lines, on the hat functions of their knots."""
    z = np.concatenate([[0], knots + 1, [n - 1]])
    t = np.arange(n)
    cell = np.clip(np.searchsorted(z, t, side="right") - 1, 0, z.size - 2)
    h = np.diff(z).astype(float)
    right = (t - z[cell]) / h[cell]
    left = 1.0 - right
    bands = np.zeros((2, z.size))
    bands[1] = np.bincount(cell, left * left, z.size) + np.bincount(cell + 1, right * right, z.size)
    bands[0, 1:] = np.bincount(cell, left * right, z.size)[: z.size - 1]
    slope = np.zeros(z.size)  # (D_K N)'s: minus that is the right-hand side
    np.add.at(slope, np.arange(knots.size), signs / h[:-1])
    np.add.at(slope, np.arange(knots.size) + 1, -signs * (1 / h[:-1] + 1 / h[1:]))
    np.add.at(slope, np.arange(knots.size) + 2, signs / h[1:])
    c = solveh_banded(bands, -slope)
    return left * c[cell] + right * c[cell + 1]


def specialised_admm(
    y: np.ndarray, alpha: float, tol: float, denoise: Callable[[np.ndarray, float], np.ndarray]
) -> np.ndarray:
    """``z = prox of total variation at D x + u``, x by a banded solve: rho = alpha as they have.

    Returns the derivative along alpha, from the jumps of z.
    """
    n = y.size
    bands = np.zeros((2, n))
    bands[1, 1:-1], bands[1, [0, -1]], bands[0, 1:] = 1 + 2 * alpha, 1 + alpha, -alpha
    factor = cholesky_banded(bands)
    x, u = y.copy(), np.zeros(n - 1)
    z = np.diff(x)
    for _ in range(20_000):
        before = z
        z = denoise(np.diff(x) + u, 1.0)
        pull = np.zeros(n)
        pull[1:] += z - u
        pull[:-1] -= z - u
        x = cho_solve_banded((factor, False), y + alpha * pull, check_finite=False)
        r = np.diff(x) - z
        u = u + r
        size = max(np.linalg.norm(z), 1e-300)
        if np.linalg.norm(r) <= tol * size and np.linalg.norm(z - before) <= tol * size:
            break
    knots = np.flatnonzero(np.diff(z))
    return slope_on_lines(knots, np.sign(np.diff(z)[knots]), n)


def loosest(y: np.ndarray, alpha: float, exact: np.ndarray, denoise: Any) -> float:
    """The tolerance for :func:`specialised_admm`; NaN where none gives the derivative."""
    for tol in 10.0 ** -np.arange(2.0, 10.0):
        if relative(specialised_admm(y, alpha, tol, denoise), exact) <= GOAL:
            return float(tol)
    return float("nan")


def beside(degree: int, n: int, alpha: float, rounds: int, denoise: Any) -> list[str]:
    """The line of the first table for one case."""
    import fastpiggy as fp

    y = signal(n)
    sol = fp.solve(fp.trend_filter(y, alpha, degree), wrt="alpha")
    J, tol = sol.jacobian["alpha"], 0.0
    if degree == 0:
        error = relative(slope_on_segments(denoise(y, alpha)), J)
    else:
        tol = loosest(y, alpha, J, denoise)
        error = relative(specialised_admm(y, alpha, tol or 1e-9, denoise), J)
    calls: dict[str, Callable[[], object]] = {
        "by hand": (
            (lambda: slope_on_segments(denoise(y, alpha)))
            if degree == 0
            else (lambda: specialised_admm(y, alpha, tol, denoise))
        ),
        "fastpiggy": lambda: fp.solve(fp.trend_filter(y, alpha, degree), wrt="alpha"),
    }
    seconds = interleaved(calls, rounds)
    return [
        f"degree {degree}, n = {n}, alpha = {alpha:g}", report.number(sol.degrees_of_freedom),
        *(report.number(1e3 * median(s)) for s in seconds.values()),
        report.number(ratio(seconds["fastpiggy"], seconds["by hand"])), f"{error:.0e}",
    ]  # fmt: skip


def iterations(rounds: int) -> list[str]:
    """One tangent against none in ADMM, second differences."""
    from benchmarks.trend_blocks import admm_setting

    held = {str(m): admm_setting(10_000, m) for m in (0, 1)}
    calls = {m: lambda one=one: one.run(50) for m, one in held.items()}
    seconds = interleaved(calls, rounds)
    return [
        "ADMM, degree 1, n = 10000: an iteration with one tangent over one without",
        report.number(ratio(seconds["1"], seconds["0"])),
    ]


def lengths(rounds: int, long: int = 1_000_000, short: int = 10_000) -> list[str]:
    """How total variation grows with the signal; a hundred times is linear."""
    import fastpiggy as fp

    signals = {str(n): signal(n) for n in (short, long)}
    calls = {
        n: lambda y=y: fp.solve(fp.trend_filter(y, 3.0, 0), wrt="alpha") for n, y in signals.items()
    }
    seconds = interleaved(calls, rounds)
    return [
        f"degree 0, alpha = 3: n = {long} over n = {short}, with the derivative",
        report.number(ratio(seconds[str(long)], seconds[str(short)])),
    ]


def decades(degree: int, n: int, share: float) -> list[str]:
    """The line of the second table for one case."""
    import time
    import warnings

    import fastpiggy as fp

    problem = fp.trend_filter(signal(n), 1.0, degree)
    problem = problem.replace(alpha=share * problem.alpha_max())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FastpiggyWarning)  # the column says it
        for _ in range(2):  # the first may compile
            begin = time.process_time()
            sol = fp.solve(problem, wrt="alpha")
            seconds = time.process_time() - begin
    certificate = sol.certificate
    return [
        f"degree {degree}, n = {n}, {share:.0e}", report.number(sol.degrees_of_freedom or 0),
        report.number(1e3 * seconds), f"{certificate.optimality:.0e}", f"{certificate.floor:.0e}",
        f"{certificate.tangent_error:.0e}", str(certificate.status),
    ]  # fmt: skip


BESIDE = (
    "case", "degrees of freedom", "by hand, ms", "fastpiggy, ms", "fastpiggy over by hand",
    "error by hand",
)  # fmt: skip
DECADES = (
    "case, alpha over alpha_max", "degrees of freedom", "ms", "optimality", "rounding",
    "bound of the derivative's error", "status",
)  # fmt: skip


def main(argv: list[str] | None = None) -> None:
    chosen = report.options(__doc__, argv)
    rounds = 3 if chosen.quick else 9
    name, denoise = denoiser()
    cases = [(0, 1000, 3.0), (0, 10_000, 3.0), (1, 1000, 10.0), (1, 10_000, 10.0)]
    rows = []
    for case in cases[::2] if chosen.quick else cases:
        report.progress(f"degree {case[0]}, n = {case[1]}")
        rows.append(beside(*case, rounds, denoise))
    sizes = (1000,) if chosen.quick else (1000, 10_000, 100_000)
    shares = (1e-8, 1e-4, 1.0) if chosen.quick else tuple(10.0 ** np.arange(-8, 1))
    lines = []
    for degree in range(4):
        for n in sizes:
            report.progress(f"eight decades, degree {degree}, n = {n}")
            lines += [decades(degree, n, share) for share in shares]
    method = f"By hand with {name}; medians of {rounds} interleaved runs in one process."
    parts = [report.header("trend", chosen, method), report.table(BESIDE, rows)]
    longest = 100_000 if chosen.quick else 1_000_000
    parts.append(report.table(("", "ratio"), [iterations(rounds), lengths(rounds, longest)]))
    parts.append(report.table(DECADES, lines))
    report.publish("trend", chosen, parts)


if __name__ == "__main__":
    main()
