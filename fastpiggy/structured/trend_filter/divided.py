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

from fastpiggy.compile import helper, routine


@routine
def spans(zeros, knots, d, s, centres, share):
    """Fill the spans s, of shape (d, knots), and the zeros of ``T^2`` where d = 3.

    ``s[p - 1, a]`` is that of ``T^p_a``, 1 where there is none.  ``zeros`` of shape (knots, d) are
    those of q by knot, ascending in both directions; `share` of the same shape is work.
    ``centres[a]`` is the zero of the line that ``T^2_a`` is to the right of its knots.
    """
    for p in range(d):
        for a in range(knots):
            s[p, a] = 1.0
    if d == 0:
        return
    for a in range(knots - 1):
        total = 0.0
        for j in range(d):
            total += zeros[a + 1, j] - zeros[a, j]
        s[0, a] = total
        for j in range(d):
            share[a, j] = (zeros[a + 1, j] - zeros[a, j]) / total
    if d == 2:
        # The zero of q_a - q_(a+1) is a mean of y_2 and y'_1, before y'_1 and after y_2.
        for a in range(knots - 2):
            low, high = zeros[a + 1, 0], zeros[a + 1, 1]
            after = share[a + 1, 0] * (high - low) + share[a + 1, 1] * (zeros[a + 2, 0] - low)
            s[1, a] = after + share[a, 0] * (low - zeros[a, 1])
    if d == 3:
        last = 0.0
        for a in range(knots - 2):
            s[1, a], moment = _pairs(zeros, share, a)
            apart = moment / s[1, a]
            centres[a] = zeros[a + 1, 0] + apart
            if a > 0:
                s[2, a - 1] = zeros[a + 1, 0] - zeros[a, 0] + apart - last
            last = apart


@helper
def _pairs(zeros, share, a):
    """``s^2_a`` for d = 3, and its product with the distance of the centre from the knot between.

    ``(q_a - q_(a+1))/s`` is a mean of ``(x - p)(x - q)``, the pairs of zeros before those at the
    knot between, ``(b, c)``, for a, and after them for a + 1; each pair less (b, c) is a line,
    ``(p - b)(x - q) + (q - c)(x - b)``.
    """
    b, c = zeros[a + 1, 0], zeros[a + 1, 1]
    total, moment = 0.0, 0.0
    for after in range(2):
        i = a + after
        own = 1.0 if after else -1.0
        for j in range(3):
            if j == 0:
                p, q = zeros[i, 1], zeros[i, 2]
            elif j == 1:
                p, q = min(zeros[i, 2], zeros[i + 1, 0]), max(zeros[i, 2], zeros[i + 1, 0])
            else:
                p, q = zeros[i + 1, 0], zeros[i + 1, 1]
            first, second = own * (p - b), own * (q - c)
            total += share[i, j] * (first + second)
            if after:
                moment += share[i, j] * first * (q - b)
            else:
                moment += share[i, j] * (first * (c - b) + second * (p - b))
    return total, moment


@routine
def jumps(s, knots, d, count, table, values):
    """Fill values, of shape (count, d + 2): row i holds the d-th divided differences' weights of
    knot ``i + order`` in the B-splines from the i-th on, times ``d!``.

    The k-th difference of q, truncated at its zeros, is ``d!`` in the row of its knot and 0 in all
    others, so that these are the differences of the B-splines there; taken from values of the basis
    they would drown in rounding where knots lie far apart.  The table, of shape (knots, d + 2), is
    work.
    """
    order = d + 1
    for a in range(knots):
        table[a, 0] = 1.0
    for p in range(order):
        for a in range(knots):
            span = s[p, a] if p < d else 1.0
            for j in range(p + 1, -1, -1):
                value = table[a, j] if j <= p else 0.0
                if j > 0 and a + 1 < knots:
                    value -= table[a + 1, j - 1]
                table[a, j] = value / span
    scale = 1.0
    for j in range(2, d + 1):
        scale *= j
    for i in range(count):
        for r in range(order + 1):
            values[i, r] = scale * table[i + r + order, order - r]
