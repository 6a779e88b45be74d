"""The sum of piecewise quadratics, its pieces, and where it is lowest."""

from fastpiggy.compile import kernel

#: Entries of `found`: where the sum is lowest, its value there, and its value at the end.
WHERE, LOWEST, LAST = range(3)


@kernel
def merge(parts, counts, begin, end, out, found):
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
    found : ndarray of shape (3,)

    Returns
    -------
    int
        Pieces written.
    """
    folds, written, lam = counts.shape[0], 0, begin
    for v in range(folds):
        i = counts[v, 0]
        t = parts.level[v, i] - begin
        value = parts.value[v, i] + t * (parts.slope[v, i] + t * parts.curvature[v, i])
        found[LAST] = value if v == 0 else found[LAST] + value
    found[WHERE], found[LOWEST] = begin, found[LAST]
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
        t = lam - below
        found[LAST] = value + t * (slope + t * curvature)
        if found[LAST] < found[LOWEST]:
            found[WHERE], found[LOWEST] = below, found[LAST]
        if slope < 0.0 and curvature > 0.0 and -slope < 2.0 * curvature * t:
            t = -0.5 * slope / curvature
            lowest = value + t * (slope + t * curvature)
            if lowest < found[LOWEST]:
                found[WHERE], found[LOWEST] = lam - t, lowest
        lam = below
        for v in range(folds):
            i = counts[v, 0]
            if i + 1 < counts[v, 1] and parts.level[v, i + 1] >= lam:
                counts[v, 0] = i + 1
    return written
