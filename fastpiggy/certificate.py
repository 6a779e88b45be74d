"""What is known about a result."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np


class Status(StrEnum):
    """How a solve ended: the first of these that applies."""

    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    MAX_ITER = "max_iter"
    NOT_CONTRACTING = "not_contracting"
    SINGULAR_ACTIVE_SET = "singular_active_set"
    TANGENT_NOT_CONVERGED = "tangent_not_converged"
    AT_KINK = "at_kink"
    CONVERGED = "converged"


@dataclass(frozen=True)
class Growth:
    """How the tangents of a run grow although its iterates have come to rest.

    Parameters
    ----------
    kind : {"geometric", "power", "linear", "bounded"}
        Power: of the number of steps.  Bounded: J keeps moving, and does not grow.
    factor : float
        Of ``norm(J+ - J)`` from one step to the next; 1.0 unless geometric.
    slope : float
        ``norm(J+ - J)`` at the end.
    """

    kind: str
    factor: float
    slope: float

    def __str__(self) -> str:
        if self.kind == "geometric":
            return (
                f"the tangent grows by a factor {self.factor:.6g} a step: products of the "
                "selections that the run takes expand"
            )
        how = {
            "linear": f"grows linearly, by {self.slope:.4g} a step",
            "power": f"grows like a power of the number of steps, by now {self.slope:.4g} a step",
            "bounded": f"does not settle, it keeps moving by {self.slope:.4g} a step",
        }[self.kind]
        return (
            f"the tangent {how}: the map has an eigenvalue of modulus 1 here, and the parameters "
            "move along it"
        )


class FastpiggyWarning(UserWarning):
    """Warns of a result that is not what was asked for."""


#: Residual of the tangent, a bound or an estimate of its error, and whether it is a bound.
Tangent = tuple[float | None, float | None, bool]


@dataclass(frozen=True)
class Certificate:
    """What is known about a solution and its derivative.

    Parameters
    ----------
    status : Status
        The first of the statuses that applies; compares equal to its name.
    optimality : float
        The largest violation of the optimality conditions, over ``max(alpha, 1e-3 alpha_max)``
        (over the gradient at 0 where alpha_max does not exist).
    tolerance : float
        What was asked of it.
    floor : float
        About what rounding alone leaves of it.
    rate : float or None
        Contraction rate of the algorithm's map, an estimate read off its trace; None where no
        trace tells.
    kinks : ndarray of int
        Coordinates where the selection is not unique, to a tolerance.  Rows on a kink of the
        loss's slope are named in the message, with the same status.
    find_message : str or callable
        The message, or what makes it.
    find_tangent : callable, optional
        Computes :attr:`tangent`.
    find_margin : callable, optional
        Computes :attr:`margin`.
    growth : Growth or None
        How the tangents grow, where a run's own say so; then the status is ``"not_contracting"``.
    ray : dict of str to ndarray, or None
        What proves ``"infeasible"`` or ``"unbounded"``, in the words of the problem.
    statuses : tuple of Status, or None
        One a program where many are solved at once: the status itself is the first that applies
        to any.
    """

    status: Status
    optimality: float
    tolerance: float
    floor: float
    rate: float | None
    kinks: np.ndarray
    find_message: str | Callable[[], str] = field(repr=False)
    find_tangent: Callable[[], Tangent] | None = field(default=None, repr=False)
    find_margin: Callable[[], tuple[float, float] | None] | None = field(default=None, repr=False)
    growth: Growth | None = None
    ray: dict[str, np.ndarray] | None = None
    statuses: tuple[Status, ...] | None = None

    @cached_property
    def message(self) -> str:
        """The status in a sentence, with what to do next."""
        return self.find_message if isinstance(self.find_message, str) else self.find_message()

    @cached_property
    def tangent(self) -> Tangent:
        """The next three together: where a solve did not need them they are made when asked for."""
        if self.find_tangent is None:
            return None, None, False
        residual, error, certified = self.find_tangent()
        numbers = (None if value is None else float(value) for value in (residual, error))
        return (*numbers, bool(certified))

    @property
    def tangent_residual(self) -> float | None:
        """``norm(A J + B - J)``, None without a derivative.

        [A, B] is the selection of the forward-backward map at x, or of the algorithm's own map
        where a problem has another.
        """
        return self.tangent[0]

    @property
    def tangent_error(self) -> float | None:
        """How far J, with the intercept's row, may be from the derivative, in Frobenius norm.

        A bound where :attr:`certified`, else an estimate; inf where nothing is known.
        """
        return self.tangent[1]

    @property
    def certified(self) -> bool:
        """True where :attr:`tangent_error` is a bound.

        The residual over a lower bound of the smallest singular value on the active set, plus a
        Lipschitz constant times the primal error where the loss is curved.
        """
        return self.tangent[2]

    @cached_property
    def margin(self) -> tuple[float, float] | None:
        """How far alpha can go down and up before the active set changes, to first order.

        None where the penalty has no threshold in alpha.  Two passes over X, made when asked for.
        """
        return None if self.find_margin is None else self.find_margin()

    def __getstate__(self) -> dict[str, Any]:
        # What finds them holds all data; the values themselves go along.
        held = {"margin": self.margin, "tangent": self.tangent, "find_message": self.message}
        return {**self.__dict__, **held, "find_margin": None, "find_tangent": None}

    def __repr__(self) -> str:
        parts = [f"{self.status}", f"optimality {self.optimality:.1e}"]
        if self.tangent_error is not None:
            kind = "<=" if self.certified else "about"
            parts.append(f"tangent error {kind} {self.tangent_error:.1e}")
        if self.kinks.size:
            parts.append(f"{self.kinks.size} kinks")
        return f"<Certificate {', '.join(parts)}>"
