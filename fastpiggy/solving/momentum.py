"""Which momentum keeps the derivative of heavy ball safe."""

import numpy as np

from fastpiggy.problems import checks


def certify_momentum(mu: float, L: float, step: float, momentum: float) -> bool:
    """Whether the tangents of heavy ball contract whatever the selections, by the circle criterion.

    For ``x+ = x - step grad f(x) + momentum (x - x_before)``, f mu-strongly convex with an
    L-Lipschitz gradient, in any dimension.  True means that one quadratic norm contracts for all
    sequences of symmetric H_k between ``mu I`` and ``L I``, so that the derivatives of the iterates
    converge.  False proves nothing: another norm may contract, and the run itself may be good.
    It says nothing about heavy ball with a prox.

    Parameters
    ----------
    mu, L : float
        Bounds of the curvature, ``0 < mu <= L``.
    step : float
        Positive.
    momentum : float
        In (-1, 1).

    Returns
    -------
    bool

    Raises
    ------
    ValueError, TypeError
        If an argument is not allowed.

    Notes
    -----
    With a the step and b the momentum: the matrix of the slope ``(mu + L)/2`` is stable, and for
    all c in [-1, 1]

        4 b c^2 - (1 + b) (2 (1 + b) - a (L + mu)) c
        + (1 + b - a L) (1 + b - a mu) + (1 - b)^2 > 0,

    the S-procedure with a norm ``P kron I``.  That derivatives may diverge although the iterates
    converge is shown in Bolte, Pauwels, Vaiter, 2206.00457; see
    :func:`fastpiggy.heavy_ball_counterexample`.

    Examples
    --------
    >>> import fastpiggy as fp
    >>> fp.certify_momentum(mu=0.25, L=1.0, step=1.0, momentum=0.52)
    True
    >>> fp.certify_momentum(mu=0.25, L=1.0, step=1.0, momentum=0.75)  # the counterexample
    False
    """
    mu = checks.number(mu, "mu", open_low=True)
    L = checks.number(L, "L", low=mu)
    a = checks.number(step, "step", open_low=True)
    b = checks.number(momentum, "momentum", low=-1.0)
    if not -1.0 < b < 1.0:
        raise ValueError(f"momentum must be in (-1, 1), got {momentum}")
    if not a * (L + mu) / 2 < 2 * (1 + b):
        return False
    square, slope = 4 * b, -(1 + b) * (2 * (1 + b) - a * (L + mu))
    constant = (1 + b - a * L) * (1 + b - a * mu) + (1 - b) ** 2
    turning = np.clip(-slope / (2 * square), -1.0, 1.0) if b > 0 else 1.0
    return all(square * c * c + slope * c + constant > 0 for c in (-1.0, 1.0, turning))
