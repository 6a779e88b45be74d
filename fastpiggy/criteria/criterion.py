"""What all criteria share: parts that are solved and judged, and the mean of what they say."""

import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from fastpiggy.certificate import FastpiggyWarning
from fastpiggy.criteria.evaluation import Evaluation
from fastpiggy.problems import checks


class Part(Protocol):
    """A problem to solve, and a number of its solution: what a criterion takes the mean of."""

    def evaluate(
        self, params: dict[str, Any], names: tuple[str, ...], warm: Any, tol: float
    ) -> tuple[float, dict[str, Any], Any]:
        """The number at some parameters, its gradient by the names given, and the solution.

        `warm` is the last solution of this part, or coefficients to start from, or None.
        """


class Criterion:
    """The mean over its :attr:`parts` of a number of the solution, with its gradient.

    Parameters
    ----------
    problem : problem
        Has ``parameters``, ``replace`` and, unless alpha is all there is to tune,
        ``hyperparameters``.
    tol : float
        Of the solves.
    n_jobs : int
        Threads over the parts.
    """

    #: Whether the criterion jumps where the active set changes: its slope then says nothing.
    jumps = False

    def __init__(self, problem: Any, tol: float, n_jobs: int = 1) -> None:
        self.problem = problem
        self.tol = checks.number(tol, "tol", open_low=True)
        if isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs < 1:
            raise ValueError(f"n_jobs must be a positive integer, got {n_jobs!r}")
        self.n_jobs = n_jobs
        self.warm: list[Any] = []

    @cached_property
    def hyperparameters(self) -> tuple[str, ...]:
        """What the gradient is with respect to: the parameters of the penalty."""
        problem = self.problem
        if not hasattr(problem, "block_of"):
            return tuple(getattr(problem, "hyperparameters", ("alpha",)))
        return tuple(name for name in problem.parameters if problem.block_of(name) == "penalty")

    @property
    def parts(self) -> list[Any]:
        """What is solved, each a ``Part``."""
        raise NotImplementedError

    def evaluate(self, **params: Any) -> Evaluation:
        """Value and gradient at some hyperparameters; those not named stay as in the problem.

        Every solve starts from the last one of its part.

        Parameters
        ----------
        **params
            Values by name, such as ``alpha=0.05``.

        Returns
        -------
        Evaluation

        Raises
        ------
        ValueError
            For names or values that are not allowed.

        Warns
        -----
        FastpiggyWarning
            If a part did not converge, or stands on a kink.
        """
        found = self.evaluate_quietly(**params)
        if found.troubled:
            warnings.warn(trouble(found), FastpiggyWarning, stacklevel=2)
        return found

    def evaluate_quietly(self, **params: Any) -> Evaluation:
        """:meth:`evaluate` without its warning; the statuses are in the result."""
        return self.along(params, self.hyperparameters)

    def along(self, params: dict[str, Any], names: tuple[str, ...]) -> Evaluation:
        """:meth:`evaluate_quietly` with the gradient by some names only."""
        begin = time.perf_counter()
        self.problem.replace(**params)
        parts = self.parts
        warm = self.warm or [None] * len(parts)

        def run(k: int) -> tuple[float, dict[str, Any], Any]:
            return parts[k].evaluate(params, names, warm[k], self.tol)

        with warnings.catch_warnings():
            # Told once for all parts, by `evaluate`, or by the search for the point it takes.
            warnings.simplefilter("ignore", FastpiggyWarning)
            if self.n_jobs == 1 or len(parts) == 1:
                results = [run(k) for k in range(len(parts))]
            else:
                with ThreadPoolExecutor(min(self.n_jobs, len(parts))) as pool:
                    results = list(pool.map(run, range(len(parts))))
        self.warm = [solution for _, _, solution in results]
        values = np.array([value for value, _, _ in results])
        gradients = {
            name: np.array([gradient[name] for _, gradient, _ in results]) for name in names
        }
        mean = {name: _plain(found.mean(axis=0)) for name, found in gradients.items()}
        return Evaluation(
            params, float(values.mean()), mean, values, gradients, tuple(self.warm),
            time.perf_counter() - begin,
        )  # fmt: skip


def _plain(value: Any) -> Any:
    """A float where there is one number, else the array."""
    return float(value) if np.ndim(value) == 0 else value


def trouble(found: Evaluation) -> str:
    """What went wrong in an evaluation, in a sentence."""
    statuses = ", ".join(sorted(set(found.troubled)))
    return (
        f"{len(found.troubled)} of {found.solves} solves at {found!r} ended as {statuses}: "
        "value or gradient may be off; see .solutions[k].certificate.message"
    )
