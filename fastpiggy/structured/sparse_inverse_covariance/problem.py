"""Sparse inverse covariance selection: a Gaussian whose precision matrix has few entries."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from fastpiggy.problems import checks

#: Entries that differ from their mirror by less than this, over the largest, count as symmetric.
_SYMMETRY = 1e-10


@dataclass(frozen=True, eq=False)
class SparseInverseCovariance:
    """``-logdet P + <S, P> + sum_{i != j} alpha_ij abs(P_ij)``; see
    :func:`sparse_inverse_covariance`.

    Parameters
    ----------
    S : ndarray of shape (p, p)
    alpha : float or ndarray of shape (p, p)
    correlation : bool
        Whether alpha_ij counts in units of ``sqrt(S_ii S_jj)``.
    data : ndarray of shape (n, p), optional
        The rows that S was made from.
    """

    S: np.ndarray
    alpha: Any
    correlation: bool = False
    data: np.ndarray | None = None
    #: The module of :mod:`fastpiggy.solving` that solves problems of this kind.
    family: ClassVar[str] = "structured"
    #: Parameters whose directions are symmetric matrices.
    symmetric: ClassVar[tuple[str, ...]] = ("alpha", "S", "x0")
    # What belongs to S, shared by the problems that differ in alpha.
    _shared: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """``(p, p)``, the shape of the solution."""
        return self.S.shape  # type: ignore[return-value]

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of everything that a derivative can be taken with respect to."""
        return {"alpha": self.alpha, "S": self.S}

    @property
    def units(self) -> np.ndarray:
        """What alpha counts in, entry by entry: ``sqrt(S_ii S_jj)`` or 1."""
        if "units" not in self._shared:
            root = np.sqrt(np.diag(self.S)) if self.correlation else np.ones(len(self.S))
            self._shared["units"] = np.outer(root, root)
        return self._shared["units"]

    @property
    def scale(self) -> np.ndarray:
        """What alpha is multiplied by: the units, 0 at ``i = j``."""
        if "scale" not in self._shared:
            found = self.units.copy()
            np.fill_diagonal(found, 0.0)
            self._shared["scale"] = found
        return self._shared["scale"]

    @property
    def penalties(self) -> np.ndarray:
        """alpha_ij as it stands in the objective, 0 at ``i = j``."""
        return self.alpha * self.scale

    def replace(self, **changes: Any) -> "SparseInverseCovariance":
        """The same problem with other values of some parameters.

        Parameters
        ----------
        **changes
            ``alpha``, ``S`` (the rows are then forgotten).

        Returns
        -------
        SparseInverseCovariance

        Raises
        ------
        ValueError
            For a name that is no parameter, or a value that is not allowed.
        """
        checks.parameters(changes, self.parameters)
        new: dict[str, Any] = {}
        for name, value in changes.items():
            if name == "alpha":
                new[name] = _alpha(value, len(self.S))
            else:
                new |= {"S": _covariance(value, len(self.S)), "data": None, "_shared": {}}
        return replace(self, **new)

    def alpha_max(self) -> float:
        """The smallest number alpha at which P is diagonal.

        Returns
        -------
        float
            The largest ``abs(S_ij)`` with ``i != j`` (the largest correlation where alpha counts in
            units of it).

        Raises
        ------
        ValueError
            Where alpha is a matrix.

        Examples
        --------
        >>> import fastpiggy as fp
        >>> fp.sparse_inverse_covariance([[2.0, 0.5], [0.5, 1.0]], alpha=0.1).alpha_max()
        0.5
        """
        if np.ndim(self.alpha):
            raise ValueError("alpha_max needs an alpha that is a number, and it is a matrix here")
        return self.largest_gradient()

    def largest_gradient(self) -> float:
        """The largest ``abs(S_ij)/scale_ij`` off the diagonal."""
        scale = self.scale
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.where(scale > 0, np.abs(self.S) / scale, 0.0)
        return float(found.max(initial=0.0))

    def system(self) -> Any:
        """What :func:`fastpiggy.solve` works with."""
        from fastpiggy.structured.sparse_inverse_covariance.system import System

        return System(self)

    def held_out(self, data: Any) -> Any:
        """What judges this problem's estimate on other rows, for :class:`fastpiggy.HeldOut`."""
        from fastpiggy.structured.sparse_inverse_covariance.likelihood import held_out

        return held_out(self, data)

    def fold(self, train: np.ndarray, test: np.ndarray) -> Any:
        """What fits some rows and judges on others, for :class:`fastpiggy.CrossVal`."""
        from fastpiggy.structured.sparse_inverse_covariance.likelihood import fold

        return fold(self, train, test)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_shared": {}}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        alpha = "matrix" if np.ndim(self.alpha) else f"{self.alpha:.4g}"
        return f"<SparseInverseCovariance p {len(self.S)}, alpha={alpha}>"


def sparse_inverse_covariance(
    S: Any, alpha: Any, *, data: Any = None, correlation: bool = False
) -> SparseInverseCovariance:
    """Estimate a sparse precision matrix: the graphical Lasso.

    ``-logdet P + <S, P> + sum_{i != j} alpha_ij abs(P_ij)`` over the positive definite P.

    Parameters
    ----------
    S : array_like of shape (p, p) or None
        A covariance matrix: symmetric, positive semidefinite.  None with `data`.
    alpha : float or array_like of shape (p, p)
        Not negative; a matrix must be symmetric, and its diagonal is not used.
    data : array_like of shape (n, p), optional
        Rows, from which the covariance is made (about the mean, over n) and which
        :class:`fastpiggy.CrossVal` splits.
    correlation : bool, default=False
        Count alpha_ij in units of ``sqrt(S_ii S_jj)``.  The estimate of the correlation matrix,
        scaled back: a variable's units then do not matter, as they do otherwise.

    Returns
    -------
    SparseInverseCovariance

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or range; the message names it.

    Notes
    -----
    Directions of S and of a matrix alpha are symmetric matrices, and a gradient G with respect to
    one is symmetric: the change along dS is ``<G, dS> = sum_ij G_ij dS_ij``, both triangles
    counted.

    References
    ----------
    Friedman, Hastie, Tibshirani, "Sparse inverse covariance estimation with the graphical lasso",
    Biostatistics 9, 2008.

    Examples
    --------
    >>> import fastpiggy as fp
    >>> problem = fp.sparse_inverse_covariance([[1.0, 0.5], [0.5, 1.0]], alpha=0.1)
    >>> sol = fp.solve(problem, wrt="alpha")
    >>> sol.x.round(4).tolist()
    [[1.1905, -0.4762], [-0.4762, 1.1905]]
    >>> sol.jacobian["alpha"].round(4).tolist()
    [[-1.1338, 1.644], [1.644, -1.1338]]
    """
    if (S is None) == (data is None):
        raise ValueError("give either S or data=, and None for the other")
    rows = None
    if S is None:
        rows = rows_of(data)
        centred = rows - rows.mean(axis=0)
        S = centred.T @ centred / len(rows)
        S = 0.5 * (S + S.T)
    S = _covariance(S)
    if correlation and np.any(np.diag(S) == 0):
        constant = int(np.flatnonzero(np.diag(S) == 0)[0])
        raise ValueError(f"correlation needs variables that vary, and number {constant} does not")
    return SparseInverseCovariance(S, _alpha(alpha, len(S)), bool(correlation), rows)


def rows_of(data: Any, columns: int | None = None, name: str = "data") -> np.ndarray:
    """Checked rows of observations, a copy."""
    found = np.array(checks.matrix(data, name), dtype=float)
    bad = np.argwhere(~np.isfinite(found))
    if bad.size:
        i, j = map(int, bad[0])
        raise ValueError(f"{name} must be finite, got {found[i, j]} at row {i}, column {j}")
    if columns is not None and found.shape[1] != columns:
        raise ValueError(f"{name} must have {columns} columns, got shape {found.shape}")
    return found


def _square(value: Any, name: str, size: int | None) -> np.ndarray:
    found = checks.array(value, name)
    if found.ndim != 2 or found.shape[0] != found.shape[1] or found.shape[0] == 0:
        raise ValueError(f"{name} must be a square matrix, got shape {found.shape}")
    found = np.array(checks.shaped(found, name, (size or len(found),) * 2, "pair of variables"))
    apart = np.abs(found - found.T)
    if apart.max() > _SYMMETRY * np.abs(found).max():
        i, j = map(int, np.unravel_index(apart.argmax(), apart.shape))
        raise ValueError(
            f"{name} must be symmetric, got {found[i, j]} at ({i}, {j}) and {found[j, i]} at "
            f"({j}, {i})"
        )
    return 0.5 * (found + found.T)


def _covariance(S: Any, size: int | None = None) -> np.ndarray:
    found = _square(S, "S", size)
    d = np.diag(found)
    if np.any(d < 0):
        i = int(np.flatnonzero(d < 0)[0])
        raise ValueError(f"S must have variances that are not negative, got {d[i]} at ({i}, {i})")
    # Of the correlations: the units of single variables do not hide a negative eigenvalue.
    root = np.sqrt(np.where(d > 0, d, 1.0))
    least = float(np.linalg.eigvalsh(found / np.outer(root, root))[0])
    if least < -1e-8:
        raise ValueError(
            f"S must be positive semidefinite, and its correlations have the eigenvalue {least:.3g}"
        )
    return found


def _alpha(alpha: Any, size: int) -> Any:
    if np.ndim(alpha) == 0:
        return checks.number(alpha, "alpha")
    found = _square(alpha, "alpha", size)
    if np.any(found < 0):
        i, j = map(int, np.argwhere(found < 0)[0])
        raise ValueError(f"alpha must not be negative, got {found[i, j]} at ({i}, {j})")
    return found
