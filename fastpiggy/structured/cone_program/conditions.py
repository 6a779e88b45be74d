"""The conditions of optimality with w fixed to 1, and the factor of their Jacobian.

With ``y = P(v)``, P the projection on K*, and ``s = y - v``, a solution is a root of

    N(x, v) = (A'y + c, b - A x - s),    M = [[0, A'D], [-A, I - D]],    D = DP(v),

the first two parts of 2106.04350's ``N(z) = ((Q - I) Pi + I) z`` at w = 1.  One factor of M serves
a semismooth Newton step, the derivative ``M (dx, dv) = -(dA'y + dc, db - dA x)`` and the adjoint.
Rows where D is zero, slack constraints, are eliminated: ``dv = r + A dx`` there.
"""

from functools import cached_property

import numpy as np
from scipy.linalg import lapack

from fastpiggy.algorithms.homogeneous_embedding import dual_projection
from fastpiggy.structured.cone_program.equilibration import Equilibrated

#: Reciprocal condition number from which M counts as singular, and relative singular values that
#: count as zero then.
_SINGULAR, _RANK = 1e-14, 1e-11

_EPS = float(np.finfo(float).eps)


class Conditions:
    """N and M at one point of an equilibrated problem.

    Parameters
    ----------
    data : Equilibrated
    x : ndarray of shape (n,)
    v : ndarray of shape (m,)
    selection : ndarray of shape (m,)
    """

    def __init__(
        self, data: Equilibrated, x: np.ndarray, v: np.ndarray, selection: np.ndarray
    ) -> None:
        self.data, self.x, self.v, self.selection = data, x, v, selection
        self.y = np.empty(v.size)
        dual_projection(data.cone, v, self.y, data.nothing, selection, False)
        self.s = self.y - v
        self.Ax, self.Aty = data.A @ x, data.A.T @ self.y
        self.value = np.concatenate([self.Aty + data.c, data.b - self.Ax - self.s])
        self.size = float(np.linalg.norm(self.value))

    @property
    def optimality(self) -> float:
        """The largest of the relative primal and dual residual and the gap, in scaled units."""
        n, data = self.x.size, self.data
        cost, price = float(data.c @ self.x), float(data.b @ self.y)
        primal = np.abs(self.value[n:]).max() / (1.0 + max(_top(self.Ax), _top(self.s)))
        dual = np.abs(self.value[:n]).max() / (1.0 + _top(self.Aty))
        gap = abs(cost + price) / (1.0 + abs(cost) + abs(price))
        return float(max(primal, dual, gap))

    @property
    def rounding(self) -> float:
        """About what rounding leaves of the size of N."""
        size = 1.0 + max(_top(self.Ax), _top(self.s), _top(self.Aty))
        return _EPS * size * float(np.sqrt(self.value.size))

    @cached_property
    def D(self) -> np.ndarray:
        """``DP(v)``."""
        found = np.empty((self.v.size, self.v.size))
        dual_projection(self.data.cone, self.v, np.empty(self.v.size), found, self.selection, True)
        return found

    @cached_property
    def kept(self) -> np.ndarray:
        """Rows where D is not zero, as a mask."""
        return self.D.any(axis=1)

    @cached_property
    def M(self) -> np.ndarray:
        """M without the eliminated rows."""
        n, cone = self.x.size, self.data.cone
        at = np.flatnonzero(self.kept)
        A = self.data.A[at]
        # D is diagonal on the rows of the zero cone and the orthant.
        k = int(np.searchsorted(at, cone.zero + cone.nonnegative))
        d, D = self.D[at[:k], at[:k]], self.D[at[k:, None], at[k:]]
        M = np.zeros((n + at.size, n + at.size), order="F")
        M[n:, :n] = -A
        M[:n, n : n + k] = A[:k].T * d
        M[:n, n + k :] = A[k:].T @ D
        M[n + k :, n + k :] = -D
        M[range(n, n + at.size), range(n, n + at.size)] += 1.0
        M[range(n, n + k), range(n, n + k)] -= d
        return M

    @cached_property
    def _factor(self) -> tuple[np.ndarray, np.ndarray, int]:
        """LU, pivots, and the first pivot of zero."""
        return lapack.dgetrf(self.M)  # type: ignore[no-any-return]

    @cached_property
    def rcond(self) -> float:
        """Reciprocal condition number of M, estimated."""
        lu, _, bad = self._factor
        return 0.0 if bad else float(lapack.dgecon(lu, np.linalg.norm(self.M, 1))[0])

    @cached_property
    def singular(self) -> bool:
        return not self.rcond > _SINGULAR

    @cached_property
    def _inverse(self) -> np.ndarray:
        """The pseudo-inverse of a singular M."""
        return np.linalg.pinv(self.M, rcond=_RANK)

    def solve(self, r: np.ndarray) -> np.ndarray:
        """(dx, dv) with ``M (dx, dv) = r``, columns of shape (n + m, k); of least norm where many
        fit."""
        n, kept = self.x.size, self.kept
        short = np.concatenate([r[:n], r[n:][kept]])
        found = self._inverse @ short if self.singular else self._by_factor(short, 0)
        full = np.empty_like(r)
        full[:n] = found[:n]
        full[n:][kept] = found[n:]
        full[n:][~kept] = r[n:][~kept] + self.data.A[~kept] @ found[:n]
        return full

    def step(self) -> np.ndarray:
        """Newton's; small pivots alone let M count as singular here."""
        pivots = np.abs(self._factor[0].diagonal())
        if pivots.min() > _RANK * pivots.max():
            self.__dict__.setdefault("singular", False)
        d = self.solve(-self.value)
        self.__dict__.pop("singular")
        return d

    def solve_transposed(self, g: np.ndarray) -> np.ndarray:
        """``M'`` in the place of M, for one vector."""
        n, kept = self.x.size, self.kept
        first = g[:n] + self.data.A[~kept].T @ g[n:][~kept]
        short = np.concatenate([first, g[n:][kept]])
        found = self._inverse.T @ short if self.singular else self._by_factor(short, 1)
        full = g.copy()
        full[:n] = found[:n]
        full[n:][kept] = found[n:]
        return full

    def _by_factor(self, r: np.ndarray, transposed: int) -> np.ndarray:
        lu, pivots, _ = self._factor
        found: np.ndarray = lapack.dgetrs(lu, pivots, r, trans=transposed)[0]
        return found

    def times(self, d: np.ndarray) -> np.ndarray:
        """``M d``."""
        n, A = self.x.size, self.data.A
        dy = self.D @ d[n:]
        return np.concatenate([A.T @ dy, d[n:] - dy - A @ d[:n]])

    def selected(self, selection: np.ndarray) -> "Conditions":
        """The same point with another selection."""
        return Conditions(self.data, self.x, self.v, selection)


def newton(start: Conditions, steps: int) -> tuple[Conditions, int]:
    """Semismooth Newton steps as long as they reduce ``norm(N)``; returns the factors they cost."""
    here, n = start, start.x.size
    for done in range(steps):
        if here.size <= here.rounding:
            return here, done
        d = here.step()
        share, best = 1.0, None
        while share > 1e-2:
            x, v = here.x + share * d[:n], here.v + share * d[n:]
            new = Conditions(here.data, x, v, here.selection)
            if new.size < (1.0 - 0.1 * share) * here.size:
                best = new
                break
            share *= 0.5
        if best is None:
            return here, done + 1
        here = best
    return here, steps


def _top(v: np.ndarray) -> float:
    return float(np.abs(v).max(initial=0.0))
