"""The calls of diffcp: ``from fastpiggy import diffcp`` in the place of ``import diffcp``.

Agrawal, Barratt, Boyd, Busseti, Moursi, "Differentiating through a cone program", 2019.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from fastpiggy.certificate import Status
from fastpiggy.problems import checks
from fastpiggy.solving import solve
from fastpiggy.structured.cone_program import ConeSolution, cone_program

ZERO, POS, SOC, PSD, EXP, EXP_DUAL = "z", "l", "q", "s", "ep", "ed"

_MODES = ("dense", "lsqr", "lsmr")


class SolverError(Exception):
    """The cone program is infeasible or unbounded, or no solution was found."""


def solve_and_derivative(
    A: Any, b: Any, c: Any, cone_dict: Any, warm_start: Any = None, mode: str = "lsqr",
    solve_method: str | None = None, P: None = None, *, eps: float = 1e-9,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Callable[..., Any], Callable[..., Any]]:  # fmt: skip
    """Solve a cone program; return its solution and the two maps of its derivative.

    The arguments are those of diffcp; nothing of the caller's is changed.

    Parameters
    ----------
    A : sparse matrix or array_like of shape (m, n)
    b : array_like of shape (m,)
    c : array_like of shape (n,)
    cone_dict : dict
        As :func:`fastpiggy.cone_program` takes it.
    warm_start : tuple of x, y, s, optional
    mode : {"dense", "lsqr", "lsmr"}
        One factor serves all three, which differ in diffcp in how exact they are.
    solve_method : str, optional
        Not used: the solver is fastpiggy's.
    P : None
        Quadratic objectives are not taken.
    eps : float, default=1e-9
        Tolerance of the solution.

    Returns
    -------
    x, y, s : ndarray
    derivative : callable
        ``derivative(dA, db, dc)`` returns dx, dy, ds.
    adjoint_derivative : callable
        ``adjoint_derivative(dx, dy, ds)`` returns dA, db, dc; dA is a CSC matrix on the nonzeros
        of A where A is sparse.

    Raises
    ------
    SolverError
        If the program is infeasible or unbounded, or no solution was found.
    ValueError, TypeError
        For arguments that are not allowed.

    Warns
    -----
    FastpiggyWarning
        Where the derivative is not unique or not known, as the status of
        :func:`fastpiggy.solve` says.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from fastpiggy import diffcp
    >>> A = sparse.csc_matrix(-np.eye(2))
    >>> x, y, s, D, DT = diffcp.solve_and_derivative(
    ...     A, np.array([-1.0, -2.0]), np.ones(2), {diffcp.POS: 2}
    ... )
    >>> x.round(9), D(0 * A, np.array([1.0, 0.0]), np.zeros(2))[0].round(9) + 0.0
    (array([1., 2.]), array([-1.,  0.]))
    """
    if mode not in _MODES:
        raise ValueError(f"mode must be one of {', '.join(map(repr, _MODES))}, got {mode!r}")
    if P is not None:
        raise ValueError("P must be None: write a quadratic objective with a second-order cone")
    problem = cone_program(A, b, c, cone_dict)
    found = solve(problem, tol=eps, x0=None if warm_start is None else tuple(warm_start))
    assert isinstance(found, ConeSolution)
    status = found.certificate.status
    if status in (Status.INFEASIBLE, Status.UNBOUNDED, Status.MAX_ITER):
        raise SolverError(found.certificate.message)
    rows, columns = A.nonzero() if hasattr(A, "tocsc") else (None, None)

    def derivative(
        dA: Any, db: Any, dc: Any, dP: None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """dx, dy, ds along one direction of the data."""
        if dP is not None:
            raise ValueError("dP must be None: there is no P")
        return found.jvp(dA, db, dc)

    def adjoint_derivative(
        dx: Any, dy: Any, ds: Any, return_dP: bool = False
    ) -> tuple[Any, np.ndarray, np.ndarray]:
        """dA, db, dc of weights of the solution."""
        if return_dP:
            raise ValueError("return_dP must be False: there is no P")
        m, n = problem.A.shape
        dx = checks.vector(dx, "dx", n, "entry of x")
        dy = checks.vector(dy, "dy", m, "row of A")
        ds = checks.vector(ds, "ds", m, "row of A")
        g = found.vjp(dx, y=dy, s=ds)
        dA = g["A"]
        if rows is not None:
            from scipy.sparse import csc_matrix

            dA = csc_matrix((dA[rows, columns], (rows, columns)), shape=dA.shape)
        return dA, g["b"], g["c"]

    return found.x, found.y, found.s, derivative, adjoint_derivative
