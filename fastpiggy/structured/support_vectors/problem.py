"""Support vector machines and regression: their duals as quadratic programs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from fastpiggy.problems import checks
from fastpiggy.structured.quadratic_program import QuadraticProgram, quadratic_program


@dataclass(frozen=True, eq=False)
class SupportVectors:
    """See :func:`support_vector_machine` and :func:`support_vector_regression`, which make it.

    Parameters
    ----------
    X : ndarray of shape (n, p)
    y : ndarray of shape (n,)
        Labels -1 and +1, or targets.
    C, width : float
    epsilon : float or None
        Half-width of the tube; None for labels.
    ridge : float
    fit_intercept : bool
    classes : ndarray of shape (2,), or None
    """

    X: np.ndarray
    y: np.ndarray
    C: float
    width: float
    epsilon: float | None
    ridge: float
    fit_intercept: bool
    classes: np.ndarray | None = None
    #: The module of :mod:`fastpiggy.solving` that solves problems of this kind.
    family: ClassVar[str] = "structured"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the solution: a coefficient a row."""
        return self.y.shape

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of everything that a derivative can be taken with respect to."""
        found = {"C": self.C, "width": self.width}
        return found if self.epsilon is None else {**found, "epsilon": self.epsilon}

    @property
    def hyperparameters(self) -> tuple[str, ...]:
        """What :func:`fastpiggy.tune` may move."""
        return tuple(self.parameters)

    @property
    def data(self) -> np.ndarray:
        """The rows that cross-validation splits."""
        return self.X

    @cached_property
    def squares(self) -> np.ndarray:
        """Squared distances of the rows."""
        return _squares(self.X, self.X)

    @cached_property
    def K(self) -> np.ndarray:
        """The kernel between the rows, the ridge not added."""
        return np.exp(-self.squares / (2.0 * self.width**2))

    @cached_property
    def signs(self) -> np.ndarray:
        """The coefficients by the dual's variables: ``coefficients = signs @ a``.

        The labels for a machine; a regression has two variables a row, one for either side.
        """
        if self.epsilon is None:
            return np.diag(self.y)
        eye = np.eye(self.y.size)
        return np.hstack([eye, -eye])

    @cached_property
    def program(self) -> QuadraticProgram:
        """The dual."""
        T = self.signs
        size = T.shape[1]
        P = T.T @ (self.K + self.ridge * np.eye(len(self.K))) @ T
        q = -np.ones(size) if self.epsilon is None else self.epsilon - T.T @ self.y
        G, h = np.vstack([-np.eye(size), np.eye(size)]), np.repeat([0.0, self.C], size)
        A, b = (T.sum(axis=0)[None], [0.0]) if self.fit_intercept else (None, None)
        return quadratic_program(0.5 * (P + P.T), q, A, b, G, h)

    def kernel(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """The kernel between new rows and the problem's, and its derivative in the width."""
        X = checks.matrix(X, "X")
        if X.shape[1] != self.X.shape[1]:
            raise ValueError(f"X must have {self.X.shape[1]} columns, got shape {X.shape}")
        squares = _squares(np.asarray(X, dtype=float), self.X)
        K = np.exp(-squares / (2.0 * self.width**2))
        return K, K * squares / self.width**3

    def predict(self, solution: Any, X: Any) -> np.ndarray:
        """Targets, or distances from the decision's border, positive for ``classes[1]``."""
        found: np.ndarray = self.kernel(X)[0] @ solution.x + solution.intercept
        return found

    def replace(self, **changes: Any) -> "SupportVectors":
        """The same rows with other hyperparameters.

        Raises
        ------
        ValueError
            For a name that is no parameter, or a value that is not allowed.
        """
        known = self.parameters
        checks.parameters(changes, known)
        return self._with(self.X, self.y, **{**known, **changes})

    def _with(self, X: np.ndarray, y: np.ndarray, **values: Any) -> "SupportVectors":
        values = {name: _positive(value, name) for name, value in values.items()}
        return SupportVectors(
            X, y, values["C"], values["width"], values.get("epsilon"), self.ridge,
            self.fit_intercept, self.classes,
        )  # fmt: skip

    def system(self) -> Any:
        """What :func:`fastpiggy.solve` works with."""
        from fastpiggy.structured.support_vectors.system import System

        return System(self)

    def held_out(self, X: Any, y: Any) -> Any:
        """What judges this problem's solution on other rows, for :class:`fastpiggy.HeldOut`."""
        from fastpiggy.structured.support_vectors.judge import Judged, targets

        return Judged(self, checks.matrix(X, "X_val"), targets(self, y, len(X)))

    def fold(self, train: np.ndarray, test: np.ndarray) -> Any:
        """What fits some rows and judges on others, for :class:`fastpiggy.CrossVal`."""
        from fastpiggy.structured.support_vectors.judge import Judged

        fitted = self._with(self.X[train], self.y[train], **self.parameters)
        return Judged(fitted, self.X[test], self.y[test])

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value:.4g}" for name, value in self.parameters.items())
        return f"<SupportVectors n {self.y.size}, {values}>"


def support_vector_machine(
    X: Any, y: Any, C: float, width: float, *, ridge: float = 1e-6, fit_intercept: bool = True
) -> SupportVectors:
    """A support vector machine with a Gaussian kernel.

    In the dual, ``k(x, x') = exp(-norm2(x - x')^2 / (2 width^2))``::

        min_a  sum_ij a_i a_j y_i y_j k(x_i, x_j) / 2 - sum_i a_i
        subject to  0 <= a_i <= C,  sum_i y_i a_i = 0 with an intercept

    Parameters
    ----------
    X : array_like of shape (n, p)
    y : array_like of shape (n,)
        Two labels of any kind; the larger one is +1.
    C, width : float
        Positive; derivatives are taken with respect to both.  scikit-learn's gamma is
        ``1/(2 width^2)``.
    ridge : float, default=1e-6
        Added to the diagonal of the kernel, which is singular to rounding for large widths.
    fit_intercept : bool, default=True

    Returns
    -------
    SupportVectors
        Its solution's x are the coefficients ``y_i a_i``, with an intercept:
        ``problem.predict(sol, X_new)``.  :class:`fastpiggy.CrossVal` and :class:`fastpiggy.HeldOut`
        judge it by the logistic loss of predictions, which has a gradient where the share of
        errors has none.

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 1, 1, 0])
    >>> problem = fp.support_vector_machine(X, y, C=2.0, width=1.0)
    >>> sol = fp.solve(problem, wrt=["C", "width"])
    >>> problem.predict(sol, X) > 0
    array([False,  True,  True, False])
    """
    X = _rows(X)
    labels, classes = checks.two_classes(y, len(X))
    return SupportVectors(
        X, labels, _positive(C, "C"), _positive(width, "width"), None,
        checks.number(ridge, "ridge"), bool(fit_intercept), classes,
    )  # fmt: skip


def support_vector_regression(
    X: Any, y: Any, C: float, width: float, epsilon: float, *, ridge: float = 1e-6,
    fit_intercept: bool = True,
) -> SupportVectors:  # fmt: skip
    """Support vector regression with a Gaussian kernel and a tube of half-width epsilon.

    In the dual, b the coefficients and k as in :func:`support_vector_machine`::

        min_b  sum_ij b_i b_j k(x_i, x_j) / 2 - sum_i y_i b_i + epsilon sum_i abs(b_i)
        subject to  abs(b_i) <= C,  sum_i b_i = 0 with an intercept

    Parameters
    ----------
    X : array_like of shape (n, p)
    y : array_like of shape (n,)
        Targets.
    C, width, epsilon : float
        Positive; derivatives are taken with respect to all three.
    ridge : float, default=1e-6
        Added to the diagonal of the kernel.
    fit_intercept : bool, default=True

    Returns
    -------
    SupportVectors
        Judged by the mean squared error.

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> X = np.linspace(0, 3, 8)[:, None]
    >>> problem = fp.support_vector_regression(X, np.sin(X[:, 0]), C=10.0, width=1.0, epsilon=0.05)
    >>> sol = fp.solve(problem, wrt="epsilon")
    >>> bool(np.abs(problem.predict(sol, X) - problem.y).max() < 0.0501)
    True
    """
    X = _rows(X)
    target = checks.vector(y, "y", len(X), "row of X").astype(float)
    return SupportVectors(
        X, target, _positive(C, "C"), _positive(width, "width"), _positive(epsilon, "epsilon"),
        checks.number(ridge, "ridge"), bool(fit_intercept),
    )  # fmt: skip


def _rows(X: Any) -> np.ndarray:
    found = checks.matrix(X, "X")
    found = found.toarray() if hasattr(found, "tocsc") else found
    found = np.array(found, dtype=float, order="C")
    checks.finite(found, found.sum(axis=0), "X")
    return found


def _positive(value: Any, name: str) -> float:
    return checks.number(value, name, open_low=True)


def _squares(X: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """Squared distances between rows, none of them negative, zero on the diagonal of one X."""
    from scipy.spatial.distance import cdist

    return cdist(X, Z, "sqeuclidean")  # type: ignore[no-any-return]
