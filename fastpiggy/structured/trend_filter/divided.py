r"""The constants of discrete B-splines at any positions, without cancellation.

A discrete spline of degree d changes at a knot in row r by a multiple of
``q(x) = (x - t[r + 1])...(x - t[r + d])``, which is zero at d points in a row.  From the truncated
q of successive knots its divided differences are

.. math::

    T^0_a = q_a, \qquad T^p_a = (T^{p-1}_a - T^{p-1}_{a+1}) / s^p_a, \qquad
    B_a = T^d_a - T^d_{a+1},

where s is such that the polynomials behind T stay monic, of degree d - p: s^1 is the distance of
the sums of zeros, and so on.  They interlace, and every s is here a sum of positive terms; at equal
distances and for q with one zero d times they are those of B-splines.
"""

import numpy as np


def spans(zeros: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The spans s and the zeros of ``T^2`` where d = 3.

    Parameters
    ----------
    zeros : ndarray of shape (knots, d)
        Of q by knot; ascending in both directions.

    Returns
    -------
    s : ndarray of shape (d, knots)
        ``s[p - 1, a]`` is that of ``T^p_a``; ones where there is none.
    centres : ndarray of shape (knots,)
        Zero of the line that ``T^2_a`` is to the right of its knots, for d = 3.
    """
    knots, d = zeros.shape
    s, centres = np.ones((d, knots)), np.zeros(knots)
    if d == 0:
        return s, centres
    step = np.diff(zeros, axis=0)
    s[0, :-1] = step.sum(axis=1)
    share = step / s[0, :-1, None]
    if d == 2:
        # The zero of q_a - q_(a+1) is a mean of y_2 and y'_1, before y'_1 and after y_2.
        y = zeros[1:-1]
        after = share[1:, 0] * (y[:, 1] - y[:, 0]) + share[1:, 1] * (zeros[2:, 0] - y[:, 0])
        s[1, :-2] = after + share[:-1, 0] * (y[:, 0] - zeros[:-2, 1])
    if d == 3:
        s[1, :-2], moment = _pairs(zeros, share)
        apart = moment / s[1, :-2]
        centres[:-2] = zeros[1:-1, 0] + apart
        s[2, :-3] = np.diff(zeros[1:-1, 0]) + np.diff(apart)
    return s, centres


def _pairs(zeros: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``s^2`` for d = 3, and its product with the distance of the centre from the knot between.

    ``(q_a - q_(a+1))/s`` is a mean of ``(x - p)(x - q)``, the pairs of zeros before those at the
    knot between, ``(b, c)``, for a, and after them for a + 1; each pair less (b, c) is a line,
    ``(p - b)(x - q) + (q - c)(x - b)``.
    """
    here, then = zeros[:-1], zeros[1:]
    p = np.stack([here[:, 1], np.minimum(here[:, 2], then[:, 0]), then[:, 0]], axis=1)
    q = np.stack([here[:, 2], np.maximum(here[:, 2], then[:, 0]), then[:, 1]], axis=1)
    b, c = zeros[1:-1, :1], zeros[1:-1, 1:2]
    total, moment = np.zeros(len(b)), np.zeros(len(b))
    for part, own in ((slice(1, None), 1.0), (slice(None, -1), -1.0)):
        first, second = own * (p[part] - b), own * (q[part] - c)
        total += (share[part] * (first + second)).sum(axis=1)
        if own > 0:
            moment += (share[part] * first * (q[part] - b)).sum(axis=1)
        else:
            moment += (share[part] * (first * (c - b) + second * (p[part] - b))).sum(axis=1)
    return total, moment


def weights(s: np.ndarray) -> np.ndarray:
    """Of shape (knots, d + 2): those of ``q_a, ..., q_(a+d+1)`` in ``B_a``; the last d + 1 rows
    are of no use.
    """
    d, knots = s.shape
    found = np.ones((knots, 1))
    for p in range(d + 1):
        new = np.zeros((knots, p + 2))
        new[:, :-1] += found
        new[:-1, 1:] -= found[1:]
        found = new / s[p][:, None] if p < d else new
    return found
