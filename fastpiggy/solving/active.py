"""One selection of the prox's Clarke Jacobian, and the coordinates that it leaves active."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastpiggy.algorithms.composite import prox
from fastpiggy.penalties import ElasticNet, GroupL2, SquaredL2

#: How near to a kink counts as on it, relative to the prox's argument.
NEAR = 1e-8

#: Active coordinates at the most for a matrix that the penalty adds.
_LARGEST_MATRIX = 1000


@dataclass
class Selection:
    """``dz = P du + C``: [P, C] of the prox at its argument u, C along m directions.

    Parameters
    ----------
    z : ndarray of shape (p,)
        The prox.
    slopes : list of (members, matrix)
        The symmetric blocks of P that are not zero; ``members is None`` stands for the diagonal
        of all coordinates, the matrix then being the vector of slopes.
    C : ndarray of shape (p, m)
    kinks : ndarray of int
        Coordinates where the selection was not unique.
    curbs : list of ndarray, optional
        ``(inv(P) - I)/step`` of each block, or the diagonal of all coordinates, where a formula
        gives it: out of P, which is near I where the step is short, only some digits of it come.
    """

    z: np.ndarray
    slopes: list[tuple[np.ndarray | None, np.ndarray]]
    C: np.ndarray
    kinks: np.ndarray
    curbs: list[np.ndarray] | None = None

    def apply(self, V: np.ndarray) -> np.ndarray:
        """``P V`` for V of shape (p, m)."""
        members, P = self.slopes[0] if self.slopes else (None, np.zeros(len(V)))
        if members is None:
            return P[:, None] * V
        out = np.zeros_like(V)
        for members, P in self.slopes:
            out[members] = P @ V[members]
        return out

    def range(self, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray | None, np.ndarray]:
        """Active coordinates, a basis of the range of P in them, and ``(inv(P) - I)/step`` there.

        The basis is None where it is the coordinates themselves.  The last is a vector where it is
        diagonal in that basis, else a matrix: so it is where formulas give it and it is not too
        large, since a basis that mixes columns of different sizes drowns the small ones.
        """
        if not self.slopes:
            return np.zeros(0, dtype=np.int64), None, np.zeros(0)
        if self.slopes[0][0] is None:
            a = self.slopes[0][1]
            members = np.flatnonzero(a)
            if self.curbs is not None:
                return members, None, self.curbs[0][members]
            return members, None, (1.0 / a[members] - 1.0) / steps[members]
        if self.curbs is not None:
            members = np.concatenate([group for group, _ in self.slopes])
            if members.size <= _LARGEST_MATRIX:
                return members, None, _block_diagonal(self.curbs)
        members, columns, curb = [], [], []
        for group, P in self.slopes:
            values, vectors = np.linalg.eigh(P)
            kept = values > 1e-12
            members.append(group)
            columns.append(vectors[:, kept])
            curb.append((1.0 / values[kept] - 1.0) / steps[group[0]])
        Q = _block_diagonal(columns)
        return np.concatenate(members), Q, np.concatenate(curb)


def select(
    binding: Any, u: np.ndarray, steps: np.ndarray, slack: np.ndarray, d: Any, m: int
) -> Selection:
    """The selection at u, and one of its elements where u is near a kink.

    Near means within a relative NEAR, or `slack`.  At a kink the two sides are taken from two
    points and blended with q, each with its own parameter part, so that [P, C] stays one element of
    the joint Clarke Jacobian.
    """
    if binding.kind == "CoordinatePenalty":
        return _coordinates(binding, u, steps, slack, d, m)
    if binding.kind == "BlockPenalty":
        return _blocks(binding, u, steps, slack, d, m)
    return _whole(binding, u, steps, slack, d, m)


def _evaluate(
    binding: Any,
    u: np.ndarray,
    steps: np.ndarray,
    probes: np.ndarray,
    d: Any,
    m: int,
    q: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The prox at u, its derivative along `probes` (k, p), and its parameter part (m, p).

    `d` has k directions of zeros before the m of the parameters.
    """
    k, penalised = len(probes), binding.penalised
    du = np.zeros((k + m, u.size))
    du[:k] = probes
    z, dz = u.copy(), du.copy()
    prox(
        binding.composite.penalty, u[:penalised], steps, z, du, dz, d, k + m,
        binding.composite.selection if q is None else q,
    )  # fmt: skip
    return z, dz[:k], dz[k:]


def _coordinates(
    binding: Any, u: np.ndarray, steps: np.ndarray, slack: np.ndarray, d: Any, m: int
) -> Selection:
    ones = np.ones((1, u.size))
    z, a, C = _evaluate(binding, u, steps, ones, d, m)
    away = NEAR * np.abs(u) + slack
    low, high = (_evaluate(binding, u + side * away, steps, ones, d, m) for side in (-1.0, 1.0))
    a, C, sides = a[0], C.copy(), [low, high]
    bent = np.abs(high[1][0] - low[1][0]) > 1e-3
    # So wide a doubt may span a whole piece: between two bounds, or between two thresholds.
    flat = low[1][0] == 0.0
    spans = ~bent & np.where(flat, low[0] != high[0], low[0] * high[0] < 0.0)
    if spans.any():
        inside = np.where(spans, np.where(flat, 0.5 * (low[0] + high[0]), 0.0), u)
        sides.append(_evaluate(binding, inside, steps, ones, d, m))
        bent |= spans & (np.abs(sides[2][1][0] - low[1][0]) > 1e-3)
    kinks = np.flatnonzero(bent)
    for j in kinks:
        # The inactive side is the one with the smallest slope.
        slopes = [side[1][0, j] for side in sides]
        off, on = sides[np.argmin(slopes)], sides[np.argmax(slopes)]
        q = binding.composite.selection[j]
        a[j] = (1.0 - q) * off[1][0, j] + q * on[1][0, j]
        C[:, j] = (1.0 - q) * off[2][:, j] + q * on[2][:, j]
    curbs, l2 = None, _squared_l2(binding.composite.penalty)
    blended = kinks[(a[kinks] > 0.0) & (binding.composite.selection[kinks] < 1.0)]
    if l2 is not None and not blended.size:
        curbs = [np.where(np.arange(u.size) < binding.penalised, l2, 0.0)]
    return Selection(z, [(None, a)], C.T, kinks, curbs)


def _squared_l2(penalty: Any) -> float | None:
    """The factor of ``norm(x)^2 / 2`` in a penalty with no other curvature; None for others."""
    if type(penalty) is SquaredL2:
        return float(penalty.alpha)
    return float(penalty.alpha * (1.0 - penalty.l1_ratio)) if type(penalty) is ElasticNet else None


def _blocks(
    binding: Any, u: np.ndarray, steps: np.ndarray, slack: np.ndarray, d: Any, m: int
) -> Selection:
    largest = max((len(members) for members in binding.blocks), default=0)
    probes = np.zeros((largest, u.size))
    for members in binding.blocks:
        probes[np.arange(len(members)), members] = 1.0
    free = np.arange(binding.penalised, u.size)
    norms, wide = np.zeros(u.size), np.zeros(u.size)
    for members in binding.blocks:
        norms[members] = np.linalg.norm(u[members])
        wide[members] = np.linalg.norm(slack[members])
    away = u * (NEAR + np.minimum(wide, 1e-3 * norms) / np.where(norms > 0, norms, 1.0))
    z, A, C = _evaluate(binding, u, steps, probes, d, m)
    sides = [_evaluate(binding, u + side * away, steps, probes, d, m) for side in (-1.0, 1.0)]
    slopes, kinks, on = [], [], {}
    for b, members in enumerate(binding.blocks):
        size = len(members)
        P = A[:size, members].T
        low, high = (side[1][:size, members].T for side in sides)
        if np.abs(high - low).max(initial=0.0) > 1e-3:
            order = [0, 1] if np.trace(low) <= np.trace(high) else [1, 0]
            flat, bent = (sides[i] for i in order)
            q = binding.composite.selection[members[0]]
            P = (1.0 - q) * flat[1][:size, members].T + q * bent[1][:size, members].T
            C[:, members] = (1.0 - q) * flat[2][:, members] + q * bent[2][:, members]
            kinks.extend(members)
        if np.any(P):
            slopes.append((members, 0.5 * (P + P.T)))
            on[b] = members
    penalty = binding.composite.penalty
    curbs = _curbs_of_norms(penalty, z, on) if isinstance(penalty, GroupL2) and not kinks else None
    slopes += [(np.array([j]), np.ones((1, 1))) for j in free]
    if curbs is not None:
        curbs += [np.zeros((1, 1))] * free.size
    return Selection(z, slopes, C.T, np.array(sorted(kinks), dtype=np.int64), curbs)


def _curbs_of_norms(penalty: Any, z: np.ndarray, on: dict[int, np.ndarray]) -> list[np.ndarray]:
    """The Hessians ``alpha c_g (I - v v') / norm(z_g)`` of the norms of active groups."""
    found = []
    for b, members in on.items():
        top, norm = penalty.alpha * penalty.weights[b], np.linalg.norm(z[members])
        v = z[members] / (norm or 1.0)
        found.append(top / (norm or 1.0) * (np.eye(v.size) - np.outer(v, v)))
    return found


def _whole(
    binding: Any, u: np.ndarray, steps: np.ndarray, slack: np.ndarray, d: Any, m: int
) -> Selection:
    p = binding.penalised
    probes = np.eye(u.size)[:p]
    z, A, C = _evaluate(binding, u, steps, probes, d, m)
    q = np.zeros_like(binding.composite.selection)
    # On each side of the kink the selection is unique; random sides, since there are many kinks.
    rng = np.random.default_rng(0)
    seen = np.zeros(u.size, dtype=bool)
    for _ in range(3):
        away = (NEAR * np.abs(u).max() + slack.max()) * rng.choice([-1.0, 1.0], u.size)
        low, high = (
            _evaluate(binding, u + side * away, steps, probes, d, m, q) for side in (-1, 1)
        )
        seen |= np.abs(high[1] - low[1]).max(axis=0) > 1e-3
    P = A[:, :p].T
    slopes = [(np.arange(p), 0.5 * (P + P.T))]
    slopes += [(np.array([j]), np.ones((1, 1))) for j in range(p, u.size)]
    return Selection(z, slopes, C.T, np.flatnonzero(seen))


def _block_diagonal(parts: list[np.ndarray]) -> np.ndarray:
    out = np.zeros((sum(len(part) for part in parts), sum(part.shape[1] for part in parts)))
    row = column = 0
    for part in parts:
        out[row : row + len(part), column : column + part.shape[1]] = part
        row, column = row + len(part), column + part.shape[1]
    return out
