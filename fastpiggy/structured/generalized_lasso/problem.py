"""The generalized Lasso: a signal that a given matrix makes sparse."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastpiggy.problems import checks
from fastpiggy.structured.generalized_lasso.subspace import Subspace
from fastpiggy.structured.signal import Signal, checked_signal

#: Residuals of the unpenalised fit below this, over the largest y, are rounding.
_ROUNDING = 64 * np.finfo(float).eps


@dataclass(frozen=True)
class NullModel:
    """The solution with ``D x = 0``.

    Parameters
    ----------
    x : ndarray of shape (n,)
    u : ndarray of shape (rows,)
        The dual of least norm, ``D'u = W (y - x)``.
    gradient : float
        Largest entry of ``W (y - x)``; 0 where that is rounding.
    space : Subspace
        ``null(D)``.
    """

    x: np.ndarray
    u: np.ndarray
    gradient: float
    space: Subspace


@dataclass(frozen=True, eq=False)
class GeneralizedLasso(Signal):
    """``sum_i sample_weight_i (x_i - y_i)^2 / 2 + alpha norm1(D x)``; see
    :func:`generalized_lasso`.

    Parameters
    ----------
    y : ndarray of shape (n,)
    D : csr_array of shape (rows, n)
    alpha : float
    sample_weight : ndarray of shape (n,)
        Taken as they are.
    """

    y: np.ndarray
    D: Any
    alpha: float
    sample_weight: np.ndarray
    # What belongs to y and the weights, shared by the problems that differ in alpha.
    _shared: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def rows(self) -> int:
        """Number of rows of D."""
        return int(self.D.shape[0])

    def differences(self, x: np.ndarray) -> np.ndarray:
        """D x, along the last axis."""
        return np.ascontiguousarray((self.D @ x.T).T)

    def _checked_weights(self, value: Any) -> np.ndarray:
        return _weights(value, self.y.size)

    def system(self) -> Any:
        """What :func:`fastpiggy.solve` works with."""
        from fastpiggy.structured.generalized_lasso.system import System

        return System(self)

    def _make_null_model(self) -> NullModel:
        return _null_model(self)

    def alpha_max(self) -> float:
        """The smallest alpha at which ``D x = 0``.

        Returns
        -------
        float
            The least ``norm_inf(u)`` with ``D'u = W (y - x)``: a linear program where the rows of
            D are linearly dependent.

        Examples
        --------
        >>> import fastpiggy as fp
        >>> fp.generalized_lasso([0.0, 0.0, 3.0], [[-1, 1, 0], [0, -1, 1]], 1.0).alpha_max()
        2.0
        """
        if "alpha_max" not in self._shared:
            null = self.null_model
            found = float(np.abs(null.u).max(initial=0.0))
            if found > 0 and not null.space.independent:
                g = self.sample_weight * (self.y - null.x)
                found = least_bound(self.D, g, found)
            self._shared["alpha_max"] = found
        return self._shared["alpha_max"]

    def __repr__(self) -> str:
        return f"<GeneralizedLasso n {self.y.size}, D {self.rows} rows, alpha={self.alpha:.4g}>"


def least_bound(D: Any, g: np.ndarray, scale: float) -> float:
    """The least ``norm_inf(u)`` with ``D'u = g``, a linear program; `scale` is about its size."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, hstack, vstack

    rows, n = D.shape
    cost = np.append(np.zeros(rows), 1.0)
    equal = hstack([D.T, csr_array((n, 1))], format="csr")
    eye, ones = eye_array(rows, format="csr"), csr_array(np.ones((rows, 1)))
    bounds = vstack([hstack([eye, -ones]), hstack([-eye, -ones])], format="csr")
    found = linprog(
        cost, bounds, np.zeros(2 * rows), equal, g / scale,
        bounds=[(None, None)] * rows + [(0, None)], method="highs",
    )  # fmt: skip
    return float(found.x[-1]) * scale if found.success else scale


def generalized_lasso(y: Any, D: Any, alpha: float, sample_weight: Any = None) -> GeneralizedLasso:
    """Smooth a signal so that ``D x`` is sparse: the generalized Lasso of Tibshirani and Taylor.

    ``sum_i sample_weight_i (x_i - y_i)^2 / 2 + alpha norm1(D x)``: the fused Lasso on a graph for
    an incidence matrix D, total variation of an image for its horizontal and vertical differences.

    Parameters
    ----------
    y : array_like of shape (n,)
        The signal; an image as one vector.
    D : array_like or sparse matrix of shape (rows, n)
        At least one row.
    alpha : float
        Not negative.
    sample_weight : array_like of shape (n,), optional
        Not negative, taken as they are; ones by default.

    Returns
    -------
    GeneralizedLasso

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or range; the message names it.

    Notes
    -----
    The solution is unique where the weights are positive.  Where rows of D are linearly dependent,
    as on a graph with cycles, ADMM's map is not a contraction: it keeps what its dual variable has
    in the null space of D'.  Neither x nor J depends on that, and both converge.

    References
    ----------
    Tibshirani, Taylor, "The solution path of the generalized lasso", Annals of Statistics 39, 2011.

    Examples
    --------
    A cycle of four points:

    >>> import fastpiggy as fp
    >>> D = [[-1, 1, 0, 0], [0, -1, 1, 0], [0, 0, -1, 1], [1, 0, 0, -1]]
    >>> sol = fp.solve(fp.generalized_lasso([0.0, 0.0, 4.0, 4.0], D, alpha=0.5), wrt="alpha")
    >>> sol.x.round(12), sol.jacobian["alpha"].round(12), sol.degrees_of_freedom
    (array([0.5, 0.5, 3.5, 3.5]), array([ 1.,  1., -1., -1.]), 2.0)
    """
    from scipy.sparse import csr_array

    alpha = checks.number(alpha, "alpha")
    found = checked_signal(y)
    if found.ndim != 1 or found.size == 0:
        raise ValueError(f"y must have one dimension and at least one point, got {found.shape}")
    matrix = csr_array(checks.matrix(D, "D"), dtype=float)
    if matrix.shape[1] != found.size:
        raise ValueError(
            f"D must have {found.size} columns, one an entry of y, got shape {matrix.shape}"
        )
    if not np.all(np.isfinite(matrix.data)):
        raise ValueError("D must be finite, got NaN or inf")
    if not (matrix.has_canonical_format and np.all(matrix.data)):
        matrix = matrix.copy()
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
    return GeneralizedLasso(found, matrix, alpha, _weights(sample_weight, found.size))


def _weights(value: Any, size: int) -> np.ndarray:
    found = np.array(checks.weights(value, "sample_weight", size, "point"))
    if not np.any(found):
        raise ValueError("sample_weight must have a positive entry, got only zeros")
    return found


def _null_model(problem: GeneralizedLasso) -> NullModel:
    y, w = problem.y, problem.sample_weight
    space = Subspace(problem.D, w)
    x = space.project(w * y)
    x = x + space.project(w * (y - x))
    g = w * (y - x)
    largest = float(np.abs(g).max())
    if largest <= _ROUNDING * np.abs(w * y).max():
        return NullModel(x, np.zeros(problem.rows), 0.0, space)
    return NullModel(x, space.lift(g), largest, space)
