"""The derivative of the solution of ``F(x, theta) = 0`` or ``x = T(x, theta)``.

Bolte, Le, Pauwels, Silveti-Falls, "Nonsmooth implicit differentiation for machine learning and
optimization" (2106.04350): where every selection [A, B] of a conservative Jacobian of F has an
invertible A, the matrices ``-inv(A) B`` are one of the solution; ``F = x - T`` for a fixed point.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastpiggy.certificate import FastpiggyWarning, Status
from fastpiggy.implicit.invertible import Least, smallest, worst
from fastpiggy.implicit.linear import (
    METHODS,
    Linear,
    apply,
    identity_minus,
    is_symmetric,
    operand,
)
from fastpiggy.problems import checks

#: Residuals of a linear solve above this are not called converged.
_GOOD = 1e-6


@dataclass(frozen=True, eq=False)
class Derivative:
    """A derivative by one linear solve, and what is known about it.

    Parameters
    ----------
    value : ndarray
        Of :func:`jvp` in the shape of x, of :func:`vjp` in that of theta, or columns of them.
    method : str
        ``"direct"``, ``"cg"``, ``"gmres"`` or ``"lsmr"``.
    residual : float
        Of the linear solve, over the size of its right-hand side.
    smallest_singular_value : float
        Of the matrix that must be invertible: the least over the selections that were looked at.
    estimated : bool
        Whether that is an estimate, from above.
    selection : ndarray or None
        Where in ``at_kinks`` the least was found.
    status : Status
        ``"singular_active_set"``, ``"tangent_not_converged"``, ``"at_kink"`` or ``"converged"``.
    offending : ndarray of int
        Coordinates of x along which the matrix is singular.
    message : str
    """

    value: np.ndarray
    method: str
    residual: float
    smallest_singular_value: float
    estimated: bool
    selection: np.ndarray | None
    status: Status
    offending: np.ndarray
    message: str


def jvp(
    A: Any, B: Any, dtheta: Any = None, *, fixed_point: bool = False,
    at_kinks: Callable[[np.ndarray], Any] | None = None, kinks: int = 0, method: str = "auto",
    symmetric: bool | None = None, tol: float = 1e-12,
) -> Derivative:  # fmt: skip
    """``dx`` along directions of theta: ``-inv(A) B dtheta``, or ``inv(I - A) B dtheta``.

    Parameters
    ----------
    A : array_like, sparse matrix or LinearOperator of shape (p, p)
        The block of the state in one selection of the Jacobian of F, or of T.
    B : array_like, sparse matrix or LinearOperator of shape (p, q)
        The block of the parameters.
    dtheta : array_like of shape (q,) or (q, m), optional
        Directions; by default all of theta, which gives the Jacobian.
    fixed_point : bool, default=False
        False for ``F(x, theta) = 0``, True for ``x = T(x, theta)``.
    at_kinks : callable, optional
        ``at_kinks(q)`` is the block of the state for the selection q in [0, 1]^kinks: the matrix
        must be invertible for all.  Looked at: every corner for up to 8 kinks, else the two ends
        and 64 corners drawn; and between two corners whose determinants differ in sign.
    kinks : int, default=0
        How many numbers `at_kinks` takes.
    method : {"auto", "direct", "cg", "gmres", "lsmr"}
        Auto: direct for matrices of up to 3000 rows, sparse ones of up to 200 000; else CG where
        A is symmetric, GMRES where not.  CG that fails hands on to GMRES, that one to LSMR.
    symmetric : bool, optional
        By default looked up in a matrix, False for an operator.
    tol : float, default=1e-12
        Of the iterative methods.

    Returns
    -------
    Derivative

    Raises
    ------
    ValueError, TypeError
        For shapes that do not fit, numbers that are not finite, an unknown method.

    Warns
    -----
    FastpiggyWarning
        Where a matrix is singular, or the solve did not converge.

    Examples
    --------
    The soft threshold as the solution of ``x = prox(x - (x - y))`` at ``y = (3, 0.2)``, where
    T does not depend on x:

    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> active = np.diag([1.0, 0.0])
    >>> found = fp.implicit.jvp(np.zeros((2, 2)), active, [1.0, 1.0], fixed_point=True)
    >>> found.value, found.method, found.smallest_singular_value
    (array([1., 0.]), 'direct', 1.0)
    """
    A, B = _blocks(A, B)
    size = B.shape[1]
    given = np.eye(size) if dtheta is None else _columns(dtheta, "dtheta", size)
    known = _Known(A, fixed_point, at_kinks, kinks, method, symmetric, tol)
    right = B @ given if known.linear_is_matrix(B) else apply(B, given, False)
    found = known.linear.solve(right if fixed_point else -right)
    rest = right * (1.0 if fixed_point else -1.0) - known.linear.product(found)
    return known.report(found, rest, right)


def vjp(
    A: Any, B: Any, v: Any, *, fixed_point: bool = False,
    at_kinks: Callable[[np.ndarray], Any] | None = None, kinks: int = 0, method: str = "auto",
    symmetric: bool | None = None, tol: float = 1e-12,
) -> Derivative:  # fmt: skip
    """The derivative of ``v'x`` with respect to theta: one solve with the transpose.

    Parameters
    ----------
    A, B
        As in :func:`jvp`; a LinearOperator must have ``rmatvec``.
    v : array_like of shape (p,) or (p, m)
    fixed_point, at_kinks, kinks, method, symmetric, tol
        As in :func:`jvp`.

    Returns
    -------
    Derivative
        Its value has shape (q,) or (q, m).

    Raises
    ------
    ValueError, TypeError
        As :func:`jvp`.

    Warns
    -----
    FastpiggyWarning
        As :func:`jvp`.

    Examples
    --------
    >>> import fastpiggy as fp
    >>> fp.implicit.vjp([[2.0, 1.0], [0.0, 4.0]], [[1.0], [1.0]], [1.0, 0.0]).value
    array([-0.375])
    """
    A, B = _blocks(A, B)
    given = _columns(v, "v", A.shape[0])
    known = _Known(A, fixed_point, at_kinks, kinks, method, symmetric, tol)
    w = known.linear.solve(given, transposed=True)
    rest = given - known.linear.product(w, transposed=True)
    found = B.T @ w if known.linear_is_matrix(B) else apply(B, w, True)
    return known.report(found if fixed_point else -found, rest, given)


def _blocks(A: Any, B: Any) -> tuple[Any, Any]:
    A = operand(A, "A")
    if A.shape[0] != A.shape[1]:
        raise ValueError(f"A must be square, one row and one column an entry of x, got {A.shape}")
    return A, operand(B, "B", A.shape[0])


def _columns(value: Any, name: str, size: int) -> np.ndarray:
    found = checks.array(value, name)
    if found.ndim not in (1, 2) or found.shape[0] != size:
        raise ValueError(f"{name} must have shape ({size},) or ({size}, m), got {found.shape}")
    if not np.all(np.isfinite(found)):
        raise ValueError(f"{name} must be finite, got NaN or inf")
    return found


class _Known:
    """The system to solve, and whether it and its like at kinks are invertible."""

    def __init__(
        self, A: Any, fixed_point: bool, at_kinks: Any, kinks: int, method: str,
        symmetric: bool | None, tol: float,
    ) -> None:  # fmt: skip
        if method != "auto" and method not in METHODS:
            names = ", ".join(map(repr, ("auto", *METHODS)))
            raise ValueError(f"method must be one of {names}, got {method!r}")
        matrix = isinstance(A, np.ndarray) or hasattr(A, "tocsc")
        if method == "direct" and not matrix:
            raise ValueError('method must not be "direct" for a LinearOperator A')
        if isinstance(kinks, bool) or not isinstance(kinks, int | np.integer) or kinks < 0:
            raise ValueError(f"kinks must be an integer >= 0, got {kinks!r}")
        if (kinks > 0) != (at_kinks is not None):
            raise ValueError("at_kinks and kinks go together: a callable and how many numbers")
        checks.number(tol, "tol", open_low=True)
        self.shape, self.fixed_point, self.kinks = A.shape, fixed_point, int(kinks)
        self.options = method, symmetric, tol
        self.linear = self.as_linear(A)
        self.least, self.selection = smallest(self.linear), None
        if self.least.singular:
            self.linear = Linear(self.linear.K, "lsmr", self.linear.symmetric, tol)
        if at_kinks is not None:
            other, q = worst(at_kinks, self.kinks, self.as_linear)
            if other.value < self.least.value:
                largest = max(self.least.largest, other.largest)
                self.least, self.selection = other._replace(largest=largest), q

    def as_linear(self, A: Any) -> Linear:
        """The matrix that must be invertible."""
        method, symmetric, tol = self.options
        A = operand(A, "A")
        if A.shape != self.shape:
            raise ValueError(f"at_kinks must give blocks of shape {self.shape}, got {A.shape}")
        K = identity_minus(A) if self.fixed_point else A
        return Linear(K, method, is_symmetric(K) if symmetric is None else bool(symmetric), tol)

    @staticmethod
    def linear_is_matrix(B: Any) -> bool:
        """Whether B is a matrix."""
        return isinstance(B, np.ndarray) or hasattr(B, "tocsc")

    def report(self, value: np.ndarray, rest: np.ndarray, right: np.ndarray) -> Derivative:
        """With the residual and the status; warns where that is not what was asked for."""
        size = float(np.linalg.norm(right))
        residual = float(np.linalg.norm(rest)) / (size or 1.0)
        status, least = self._status(residual), self.least
        singular = status == Status.SINGULAR_ACTIVE_SET
        offending = least.coordinates if singular else np.zeros(0, dtype=np.int64)
        message = f"{status}: {self._sentence(status, least, offending, residual)}."
        if status not in (Status.CONVERGED, Status.AT_KINK):
            warnings.warn(message, FastpiggyWarning, stacklevel=3)
        return Derivative(
            value, self.linear.method, residual, least.value, least.estimated, self.selection,
            status, offending, message,
        )  # fmt: skip

    def _status(self, residual: float) -> Status:
        if self.least.singular:
            return Status.SINGULAR_ACTIVE_SET
        if not residual <= max(_GOOD, 10 * self.options[2]):
            return Status.TANGENT_NOT_CONVERGED
        return Status.AT_KINK if self.kinks else Status.CONVERGED

    def _sentence(self, status: Status, least: Least, at: np.ndarray, residual: float) -> str:
        about = "about " if least.estimated else ""
        what = "I - A" if self.fixed_point else "A"
        if status == Status.SINGULAR_ACTIVE_SET:
            few = ", ".join(map(str, at[:8])) + (", ..." if at.size > 8 else "")
            q = self.selection
            where = "" if q is None else f" for the selection {q} at kinks"
            return (
                f"{what} is singular{where}, smallest singular value {about}{least.value:.1e}, "
                f"along coordinates {few}: the theorem on implicit differentiation does not hold "
                "and the derivative is that of a least-squares solve"
            )
        if status == Status.TANGENT_NOT_CONVERGED:
            return (
                f"{self.linear.method} left a residual of {residual:.1e}; give A as a matrix, or a "
                "larger tol if this is enough"
            )
        text = f"solved by {self.linear.method}, smallest singular value {about}{least.value:.3g}"
        if status == Status.AT_KINK:
            return f"{text} over the selections at {self.kinks} kinks: one of several derivatives"
        return text
