"""An estimate P, what it violates, and the linear system of its derivative.

On the support E (with the diagonal) ``S - W + A o sign(P) = 0`` with ``W = inv(P)``, and along dS
and dA

    (W dP W)_E = -(dS + dA o sign(P))_E,    dP = 0 off E.

At a kink, where ``P_ij = 0`` and ``abs(S_ij - W_ij) = A_ij``, the selection q decides: 0 leaves the
entry out of E, 1 takes it in; in between the fixed point of Douglas-Rachford's tangent recursion is
the same system with ``(1 - q)/(q a)`` added for the entry.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from fastpiggy.problems import directions as wrt
from fastpiggy.structured.sparse_inverse_covariance.newton import inverse, pairs, violation
from fastpiggy.structured.sparse_inverse_covariance.support import conjugate_gradients

#: How near to a kink counts as on it, relative to the scale of alpha.
NEAR = 1e-9
#: Of the linear systems: the residual in the norm of the inverse, over that of the right-hand side.
TOLERANCE = 1e-13
_MOST = 20_000

_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Movement:
    """``dS + dA o sign`` along m directions, on E."""

    R: np.ndarray  # (m, size)


class Estimate:
    """A positive definite P and the derivative there.

    Parameters
    ----------
    problem : SparseInverseCovariance
    P : ndarray of shape (p, p)
    selection : ndarray of shape (p, p)
    gamma : float
        The step of the Douglas-Rachford splitting whose selection q is meant.
    """

    def __init__(self, problem: Any, P: np.ndarray, selection: np.ndarray, gamma: float) -> None:
        self.problem, self.x, self.q, self.gamma = problem, P, selection, gamma
        held = inverse(P)
        assert held is not None
        self.W, self._logdet = held
        self.G = problem.S - self.W
        self.A = problem.penalties

    @cached_property
    def scale(self) -> float:
        """What violations are measured against."""
        return penalty_scale(self.problem)

    @cached_property
    def optimality(self) -> float:
        """The largest violation of ``0 in S - W + A o sign(P)``, over the scale of alpha."""
        wrong = violation(self.G, self.x, self.A) / self.problem.units
        return float(wrong.max()) / self.scale

    @cached_property
    def largest(self) -> float:
        """The largest eigenvalue of P."""
        return float(np.linalg.eigvalsh(self.x)[-1])

    @cached_property
    def rounding(self) -> float:
        """The relative error of W that rounding leaves: the condition of P with unit diagonal
        decides, whatever the units of the variables."""
        root = np.sqrt(np.diag(self.x))
        d = np.linalg.eigvalsh(self.x / np.outer(root, root))
        return 4 * _EPS * float(d[-1] / max(d[0], _EPS))

    @property
    def floor(self) -> float:
        """About what rounding leaves of the optimality; beyond 1e-6 nothing would be known."""
        largest = float((np.diag(self.W) / np.diag(self.problem.units)).max())
        return min(self.rounding * largest / self.scale, 1e-6)

    def objective(self) -> float:
        S, P = self.problem.S, self.x
        return float((S * P).sum() + (self.A * np.abs(P)).sum()) - self._logdet

    @cached_property
    def _kinks(self) -> tuple[np.ndarray, np.ndarray]:
        near = max(NEAR, min(2 * self.optimality, 1e-3)) * self.scale * self.problem.units
        touching = (self.x == 0) & (np.abs(self.G) >= self.A - near)
        # A step of P by this moves its own gradient by what counts as near.
        w = np.diag(self.W)
        reach = near / np.outer(w, w)
        touching |= (self.x != 0) & (np.abs(self.x) <= reach) & (self.A > 0)
        np.fill_diagonal(touching, False)
        return pairs(touching)

    @property
    def kinks(self) -> np.ndarray:
        """Flat indices of entries above the diagonal where the selection is not unique."""
        rows, columns = self._kinks
        return rows * len(self.x) + columns

    #: The Hessian is positive definite on every support.
    singular = False
    stuck = False

    @property
    def units(self) -> dict[str, float]:
        """By parameter: the size that a derivative with respect to it would have."""
        size = float(np.linalg.norm(self.x))
        return {
            "alpha": size * self.largest * float(self.problem.scale.max(initial=0.0)),
            "S": size * self.largest,
            "step": size / self.gamma,
        }

    @cached_property
    def support(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Rows and columns of E, the signs there, and ``(1 - q)/(q a)`` at kinks."""
        share, signs = (self.x != 0).astype(float), np.sign(self.x)
        np.fill_diagonal(signs, 0.0)
        rows, columns = self._kinks
        for i, j in ((rows, columns), (columns, rows)):
            share[i, j] = self.q[i, j]
            signs[i, j] = -np.sign(self.G[i, j])
        rows, columns = pairs(share > 0)
        share = share[rows, columns]
        return rows, columns, signs[rows, columns], (1.0 - share) / (share * self.gamma)

    def movement(self, directions: list[wrt.Direction]) -> Movement:
        """How the directions move the conditions; starting point and step do not."""
        rows, columns, signs, _ = self.support
        R, k = np.zeros((wrt.count(directions), rows.size)), 0
        for d in directions:
            dS, dA = parts(self.problem, d)
            for part in range(len(d.values)):
                if dS is not None:
                    R[k] += dS[part][rows, columns]
                if dA is not None:
                    R[k] += dA[part][rows, columns] * signs
                k += 1
        return Movement(R)

    def _solve(self, R: np.ndarray) -> np.ndarray:
        rows, columns, _, curb = self.support
        X = np.zeros_like(R)
        conjugate_gradients(self.W, self.x, rows, columns, curb, R, X, TOLERANCE, _MOST)
        return X

    def _whole(self, X: np.ndarray) -> np.ndarray:
        """Columns of ``p^2`` entries from entries of E."""
        rows, columns, _, _ = self.support
        found = np.zeros((len(X), *self.x.shape))
        found[:, rows, columns] = found[:, columns, rows] = X
        return found.reshape(len(X), -1).T

    def solve(self, move: Movement) -> np.ndarray:
        """J of shape (p^2, m)."""
        return self._whole(self._solve(-move.R))

    def _left(self, J: np.ndarray, move: Movement) -> np.ndarray:
        """What J leaves of the system, by entry of E."""
        rows, columns, _, curb = self.support
        D = J.T.reshape(-1, *self.x.shape)
        H = self.W @ D @ self.W
        return H[:, rows, columns] + curb * D[:, rows, columns] + move.R

    def residual(self, J: np.ndarray, move: Movement) -> np.ndarray:
        """``J+ - J``, J+ what a Newton step with the inverse Hessian ``D -> P D P`` makes of J."""
        left = self._whole(self._left(J, move)).T.reshape(-1, *self.x.shape)
        return -self._on(self.x @ left @ self.x).reshape(len(left), -1).T

    def _on(self, D: np.ndarray) -> np.ndarray:
        rows, columns, _, _ = self.support
        mask = np.zeros(self.x.shape, dtype=bool)
        mask[rows, columns] = mask[columns, rows] = True
        return D * mask

    def distance(self, J: np.ndarray, move: Movement) -> tuple[float, bool]:
        """A bound of the Frobenius norm of J less the derivative.

        In the norm ``norm(D)_W^2 = <D, W D W>`` of the Hessian, J misses the solution of its system
        by at most ``sqrt(<r, P r P>)``, r what it leaves of it: the inverse on E is at most the
        whole inverse on E.  For the same reason P is off by ``e = sqrt(<g, P g P>)`` at the most, g
        the violations on E, which moves the Hessian by a share of ``2 e + e^2`` and the derivative
        by little more.  The Frobenius norm is at most ``lambda_max(P)`` times that norm.
        """
        g = self._on(np.where(self.x != 0, self.G + self.A * np.sign(self.x), 0.0))
        e = np.sqrt(max(float((g * (self.x @ g @ self.x)).sum()), 0.0)) + self.rounding
        if not e < 0.1:
            return np.inf, False
        D = J.T.reshape(-1, *self.x.shape)
        on = self._on(D)
        off = float(np.linalg.norm(D - on))
        left = self._whole(self._left(on.reshape(len(D), -1).T, move)).T.reshape(D.shape)
        missed = float(np.sqrt(np.abs((left * (self.x @ left @ self.x)).sum())))
        size = float(np.sqrt(np.abs((on * (self.W @ on @ self.W)).sum())))
        return off + 1.2 * self.largest * (missed + 3.0 * e * size), True

    def adjoint(self, v: np.ndarray, names: list[str]) -> dict[str, Any]:
        """``v'J`` by parameter: symmetric matrices for S and a matrix alpha."""
        rows, columns, signs, _ = self.support
        v = 0.5 * (v + v.T)
        e = self._solve(-v[rows, columns][None])[0]
        p = self.problem
        E, signed = np.zeros_like(p.S), np.zeros_like(p.S)
        E[rows, columns] = E[columns, rows] = e
        signed[rows, columns] = signed[columns, rows] = e * signs
        found: dict[str, Any] = {}
        if "alpha" in names:
            along = signed * p.scale
            found["alpha"] = along if np.ndim(p.alpha) else float(along.sum())
        if "S" in names:
            found["S"] = E
            if p.correlation:
                # A_ij = alpha_ij sqrt(S_ii S_jj): half of dS_ii/S_ii from each of i and j.
                share = (signed * self.A).sum(axis=1) / np.diag(p.S)
                found["S"] = E + np.diag(share)
        return {name: found[name] for name in names}

    def margin(self) -> tuple[float, float] | None:
        """How far alpha can go down and up before the support changes, to first order."""
        p = self.problem
        if np.ndim(p.alpha) or p.alpha == 0.0:
            return None
        if self.kinks.size:
            return 0.0, 0.0
        dP = self.solve(self.movement([wrt.Direction("alpha", np.ones(1), ())]))
        dP = dP[:, 0].reshape(p.shape)
        dG, dA = self.W @ dP @ self.W, p.scale
        on = (self.x != 0) & (self.A > 0)
        off = self.x == 0
        with np.errstate(divide="ignore", invalid="ignore"):
            events = np.concatenate([
                -self.x[on] / dP[on],
                ((self.A - self.G) / (dG - dA))[off],
                ((self.A + self.G) / (-dG - dA))[off],
            ])  # fmt: skip
        events = events[np.isfinite(events)]
        down = -events[events <= 0].max(initial=-p.alpha)
        return float(down), float(events[events >= 0].min(initial=np.inf))


def penalty_scale(problem: Any) -> float:
    """``max(alpha, alpha_max/1000)``, in alpha's units."""
    alpha = problem.penalties / problem.units
    found = max(float(alpha.max(initial=0.0)), 1e-3 * problem.largest_gradient())
    return found or float((np.diag(problem.S) / np.diag(problem.units)).max()) or 1.0


def parts(problem: Any, d: wrt.Direction) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Directions of S and of the penalties, of shape (m, p, p); None where they stay."""
    if d.name == "alpha":
        values = d.values if d.values.ndim == 3 else d.values[:, None, None]
        return None, values * problem.scale
    if d.name == "S":
        if not problem.correlation:
            return d.values, None
        relative = 0.5 * np.diagonal(d.values, axis1=1, axis2=2) / np.diag(problem.S)
        return d.values, problem.penalties * (relative[:, :, None] + relative[:, None, :])
    return None, None
