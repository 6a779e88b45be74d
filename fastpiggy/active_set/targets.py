"""The search along exact paths for many targets that share X, in one compiled loop.

The rule is that of :mod:`fastpiggy.tuning.path`, with nothing kept but where the curve is lowest.
All Gram matrices are those of all targets, and read where they stand.
"""

import numpy as np

from fastpiggy.active_set.fold import REACHED, VIOLATED, Pieces
from fastpiggy.active_set.merge import LAST, LOWEST, WHERE, merge
from fastpiggy.active_set.path import descend_to
from fastpiggy.active_set.target_bench import (
    ALPHA,
    LOW,
    SLOPE,
    SPREAD,
    TOP,
    VALUE,
    VISITED,
)
from fastpiggy.active_set.target_folds import begin, fold, stand, top
from fastpiggy.active_set.work import ACTIVE, SIDE
from fastpiggy.compile import kernel, routine

#: What a search ends with; where it broke off, or there is nothing to tune, nothing is written.
FOUND, BROKEN, EMPTY = range(3)

#: A violation at a checkpoint above this, over the level, breaks the path off.
_TOLERANCE = 1e-9

#: How far the lowest loss may be from that of residuals computed anew: over the loss, and over that
#: of nothing, whose digits it has.
_SAME, _NOTHING = 1e-7, 1e-13


@routine
def _keep(bench):
    """Note where all folds stand."""
    kept = bench.kept
    for v in range(bench.rows.shape[0]):
        k = bench.count[v, ACTIVE]
        kept.active[0, v] = k
        for i in range(k):
            a = bench.order[v, i]
            kept.order[0, v, i], kept.side[0, v, i] = a, int(bench.vectors[v, SIDE, a])


@routine
def _keep_best(kept):
    for v in range(kept.active.shape[1]):
        kept.active[1, v] = kept.active[0, v]
        for i in range(kept.active[0, v]):
            kept.order[1, v, i], kept.side[1, v, i] = kept.order[0, v, i], kept.side[0, v, i]


@routine
def _run(shared, bench, v, end, reach):
    """Follow the path of one fold to a level; False where it breaks off."""
    parts = bench.pieces
    pieces = Pieces(
        parts.level[v], parts.value[v], parts.slope[v], parts.curvature[v], parts.active[v]
    )  # fmt: skip
    this = fold(shared, bench, v)
    bench.counts[v, 0], bench.counts[v, 1] = 0, descend_to(this, end, pieces, 0, reach)
    return this.found[REACHED] == end and this.found[VIOLATED] <= _TOLERANCE * end


@routine
def _stretch(shared, bench, end, reach):
    """Follow all folds to a level; False where one breaks off."""
    _keep(bench)
    for v in range(shared.columns.shape[0]):
        if not _run(shared, bench, v, end, reach):
            return False
    return True


@routine
def _descend(shared, bench, rest, rule, numbers):
    """The search from the top down; the level where the stretch of the best began, or -1."""
    folds, found, joined = shared.columns.shape[0], bench.lowest, bench.joined
    low, high, share, level = numbers[LOW], numbers[VISITED], 1.0 / shared.columns.shape[0], 0.0
    for v in range(folds):
        level = max(level, top(shared, bench, v))
    level = max(level, high)
    for v in range(folds):
        bench.found[v, REACHED] = level
    while level > high:
        end = max(high, rule.step * level)
        if not _stretch(shared, bench, end, rule.reach):
            return -1.0
        level = end
    numbers[VALUE], highest, began, slope = np.inf, -np.inf, level, 0.0
    while level > low:
        end = max(low, rule.step * level)
        if not _stretch(shared, bench, end, rule.reach):
            return -1.0
        written = merge(bench.pieces, bench.counts, level, end, joined, found)
        slope = -share * joined.slope[0] if level == high else slope
        for i in range(written):
            highest = max(highest, share * joined.value[i] + rest)
        last, lowest = share * found[LAST] + rest, share * found[LOWEST] + rest
        highest = max(highest, last)
        if lowest < numbers[VALUE]:
            numbers[ALPHA], numbers[VALUE], began = found[WHERE], lowest, level
            _keep_best(bench.kept)
        if end == low and numbers[ALPHA] == low:
            t, i = joined.level[written - 1] - low, written - 1
            slope = -share * (joined.slope[i] + 2.0 * t * joined.curvature[i])
        level = end
        if end < rule.below * numbers[ALPHA] and last > rule.risen * numbers[VALUE]:
            break
    numbers[VISITED], numbers[SPREAD] = level, highest - numbers[VALUE]
    # Inside, the two slopes at a knot have zero between them, and a vertex has none.
    numbers[SLOPE] = slope if numbers[ALPHA] == high or numbers[ALPHA] == low else 0.0
    return began


@routine
def _certify(shared, bench, rest, rule, numbers, began):
    """Follow all folds anew from where the stretch of the best began to the best itself.

    There all columns are looked at, and the loss is that of residuals computed anew.  False where a
    fold breaks off, or the loss is another.
    """
    total, nothing, folds = 0.0, 0.0, shared.columns.shape[0]
    for v in range(folds):
        k = bench.kept.active[1, v]
        if not stand(shared, bench, v, began, bench.kept.order[1, v], bench.kept.side[1, v], k):
            return False
        if numbers[ALPHA] < began and not _run(shared, bench, v, numbers[ALPHA], rule.reach):
            return False
        for i in range(bench.rows.shape[2]):
            total += bench.rows[v, 1, i] ** 2
            nothing += bench.rows[v, 0, i] ** 2
    off = abs(total / folds + rest - numbers[VALUE])
    return off <= _SAME * numbers[VALUE] + _NOTHING * nothing / folds


@routine
def _one(shared, bench, products, pulled, judged, rest, rule, numbers):
    """Search for one target; what it ends with."""
    if not begin(shared, bench, products, pulled, judged):
        return BROKEN
    level = top(shared, bench, shared.columns.shape[0])
    numbers[TOP] = level
    if level == 0.0 and rule.relative:
        return EMPTY
    numbers[LOW] = rule.low * level if rule.relative else rule.low
    numbers[VISITED] = rule.high * level if rule.relative else rule.high
    began = _descend(shared, bench, rest, rule, numbers)
    if began < 0.0 or not _certify(shared, bench, rest, rule, numbers, began):
        return BROKEN
    return FOUND


@kernel
def search(shared, bench, targets, rule, first, last, answers):
    """Tune for the targets `first` to `last`.

    Parameters
    ----------
    shared : Shared
    bench : Bench
        From :func:`bench`, for this call alone.
    targets : Targets
    rule : Rule
    first, last : int
    answers : Answers
        Zeros.
    """
    for t in range(first, last):
        answers.code[t] = _one(
            shared, bench, targets.products[t], targets.pulled[t], targets.judged[t],
            targets.rest[t], rule,
            answers.numbers[t],
        )  # fmt: skip
