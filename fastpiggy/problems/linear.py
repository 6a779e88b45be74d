"""The linear models: lasso, elastic net, ridge, huber, logistic, squared hinge, group lasso."""

from typing import Any

import numpy as np

from fastpiggy.designs import matrix
from fastpiggy.losses import Huber, LeastSquares, Logistic, SquaredHinge
from fastpiggy.penalties import L1, ElasticNet, GroupL2, SquaredL2
from fastpiggy.problems import checks
from fastpiggy.problems.problem import Problem, keep


def lasso(
    X: Any,
    y: Any,
    alpha: float,
    *,
    weights: Any = None,
    sample_weight: Any = None,
    fit_intercept: bool = False,
) -> Problem:
    """Least squares with an l1 penalty.

    ``sum_i s_i (y_i - X_i w - b)^2 / 2 + alpha sum_j weights_j abs(w_j)`` with
    ``s_i = sample_weight_i / sum(sample_weight)``, that is 1/n each by default, as in scikit-learn.

    Parameters
    ----------
    X : array_like or sparse of shape (n, p)
        float64 or float32 in C or Fortran order, CSC, or a DataFrame; CSR is converted once.
    y : array_like of shape (n,)
        Targets.
    alpha : float
        Not negative.
    weights : array_like of shape (p,), optional
        Penalty weights, not negative; zero leaves a coefficient unpenalised.
    sample_weight : array_like of shape (n,), optional
        Not negative, at least one positive.
    fit_intercept : bool, default=False
        Fit an unpenalised intercept.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> X, y = np.eye(3), np.array([3.0, 0.5, -2.0])
    >>> problem = fp.lasso(X, y, alpha=0.5)
    >>> sol = fp.solve(problem, wrt="alpha")
    >>> sol.x, sol.jacobian["alpha"]
    (array([ 1.5,  0. , -0.5]), array([-3.,  0.,  3.]))
    """
    alpha = checks.number(alpha, "alpha")
    p, data = _regression(X, y, sample_weight, fit_intercept)
    penalty = L1(alpha, checks.weights(weights, "weights", p, "column of X"))
    data["shared"]["checked penalty"] = penalty
    return Problem(penalty=penalty, **data)


def elastic_net(
    X: Any,
    y: Any,
    alpha: float,
    l1_ratio: float = 0.5,
    *,
    weights: Any = None,
    sample_weight: Any = None,
    fit_intercept: bool = False,
) -> Problem:
    """Least squares with an l1 and a squared l2 penalty.

    The loss of :func:`lasso` plus
    ``alpha l1_ratio sum_j weights_j abs(w_j) + alpha (1 - l1_ratio)/2 norm2(w)^2``.

    Parameters
    ----------
    X, y, alpha, weights, sample_weight, fit_intercept
        As in :func:`lasso`; the weights are those of the l1 part.
    l1_ratio : float, default=0.5
        In [0, 1].

    Returns
    -------
    Problem

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> X, y = np.eye(3), np.array([3.0, 0.5, -2.0])
    >>> sol = fp.solve(fp.elastic_net(X, y, alpha=0.5, l1_ratio=0.5), wrt=["alpha", "l1_ratio"])
    >>> sol.x.round(4), sol.jacobian["alpha"].round(4)
    (array([ 1.2857,  0.    , -0.7143]), array([-1.9592,  0.    ,  1.4694]))
    """
    alpha = checks.number(alpha, "alpha")
    l1_ratio = checks.number(l1_ratio, "l1_ratio", high=1.0)
    p, data = _regression(X, y, sample_weight, fit_intercept)
    penalty = ElasticNet(alpha, l1_ratio, checks.weights(weights, "weights", p, "column of X"))
    data["shared"]["checked penalty"] = penalty
    return Problem(penalty=penalty, **data)


def ridge(
    X: Any, y: Any, alpha: float, *, sample_weight: Any = None, fit_intercept: bool = False
) -> Problem:
    """Least squares with a squared l2 penalty: the loss of :func:`lasso` + ``alpha/2 norm2(w)^2``.

    Parameters
    ----------
    X, y, alpha, sample_weight, fit_intercept
        As in :func:`lasso`.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> sol = fp.solve(fp.ridge(np.eye(2), np.array([4.0, -2.0]), alpha=0.5), wrt="alpha")
    >>> sol.x, sol.jacobian["alpha"]
    (array([ 2., -1.]), array([-2.,  1.]))
    """
    alpha = checks.number(alpha, "alpha")
    _, data = _regression(X, y, sample_weight, fit_intercept)
    return Problem(penalty=SquaredL2(alpha), **data)


def logistic(
    X: Any,
    y: Any,
    alpha: float,
    l1_ratio: float = 1.0,
    *,
    weights: Any = None,
    sample_weight: Any = None,
    fit_intercept: bool = False,
) -> Problem:
    """Logistic regression for two classes with the penalty of :func:`elastic_net`.

    ``sum_i s_i log(1 + exp(-y_i (X_i w + b))) + ...``.

    Parameters
    ----------
    X, alpha, weights, sample_weight, fit_intercept
        As in :func:`lasso`.
    y : array_like of shape (n,)
        Two labels of any kind; the larger one is +1.
    l1_ratio : float, default=1.0
        In [0, 1].

    Returns
    -------
    Problem
        ``problem.classes`` holds the labels.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or range, or y not two labels; the message names
        it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> X = np.array([[1.0], [2.0], [-1.0], [0.5]])
    >>> sol = fp.solve(fp.logistic(X, ["b", "b", "a", "a"], alpha=0.1), wrt="alpha")
    >>> sol.x.round(3), sol.jacobian["alpha"].round(3)
    (array([1.077]), array([-4.941]))
    """
    return _two_classes(Logistic, X, y, alpha, l1_ratio, weights, sample_weight, fit_intercept)


def squared_hinge(
    X: Any,
    y: Any,
    alpha: float,
    l1_ratio: float = 1.0,
    *,
    weights: Any = None,
    sample_weight: Any = None,
    fit_intercept: bool = False,
) -> Problem:
    """Linear support vector machine with the squared hinge and the penalty of :func:`elastic_net`.

    ``sum_i s_i max(0, 1 - y_i (X_i w + b))^2 + ...``: without a half, as in LIBLINEAR, whose C is
    ``1/(n alpha)`` here.  The intercept is not penalised, other than there.

    Parameters
    ----------
    X, alpha, weights, sample_weight, fit_intercept
        As in :func:`lasso`.
    y : array_like of shape (n,)
        Two labels of any kind; the larger one is +1.
    l1_ratio : float, default=1.0
        In [0, 1].

    Returns
    -------
    Problem
        ``problem.classes`` holds the labels.

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or range, or y not two labels; the message names
        it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> X = np.array([[1.0], [2.0], [-1.0], [0.5]])
    >>> sol = fp.solve(fp.squared_hinge(X, ["b", "b", "a", "a"], alpha=0.1), wrt="alpha")
    >>> sol.x.round(4), sol.jacobian["alpha"].round(4)
    (array([0.5778]), array([-0.8889]))
    """
    return _two_classes(SquaredHinge, X, y, alpha, l1_ratio, weights, sample_weight, fit_intercept)


def huber(
    X: Any,
    y: Any,
    alpha: float,
    delta: float,
    l1_ratio: float = 1.0,
    *,
    weights: Any = None,
    sample_weight: Any = None,
    fit_intercept: bool = False,
) -> Problem:
    """Robust regression: Huber's loss with the penalty of :func:`elastic_net`.

    ``sum_i s_i h(y_i - X_i w - b) + ...`` with ``h(r) = r^2/2`` up to delta and
    ``delta (abs(r) - delta/2)`` beyond.

    Parameters
    ----------
    X, y, alpha, weights, sample_weight, fit_intercept
        As in :func:`lasso`.
    delta : float
        Positive, in units of y: residuals beyond it count as outliers.  1.345 times the standard
        deviation of normal noise loses 5 % of the efficiency of least squares.
    l1_ratio : float, default=1.0
        In [0, 1].

    Returns
    -------
    Problem

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> X, y = np.ones((4, 1)), np.array([1.0, 2.0, 3.0, 100.0])
    >>> sol = fp.solve(fp.huber(X, y, alpha=0.1, delta=2.0), wrt=["alpha", "delta"])
    >>> sol.x.round(4), sol.jacobian["alpha"].round(4), sol.jacobian["delta"].round(4)
    (array([2.5333]), array([-1.3333]), array([0.3333]))
    """
    alpha = checks.number(alpha, "alpha")
    delta = checks.number(delta, "delta", open_low=True)
    l1_ratio = checks.number(l1_ratio, "l1_ratio", high=1.0)
    p, data = _regression(X, y, sample_weight, fit_intercept)
    data["loss"] = Huber(*data["loss"], delta)
    penalty = ElasticNet(alpha, l1_ratio, checks.weights(weights, "weights", p, "column of X"))
    return Problem(penalty=penalty, **data)


def group_lasso(
    X: Any,
    y: Any,
    alpha: float,
    groups: Any,
    *,
    weights: Any = None,
    sample_weight: Any = None,
    fit_intercept: bool = False,
) -> Problem:
    """Least squares with a norm on each group of coefficients.

    The loss of :func:`lasso` plus ``alpha sum_g weights_g norm2(w_g)``.

    Parameters
    ----------
    X, y, alpha, sample_weight, fit_intercept
        As in :func:`lasso`.
    groups : array_like of shape (p,)
        A label a column of X, of any kind; columns of a group need not be neighbours.
    weights : array_like of shape (number of groups,), optional
        In the order of the sorted labels; by default the square roots of the groups' sizes.

    Returns
    -------
    Problem

    Raises
    ------
    ValueError, TypeError
        If an argument has the wrong shape, type or range; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import fastpiggy as fp
    >>> X, y = np.eye(4), np.array([3.0, 4.0, 0.1, 0.2])
    >>> sol = fp.solve(fp.group_lasso(X, y, alpha=0.5, groups=[0, 0, 1, 1], weights=[1, 1]))
    >>> sol.x.round(6)
    array([1.8, 2.4, 0. , 0. ])
    """
    alpha = checks.number(alpha, "alpha")
    p, data = _regression(X, y, sample_weight, fit_intercept)
    labels, offsets, order = checks.groups(groups, p)
    sizes = np.sqrt(np.diff(offsets))
    w = sizes if weights is None else checks.weights(weights, "weights", labels.size, "group")
    return Problem(penalty=GroupL2(alpha, w, offsets, order), **data)


def _regression(
    X: Any, y: Any, sample_weight: Any, fit_intercept: bool
) -> tuple[int, dict[str, Any]]:
    X = checks.matrix(X)
    n, p = X.shape
    y = checks.vector(y, "y", n, "row of X")
    s, total = checks.sample_weight(sample_weight, n)
    loss = LeastSquares(y, s)
    design, product = _checked(X, s * y)
    # What was checked is not looked at again, and the product that proved X finite is of use.
    shared = {"checked loss": loss, "checked design": design}
    keep(shared, "X'sy", loss, product)
    data = {
        "loss": loss,
        "design": design,
        "fit_intercept": bool(fit_intercept),
        "total_weight": total,
        "shared": shared,
    }
    return p, data


def _two_classes(
    loss: type, X: Any, y: Any, alpha: float, l1_ratio: float, weights: Any, sample_weight: Any,
    fit_intercept: bool,
) -> Problem:  # fmt: skip
    alpha = checks.number(alpha, "alpha")
    l1_ratio = checks.number(l1_ratio, "l1_ratio", high=1.0)
    X = checks.matrix(X)
    n, p = X.shape
    labels, classes = checks.two_classes(y, n)
    s, total = checks.sample_weight(sample_weight, n)
    w = checks.weights(weights, "weights", p, "column of X")
    design, _ = _checked(X, s * labels)
    found, penalty = loss(labels, s), ElasticNet(alpha, l1_ratio, w)
    shared = {"checked loss": found, "checked design": design, "checked penalty": penalty}
    return Problem(found, penalty, design, bool(fit_intercept), total, classes, shared)


def _checked(X: Any, v: np.ndarray) -> tuple[Any, np.ndarray]:
    """The design, and ``X'v``."""
    design = matrix.as_design(X)
    with np.errstate(invalid="ignore", over="ignore"):
        # Rows of weight zero must be finite too: 0 * nan is nan, but so is 0 * inf.
        product = matrix.scatter(design, v)
    checks.finite(X, product)
    return design, product
