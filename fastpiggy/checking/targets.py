"""What can be differentiated: the solution of a problem, the value of a criterion."""

import copy
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from fastpiggy.certificate import FastpiggyWarning, Status
from fastpiggy.designs import matrix
from fastpiggy.problems import directions as directed
from fastpiggy.solution import Solution
from fastpiggy.solving import adjoint_of, solve


def target_of(problem: Any, algorithm: Any, derivative: str, tol: float) -> Any:
    """The target for a problem or a criterion."""
    if hasattr(problem, "family"):
        return Solved(problem, algorithm, derivative, tol)
    if not (hasattr(problem, "evaluate_quietly") and hasattr(problem, "hyperparameters")):
        raise TypeError(
            "problem must be a problem, as fastpiggy.lasso makes, or a criterion, as "
            f"fastpiggy.CrossVal, got {type(problem).__name__}"
        )
    if algorithm != "auto" or derivative != "auto":
        raise ValueError(
            "algorithm and derivative must be 'auto' for a criterion, which chooses its own, got "
            f"{algorithm!r} and {derivative!r}"
        )
    return Judged(problem, tol)


class Solved:
    """The solution of a problem, its intercept last."""

    def __init__(self, problem: Any, algorithm: Any, derivative: str, tol: float) -> None:
        self.problem, self.tol = problem, tol
        self.options = {"algorithm": algorithm, "derivative": derivative}
        self.fitted = bool(getattr(problem, "fit_intercept", False))

    def value(self, name: Any) -> Any:
        """Of a parameter, X included."""
        if name == "X" and hasattr(self.problem, "design"):
            return matrix.block(self.problem.design, np.arange(self.problem.shape[1]))
        return _value(self.problem, name, list(self.problem.parameters))

    def derivatives(self, directions: list[directed.Direction]) -> dict[str, np.ndarray]:
        """Columns by parameter; solves the problem."""
        wrt = {d.name: np.moveaxis(d.values, 0, -1) for d in directions}
        self.solution = _quietly(self.problem, wrt=wrt, tol=self.tol, **self.options)
        sol, found = self.solution, {}
        for d in directions:
            J = sol.jacobian[d.name].reshape(sol.x.size, -1)
            b = np.reshape(sol.intercept_jacobian[d.name], (1, -1))
            found[d.name] = np.vstack([J, b]) if self.fitted else J
        self.status: Any = sol.certificate.status
        self.margin = sol.certificate.margin
        # The differences' own solutions are of the default algorithm: so is the centre's.
        self.centre = _quietly(self.problem, tol=self.tol, x0=sol)
        self.size = float(np.linalg.norm(self._flat(self.centre)))
        self.shape = sol.x.shape if not self.fitted else (sol.x.size + 1,)
        self.pieces = pieces(self.centre)
        return found

    def at(self, name: str, value: Any) -> tuple[np.ndarray, np.ndarray]:
        """The solution at another value of a parameter, and its pieces."""
        if name == "X":
            moved = replace(self.problem, design=value, shared={})
        else:
            moved = self.problem.replace(**{name: value})
        sol = _quietly(moved, tol=self.tol, x0=self.centre)
        return self._flat(sol), pieces(sol)

    def _flat(self, sol: Solution) -> np.ndarray:
        return np.append(sol.x, sol.intercept) if self.fitted else sol.x.ravel()


class Judged:
    """The value of a criterion."""

    shape: tuple[int, ...] = ()
    #: A criterion has no margin.
    margin = None

    def __init__(self, criterion: Any, tol: float) -> None:
        self.criterion, self.problem = copy.copy(criterion), criterion.problem
        self.criterion.tol = min(tol, criterion.tol)
        self.names = list(criterion.hyperparameters)

    def value(self, name: Any) -> Any:
        """Of a hyperparameter."""
        return _value(self.problem, name, self.names)

    def derivatives(self, directions: list[directed.Direction]) -> dict[str, np.ndarray]:
        """One row, a column a direction."""
        found = self.criterion.evaluate_quietly()
        self.status = next(iter(found.troubled), Status.CONVERGED)
        self.size = abs(found.value)
        self.pieces = _of_all(found)
        return {
            d.name: np.array([[np.sum(found.gradient[d.name] * v) for v in d.values]])
            for d in directions
        }

    def at(self, name: str, value: Any) -> tuple[np.ndarray, np.ndarray]:
        """The criterion at another value of a hyperparameter, and the pieces of its solutions."""
        found = self.criterion.evaluate_quietly(**{name: value})
        return np.array([found.value]), _of_all(found)


def _of_all(found: Any) -> np.ndarray:
    return np.concatenate([pieces(solution) for solution in found.solutions])


def pieces(solution: Solution) -> np.ndarray:
    """Numbers that move little while the active set stays, and jump where it changes."""
    adjoint: Any = solution.adjoint or adjoint_of(solution)
    point = adjoint.point
    if not hasattr(point, "selection"):
        return point.pieces if hasattr(point, "pieces") else np.sign(solution.x).ravel()
    # The prox's Jacobian on a fixed vector with no small entry.
    p = solution.x.size
    probe = np.ones((point.x.size, 1))
    probe[:p, 0] += np.random.default_rng(0).random(p)
    found = point.selection.apply(probe)[:p, 0]
    if hasattr(point.binding.composite.loss, "roughness"):
        return found
    bound = point.binding.start[1]
    return np.append(found, point.curvatures / np.where(bound > 0, bound, 1.0))


def _value(problem: Any, name: Any, names: list[str]) -> Any:
    if name not in names:
        known = ", ".join(map(repr, names))
        raise ValueError(f"wrt must name parameters ({known}), got {name!r}")
    return problem.parameters[name]


def _quietly(problem: Any, **options: Any) -> Solution:
    with warnings.catch_warnings():
        # The status is in the report.
        warnings.simplefilter("ignore", FastpiggyWarning)
        return solve(problem, **options)
