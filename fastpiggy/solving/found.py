"""What a run on the active set leaves behind, and the solution that it makes.

What comes out clean, with no coordinate near a kink, is certified from the working set itself.
Everything else is certified by the general route.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from fastpiggy.active_set.reading import Asked
from fastpiggy.active_set.work import (
    ACTIVE,
    CHANGES,
    FACTORISATIONS,
    PASSES,
    SWEEPS,
    VIOLATION,
    Work,
)
from fastpiggy.certificate import Certificate, Status, Tangent
from fastpiggy.problems import checks
from fastpiggy.problems import directions as wrt
from fastpiggy.problems.directions import named
from fastpiggy.solution import Cost, Solution
from fastpiggy.solving import certify, verdict, workspace
from fastpiggy.solving.active import NEAR
from fastpiggy.solving.adjoint import Adjoint
from fastpiggy.solving.factor import Factor
from fastpiggy.solving.linearisation import Linearisation
from fastpiggy.solving.newton import objective
from fastpiggy.solving.running import Trace

_EPS = float(np.finfo(float).eps)

#: The last correction of a tangent, over its size, beyond which it is looked at more closely.
CORRECTION = 1e-8


@dataclass(frozen=True)
class Found:
    """What a run leaves behind.

    Parameters
    ----------
    x : ndarray of shape (p,)
    intercept : float
    J : ndarray of shape (p, m) or None
        Along alpha and l1_ratio; None where other directions were asked for.
    along_intercept : ndarray of shape (m,) or None
        The same of the intercept.
    gram : ndarray of shape (k, k) or None
        Of the active columns in ascending order, for those other directions.
    optimality, floor : float
        As in a certificate.
    solved : bool
    clean : bool
        Whether the certificate follows from here: solved, nothing near a kink, no pivot near zero.
    cost : Cost
    ticket : Ticket or None
        Of the arrays that hold its working set.
    centre : ndarray of shape (p,) or None
        The intercept moves by ``-centre' dx``; known with a ticket.
    """

    x: np.ndarray
    intercept: float
    J: np.ndarray | None
    along_intercept: np.ndarray | None
    gram: np.ndarray | None
    optimality: float
    floor: float
    solved: bool
    clean: bool
    cost: Cost
    ticket: Any = None
    centre: np.ndarray | None = None


#: How far from a kink a solution must be for its certificate to follow from the working set.
AWAY = 4 * NEAR

#: How the level and the squared l2 part move with a parameter.
ALONG = {
    "alpha": lambda penalty, d: (d, d * (1.0 - getattr(penalty, "l1_ratio", 1.0))),
    "l1_ratio": lambda penalty, d: (d * penalty.alpha / penalty.l1_ratio, -d * penalty.alpha),
}


def followed(directions: list[wrt.Direction]) -> bool:
    """Whether the active set itself gives the tangents along all of these."""
    for direction in directions:
        if direction.name not in ALONG:
            return False
    return True


def asked(penalty: Any, directions: list[wrt.Direction], p: int) -> tuple[Asked, np.ndarray]:
    """What is asked of the active set, and zeros of shape (m, p) for the tangents."""
    slopes, ridges = [], []
    for d in directions if followed(directions) else ():
        for value in d.values.tolist():
            slope, ridge = ALONG[d.name](penalty, value)
            slopes.append(slope)
            ridges.append(ridge)
    wanted = Asked(np.array(slopes, float), np.array(ridges, float), penalty.weights.size, AWAY)
    return wanted, np.zeros((len(slopes), p))


def read(
    numbers: tuple[float, ...], work: Work, x: np.ndarray, J: np.ndarray,
    directions: list[wrt.Direction], scale: float, size: float, solved: bool,
    outward: Callable[[np.ndarray, float], tuple[np.ndarray, Any]],
    ticket: Callable[[Work], Any] = lambda work: None, centre: np.ndarray | None = None,
) -> Found:  # fmt: skip
    """Read a working set at its end.

    Parameters
    ----------
    numbers : tuple of float
        From :func:`fastpiggy.active_set.reading.report`, as are x and J.
    work : Work
    x, J : ndarray of shape (p,) and (m, p)
    directions : list of Direction
    scale : float
        What violations are measured against.
    size : float
        The norm of the weighted targets, of which rounding is made.
    solved : bool
    outward : callable
        Coefficients and intercept of coordinates v, with a multiple of what y adds to it: 1 for x,
        0 for tangents.
    ticket : callable
        Takes the working set when all has been read, for a ticket.
    centre : ndarray of shape (p,), optional
        As in :class:`Found`.
    """
    _, _, curvature, term, correction = numbers
    count, clean = work.active.count, correction <= CORRECTION
    rows = along = gram = None
    if clean and len(J):
        rows, along = outward(J.T, 0.0)
    elif clean and directions:
        gram = _gram(work)
    rounding = _EPS * (term + (2.0 * curvature) ** 0.5 * size)
    spent = count.tolist()
    cost = Cost(
        "active_set", spent[PASSES], spent[CHANGES], spent[FACTORISATIONS], spent[SWEEPS]
    )  # fmt: skip
    x, intercept = outward(x, 1.0)
    violation = float(work.found[VIOLATION])
    return Found(
        x, float(intercept), rows, along, gram, violation / scale, rounding / scale, solved, clean,
        cost, ticket(work), centre,
    )  # fmt: skip


def _gram(work: Work) -> np.ndarray:
    """Of the active columns in ascending order."""
    order = work.active.order[: work.active.count[ACTIVE]]
    order = order[np.argsort(work.members[order])]
    return work.active.gram[np.ix_(order, order)]


class _Later:
    """What is made of a solution only when someone asks for it."""

    def __init__(self, binding: Any, found: Found, directions: list[wrt.Direction]) -> None:
        self.binding, self.found, self.directions = binding, found, directions

    @cached_property
    def point(self) -> Linearisation:
        return on_support(self.binding, self.found.x, self.found.intercept)

    @cached_property
    def factor(self) -> Factor | None:
        """The system on the active columns, the intercept taken out; None where it is not kept."""
        gram = workspace.read(self.found.ticket, _gram)
        return None if gram is None else Factor.of_matrix(gram)

    def objective(self) -> float:
        return objective(self.point)

    def tangent(self) -> Tangent:
        J = self.binding.inward(self.found.J, self.found.along_intercept)
        return certify.tangent(self.point, J, self.directions, Trace.of([]), "implicit")

    def margin(self) -> tuple[float, float] | None:
        return certify.margin(self.point)


class _OnSupport(Adjoint):
    """The adjoint of a clean run: for the penalty's parameters from the Gram that it leaves.

    With K that matrix and ``e = inv(K) v`` on the support, ``K dx = -d(level thresholds) sign(x) -
    d(ridge) x`` makes ``v'dx`` one product.
    """

    def __init__(self, later: _Later) -> None:
        self.later = later

    @property
    def point(self) -> Linearisation:  # type: ignore[override]
        return self.later.point

    def __call__(
        self, v: Any, intercept: float = 0.0, wrt: str | Iterable[str] | None = None
    ) -> dict[str, Any]:
        problem, factor = self.later.binding.problem, self.later.factor
        penalty = problem.penalty
        names = named(wrt, problem.parameters, "X")
        x = self.later.found.x
        if factor is None or not {*ALONG, "weights"}.issuperset(names):
            return super().__call__(v, intercept, names)
        members = np.flatnonzero((x != 0.0) | (penalty.weights == 0.0))
        if members.size != factor.diagonal.size:
            return super().__call__(v, intercept, names)
        v = checks.vector(v, "v", problem.shape[1], "coefficient")
        v = v - intercept * self.later.found.centre
        x, e = x[members], factor.solve(v[members, None])[:, 0]
        pulls, found = np.sign(x) * penalty.thresholds()[members], {}
        for name in names:
            if name == "weights":
                level = penalty.alpha * getattr(penalty, "l1_ratio", 1.0)
                found[name] = np.zeros_like(v)
                found[name][members] = -level * np.sign(x) * e
            else:
                slope, ridge = ALONG[name](penalty, 1.0)
                found[name] = -float((slope * pulls + ridge * x) @ e)
        return found


def solution(binding: Any, found: Found, directions: list[wrt.Direction], tol: float) -> Solution:
    """A clean run with its certificate; bounds are computed when they are asked for."""
    jacobian, intercepts, known = {}, {}, found.J is not None
    if known:
        along = found.along_intercept[None]
        jacobian = wrt.split(found.J, directions)
        intercepts = {name: rows[0] for name, rows in wrt.split(along, directions).items()}
    later, none = _Later(binding, found, directions), np.zeros(0, dtype=np.int64)
    message = partial(
        verdict.sentence, Status.CONVERGED, found.optimality, tol, found.floor, None, none,
        "coordinates", {},
    )  # fmt: skip
    certificate = Certificate(
        Status.CONVERGED, found.optimality, tol, found.floor, None, none, message,
        later.tangent if known else None, later.margin,
    )  # fmt: skip
    return Solution(
        binding.problem, found.x, found.intercept, jacobian, intercepts, certificate, "active_set",
        "implicit" if known else "none", found.cost.sweeps, None, found.cost, later.objective,
        _OnSupport(later), ticket=found.ticket,
    )  # fmt: skip


def on_support(binding: Any, x: np.ndarray, intercept: float) -> Linearisation:
    """The linearisation whose selection is the support of x, which is what a clean run's J is of.

    The run knows its support to rounding; a tolerance that doubts one of its coordinates must not
    give the adjoint another selection.
    """
    x = binding.inward(x, intercept)
    on = x != 0.0
    for members in binding.blocks if binding.kind == "BlockPenalty" else ():
        on[members] = on[members].any()
    composite = binding.composite._replace(selection=on.astype(float))
    return Linearisation(replace(binding, composite=composite), x)


def linearised(binding: Any, found: Found) -> Linearisation:
    """The linearisation at a run's end, its system taken from the working set of a clean one."""
    if not found.clean:
        return Linearisation(binding, binding.inward(found.x, found.intercept))
    point = on_support(binding, found.x, found.intercept)
    gram = found.gram
    if gram is None or binding.shape[1] > binding.penalised:
        return point
    members = point.active[0]
    if members.size == len(gram):
        point.factor = Factor.of_matrix(gram)
    return point
