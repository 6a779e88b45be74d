"""The sum of piecewise quadratics, and its pieces."""

from fastpiggy.compile import kernel


@kernel
def merge(parts, counts, begin, end, out):
    """Add up the quadratics of several paths between two levels.

    Parameters
    ----------
    parts : Pieces
        Arrays of shape (folds, room).
    counts : ndarray of shape (folds, 2), int
        The first piece of each that reaches below `begin`, and the end of its pieces; the first
        moves along.
    begin, end : float
    out : Pieces
        With room for the pieces of all folds.

    Returns
    -------
    int
        Pieces written.
    """
    folds, written, lam = counts.shape[0], 0, begin
    while lam > end and written < out.level.size:
        below, value, slope, curvature, active = end, 0.0, 0.0, 0.0, 0
        for v in range(folds):
            i = counts[v, 0]
            if i + 1 < counts[v, 1] and parts.level[v, i + 1] > below:
                below = parts.level[v, i + 1]
            t = parts.level[v, i] - lam
            a, b, c = parts.value[v, i], parts.slope[v, i], parts.curvature[v, i]
            value += a + t * (b + t * c)
            slope += b + 2.0 * t * c
            curvature += c
            active += parts.active[v, i]
        out.level[written], out.value[written] = lam, value
        out.slope[written], out.curvature[written] = slope, curvature
        out.active[written] = active
        written += 1
        lam = below
        for v in range(folds):
            i = counts[v, 0]
            if i + 1 < counts[v, 1] and parts.level[v, i + 1] >= lam:
                counts[v, 0] = i + 1
    return written
