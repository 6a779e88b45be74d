"""What a solve returns."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from fastpiggy.certificate import Certificate

if TYPE_CHECKING:
    from fastpiggy.solving.one_sided import OneSided


@dataclass(frozen=True)
class Cost:
    """Which way a solve took, and what it cost.

    Parameters
    ----------
    way : str
        The algorithm, and ``"+ finish"`` where Newton steps ended it.
    passes : int
        Passes over X.
    changes : int
        Changes of the active set one by one.
    factorisations : int
    sweeps : int
        Of coordinate descent: in Gram space for ``"active_set"``, else those of the algorithm.
    """

    way: str
    passes: int
    changes: int = 0
    factorisations: int = 0
    sweeps: int = 0


@dataclass(frozen=True, eq=False)
class Solution:
    """A solution, its derivatives, and what is known about both.

    Parameters
    ----------
    problem : problem
        What was solved.
    x : ndarray of shape (p,)
        Coefficients; a fixed point has the shape of its start.
    intercept : float
        0.0 where none is fitted.
    jacobian : dict of str to ndarray
        ``jacobian[name]`` has shape ``x.shape + parameter.shape``, or one column a direction where
        directions were given; in natural units, never in logarithms.
    intercept_jacobian : dict of str to ndarray
        The same of the intercept.
    certificate : Certificate
        How far both can be trusted.
    algorithm, derivative : str
        What was taken.
    iterations : int
        Of the algorithm; an exact finish is not counted.
    trace : Trace or None
        What every iteration did, where ``trace=True``.
    cost : Cost or None
        Which way was taken, and what it cost.
    multipliers : dict of str to ndarray, or None
        Those of the constraints, where a problem has them: ``"y"`` and ``"z"`` of a program.
    find_objective, adjoint, find_degrees_of_freedom : callable, optional
        What :attr:`objective`, :meth:`vjp` and :attr:`degrees_of_freedom` call.
    """

    problem: Any
    x: np.ndarray
    intercept: float
    jacobian: dict[str, np.ndarray]
    intercept_jacobian: dict[str, np.ndarray]
    certificate: Certificate
    algorithm: str
    derivative: str
    iterations: int
    trace: Any = None
    cost: Cost | None = None
    find_objective: Callable[[], float] | None = field(default=None, repr=False)
    # Makes the adjoint when it is asked for; not pickled, made again from x.
    adjoint: Callable[..., dict[str, Any]] | None = field(default=None, repr=False)
    find_degrees_of_freedom: Callable[[], float] | None = field(default=None, repr=False)
    # Of the arrays it was found in: a warm start from here takes them over.  Not pickled.
    ticket: Any = field(default=None, repr=False)
    multipliers: dict[str, np.ndarray] | None = None

    @cached_property
    def objective(self) -> float:
        """Loss plus penalty at x, computed when it is asked for; NaN for a fixed point."""
        return np.nan if self.find_objective is None else float(self.find_objective())

    @cached_property
    def degrees_of_freedom(self) -> float | None:
        """Trace of the derivative of the fit along y, computed when it is asked for.

        Trend filters: knots + degree + 1; generalized Lassos: the dimension of the null space of
        the inactive rows of D (Tibshirani and Taylor 2011).  None for other problems.
        """
        return None if self.find_degrees_of_freedom is None else self.find_degrees_of_freedom()

    def vjp(
        self, v: Any, intercept: float = 0.0, wrt: str | Iterable[str] | None = None
    ) -> dict[str, Any]:
        """Derivative of ``v'x + intercept b`` with respect to all parameters: one adjoint solve.

        Parameters
        ----------
        v : array_like of shape (p,)
        intercept : float, default=0.0
            The weight of the intercept.
        wrt : str or iterable of str, optional
            Names; by default every parameter of the problem.  ``"X"`` must be named.

        Returns
        -------
        dict of str to float or ndarray
            In the shape of the parameters.

        Raises
        ------
        ValueError
            For a wrong shape or an unknown name.

        Examples
        --------
        >>> import numpy as np
        >>> import fastpiggy as fp
        >>> sol = fp.solve(fp.lasso(np.eye(2), np.array([3.0, 0.1]), alpha=0.5))
        >>> sol.vjp([1.0, 0.0])["alpha"]
        -2.0
        """
        from fastpiggy.solving import adjoint_of

        return (self.adjoint or adjoint_of(self))(v, intercept, wrt)

    def one_sided(self, wrt: Any) -> "OneSided":
        """The left and the right derivative of x and the intercept, which differ at kinks.

        Right is the limit of ``(x(theta + h) - x(theta)) / h`` as h falls to 0, left that of
        ``(x(theta) - x(theta - h)) / h``.  Coordinates on a kink come and go as a small
        complementarity problem says, several at once included.

        Parameters
        ----------
        wrt : str, iterable of str, or dict of str to array_like
            As in :func:`fastpiggy.solve`: ``"alpha"`` and other parameters by name, or directions
            of the parameter's shape, or of that + (m,).

        Returns
        -------
        OneSided
            ``left``, ``right``, ``left_intercept``, ``right_intercept``: dicts as
            ``jacobian``, NaN on a side where the parameter leaves its range.

        Raises
        ------
        ValueError
            Where x is no solution; where a block or a whole-vector penalty, or a row of the loss,
            stands on a kink; for an unknown name or a wrong shape.
        numpy.linalg.LinAlgError
            Where columns of the equicorrelation set are linearly dependent.

        Examples
        --------
        >>> import warnings
        >>> import numpy as np
        >>> import fastpiggy as fp
        >>> with warnings.catch_warnings(action="ignore"):  # says "at_kink"
        ...     sol = fp.solve(fp.lasso(np.eye(2), np.array([3.0, 1.0]), alpha=0.5))
        >>> sides = sol.one_sided("alpha")
        >>> sides.left["alpha"], sides.right["alpha"], sides.kinks
        (array([-2., -2.]), array([-2.,  0.]), array([1]))
        """
        from fastpiggy.solving import one_sided_of

        return one_sided_of(self, wrt)

    def __getstate__(self) -> dict[str, Any]:
        # Both hold all that the solve computed; the objective itself goes along.
        held = {
            "objective": self.objective, "find_objective": None, "adjoint": None, "ticket": None,
            "degrees_of_freedom": self.degrees_of_freedom, "find_degrees_of_freedom": None,
        }  # fmt: skip
        return {**self.__dict__, **held}

    def __repr__(self) -> str:
        support = int(np.count_nonzero(self.x))
        # A fixed point minimises nothing that we know of.
        objective = "" if np.isnan(self.objective) else f"objective {self.objective:.6g}, "
        return (
            f"<Solution {self.certificate.status}: {objective}{support} of {self.x.size} nonzero, "
            f"{self.algorithm}, {self.iterations} iterations, derivative {self.derivative}>"
        )
