"""What x's own error, and rounding, may add to the error of a derivative at the solution."""

import numpy as np

from fastpiggy.algorithms.composite import rows
from fastpiggy.designs import matrix
from fastpiggy.penalties import GroupL2
from fastpiggy.problems import directions as wrt
from fastpiggy.solving.linearisation import Linearisation, Movement

#: A group that x's error turns by more than this, or a Hessian that it changes so, has no bound.
_TURN = 0.1

#: Slopes of the prox that differ by less are those of one linear piece.
_SAME = 1e-12


def rounding(point: Linearisation, J: np.ndarray) -> float:
    """What rounding may add: K and its products are sums, known to epsilon times their terms.

    An entry of ``Z'diag(h) Z`` has terms that add up to at most ``sqrt(K_ii K_jj)``, with the size
    of one column before it was centred.  What the penalty adds, where no formula has it, is the
    difference of two numbers of the size of 1/step.
    """
    members, Q, curb = point.active
    y = J[members] if Q is None else Q.T @ J[members]
    squares, out = np.abs(point.factor.diagonal), point.offsets[members]
    size = np.sqrt(squares)
    whole = np.sqrt(squares + (out if Q is None else (Q * Q).T @ out))
    terms = point.factor.terms(y)
    terms += np.outer(size, whole @ np.abs(y)) + np.outer(whole, size @ np.abs(y))
    if Q is None and point.selection.curbs is not None:
        own_terms = np.abs(curb)
    else:
        inverse = 1.0 / point.steps[members]
        own_terms = inverse if Q is None else (Q * Q).T @ inverse
    terms += own_terms @ np.abs(y) if own_terms.ndim == 2 else own_terms[:, None] * np.abs(y)
    return 4 * np.finfo(float).eps * (point.farthest(terms) + point.outward_norm(J))


def bend(
    point: Linearisation, J: np.ndarray, move: Movement, directions: list[wrt.Direction]
) -> float | None:
    """How far the derivative J here is from that at the solution; None where that is unknown.

    inf where x may still move so far that J says nothing.
    """
    if not J.size or not point.active[0].size:
        return 0.0
    if not point.factor.least_eigenvalue > 0:
        return None
    reach = point.reach()
    parts = _of_loss(point, J, move, reach), _of_penalty(point, J, move, reach, directions)
    if np.inf in parts:
        return np.inf
    return None if None in parts else float(sum(parts))  # type: ignore[arg-type]


def _of_loss(
    point: Linearisation, J: np.ndarray, move: Movement, reach: np.ndarray
) -> float | None:
    """The part of a curved loss.

    Where ``log f_i''`` is Lipschitz with constant c, and no prediction is farther than e from that
    of the solution, the Hessian there is within a factor ``exp(c e)`` of the one here, and so is K
    on either side: with ``b = exp(c e) - 1`` the error in the norm of K is at most b times that of
    J.  None where the loss does not say and curvatures are not the same over all that the rows can
    still move, or where the gradient's own movement bends too.  The step that is left bounds e only
    where the Hessian hardly changes along it, and then within a factor 2; elsewhere it is infinite,
    and there may be no solution at all, as for separable labels.
    """
    rough = getattr(point.binding.composite.loss, "roughness", None)
    if rough is not None and rough() == 0.0:
        return 0.0
    members, Q, _ = point.active
    moved = np.abs(matrix.block(point.binding.design, members)) @ reach[members]
    if rough is None:
        return 0.0 if _same_curvatures(point, moved) else None
    if np.any(move.r):
        return None
    change = 2.0 * rough() * float(moved.max())
    if not change <= _TURN:
        return np.inf
    ratio = np.expm1(change)
    y = J[members] if Q is None else Q.T @ J[members]
    # The error f of a direction has f'K f at most ratio^2 y'K y, which bounds each of its entries.
    energy = np.abs((y * point.factor.times(y)).sum(axis=0))
    entries, found = np.sqrt(np.outer(point.factor.inverse_diagonal, energy)), np.zeros_like(J)
    found[members] = entries if Q is None else np.abs(Q) @ entries
    return float(ratio) * point.outward_norm(found)


def _same_curvatures(point: Linearisation, reach: np.ndarray) -> bool:
    loss, h = point.binding.composite.loss, np.empty_like(point.states)
    for side in (-1.0, 1.0):
        rows(loss, point.states + side * reach, np.empty_like(h), h)
        if not np.array_equal(h, point.curvatures):
            return False
    return True


def _of_penalty(
    point: Linearisation, J: np.ndarray, move: Movement, reach: np.ndarray,
    directions: list[wrt.Direction],
) -> float | None:  # fmt: skip
    """The part of the prox: its slopes do not move on a linear piece, or are those of groups.

    None for others.  Where C moves with x, as along alpha of a squared l2 part, the error f has
    ``K f = dC/(a step)`` with the slopes a.
    """
    if isinstance(point.binding.composite.penalty, GroupL2):
        return _of_groups(point, J, move, reach)
    # u = x - step grad f: an entry of the Hessian is at most the root of its two diagonal ones.
    size = np.sqrt(point.binding.lipschitz)
    moved = reach + point.steps * size * float(size @ reach)
    probe = np.random.default_rng(0).uniform(1.0, 2.0, (point.x.size, 1))
    here = point.selection.apply(probe)
    sides = (point.shifted(side * moved).apply(probe) for side in (-1.0, 1.0))
    if not all(np.abs(one - here).max() <= _SAME * np.abs(here).max() for one in sides):
        return None
    if point.binding.kind != "CoordinatePenalty":
        return 0.0
    members = point.active[0]
    a, shift = (here / probe)[members], np.zeros_like(reach)
    # At a solution x is the prox's value: its argument moves by 1/a times as much.
    shift[members] = reach[members] / a[:, 0]
    C = (point.shifted(side * shift, directions).C for side in (-1.0, 1.0))
    far = np.maximum(*(np.abs(one - move.C) for one in C))[members]
    return point.farthest(far / (a * point.steps[members][:, None]))


def _of_groups(
    point: Linearisation, J: np.ndarray, move: Movement, reach: np.ndarray
) -> float | None:
    """An active group solves ``(H + G) J = -r - w v dalpha``, with ``v = x_g/norm(x_g)``.

    With d = e/norm(x_g) its v turns by at most 2 d, and ``G = t/norm(x_g) (I - v v')`` moves by at
    most 6 d of its size.  The prox moves by ``C = -step w v dalpha``.
    """
    penalised, (members, _, curb) = point.binding.penalised, point.active
    if len(curb) != members.size:
        return None
    C, found = move.C / point.steps[:, None], np.zeros_like(J)
    k = 0
    for group, _ in point.selection.slopes:
        # A row sum is above the norm.
        here = np.abs(curb[k : k + group.size]).reshape(group.size, -1).sum(axis=1)
        k += group.size
        if group[0] >= penalised or not here.any():
            continue
        turn = float(np.linalg.norm(reach[group]) / max(np.linalg.norm(point.x[group]), 1e-300))
        if not turn <= _TURN:
            return None
        sizes = (6.0 * here.max() * J[group], 2.0 * C[group])
        found[group] = turn * sum(np.linalg.norm(size, axis=0) for size in sizes)
    # No entry of a group, in any basis, is larger than its norm.  To first order, and half as much.
    pulled = found[members]
    return 1.5 * point.farthest(pulled)
