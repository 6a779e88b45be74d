"""Choose the algorithm, run it, report the certificate."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from fastpiggy.solution import Solution

_families: dict[str, Any] = {}


def solve(
    problem: Any,
    wrt: Any = None,
    *,
    algorithm: Any = "auto",
    derivative: str = "auto",
    tol: float = 1e-9,
    max_iter: int | None = None,
    x0: Any = None,
    selection: Any = 0.0,
    trace: bool = False,
    callback: Callable[[dict[str, Any]], Any] | None = None,
) -> Solution:
    """Solve a problem, with the derivative of its solution and what is known about both.

    Parameters
    ----------
    problem : Problem, TrendFilter, GeneralizedLasso, QuadraticProgram, ...
        From :func:`fastpiggy.lasso` and its like.
    wrt : str, iterable of str, or dict of str to array_like, optional
        What to differentiate with respect to: parameters by name (``"alpha"``, ``"weights"``,
        ``"y"``, ``"X"``, ``"sample_weight"``, fields of one's own blocks; for the iterates of a
        run also ``"x0"`` and ``"step"``).  A dict gives directions, of the parameter's shape +
        (m,).
    algorithm : str or options, default="auto"
        ``"active_set"`` for l1 penalties, elastic nets, the group lasso, trend filters of degree 1
        to 3 and quadratic programs,
        ``"forward_backward"``, ``"heavy_ball"``, ``"nesterov"``, ``"fista"``,
        ``"coordinate_descent"``, ``"block_descent"`` for the linear models, ``"admm"`` for trend
        filters, generalized Lassos and quadratic programs, ``"dynamic_programming"`` for total
        variation, or an instance of
        :class:`fastpiggy.ForwardBackward` and its like, which hold options.
    derivative : {"auto", "piggyback", "late", "frozen", "implicit", "one_step", "none"}
        How to differentiate.  Fused: ``"piggyback"`` along with the iterates from the first,
        ``"late"`` once no coordinate changes side any more, ``"frozen"`` at the solution, x held.
        ``"implicit"``: one linear solve on the active set.  ``"one_step"``: one step from zero.
        All but the last give the same numbers off kinks.  ``"auto"`` is implicit, or late where
        that would form too large a matrix.
    tol : float, default=1e-9
        On the optimality of the certificate, and on the relative change of the tangents.
    max_iter : int, optional
        Iterations of the algorithm at the most.
    x0 : Solution or array_like of shape (p,), optional
        Where to start.
    selection : float or array_like of shape (p,), default=0.0
        The element q in [0, 1] of the prox's Clarke Jacobian that is taken at a kink: 0 the
        inactive side, 1 the active one.  For trend filters one entry a row of D, for
        programs one a row of G.
    trace : bool, default=False
        Keep the changes of x and J of every iteration in ``solution.trace``.
    callback : callable, optional
        Called between stretches of iterations with a dict of ``iteration``, ``change``,
        ``tangent_change`` and ``optimality``; what it raises ends the solve.

    Returns
    -------
    Solution

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed; the message names it, its value and what is.

    Warns
    -----
    FastpiggyWarning
        Once, if the status is not ``"converged"``.

    Notes
    -----
    The tangent recursion is ``J+ = A J + B`` with [A, B] a selection of the algorithm's Clarke
    Jacobian (Bolte, Pauwels, Vaiter, "Automatic differentiation of nonsmooth iterative
    algorithms", 2206.00457).

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> problem = fp.lasso(np.eye(3), np.array([3.0, 0.5, -2.0]), alpha=0.5)
    >>> sol = fp.solve(problem, wrt="alpha")
    >>> sol.jacobian["alpha"]
    array([-3.,  0.,  3.])
    >>> sol.certificate.status == "converged"
    True
    """
    family = _family(problem)
    return family.solve(
        problem, wrt=wrt, algorithm=algorithm, derivative=derivative, tol=tol, max_iter=max_iter,
        x0=x0, selection=selection, trace=trace, callback=callback,
    )  # fmt: skip


def adjoint_of(solution: Solution) -> Callable[..., dict[str, Any]]:
    """The adjoint of a solution that has lost its own, as after unpickling."""
    return _family(solution.problem).adjoint_of(solution)


def one_sided_of(solution: Solution, wrt: Any) -> Any:
    """See :meth:`fastpiggy.Solution.one_sided`."""
    from fastpiggy.solving.one_sided import one_sided

    adjoint: Any = solution.adjoint or adjoint_of(solution)
    return one_sided(solution.problem, adjoint.point, wrt, solution.certificate.tolerance)


def _family(problem: Any) -> Any:
    name = getattr(problem, "family", None)
    if name is None:
        raise TypeError(
            f"problem must be made by fastpiggy.lasso, Problem, ... , got {type(problem).__name__}"
        )
    # What stands in sys.modules may be half imported by another thread; what is kept here is not.
    if name not in _families:
        _families[name] = import_module(f"fastpiggy.solving.{name}")
    return _families[name]
