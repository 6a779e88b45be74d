"""Penalties of other packages in fastpiggy's scaling: ``from_C``, ``from_glmnet``."""

from typing import Any

import numpy as np

from fastpiggy.designs import matrix
from fastpiggy.problems import checks

#: Column scales that differ by less are equal, to rounding.
_EQUAL = 1e-10


def from_C(C: float, rows: Any) -> float:
    """Alpha for the C of scikit-learn, celer and LIBLINEAR, ``1/(C n)``.

    ``C sum_i loss_i + penalty`` there is ``mean_i loss_i + alpha penalty`` here.

    Parameters
    ----------
    C : float
        Positive.
    rows : int or array_like of shape (n,)
        The number of rows, or their sample weights.

    Returns
    -------
    float
        For :func:`fastpiggy.logistic`, :func:`fastpiggy.squared_hinge` and other problems with
        the same penalty; ``l1_ratio`` is scikit-learn's.

    Raises
    ------
    ValueError, TypeError
        If C or the weights are not positive.

    See Also
    --------
    from_glmnet

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> X, y = np.array([[1.0], [2.0], [-1.0], [0.5]]), ["b", "b", "a", "a"]
    >>> fp.solve(fp.logistic(X, y, alpha=fp.from_C(2.5, rows=4))).x.round(3)
    array([1.077])
    """
    C = checks.number(C, "C", open_low=True)
    if np.ndim(rows) == 0:
        total = checks.number(rows, "rows", open_low=True)
    else:
        total = checks.sample_weight(rows, np.size(rows))[1]
    return 1.0 / (C * total)


def from_glmnet(
    X: Any,
    y: Any,
    lam: float,
    alpha: float = 1.0,
    *,
    family: str = "gaussian",
    weights: Any = None,
    standardize: bool = True,
    intercept: bool = True,
    penalty_factor: Any = None,
) -> dict[str, Any]:
    """Keyword arguments that make the problem of a call of R's ``glmnet``.

    For :func:`fastpiggy.elastic_net` or, of the binomial family, :func:`fastpiggy.logistic`;
    its solution has the coefficients that glmnet reports, on the scale of X.

    Parameters
    ----------
    X : array_like or sparse of shape (n, p)
    y : array_like of shape (n,)
    lam : float
        glmnet's ``lambda`` (``s`` of ``coef``).
    alpha : float, default=1.0
        glmnet's, which is ``l1_ratio`` here.
    family : {"gaussian", "binomial"}, default="gaussian"
    weights : array_like of shape (n,), optional
        Of the rows.
    standardize, intercept : bool, default=True
    penalty_factor : array_like of shape (p,), optional
        Not negative, finite.

    Returns
    -------
    dict
        ``alpha``, ``l1_ratio``, ``weights``, ``sample_weight`` and ``fit_intercept``.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or range; where a column that is to be
        standardised is constant (glmnet leaves it out); where the squared l2 part would weigh
        columns differently.  The message says what to do.

    See Also
    --------
    from_C

    Notes
    -----
    glmnet penalises the coefficients of columns that it has divided by their standard deviations
    (without n - 1), and multiplies by ``penalty_factor`` over its mean: both are penalty weights
    here.  A gaussian y is divided by its standard deviation too, which divides the squared l2 part
    by that: ``lam (alpha norm1(w) + (1 - alpha)/(2 sd(y)) norm2(w)^2)``.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((50, 3)) * [1.0, 10.0, 0.1]
    >>> y = X @ [1.0, 0.1, 10.0] + rng.standard_normal(50)
    >>> problem = fp.elastic_net(X, y, **fp.from_glmnet(X, y, lam=0.5))
    >>> fp.solve(problem).x.round(3)
    array([0.833, 0.026, 5.144])
    """
    if family not in ("gaussian", "binomial"):
        raise ValueError(f"family must be 'gaussian' or 'binomial', got {family!r}")
    lam = checks.number(lam, "lam")
    alpha = checks.number(alpha, "alpha", high=1.0)
    X = checks.matrix(X)
    n, p = X.shape
    s, _ = checks.sample_weight(weights, n)
    factor = checks.weights(penalty_factor, "penalty_factor", p, "column of X")
    if not factor.any():
        raise ValueError("penalty_factor must have a positive entry")
    factor = factor * (p / factor.sum())
    scale = _deviations(X, s) if standardize else np.ones(p)
    l1, ridge = lam * alpha, lam * (1.0 - alpha)
    if ridge > 0.0:
        # The squares of what is penalised: all columns must come to the same.
        squares = factor * scale**2
        ridge *= squares.mean()
        if np.ptp(squares) > _EQUAL * squares.max():
            raise ValueError(
                "with alpha below 1 the squared l2 part weighs columns differently, by their "
                "variances and penalty_factor, which no problem here does: take "
                "X / X.std(axis=0) and divide its coefficients by the same"
            )
        if family == "gaussian":
            target = checks.vector(y, "y", n, "row of X")
            deviation = float(np.sqrt(s @ (target - s @ target) ** 2))
            if deviation <= 1e-14 * np.abs(target).max():
                raise ValueError("y is constant: glmnet does not take it")
            ridge /= deviation
    level = factor * scale
    total = l1 + ridge
    return {
        "alpha": total,
        "l1_ratio": l1 / total if total > 0.0 else 1.0,
        "weights": level,
        "sample_weight": None if weights is None else np.asarray(weights, dtype=float),
        "fit_intercept": bool(intercept),
    }


def _deviations(X: Any, s: np.ndarray) -> np.ndarray:
    """Standard deviations of the columns under weights that add up to 1."""
    design = matrix.as_design(X)
    means = matrix.scatter(design, s)
    found = np.sqrt(matrix.squares(matrix.with_intercept(design, means), s)[:-1])
    constant = np.flatnonzero(found <= 1e-14 * np.abs(means))
    if constant.size:
        raise ValueError(
            f"column {constant[0]} of X is constant and cannot be standardised: glmnet leaves such "
            "columns out; remove them, or standardize=False"
        )
    return found
