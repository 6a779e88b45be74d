"""Iterate a map of one's own with its tangent."""

from collections.abc import Callable
from typing import Any

from fastpiggy.solution import Solution
from fastpiggy.solving import solve
from fastpiggy.structured.fixed_point.problem import fixed_point


def piggyback(
    step: Any,
    x0: Any,
    theta: Any,
    *,
    step_tangent: Callable[..., Any] | None = None,
    jacobian: Callable[..., Any] | None = None,
    wrt: Any = "all",
    derivative: str = "piggyback",
    tol: float = 1e-9,
    max_iter: int | None = None,
    trace: bool = False,
    callback: Callable[[dict[str, Any]], Any] | None = None,
) -> Solution:
    """Iterate a map of one's own with its tangent: ``x+ = F(x, theta)``, ``J+ = A J + B``.

    Parameters
    ----------
    step : callable or Map
        ``step(x, theta)`` returns the next x, in the shape of `x0`; it may be plain Python and must
        not change its arguments.  With a third argument it is handed the number of the iteration.
        Or a record of the role :class:`~fastpiggy.algorithms.fixed_point.Map`, which is compiled
        and cached on disk; x and all parameters are then vectors.
    x0 : float or array_like
        Where to start; of any shape.
    theta : float, array_like, or dict of str to them
        The parameters.  A dict is handed on as one, its keys are the names of the parameters; else
        the name is ``"theta"``.
    step_tangent : callable, optional
        ``step_tangent(x, theta, dx, dtheta)`` returns ``A dx + B dtheta``, [A, B] one selection of
        the map's Clarke Jacobian at x; `dtheta` is built like `theta`.
    jacobian : callable, optional
        Instead: ``jacobian(x, theta)`` returns ``A, B`` with A of shape (p, p), or anything with
        ``@``, and B of shape (p, q), p and q the entries of x and theta in C order; for a dict B is
        a dict of such.
    wrt : "all", None, str, iterable of str, or dict of str to array_like, default="all"
        As in :func:`fastpiggy.solve`; all parameters by default.  ``"x0"`` is the starting point.
    derivative : str, default="piggyback"
        As in :func:`fastpiggy.solve`.  ``"implicit"`` forms A, for at most 1000 entries of x.
    tol : float, default=1e-9
        On the largest entry of ``F(x) - x``, over the largest of x at the start; and on the
        relative change of the tangents.
    max_iter : int, optional
        Iterations at the most, 100000 by default.
    trace, callback
        As in :func:`fastpiggy.solve`.

    Returns
    -------
    Solution
        ``jacobian[name]`` has shape ``x0.shape + parameter.shape``.  Nothing is known about the
        map but what `step` and its tangent say: ``certificate.tangent_error`` is an estimate, and
        kinks are not seen.

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed, or a result has another shape than x.

    Warns
    -----
    FastpiggyWarning
        Once, if the status is not ``"converged"``.

    Notes
    -----
    Bolte, Pauwels, Vaiter, "Automatic differentiation of nonsmooth iterative algorithms",
    2206.00457: where all selections contract in one norm, J goes to a conservative Jacobian of the
    fixed point.

    Examples
    --------
    The square root of theta by Heron's rule, ``x+ = (x + theta/x)/2``:

    >>> import fastpiggy as fp
    >>> def step(x, theta):
    ...     return (x + theta / x) / 2
    >>> def step_tangent(x, theta, dx, dtheta):
    ...     return (dx - theta / x**2 * dx + dtheta / x) / 2
    >>> sol = fp.piggyback(step, 1.0, 9.0, step_tangent=step_tangent)
    >>> round(float(sol.x), 9), round(float(sol.jacobian["theta"]), 9)  # 1 / (2 sqrt(9))
    (3.0, 0.166666667)
    """
    problem = fixed_point(step, x0, theta, step_tangent, jacobian)
    names = list(problem.parameters) if isinstance(wrt, str) and wrt == "all" else wrt
    return solve(
        problem, wrt=names, derivative=derivative, tol=tol, max_iter=max_iter, trace=trace,
        callback=callback,
    )  # fmt: skip
