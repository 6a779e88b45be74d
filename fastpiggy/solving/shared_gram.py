"""What many targets on one X share: its Gram matrix, or its spectrum for ridge regression."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fastpiggy.active_set import shared_gram as loop
from fastpiggy.active_set.work import Work
from fastpiggy.designs import matrix
from fastpiggy.losses import LeastSquares
from fastpiggy.penalties import SquaredL2
from fastpiggy.solving import exact
from fastpiggy.solving.found import ALONG
from fastpiggy.solving.solutions import clean

#: Bytes that the Gram matrix may take, and columns for each target up to which it is worth making:
#: a pass over X, of which a target alone takes three, costs as much as fifty columns of it.
LARGEST, WORTH = 2**30, 50

#: Columns of a working set at the most; a target that needs more is solved alone.
ROOM = 2048


class Answers(NamedTuple):
    """For a block of targets, an entry or row each.

    Parameters
    ----------
    x, intercepts : ndarray of shape (count, p), (count,)
    J, along : ndarray of shape (count, m, p), (count, m)
        Their derivatives.
    optimality : ndarray of shape (count,)
    good : ndarray of shape (count,), bool
        Which of them are certified.
    """

    x: np.ndarray
    intercepts: np.ndarray
    J: np.ndarray
    along: np.ndarray
    optimality: np.ndarray
    good: np.ndarray


def shared(problem: Any, q: int, tol: float) -> "SharedGram | SharedSpectrum | None":
    """What q targets of a problem share; None where each is better solved alone."""
    p = problem.shape[1]
    if problem.total_weight is None or 8 * p * min(problem.shape) > LARGEST or p > WORTH * q:
        return None
    if type(problem.loss) is LeastSquares and type(problem.penalty) is SquaredL2:
        return SharedSpectrum(problem, tol)
    if 8 * p * p <= LARGEST and exact.applies(problem.replace(alpha=1.0)):
        return SharedGram(problem, tol)
    return None


class _Shared:
    def __init__(self, problem: Any, tol: float) -> None:
        self.problem, self.tol = problem, tol
        self.means = np.zeros(problem.shape[1])
        if problem.fit_intercept:
            s = problem.loss.sample_weight
            self.means = matrix.scatter(problem.design, s) / s.sum()

    def targets(self, Y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Targets less their means, where there is an intercept, and these."""
        s, means = self.problem.loss.sample_weight, np.zeros(Y.shape[1])
        if self.problem.fit_intercept:
            means = s @ Y / s.sum()
        return Y - means, means

    def products(self, Y: np.ndarray) -> np.ndarray:
        """Of the centred columns with centred targets, of shape (count, p)."""
        tails = self.problem.loss.sample_weight[:, None] * Y
        found = matrix.scatter(self.problem.design, tails)
        found -= np.multiply.outer(self.means, tails.sum(axis=0))
        return np.ascontiguousarray(found.T)

    def _answers(
        self, x: np.ndarray, means: np.ndarray, J: np.ndarray, optimality: np.ndarray,
        good: np.ndarray,
    ) -> Answers:  # fmt: skip
        return Answers(x, means - x @ self.means, J, 0.0 - J @ self.means, optimality, good)


class SharedGram(_Shared):
    """The Gram matrix of X, for Lassos and elastic nets: see :mod:`fastpiggy.active_set`.

    Parameters
    ----------
    problem : Problem
    tol : float
    """

    def __init__(self, problem: Any, tol: float) -> None:
        super().__init__(problem, tol)
        found = gram(problem.design, problem.loss.sample_weight, self.means)
        self.common = loop.Common(found, problem.penalty.thresholds(), problem.shape[0])
        self._free: list[Work] = []

    def solve(self, Y: np.ndarray, alphas: np.ndarray, names: list[str]) -> Answers:
        """Solve and differentiate for a block of targets."""
        p, count = self.means.size, alphas.size
        Y, means = self.targets(Y)
        ratio = getattr(self.problem.penalty, "l1_ratio", 1.0)
        moves = np.zeros((2, count, len(names)))
        for k, name in enumerate(names):
            moves[0, :, k], moves[1, :, k] = ALONG[name](_Alphas(alphas, ratio), 1.0)
        block = loop.Block(self.products(Y), alphas, alphas * (1.0 - ratio), *moves)
        out = loop.Outcome(
            np.zeros((count, p)), np.zeros((count, len(names), p)),
            np.zeros(count, dtype=np.int64), np.zeros((count, 8)),
        )  # fmt: skip
        try:
            work = self._free.pop()
        except IndexError:
            work = Work.of(0, p, min(p, ROOM))
        loop.solve_block(self.common, block, exact.AIM * self.tol, 0, count, work, out)
        self._free.append(work)
        with np.errstate(invalid="ignore"):
            optimality = out.numbers[:, loop.VIOLATED] / out.numbers[:, loop.SCALE]
        return self._answers(out.x, means, out.J, optimality, clean(out) & (alphas > 0.0))


class SharedSpectrum(_Shared):
    """The eigenvalues of the smaller of ``A'A`` and ``AA'``, A the centred weighted rows.

    Parameters
    ----------
    problem : Problem
        A ridge regression.
    tol : float
    """

    def __init__(self, problem: Any, tol: float) -> None:
        super().__init__(problem, tol)
        (n, p), s = problem.shape, problem.loss.sample_weight
        self.rows = None
        if n < p:
            X = matrix.block(problem.design, np.arange(p))
            self.rows = (X - self.means) * np.sqrt(s)[:, None]
            self.values, vectors = np.linalg.eigh(self.rows @ self.rows.T)
            self.turn = self.rows.T @ vectors
            self.vectors = vectors
        else:
            self.gram = gram(problem.design, s, self.means)
            self.values, self.turn = np.linalg.eigh(self.gram)
        self.values = np.maximum(self.values, 0.0)

    def solve(self, Y: np.ndarray, alphas: np.ndarray, names: list[str]) -> Answers:
        """Solve and differentiate for a block of targets."""
        Y, means = self.targets(Y)
        products, A = self.products(Y), self.rows
        along = products @ self.turn
        if A is not None:
            along = (np.sqrt(self.problem.loss.sample_weight)[:, None] * Y).T @ self.vectors
        h = 1.0 / (self.values + np.where(alphas > 0.0, alphas, 1.0)[:, None])
        x = (along * h) @ self.turn.T
        J = np.zeros((alphas.size, len(names), x.shape[1]))
        for k in range(len(names)):
            # Alpha is the only number that there is.
            J[:, k] = -(along * h * h) @ self.turn.T
        fitted = x @ self.gram if A is None else (x @ A.T) @ A
        size = np.abs(products).max(axis=1)
        beyond = np.abs(fitted + alphas[:, None] * x - products).max(axis=1)
        optimality = beyond / np.where(size > 0.0, size, 1.0)
        good = (optimality <= self.tol) & (alphas > 0.0)
        return self._answers(x, means, J, optimality, good)


@dataclass
class _Alphas:
    """Of all targets, as :data:`fastpiggy.solving.found.ALONG` reads a penalty."""

    alpha: np.ndarray
    l1_ratio: float


def gram(design: Any, weight: np.ndarray, means: np.ndarray) -> np.ndarray:
    """``sum_i weight_i (x_i - means)(x_i - means)'``, a slab of rows at a time."""
    stored = matrix.stored(design)
    stored = stored.tocsr() if hasattr(stored, "tocsr") else stored
    n, p = stored.shape
    found, height = np.zeros((p, p)), max(256, 2**21 // p)
    for first in range(0, n, height):
        rows = slice(first, first + height)
        part = stored[rows]
        part = part.toarray() if hasattr(part, "toarray") else part
        part = (part - means) * np.sqrt(weight[rows])[:, None]
        found += part.T @ part
    return found
