"""Derivatives at a solution that another solver has found."""

from typing import Any

import numpy as np

from fastpiggy.problems import directions as of_parameters
from fastpiggy.solution import Solution
from fastpiggy.solving import structured
from fastpiggy.solving.request import check


def differentiate(
    problem: Any, x: Any, z: Any, y: Any = None, wrt: Any = None, *, tol: float = 1e-6,
    selection: Any = 0.0,
) -> Solution:  # fmt: skip
    """The derivative of a program's solution, the solution being another solver's.

    Parameters
    ----------
    problem : QuadraticProgram or ConeProgram
    x : array_like of shape (n,)
        The solution.
    z : array_like of shape (inequalities,), or None
        Multipliers of ``G x <= h``: not negative, with ``P x + q + A'y + G'z = 0``.  OSQP's and
        HiGHS's signs differ where a row has a lower bound.  Of a cone program: in the dual cone,
        with ``A'z + c = 0``; solvers of cone programs call it y.
    y : array_like of shape (equalities,), optional
        Multipliers of ``A x = b``; none for a cone program, whose cones hold them.
    wrt : str, iterable of str, or dict of str to array_like, optional
        As in :func:`fastpiggy.solve`.
    tol : float, default=1e-6
        On the optimality of what was given: beyond it the status is ``"max_iter"``, and a cone
        program's an error.
    selection : float or array_like, default=0.0
        As in :func:`fastpiggy.solve`.

    Returns
    -------
    Solution
        With x and the multipliers as they were given; its certificate says how good they are and
        which constraints are met with a multiplier of zero.

    Raises
    ------
    ValueError, TypeError
        For a wrong shape, numbers that are not finite, or multipliers of the wrong sign.

    Warns
    -----
    FastpiggyWarning
        Once, if the status is not ``"converged"``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> problem = fp.quadratic_program(np.eye(2), [-1.0, 1.0], G=-np.eye(2), h=[0.0, 0.0])
    >>> sol = fp.differentiate(problem, x=[1.0, 0.0], z=[0.0, 1.0], wrt="q")
    >>> sol.jacobian["q"] + 0.0
    array([[-1.,  0.],
           [ 0.,  0.]])
    """
    system = problem.system() if hasattr(problem, "system") else None
    if not hasattr(system, "given"):
        raise TypeError(
            "problem must be a program with multipliers, from fastpiggy.quadratic_program or "
            f"fastpiggy.cone_program, got {type(problem).__name__}"
        )
    request = check(
        system.coordinates, system.algorithms, wrt, "auto", "implicit", tol, None, None, selection,
        False, None,
    )  # fmt: skip
    directions = of_parameters.parse(problem, wrt, int(np.prod(problem.shape)))
    return structured.at_point(system, system.given(x, z, y, request), directions, request)
