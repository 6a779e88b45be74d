"""What a solve of a cone program returns."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastpiggy.problems import checks
from fastpiggy.solution import Solution


@dataclass(frozen=True, eq=False, repr=False)
class ConeSolution(Solution):
    """A solution of a cone program: :class:`fastpiggy.Solution` with multipliers and slacks.

    Where the status is ``"infeasible"`` y is a certificate of that, ``A'y = 0``, ``b'y = -1``, y
    in K*, and x and s are zeros; where it is ``"unbounded"`` x and s are one, ``A x + s = 0``,
    ``c'x = -1``, s in K, and y is zeros.

    Parameters
    ----------
    y, s : ndarray of shape (m,)
    y_jacobian, s_jacobian : dict of str to ndarray
        As ``jacobian``, which is that of x.
    """

    y: np.ndarray = field(default_factory=lambda: np.zeros(0))
    s: np.ndarray = field(default_factory=lambda: np.zeros(0))
    y_jacobian: dict[str, np.ndarray] = field(default_factory=dict)
    s_jacobian: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(
        cls, problem: Any, whole: np.ndarray, intercept: float, jacobian: dict[str, np.ndarray],
        *rest: Any, **named: Any,
    ) -> "ConeSolution":  # fmt: skip
        """Take (x, y, s) and their Jacobians apart; the arguments of :class:`Solution`."""
        m, n = problem.A.shape
        x, y, s = np.split(whole, [n, n + m])
        parts = {name: np.split(J, [n, n + m]) for name, J in jacobian.items()}
        by = [{name: part[i] for name, part in parts.items()} for i in range(3)]
        return cls(
            problem, x, intercept, by[0], *rest, **named,
            y=y, s=s, y_jacobian=by[1], s_jacobian=by[2],
        )  # fmt: skip

    def vjp(
        self, v: Any, intercept: float = 0.0, wrt: str | Iterable[str] | None = None, *,
        y: Any = None, s: Any = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Derivative of ``v'x + dy'y + ds's`` with respect to A, b, c: one adjoint solve.

        Parameters
        ----------
        v : array_like of shape (n,)
            Weights of x.
        intercept : float, default=0.0
            Must be 0.
        wrt : str or iterable of str, optional
            Of ``"A"``, ``"b"``, ``"c"``; all by default.
        y, s : array_like of shape (m,), optional
            Weights dy and ds of multipliers and slacks; none by default.

        Returns
        -------
        dict of str to ndarray

        Raises
        ------
        ValueError
            For a wrong shape or name, and where the problem has no solution.
        """
        from fastpiggy.solving.structured import Adjoint

        m, n = self.problem.A.shape
        weights = np.zeros(n + 2 * m)
        weights[:n] = checks.vector(v, "v", n, "entry of x")
        for name, value, start in (("y", y, n), ("s", s, n + m)):
            if value is not None:
                weights[start : start + m] = checks.vector(value, name, m, "row of A")
        return Adjoint(self.point)(weights, intercept, wrt)

    def jvp(
        self, dA: Any = None, db: Any = None, dc: Any = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Derivatives of x, y, s along one direction of the data: one solve.

        Parameters
        ----------
        dA : array_like or sparse matrix of shape (m, n), optional
        db : array_like of shape (m,), optional
        dc : array_like of shape (n,), optional
            None is zero.

        Returns
        -------
        dx, dy, ds : ndarray

        Raises
        ------
        ValueError
            For wrong shapes, and where the problem has no solution.
        """
        p = self.problem
        m, n = p.A.shape
        move = self.point.moved(
            np.zeros((m, n)) if dA is None else p.replace(A=dA).A,
            np.zeros(m) if db is None else checks.vector(db, "db", m, "row of A"),
            np.zeros(n) if dc is None else checks.vector(dc, "dc", n, "column of A"),
        )
        dx, dy, ds = np.split(self.point.solve(move)[:, 0], [n, n + m])
        return dx, dy, ds

    @property
    def point(self) -> Any:
        """The conditions of optimality here, with the factor of their Jacobian."""
        if self.adjoint is not None:
            return self.adjoint.point  # type: ignore[attr-defined]
        whole = np.concatenate([self.x, self.y, self.s])
        return self.problem.system().near(whole, self.certificate.tolerance)
