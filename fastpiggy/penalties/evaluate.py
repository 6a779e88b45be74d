"""One prox, for looking at: in plain Python, where nothing need compile."""

from typing import Any

import numpy as np


def prox(
    penalty: Any, u: Any, step: float = 1.0, wrt: str | None = None, selection: float = 0.0
) -> Any:
    """The prox of a penalty at a point, and its derivative.

    Parameters
    ----------
    penalty : record
        Of the role :class:`Penalty` or a narrower one; of the package or one's own.
    u : array_like of shape (p,)
    step : float, default=1.0
        Positive.
    wrt : str, optional
        ``"u"``, or the name of a parameter of the penalty.
    selection : float, default=0.0
        The number q in [0, 1] that picks an element of Clarke's set at a kink.

    Returns
    -------
    z : ndarray of shape (p,)
        ``argmin_z norm(z - u)^2/2 + step g(z)``.
    derivative : ndarray of shape (p,) + shape of the parameter
        Only where `wrt` is given.

    Raises
    ------
    ValueError
        If the penalty has no parameter of that name, or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastpiggy.penalties import L1, prox
    >>> prox(L1(1.0, np.ones(3)), [3.0, -2.0, 0.5], wrt="alpha")
    (array([ 2., -1.,  0.]), array([-1.,  1.,  0.]))
    """
    u = np.array(u, dtype=float)
    if u.ndim != 1 or not u.size:
        raise ValueError(f"u must be a vector with at least one entry, got shape {u.shape}")
    if not 0.0 < step < np.inf:
        raise ValueError(f"step must be positive and finite, got {step}")
    if not 0.0 <= selection <= 1.0:
        raise ValueError(f"selection must be in [0, 1], got {selection}")
    held = getattr(penalty, "held", ())
    names = [name for name in penalty._fields if name not in held]
    if wrt is not None and wrt != "u" and wrt not in names:
        raise ValueError(f"wrt must be 'u' or one of {names}, got {wrt!r}")
    shape = u.shape if wrt == "u" else np.shape(getattr(penalty, wrt)) if wrt else (0,)
    m = int(np.prod(shape))
    du = np.eye(m) if wrt == "u" else np.zeros((m, u.size))
    d = type(penalty)(*(np.zeros((m, *np.shape(value))) for value in penalty))
    if wrt is not None and wrt != "u":
        getattr(d, wrt)[...] = np.eye(m).reshape(m, *shape)
    z, dz = np.empty(u.size), np.empty((m, u.size))
    steps, q = np.full(u.size, float(step)), np.full(u.size, float(selection))
    penalty.prox_all(u, steps, z, du, dz, d, m, q)
    # No negative zeros.
    return z + 0.0 if wrt is None else (z + 0.0, dz.T.reshape(u.size, *shape) + 0.0)
