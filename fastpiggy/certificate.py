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


class FastpiggyWarning(UserWarning):
    """Warns of a result that is not what was asked for."""


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
    tangent_residual : float or None
        ``norm(A J + B - J)``, [A, B] the selection of the forward-backward map at x (of the
        algorithm's own map where a problem has another); None without a derivative.
    rate : float or None
        Contraction rate of the algorithm's map, an estimate read off its trace; None where no
        trace tells.
    tangent_error : float or None
        How far J may be from the derivative, in Frobenius norm: a bound where `certified`, else an
        estimate; inf where nothing is known.
    certified : bool
        True where `tangent_error` is a bound: the residual over a lower bound of the smallest
        singular value on the active set, plus a Lipschitz constant times the primal error where
        the loss is curved.
    kinks : ndarray of int
        Coordinates where the selection is not unique, to a tolerance.
    message : str
        The status in a sentence, with what to do next.
    find_margin : callable, optional
        Computes :attr:`margin`.
    """

    status: Status
    optimality: float
    tolerance: float
    floor: float
    tangent_residual: float | None
    rate: float | None
    tangent_error: float | None
    certified: bool
    kinks: np.ndarray
    message: str
    find_margin: Callable[[], tuple[float, float] | None] | None = field(default=None, repr=False)

    @cached_property
    def margin(self) -> tuple[float, float] | None:
        """How far alpha can go down and up before the active set changes, to first order.

        None where the penalty has no threshold in alpha.  Two passes over X, made when asked for.
        """
        return None if self.find_margin is None else self.find_margin()

    def __getstate__(self) -> dict[str, Any]:
        # What finds the margin holds all data; the margin itself goes along.
        return {**self.__dict__, "margin": self.margin, "find_margin": None}

    def __repr__(self) -> str:
        parts = [f"{self.status}", f"optimality {self.optimality:.1e}"]
        if self.tangent_error is not None:
            kind = "<=" if self.certified else "about"
            parts.append(f"tangent error {kind} {self.tangent_error:.1e}")
        if self.kinks.size:
            parts.append(f"{self.kinks.size} kinks")
        return f"<Certificate {', '.join(parts)}>"
