"""Statuses and their sentences: what the certificates of all families share."""

from collections.abc import Callable, Mapping

import numpy as np

from fastpiggy.algorithms import engine
from fastpiggy.certificate import Growth, Status

#: Relative error of J beyond which a derivative is not called converged.
_TANGENT = 1e-6

_WITHOUT_MOMENTUM = 'take derivative="implicit", or an algorithm without momentum'


def small(error: float | None, J: np.ndarray | float, unit: float = 1.0) -> bool:
    """Whether an error of J, or of one of that norm, lets it be called converged.

    `unit` is the size J would have.
    """
    if error is None:
        return False
    return bool(error <= _TANGENT * unit or error <= _TANGENT * float(np.linalg.norm(J)))


def status(
    code: int | Status, optimal: bool, fused: bool, stuck: Callable[[], bool], singular: bool,
    tangent: bool, kinks: np.ndarray, growth: Growth | None = None,
) -> Status:  # fmt: skip
    """The first status that applies.

    Parameters
    ----------
    code : int or Status
        What the engine ended with, or what the problem turned out to be.
    optimal : bool
        Whether optimality is within the tolerance, or within rounding.
    fused : bool
        Whether the tangents ran with the algorithm's map.
    stuck : callable
        Whether the map has the eigenvalue 1 here, so that J keeps a part of its start; asked of
        fused tangents.
    singular : bool
        Whether the system is singular on the active set with the kinks.
    tangent : bool
        Whether the derivative converged, or none was asked for.
    kinks : ndarray of int
    growth : Growth, optional
        That of the run's tangents.
    """
    if isinstance(code, Status):
        return code
    if code in (engine.GROWING, engine.NOT_FINITE):
        return Status.NOT_CONTRACTING
    if not optimal:
        return Status.MAX_ITER
    if fused and (growth is not None or stuck()):
        return Status.NOT_CONTRACTING
    if fused and code == engine.UNFINISHED:
        return Status.MAX_ITER
    if singular:
        return Status.SINGULAR_ACTIVE_SET
    if not tangent:
        return Status.TANGENT_NOT_CONVERGED
    return Status.AT_KINK if kinks.size else Status.CONVERGED


def sentence(
    found: Status, optimality: float, tol: float, floor: float, error: float | None,
    kinks: np.ndarray, kind: str, advice: Mapping[Status, str], growth: Growth | None = None,
) -> str:  # fmt: skip
    """The status in a sentence, with what to do next.

    `kind` is what kinks count ("coordinates"); `advice` holds the sentences that depend on the
    family of problems.
    """
    if found == Status.NOT_CONTRACTING and growth is not None:
        cure = _WITHOUT_MOMENTUM if growth.kind == "geometric" else advice[found]
        text = f"{growth}; {cure}"
    elif found in advice:
        text = advice[found]
    elif found == Status.CONVERGED:
        text = "solution and derivative converged"
    elif found == Status.AT_KINK:
        few = ", ".join(map(str, kinks[:5])) + (", ..." if kinks.size > 5 else "")
        text = (
            f"{kind} {few} stand on a kink: the derivative is one-sided and depends on "
            "selection=; see sol.one_sided, or move the parameter a little to leave it"
        )
    else:
        text = (
            f"the derivative is known only to {error or 0:.1e}; raise max_iter, lower tol, or use "
            'derivative="implicit"'
        )
    reached = f"optimality {optimality:.2e} (tolerance {tol:.0e}, rounding {floor:.0e})"
    return f"{found}: {text}; {reached}."
