"""Many targets that share X: solved in its Gram matrix, or one by one."""

import time
import warnings
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastpiggy.certificate import FastpiggyWarning, Status
from fastpiggy.problems import Problem, checks
from fastpiggy.solving.shared_gram import SharedGram, SharedSpectrum, shared
from fastpiggy.solving.threads import at_once

#: Numbers in the arrays of a block of targets, and targets in it.
_NUMBERS, _MOST = 2**22, 256


@dataclass(frozen=True, eq=False)
class TargetSolutions:
    """What :func:`fastpiggy.solve_many` found for many targets on one X, an entry or row each.

    Parameters
    ----------
    alphas : ndarray of shape (q,) or None
        The alpha of each target; None where the penalty has none.
    coefficients : scipy.sparse.csr_array of shape (q, p)
        Predictions are ``X @ coefficients.T + intercepts``.
    intercepts : ndarray of shape (q,)
    jacobian : dict of str to scipy.sparse.csr_array of shape (q, p)
        Derivatives of the coefficients, by parameter.
    intercept_jacobian : dict of str to ndarray of shape (q,)
    statuses : ndarray of shape (q,), str
        The values of :class:`fastpiggy.Status`.
    optimality : ndarray of shape (q,)
        As in a :class:`fastpiggy.Certificate`.
    seconds : float
        What the call took.
    """

    alphas: np.ndarray | None
    coefficients: Any
    intercepts: np.ndarray
    jacobian: dict[str, Any]
    intercept_jacobian: dict[str, np.ndarray]
    statuses: np.ndarray
    optimality: np.ndarray
    seconds: float

    def __len__(self) -> int:
        return self.intercepts.size

    def __repr__(self) -> str:
        names, counts = np.unique(self.statuses, return_counts=True)
        said = ", ".join(f"{count} {name}" for name, count in zip(names, counts, strict=True))
        return f"<TargetSolutions of {len(self)} targets in {self.seconds:.3g} s: {said}>"


def solve_targets(
    problem: Any, Y: Any, wrt: Any, alpha: Any, tol: float, n_jobs: int
) -> TargetSolutions:
    """See :func:`fastpiggy.solve_many`; `tol` and `n_jobs` have been checked."""
    begin = time.perf_counter()
    names = _checked(problem, wrt)
    Y = checks.targets(Y, problem.shape[0])
    q = Y.shape[1]
    alphas = _alphas(problem, alpha, q)
    p, common = problem.shape[1], None if alphas is None else shared(problem, q, tol)
    size = int(max(1, min(_MOST, -(-q // n_jobs), _NUMBERS // ((2 + len(names)) * p))))
    starts = list(range(0, q, size))

    def block(first: int) -> _Rows:
        rows = slice(first, min(first + size, q))
        part = None if alphas is None else alphas[rows]
        return _solve_block(problem, common, Y[:, rows], part, names, tol)

    parts = at_once(block, [starts], n_jobs)
    result = _joined(parts, alphas, names, time.perf_counter() - begin)
    _warn(result)
    return result


def _checked(problem: Any, wrt: Any) -> list[str]:
    """The names of what is to be differentiated by, all of them numbers."""
    if not isinstance(problem, Problem) or not {"y", "sample_weight"} <= set(problem.loss._fields):
        raise TypeError(
            "Y is for a problem with rows and targets, as those of fastpiggy.lasso and its like, "
            f"got {type(problem).__name__}"
        )
    if problem.classes is not None:
        raise ValueError(
            "problem must have numbers as targets, got one with labels; hand in a list of problems"
        )
    names = [] if wrt is None else [wrt] if isinstance(wrt, str) else wrt
    if not isinstance(names, Iterable) or hasattr(names, "keys"):
        raise TypeError(f"wrt must be a name or names where Y is given, got {wrt!r}")
    names, known = list(dict.fromkeys(names)), problem.parameters
    numbers = [name for name, value in known.items() if np.ndim(value) == 0]
    for name in names:
        if name not in numbers:
            raise ValueError(
                f"wrt must name numbers of the problem ({', '.join(map(repr, numbers))}) where Y "
                f"is given, got {name!r}; for others hand in a list of problems"
            )
    return names


def _alphas(problem: Any, alpha: Any, q: int) -> np.ndarray | None:
    """One alpha a target."""
    if alpha is None:
        own = problem.parameters.get("alpha")
        return np.full(q, float(own)) if np.ndim(own) == 0 and own is not None else None
    if np.ndim(problem.parameters.get("alpha")) != 0 or "alpha" not in problem.parameters:
        raise ValueError("alpha must be None: the penalty has no alpha that is a number")
    found = checks.array(alpha, "alpha")
    if found.shape not in ((), (q,)):
        raise ValueError(f"alpha must be a number or have shape ({q},), got {found.shape}")
    wrong = np.flatnonzero(~((found >= 0.0) & (found < np.inf)))
    if wrong.size:
        at = "" if found.shape == () else f" for target {wrong[0]}"
        value = found if found.shape == () else found[wrong[0]]
        raise ValueError(f"alpha must be finite and not negative, got {value}{at}")
    return np.broadcast_to(found, (q,)).astype(float)


@dataclass
class _Rows:
    """The answers for a block of targets."""

    coefficients: Any
    intercepts: np.ndarray
    jacobian: dict[str, Any]
    intercept_jacobian: dict[str, np.ndarray]
    statuses: np.ndarray
    optimality: np.ndarray


def _solve_block(
    problem: Any, common: SharedGram | SharedSpectrum | None, Y: np.ndarray,
    alphas: np.ndarray | None, names: list[str], tol: float,
) -> _Rows:  # fmt: skip
    from scipy.sparse import csr_array

    count, p, m = Y.shape[1], problem.shape[1], len(names)
    statuses = np.full(count, str(Status.CONVERGED), dtype="<U24")
    if common is not None and alphas is not None:
        x, intercepts, J, along, optimality, good = common.solve(Y, alphas, names)
    else:
        x, J, along = np.zeros((count, p)), np.zeros((count, m, p)), np.zeros((count, m))
        intercepts, optimality, good = np.zeros(count), np.zeros(count), np.zeros(count, dtype=bool)
    left = np.flatnonzero(~good)
    for t, sol in zip(left, _alone(problem, Y[:, left], alphas, left, names, tol), strict=True):
        x[t], intercepts[t] = sol.x, sol.intercept
        for k, name in enumerate(names):
            J[t, k], along[t, k] = sol.jacobian[name], sol.intercept_jacobian[name]
        statuses[t] = str(sol.certificate.status)
        optimality[t] = sol.certificate.optimality
    return _Rows(
        csr_array(x), intercepts, {name: csr_array(J[:, k]) for k, name in enumerate(names)},
        {name: along[:, k] for k, name in enumerate(names)}, statuses, optimality,
    )  # fmt: skip


def _alone(
    problem: Any, Y: np.ndarray, alphas: np.ndarray | None, which: np.ndarray, names: list[str],
    tol: float,
) -> Any:  # fmt: skip
    """Solutions of separate problems."""
    from fastpiggy.solving.many import solve_many

    problems = [problem.replace(y=y) for y in Y.T]
    if alphas is not None:
        pairs = zip(problems, alphas[which].tolist(), strict=True)
        problems = [one.replace(alpha=alpha) for one, alpha in pairs]
    with warnings.catch_warnings():
        # They are counted at the end.
        warnings.simplefilter("ignore", FastpiggyWarning)
        return solve_many(problems, wrt=names or None, tol=tol)


def _joined(
    parts: list[_Rows], alphas: np.ndarray | None, names: list[str], seconds: float
) -> TargetSolutions:
    from scipy.sparse import vstack

    def rows(what: list[Any]) -> np.ndarray:
        return np.concatenate(what)

    return TargetSolutions(
        alphas, vstack([part.coefficients for part in parts], format="csr"),
        rows([part.intercepts for part in parts]),
        {name: vstack([part.jacobian[name] for part in parts], format="csr") for name in names},
        {name: rows([part.intercept_jacobian[name] for part in parts]) for name in names},
        rows([part.statuses for part in parts]), rows([part.optimality for part in parts]),
        seconds,
    )  # fmt: skip


def _warn(result: TargetSolutions) -> None:
    other = np.flatnonzero(result.statuses != Status.CONVERGED)
    if not other.size:
        return
    counts = Counter(result.statuses[other].tolist()).most_common()
    said = ", ".join(
        f"{count} {name} (first target {np.flatnonzero(result.statuses == name)[0]})"
        for name, count in counts
    )
    verb = "has" if other.size == 1 else "have"
    warnings.warn(
        f"{other.size} of {len(result)} targets {verb} another status than converged: {said}; "
        "fastpiggy.solve of problem.replace(y=Y[:, t], alpha=...) has a certificate whose message "
        "says what to do next",
        FastpiggyWarning, stacklevel=4,
    )  # fmt: skip
