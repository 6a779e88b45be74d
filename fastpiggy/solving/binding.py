"""A problem bound to the records that kernels read, for one storage."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.algorithms.composite import Composite, rows, starts
from fastpiggy.compile import roles
from fastpiggy.designs import matrix
from fastpiggy.problems.null_model import unpenalised

_POWER_STEPS = 200


@dataclass(frozen=True)
class Binding:
    """A problem in the kernels' coordinates: the intercept last, the columns centred.

    Parameters
    ----------
    problem : Problem
    composite : Composite
    """

    problem: Any
    composite: Composite

    @property
    def design(self) -> Any:
        return self.composite.design

    @cached_property
    def shape(self) -> tuple[int, int]:
        return matrix.shape(self.design)

    @property
    def penalised(self) -> int:
        """Coordinates that the penalty sees: all but the intercept."""
        return self.problem.shape[1]

    @property
    def kind(self) -> str:
        """The narrowest role of the penalty."""
        return roles(self.composite.penalty)[0]

    @cached_property
    def start(self) -> tuple[np.ndarray, np.ndarray]:
        """States at x = 0 and bounds of the curvatures."""

        def make() -> tuple[np.ndarray, np.ndarray]:
            z, h = np.empty(self.shape[0]), np.empty(self.shape[0])
            starts(self.composite.loss, z, h)
            return z, h

        return self.problem.once_for_loss("start", make)

    @cached_property
    def lipschitz(self) -> np.ndarray:
        """Bounds of the curvature along each coordinate; positive also for columns of zeros."""

        def make() -> np.ndarray:
            with np.errstate(over="ignore", invalid="ignore"):
                found = matrix.squares(self.design, self.start[1])
            if not np.all(np.isfinite(found)):
                column = int(np.flatnonzero(~np.isfinite(found))[0])
                raise ValueError(
                    f"X must have columns whose squares are finite, and those of column {column} "
                    "overflow; scale the columns of X"
                )
            # The least, not the largest: a block's step is one over the sum of its columns.
            positive = found > 0
            found[~positive] = np.min(found[positive]) if positive.any() else 1e-300
            return found

        return self.problem.once_for_loss(f"lipschitz {self.problem.fit_intercept}", make)

    @cached_property
    def largest_curvature(self) -> float:
        """Largest eigenvalue of the bound ``X' diag(h) X`` of the Hessian, by power iteration."""

        def make() -> float:
            h = self.start[1]
            v = np.random.default_rng(0).standard_normal(self.shape[1])
            found, before = 0.0, -1.0
            for _ in range(_POWER_STEPS):
                v /= max(np.linalg.norm(v), 1e-300)
                v = matrix.scatter(self.design, h * matrix.predict(self.design, v))
                before, found = found, float(np.linalg.norm(v))
                if abs(found - before) <= 1e-6 * found:
                    break
            # From below, so never less than the largest diagonal entry, and with a margin.
            return max(1.001 * found, float(self.lipschitz.max()))

        return self.problem.once_for_loss(f"curvature {self.problem.fit_intercept}", make)

    @cached_property
    def steps(self) -> np.ndarray:
        """The step of each coordinate in the map whose residual measures optimality.

        One over the curvature where coordinates or blocks are apart, so that badly scaled columns
        do not drown in the rounding of a step that suits others.
        """
        curvature = self.lipschitz.copy()
        penalty = self.composite.penalty
        if self.kind == "BlockPenalty":
            for members in self.blocks:
                curvature[members] = curvature[members].sum()
        elif self.kind == "Penalty":
            curvature[: self.penalised] = self.largest_curvature
        steps = 1.0 / curvature
        if hasattr(penalty, "largest_step"):
            steps[: self.penalised] = np.minimum(
                steps[: self.penalised], 0.5 * penalty.largest_step()
            )
        return steps

    @cached_property
    def blocks(self) -> list[np.ndarray]:
        """Members of each block of the penalty."""
        penalty = self.composite.penalty
        found = []
        for b in range(penalty.blocks(self.penalised)):
            lo, hi = penalty.block(b)
            found.append(np.array([penalty.member(i) for i in range(lo, hi)], dtype=np.int64))
        return found

    @cached_property
    def scale(self) -> float:
        """What optimality is measured against: ``max(alpha, 1e-3 alpha_max)``, else the gradient.

        Where alpha_max does not exist it is the largest entry of the loss's gradient at x = 0.
        """
        penalty = self.problem.penalty
        if "alpha" in penalty._fields and hasattr(penalty, "alpha_max"):
            try:
                top = self.alpha_max
            except ValueError:
                pass
            else:
                return max(float(penalty.alpha), 1e-3 * top) or 1.0

        def make() -> float:
            z, h = self.start
            r = np.empty_like(z)
            rows(self.composite.loss, z, r, h.copy())
            return float(np.abs(matrix.scatter(self.design, r)).max())

        return self.problem.once_for_loss("gradient at zero", make) or 1.0

    @cached_property
    def alpha_max(self) -> float:
        problem = self.problem
        if getattr(problem.penalty, "l1_ratio", 1.0) in (0.0, 1.0) or not np.any(
            unpenalised(problem.penalty, self.penalised)
        ):
            weights = getattr(problem.penalty, "weights", None)
            key = f"alpha_max {id(weights)} {problem.fit_intercept} "
            key += f"{getattr(problem.penalty, 'l1_ratio', None)}"
            return problem.once_for_loss(key, lambda: (weights, problem.alpha_max()))[1]
        return problem.alpha_max()

    def inward(self, x: np.ndarray, intercept: float | np.ndarray) -> np.ndarray:
        """A user's coefficients in the kernels' coordinates; columns of x where x is 2-D."""
        if not self.problem.fit_intercept:
            return np.array(x, dtype=float)
        last = np.asarray(intercept) + self.design.mean @ x
        return np.concatenate([x, np.reshape(last, (1, *np.shape(x)[1:]))])

    def outward(self, x: np.ndarray) -> tuple[np.ndarray, Any]:
        """Coefficients and intercept; the trailing axes of x are kept."""
        if not self.problem.fit_intercept:
            return x, np.zeros(x.shape[1:]) if x.ndim > 1 else 0.0
        w = x[:-1]
        intercept = x[-1] - np.tensordot(self.design.mean, w, 1)
        return w, intercept if x.ndim > 1 else float(intercept)


def bind(problem: Any, columns: bool, selection: np.ndarray) -> Binding:
    """Bind a problem, with its design by columns where an algorithm descends along them."""
    design = problem.design
    if columns:
        design = problem.once("columns", lambda: matrix.by_column(problem.design))
    if problem.fit_intercept:
        s = getattr(problem.loss, "sample_weight", np.full(problem.shape[0], 1.0))
        mean = problem.once("mean", lambda: matrix.means(problem.design, s))
        design = matrix.with_intercept(design, mean)
        selection = np.append(selection, 0.0)
    return Binding(problem, Composite(design, problem.loss, problem.penalty, selection))
