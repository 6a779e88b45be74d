"""The exact way: Newton's method on the signs, one block of variables at a time.

At P with signs Z (those of P, or of the descent where P is zero) the objective is smooth on the
entries of E, where P is not zero or ``abs(S - W) > alpha``.  The Newton direction on E is found by
conjugate gradients; entries that would change their sign stop at zero (Oztoprak, Nocedal, Rennie,
Olsen, "Newton-like methods for sparse inverse covariance estimation", NIPS 2012).  Where that step
does not hold, the direction is found by coordinate descent on the model with its norm, which knows
better which signs change, and a line search.  Variables that no ``abs(S_ij) > alpha_ij`` connects
are independent in the solution (Witten, Friedman, Simon 2011): each block is solved on its own.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.linalg import lapack

from fastpiggy.structured.sparse_inverse_covariance.support import conjugate_gradients, descend

#: Newton steps of a block, conjugate gradients of a step, halvings of a step.
STEPS, _INNER, _HALVINGS = 200, 200, 40
#: Sweeps of coordinate descent in a turn; its tolerance over that of conjugate gradients.
_SWEEPS, _SHARE = 10, 0.02
#: Turns of coordinate descent and Newton steps, those of one turn, and their tolerance.
_TURNS, _CROSSINGS, _INEXACT = 10, 5, 0.1

#: P beyond this times the inverse variances: the objective falls for ever.
UNBOUNDED = 1e13

_EPS = float(np.finfo(float).eps)


@dataclass
class Found:
    """A block's P and its inverse, and what they cost."""

    P: np.ndarray
    W: np.ndarray
    steps: int = 0
    products: int = 0
    factorisations: int = 0
    bounded: bool = True


def inverse(P: np.ndarray) -> tuple[np.ndarray, float] | None:
    """The inverse and logdet of a positive definite matrix; None where it is not."""
    factor, info = lapack.dpotrf(P, lower=1, clean=0)
    if info != 0:
        return None
    logdet = 2.0 * float(np.log(factor.diagonal()).sum())
    W, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    # The other triangle is not written.  Kernels take rows.
    np.copyto(W, W.T, where=_above(len(W)))
    return W.T, logdet


@lru_cache(maxsize=8)
def _above(n: int) -> np.ndarray:
    """The entries above the diagonal."""
    return np.triu(np.ones((n, n), dtype=bool), 1)


def blocks(S: np.ndarray, A: np.ndarray) -> list[np.ndarray]:
    """The variables of each block."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    tied = np.abs(S) > A
    np.fill_diagonal(tied, False)
    count, label = connected_components(csr_array(tied), directed=False)
    return [np.flatnonzero(label == k) for k in range(count)]


def pairs(free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the upper triangle of a mask, with the diagonal."""
    rows, columns = np.nonzero(np.triu(free))
    return rows, columns


def violation(G: np.ndarray, P: np.ndarray, A: np.ndarray) -> np.ndarray:
    """By entry: how far ``0 in G + A o sign(P)`` is from holding."""
    on = P != 0
    return np.where(on, np.abs(G + A * np.sign(P)), np.maximum(np.abs(G) - A, 0.0))


def minimise(S: np.ndarray, A: np.ndarray, start: np.ndarray | None, goal: float) -> Found:
    """A block's solution, until no condition is violated by more than `goal`."""
    variances = np.diag(S)
    if len(S) == 1:
        P = 1.0 / S
        return Found(P, S.copy())
    held = None if start is None else inverse(start)
    P = np.diag(1.0 / variances) if held is None else start.copy()
    W, logdet = inverse(P) if held is None else held
    found = Found(P, W, factorisations=1)
    for _ in range(STEPS):
        G = S - found.W
        worst = violation(G, found.P, A)
        if not worst.max() > goal:
            break
        moved = _step(found, S, A, G, worst, logdet)
        if moved is None:
            break
        logdet = moved
        if np.any(np.diag(found.P) * variances > UNBOUNDED):
            found.bounded = False
            break
    return found


def _step(
    found: Found, S: np.ndarray, A: np.ndarray, G: np.ndarray, worst: np.ndarray, logdet: float
) -> float | None:
    """One step in place; the new logdet, or None where rounding decides."""
    P = found.P
    rows, columns = pairs((P != 0) | (worst > 0))
    signs = np.where(P != 0, np.sign(P), -np.sign(G))
    slope = (G + A * signs)[rows, columns]
    # Superlinear: the nearer, the more exact.
    share = min(0.1, float(np.sqrt(worst.max() / (np.abs(S).max() + A.max()))))
    d = np.zeros((1, rows.size))
    found.products += conjugate_gradients(
        found.W, P, rows, columns, np.zeros(rows.size), -slope[None], d, share, _INNER
    )
    new = P[rows, columns] + d[0]
    crossed = (rows != columns) & (new * signs[rows, columns] < 0) & (A[rows, columns] > 0)
    new[crossed] = 0.0
    moved = _search(found, S, A, G, worst, logdet, (rows, columns, new), 1)
    if moved is None:
        new = P[rows, columns]
        found.products += _model(found, G, A, rows, columns, _SHARE * share, new)
        moved = _search(found, S, A, G, worst, logdet, (rows, columns, new), _HALVINGS)
    return moved


def _model(
    found: Found, G: np.ndarray, A: np.ndarray, rows: np.ndarray, columns: np.ndarray, tol: float,
    new: np.ndarray,
) -> int:  # fmt: skip
    """Minimise the model with its norm in place; the products that took.

    Coordinate descent finds signs and, where P is badly conditioned, creeps on them: Newton steps
    on those signs take turns with it.
    """
    used, first = 0, 0.0
    for _ in range(_TURNS):
        sweeps, first, still = descend(
            found.W, found.P, G, A, rows, columns, tol, _SWEEPS, first, new
        )
        used += sweeps
        if still:
            break
        for _ in range(_CROSSINGS):
            products, whole = _on_signs(found, G, A, rows, columns, new)
            used += products
            if whole:
                break
    return used


def _on_signs(
    found: Found, G: np.ndarray, A: np.ndarray, rows: np.ndarray, columns: np.ndarray,
    new: np.ndarray,
) -> tuple[int, bool]:  # fmt: skip
    """Newton's step of the model on the signs of `new`, in place; whether it went all the way.

    Entries that would change their sign stop at zero, where the model falls so, else all stop where
    the first of them gets there.
    """
    at = np.flatnonzero((new != 0) | (A[rows, columns] == 0))
    r, c = rows[at], columns[at]
    start, value = _slope_and_value(found, G, A, rows, columns, new)
    slope = start[r, c] + A[r, c] * np.sign(new[at])
    d = np.zeros((1, at.size))
    products = conjugate_gradients(
        found.W, found.P, r, c, np.zeros(at.size), -slope[None], d, _INEXACT, _INNER
    )
    old, moved = new[at], new[at] + d[0]
    crossed = (old * moved < 0) & (A[r, c] > 0)
    trial = new.copy()
    trial[at] = np.where(crossed, 0.0, moved)
    if not crossed.any() or _slope_and_value(found, G, A, rows, columns, trial)[1] < value:
        new[:] = trial
        return products, True
    share = np.full(at.size, np.inf)
    share[crossed] = old[crossed] / (old[crossed] - moved[crossed])
    first = share.min()
    new[at] = np.where(share == first, 0.0, old + first * d[0])
    return products, False


def _slope_and_value(
    found: Found, G: np.ndarray, A: np.ndarray, rows: np.ndarray, columns: np.ndarray,
    new: np.ndarray,
) -> tuple[np.ndarray, float]:  # fmt: skip
    """The gradient of the model without its norm at P with the entries `new`, and its value."""
    P = found.P.copy()
    P[rows, columns] = P[columns, rows] = new
    D = P - found.P
    bend = found.W @ D @ found.W
    return G + bend, float((D * (G + 0.5 * bend)).sum() + (A * np.abs(P)).sum())


def _search(
    found: Found, S: np.ndarray, A: np.ndarray, G: np.ndarray, worst: np.ndarray, logdet: float,
    target: tuple[np.ndarray, np.ndarray, np.ndarray], halvings: int,
) -> float | None:  # fmt: skip
    """The first of the steps 1, 1/2, ... to the target that is a descent; taken in place."""
    P, (rows, columns, new) = found.P, target
    old = P[rows, columns]
    d = new - old
    count = np.where(rows == columns, 1.0, 2.0)
    value = _value(S, A, P, logdet)
    ahead = np.abs(new) - np.abs(old)
    fall = float((count * (G[rows, columns] * d + A[rows, columns] * ahead)).sum())
    size, t = abs(value) + len(S), 1.0
    for _ in range(halvings):
        trial = P.copy()
        # The whole step takes the target itself: its zeros are exact.
        trial[rows, columns] = trial[columns, rows] = new if t == 1.0 else old + t * d
        held = inverse(trial)
        found.factorisations += 1
        if held is not None:
            gain = value - _value(S, A, trial, held[1])
            # Near the end rounding hides the gain, and the conditions decide.
            hidden = abs(fall) < 1e3 * _EPS * size
            if (
                violation(S - held[0], trial, A).max() < worst.max()
                if hidden
                else fall < 0 and gain >= -1e-3 * t * fall
            ):
                found.P, found.W = trial, held[0]
                found.steps += 1
                return held[1]
        t *= 0.5
    return None


def _value(S: np.ndarray, A: np.ndarray, P: np.ndarray, logdet: float) -> float:
    return float((S * P).sum() + (A * np.abs(P)).sum()) - logdet
