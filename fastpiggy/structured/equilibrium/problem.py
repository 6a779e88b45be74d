"""The equilibrium of a layer, for one input or many."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from fastpiggy.compile import roles
from fastpiggy.penalties import NonnegativeOrthant
from fastpiggy.problems import blocks, checks
from fastpiggy.structured.equilibrium.weights import MonotoneWeights, finite_matrix

#: Strong monotonicity below this, over the norm of W, is rounding.
_ROUNDING = 1e-13


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """``z = prox_g(W z + U x + b)``; see :func:`equilibrium`.

    Parameters
    ----------
    weights : ndarray of shape (n, n) or MonotoneWeights
    U : ndarray of shape (n, d)
    b : ndarray of shape (n,)
    x : ndarray of shape (d,) or (N, d)
    activation : record
        The penalty g.
    """

    weights: Any
    U: np.ndarray
    b: np.ndarray
    x: np.ndarray
    activation: Any
    # What belongs to W alone, shared by the problems that differ in the rest.
    _shared: dict[str, Any] = field(default_factory=dict, repr=False)
    #: The module of :mod:`fastpiggy.solving` that solves problems of this kind.
    family: ClassVar[str] = "structured"

    def system(self) -> Any:
        """What :func:`fastpiggy.solve` works with."""
        from fastpiggy.structured.equilibrium.system import System

        return System(self)

    @property
    def W(self) -> np.ndarray:
        """The weights as a matrix."""
        return self.weights.W if isinstance(self.weights, MonotoneWeights) else self.weights

    @property
    def shape(self) -> tuple[int, ...]:
        """That of z: ``(n,)``, or ``(N, n)`` for N inputs."""
        return (*self.x.shape[:-1], self.b.size)

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of everything that a derivative can be taken with respect to."""
        w = self.weights
        made = isinstance(w, MonotoneWeights)
        own = {"P": w.P, "R": w.R, "m": w.m} if made else {"W": w}
        return {**own, "U": self.U, "b": self.b, "x": self.x}

    @property
    def monotonicity(self) -> float:
        """m, the smallest eigenvalue of ``I - (W + W')/2``."""
        if "m" not in self._shared:
            half = np.eye(self.b.size) - 0.5 * (self.W + self.W.T)
            self._shared["m"] = float(np.linalg.eigvalsh(half)[0])
        return self._shared["m"]

    @property
    def lipschitz(self) -> float:
        """L, the spectral norm of ``I - W``."""
        if "L" not in self._shared:
            self._shared["L"] = float(np.linalg.norm(np.eye(self.b.size) - self.W, 2))
        return self._shared["L"]

    @property
    def largest_step(self) -> float:
        """``2 m / L^2``, which a step of forward-backward must stay below."""
        return 2.0 * self.monotonicity / self.lipschitz**2

    @property
    def separable(self) -> bool:
        """Whether the activation works on each unit by itself."""
        return roles(self.activation)[0] == "CoordinatePenalty"

    @cached_property
    def inputs(self) -> np.ndarray:
        """``U x + b`` by rows, of shape (N, n)."""
        return np.atleast_2d(self.x) @ self.U.T + self.b

    def replace(self, **changes: Any) -> "Equilibrium":
        """The same layer with other values of some parameters.

        Parameters
        ----------
        **changes
            ``W`` or, where :func:`monotone_weights` made it, ``P``, ``R``, ``m``; ``U``, ``b``,
            ``x`` (of any number of rows).

        Returns
        -------
        Equilibrium

        Raises
        ------
        ValueError
            For a name that is no parameter, or a value that is not allowed.
        """
        checks.parameters(changes, self.parameters)
        now = {**self.parameters, **changes}
        if "W" in now:
            weights = now["W"]
        elif {"P", "R", "m"} & set(changes):
            from fastpiggy.structured.equilibrium.weights import monotone_weights

            weights = monotone_weights(now["P"], now["R"], now["m"])
        else:
            weights = self.weights
        made = equilibrium(weights, now["U"], now["b"], now["x"], self.activation)
        held = not {"W", "P", "R", "m"} & set(changes)
        return replace(made, _shared=self._shared) if held else made

    def __repr__(self) -> str:
        many = f", {len(self.x)} inputs" if self.x.ndim == 2 else ""
        return f"<Equilibrium {self.b.size} units{many}, {type(self.activation).__name__}>"


def equilibrium(W: Any, U: Any, b: Any, x: Any, activation: Any = None) -> Equilibrium:
    """The equilibrium ``z = max(W z + U x + b, 0)`` of a layer, or of another prox activation.

    Parameters
    ----------
    W : array_like of shape (n, n), or MonotoneWeights
        I - W must be strongly monotone: ``I - (W + W')/2`` positive definite.
        :func:`monotone_weights` makes such a W.
    U : array_like of shape (n, d)
    b : array_like of shape (n,)
    x : array_like of shape (d,) or (N, d)
        An input, or one a row: they are solved together.
    activation : record, optional
        The activation is the prox of this convex penalty, see `fastpiggy.penalties`: by
        default that of ``NonnegativeOrthant(n)``, ``max(v, 0)``.  ``L1`` is the soft threshold,
        ``Box`` the clip.  Its parameters are held.

    Returns
    -------
    Equilibrium
        Its solution has shape (n,) or (N, n); parameters are ``W`` (or ``P``, ``R``, ``m``),
        ``U``, ``b``, ``x``.  ``sol.vjp(v)`` sums over the inputs, as a loss does.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape or type, W is not strongly monotone, or the penalty is
        not convex; the message names it.

    Notes
    -----
    ``0 in (I - W) z - U x - b + dg(z)`` has one solution where I - W is m-strongly monotone.  A
    selection D of the prox's Jacobian is symmetric between 0 and I, so that I - D W is invertible
    for *every* selection, with ``norm((I - D W)^-1) <= 1 + norm(W)/m``: the condition of the
    nonsmooth implicit function theorem (Bolte, Le, Pauwels, Silveti-Falls, 2106.04350) holds
    everywhere, and bounds of certificates rest on it.  Algorithms: Winston, Kolter, 2006.08591.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> W, U = np.array([[0.0, -1.0], [1.0, 0.0]]), np.eye(2)
    >>> sol = fp.solve(fp.equilibrium(W, U, [0.0, 0.0], x=[[3.0, 1.0], [1.0, -2.0]]), wrt="b")
    >>> sol.x
    array([[1., 2.],
           [1., 0.]])
    >>> sol.jacobian["b"][0]  # (I - W)^-1
    array([[ 0.5, -0.5],
           [ 0.5,  0.5]])
    """
    weights = W if isinstance(W, MonotoneWeights) else finite_matrix(W, "W")
    matrix = weights.W if isinstance(weights, MonotoneWeights) else weights
    n = len(matrix)
    if matrix.shape != (n, n):
        raise ValueError(f"W must be square, got shape {matrix.shape}")
    U = finite_matrix(U, "U")
    if len(U) != n:
        raise ValueError(f"U must have {n} rows, one a unit as W has them, got shape {U.shape}")
    b = np.array(checks.vector(b, "b", n, "unit"))
    x = checks.array(x, "x")
    d = U.shape[1]
    if x.ndim not in (1, 2) or x.shape[-1] != d or not len(x):
        raise ValueError(
            f"x must have shape ({d},), or (N, {d}) for N inputs, one entry a column of U, got "
            f"{x.shape}"
        )
    x = np.array(checks.shaped(x, "x", x.shape, "input"), order="C")
    activation = NonnegativeOrthant(n) if activation is None else activation
    activation = blocks.check(activation, "activation", "Penalty", n, n)
    if hasattr(activation, "largest_step"):
        raise ValueError(
            f"activation must be a convex penalty, got {type(activation).__name__}: the prox of "
            "another is no monotone activation"
        )
    made = Equilibrium(weights, U, b, x, activation)
    _check_monotone(made)
    return made


def _check_monotone(problem: Equilibrium) -> None:
    """That I - W is strongly monotone; by Cholesky, whose cost is a tenth of eigenvalues'."""
    W, n = problem.W, problem.b.size
    least = _ROUNDING * max(1.0, float(np.abs(W).sum(axis=1).max()))
    half = -0.5 * (W + W.T)
    half[np.diag_indices(n)] += 1.0 - least
    try:
        np.linalg.cholesky(half)
    except np.linalg.LinAlgError:
        raise ValueError(
            "W must make I - W strongly monotone: the smallest eigenvalue of I - (W + W')/2 must "
            f"be positive, got {problem.monotonicity:.6g}; fastpiggy.monotone_weights makes such a "
            "W, or take (1 - m) I plus what is skew-symmetric or negative semidefinite"
        ) from None
