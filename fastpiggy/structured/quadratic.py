"""What problems of the form ``norm_W(x - y)^2 / 2 + alpha norm1(D x)`` share.

A problem has ``y``, ``sample_weight``, ``alpha``, ``rows``, the number of rows of D, and
``differences(x)``, which is D x along the last axis.
"""

from typing import Any, NamedTuple

import numpy as np

from fastpiggy.algorithms.admm import Fused, FusedDirections, admm, splitting
from fastpiggy.penalties import L1
from fastpiggy.problems import checks
from fastpiggy.problems import directions as wrt
from fastpiggy.solution import Solution
from fastpiggy.solving import options as opt
from fastpiggy.solving import structured
from fastpiggy.solving.request import Request

#: Beyond this, times its mean, a penalty parameter leaves nothing of W in M.
_ALLOWED = 1e15


class Movement(NamedTuple):
    """How parameters move the conditions at a held active set, along m directions."""

    r: np.ndarray  # (n, m): W dy + dw (y - x)
    alpha: np.ndarray  # (m,)


def movement(problem: Any, x: np.ndarray, directions: list[wrt.Direction]) -> Movement:
    """How the directions move the conditions at x; starting point and rho do not."""
    m = wrt.count(directions)
    r, alpha = np.zeros((x.size, m)), np.zeros(m)
    k = 0
    for d in directions:
        columns = slice(k, k + len(d.values))
        k += len(d.values)
        if d.name == "alpha":
            alpha[columns] = d.values
        elif d.name == "y":
            r[:, columns] = (d.values * problem.sample_weight).T
        elif d.name == "sample_weight":
            r[:, columns] = (d.values * (problem.y - x)).T
    return Movement(r, alpha)


def units(problem: Any, x: np.ndarray, rho: float | None) -> dict[str, float]:
    """By parameter: the size that a derivative with respect to it would have.

    rho, the penalty parameter, is for iterates: what it moves.
    """
    away = float(np.linalg.norm(problem.y - x))
    found = {
        "alpha": away / problem.alpha if problem.alpha > 0 else 0.0,
        "sample_weight": away / problem.heaviest,
    }
    if rho is not None:
        found["step"] = float(np.linalg.norm(problem.y)) / rho
    return found


def margin(
    alpha: float, z: np.ndarray, dz: np.ndarray, u: np.ndarray, du: np.ndarray
) -> tuple[float, float]:
    """How far alpha can go down and up before a row comes or goes, to first order.

    A difference z that moves by dz reaches zero at ``z + h dz = 0``, another row becomes active
    where ``abs(u + h du) = alpha + h``.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        events = np.concatenate([-z / dz, (alpha - u) / (du - 1.0), (alpha + u) / (-du - 1.0)])
    events = events[np.isfinite(events)]
    down = -events[events <= 0].max(initial=-alpha)
    return float(down), float(events[events >= 0].min(initial=np.inf))


def objective(problem: Any, x: np.ndarray) -> float:
    """Loss plus penalty at x."""
    loss = 0.5 * float((problem.sample_weight * (x - problem.y) ** 2).sum())
    return loss + problem.alpha * float(np.abs(problem.differences(x)).sum())


def check_start(problem: Any, x0: Any) -> Any:
    """A solution with as many points, or a vector; None where there is no start."""
    if x0 is None or (isinstance(x0, Solution) and x0.x.shape == problem.shape):
        return x0
    if isinstance(x0, Solution):
        raise ValueError(f"x0 must be a solution with {problem.y.size} points, got {x0.x.shape}")
    return checks.vector(x0, "x0", problem.y.size, "point")


def check_penalty_parameter(options: opt.ADMM, most: float) -> float | None:
    """The given one, where the system stays regular with it."""
    rho = options.penalty_parameter
    if rho is not None and rho > _ALLOWED * most:
        raise ValueError(
            f"penalty_parameter must be at most {_ALLOWED * most:.3g} for these sample weights, "
            f"got {rho}: the system would be singular to rounding"
        )
    return None if rho is None else float(rho)


class Run(structured.Run):
    """ADMM on one problem, resumable.

    Parameters
    ----------
    problem : problem
    operator : Operator
        D as a record.
    rho : float
    directions : list of Direction
        Of the tangents that run along.
    request : Request
    """

    patience = 50

    def __init__(
        self, problem: Any, operator: Any, rho: float, directions: list[wrt.Direction],
        request: Request,
    ) -> None:  # fmt: skip
        self.signal, self.selection, self.rho = problem, request.selection, rho
        rows, m, w = problem.rows, wrt.count(directions), problem.sample_weight
        penalty = L1(problem.alpha, np.ones(rows))
        super().__init__(
            _algorithm(operator, w, rows, rho),
            Fused(operator, problem.y, w, penalty, request.selection),
            as_records(problem, directions),
            splitting(problem.y.size, rows, m),
            m,
            request.callback,
        )
        x0, state, k = check_start(problem, request.x0), self.state, 0
        if isinstance(x0, Solution):
            self.continue_from(x0)
        elif x0 is not None:
            state.x[:] = x0
            state.v[:] = problem.differences(x0)
        for d in directions:
            if d.name == "x0":
                state.J[k : k + len(d.values)] = d.values
                state.dv[k : k + len(d.values)] = problem.differences(d.values)
            k += len(d.values)

    def continue_from(self, solution: Solution) -> None:
        """Start where another solution ended."""
        self.state.v[:] = self.signal.differences(solution.x)

    def take(self, x: np.ndarray, z: np.ndarray, u: np.ndarray) -> None:
        """Hold a solution with its differences and dual variable, with tangents of zero."""
        state = self.state
        for table in (state.X, state.V, state.Z):
            table[:] = 0.0
        state.x[:], state.z[:], state.v[:] = x, z, z + u / self.rho

    def signs(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows where the prox is not zero, and its signs there."""
        rows = np.flatnonzero(self.state.z)
        return rows, np.sign(self.state.z[rows])


def _algorithm(operator: Any, weights: np.ndarray, rows: int, rho: float) -> Any:
    try:
        return admm(operator, weights, rows, rho)
    except np.linalg.LinAlgError:
        raise ValueError(
            f"the system of ADMM is singular to rounding at penalty_parameter={rho:.3g} and these "
            "sample weights; give a smaller one, or fewer weights of zero"
        ) from None


def as_records(problem: Any, directions: list[wrt.Direction]) -> FusedDirections:
    """Tangent records that kernels read."""
    m, n = wrt.count(directions), problem.y.size
    coupled = any(d.name in ("sample_weight", "step") for d in directions)
    y, alpha, step = np.zeros((m, n)), np.zeros(m), np.zeros(m)
    weights = np.zeros((m if coupled else 0, n))
    fields = {"y": y, "sample_weight": weights, "alpha": alpha, "step": step}
    k = 0
    for d in directions:
        if d.name in fields:
            fields[d.name][k : k + len(d.values)] = d.values
        k += len(d.values)
    penalty = L1(alpha, np.zeros((m, problem.rows)))  # type: ignore[arg-type]
    return FusedDirections(y, weights, penalty, step, int(coupled))
