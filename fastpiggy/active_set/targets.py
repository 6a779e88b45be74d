"""The search along exact paths for many targets that share X, in one compiled loop.

The rule is that of :mod:`fastpiggy.tuning.path`, with nothing kept but where the curve is lowest.
All Gram matrices are those of all targets.  A target works on all columns, on the shared matrices
themselves; or, where columns are many, on a working set of its own, whose products are copied out
of them, and all columns are looked at wherever a stretch ends and at the best.
"""

import numpy as np

from fastpiggy.active_set.merge import LAST, LOWEST, WHERE, merge
from fastpiggy.active_set.path import REACHED, VIOLATED, Pieces, descend_to
from fastpiggy.active_set.target_bench import (
    ALPHA,
    LOW,
    OPTIMALITY,
    SLOPE,
    SPREAD,
    TOP,
    VALUE,
    VISITED,
)
from fastpiggy.active_set.target_folds import (
    ON,
    admit,
    begin,
    fold,
    look,
    null,
    overlooked,
    stand,
    top,
)
from fastpiggy.active_set.work import ACTIVE, COEFFICIENT, SIDE
from fastpiggy.compile import kernel, routine

#: What a search ends with; where it broke off, or there is nothing to tune, nothing is written.
FOUND, BROKEN, EMPTY = range(3)

#: A violation at a checkpoint above this, over the level, breaks the path off.
_TOLERANCE = 1e-9

#: Times that overlooked columns may send a search back to the top.
_ROUNDS = 10


@routine
def _keep(bench):
    """Note where all folds stand."""
    kept = bench.kept
    for v in range(bench.columns.shape[0]):
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
def _restore(bench, v, slot, level):
    """A fold as it stood when a stretch began."""
    kept = bench.kept
    return stand(
        bench, v, level, kept.order[slot, v], kept.side[slot, v], kept.active[slot, v]
    )  # fmt: skip


@routine
def _run(bench, v, end):
    """Follow the path of one fold to a level; False where it breaks off."""
    last = v == bench.columns.shape[0]
    parts, i = bench.pieces, 0 if last else v
    pieces = Pieces(
        parts.level[i], parts.value[i], parts.slope[i], parts.curvature[i], parts.active[i]
    )  # fmt: skip
    this = fold(bench, v)
    written = descend_to(this, end, pieces, 0)
    while last and written == pieces.level.size and this.found[REACHED] > end:
        # Its losses are of no interest.
        written = descend_to(this, end, pieces, 0)
    if not last:
        bench.counts[v, 0], bench.counts[v, 1] = 0, written
    return this.found[REACHED] == end and this.found[VIOLATED] <= _TOLERANCE * end


@routine
def _again(shared, bench, products, begin, end):
    """Columns that were overlooked join, and the folds that lack them go back; how many, or -1."""
    folds = bench.columns.shape[0]
    for v in range(folds):
        if bench.counts[v, 2] != 0:
            look(shared, bench, products, v)
    wanted = overlooked(shared, bench, 0, folds, end)
    if wanted <= 0:
        return wanted
    for v in range(folds):
        bench.counts[v, 2] = 0
        for i in range(wanted):
            j = bench.chosen[i]
            if abs(bench.correlation[v, j]) > ON * end * shared.thresholds[j]:
                bench.counts[v, 2] = 1
    admit(shared, bench, products, wanted)
    for v in range(folds):
        if bench.counts[v, 2] != 0 and not _restore(bench, v, 0, begin):
            return -1
    return wanted


@routine
def _stretch(shared, bench, products, begin, end):
    """Follow all folds to a level, until no column is overlooked there; False where it breaks."""
    folds = bench.columns.shape[0]
    _keep(bench)
    wanted = 0 if bench.whole else overlooked(shared, bench, 0, folds, end)
    if wanted < 0:
        return False
    if wanted > 0:
        admit(shared, bench, products, wanted)
    for v in range(folds):
        bench.counts[v, 2] = 1
    while True:
        for v in range(folds):
            if bench.counts[v, 2] != 0 and not _run(bench, v, end):
                return False
        if bench.whole:
            return True
        wanted = _again(shared, bench, products, begin, end)
        if wanted <= 0:
            return wanted == 0


@routine
def _certify(shared, bench, products, begin, alpha):
    """How many columns were overlooked at the best; they join.  -1 where the path breaks off."""
    folds = bench.columns.shape[0]
    for v in range(folds):
        if not _restore(bench, v, 1, begin) or not _run(bench, v, alpha):
            return -1
        look(shared, bench, products, v)
    wanted = overlooked(shared, bench, 0, folds, alpha)
    if wanted > 0:
        admit(shared, bench, products, wanted)
    return wanted


@routine
def _descend(shared, bench, products, rest, rule, numbers):
    """The search from the top down; the level where the stretch of the best began, or -1."""
    folds, found, joined = bench.columns.shape[0], bench.lowest, bench.joined
    low, high, share, level = numbers[LOW], numbers[VISITED], 1.0 / bench.columns.shape[0], 0.0
    for v in range(folds):
        level = max(level, top(shared, bench, v))
    level = max(level, high)
    for v in range(folds):
        bench.found[v, REACHED] = level
    while level > high:
        end = max(high, rule.step * level)
        if not _stretch(shared, bench, products, level, end):
            return -1.0
        level = end
    numbers[VALUE], highest, began, slope = np.inf, -np.inf, level, 0.0
    while level > low:
        end = max(low, rule.step * level)
        if not _stretch(shared, bench, products, level, end):
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
def _solve(shared, bench, products, numbers, x):
    """The coefficients on all rows at the best; False where the path breaks off."""
    v, alpha, level = bench.columns.shape[0], numbers[ALPHA], numbers[TOP]
    for _round in range(_ROUNDS):
        if not null(shared, bench, products, v):
            return False
        bench.found[v, REACHED], bench.found[v, VIOLATED] = level, 0.0
        if alpha < level and not _run(bench, v, alpha):
            return False
        look(shared, bench, products, v)
        wanted = overlooked(shared, bench, v, v + 1, alpha)
        if wanted == 0:
            break
        if wanted < 0:
            return False
        admit(shared, bench, products, wanted)
    beyond = bench.found[v, VIOLATED]
    for j in range(x.size):
        if bench.outside[j] != 0:
            beyond = max(beyond, abs(bench.correlation[v, j]) - alpha * shared.thresholds[j])
    numbers[OPTIMALITY] = beyond / max(alpha, 1e-3 * level)
    for i in range(bench.count[v, ACTIVE]):
        a = bench.order[v, i]
        x[bench.members[a]] = bench.vectors[v, COEFFICIENT, a]
    return wanted == 0


@routine
def _one(shared, bench, products, judged, rest, rule, numbers, x):
    """Search and solve for one target; what it ends with."""
    folds = bench.columns.shape[0]
    if not begin(shared, bench, products, judged):
        return BROKEN
    level = top(shared, bench, folds)
    numbers[TOP] = level
    if level == 0.0 and rule.relative:
        return EMPTY
    numbers[LOW] = rule.low * level if rule.relative else rule.low
    for turn in range(_ROUNDS):
        if turn > 0:
            for v in range(folds):
                if not null(shared, bench, products, v):
                    return BROKEN
        numbers[VISITED] = rule.high * level if rule.relative else rule.high
        began = _descend(shared, bench, products, rest, rule, numbers)
        if began < 0.0:
            return BROKEN
        missed = 0
        if not bench.whole:
            missed = _certify(shared, bench, products, began, numbers[ALPHA])
        if missed < 0:
            return BROKEN
        if missed == 0:
            return FOUND if _solve(shared, bench, products, numbers, x) else BROKEN
    return BROKEN


@kernel(allocates=False)
def search(shared, bench, targets, rule, first, last, answers):
    """Tune and solve for the targets `first` to `last`.

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
            shared, bench, targets.products[t], targets.judged[t], targets.rest[t], rule,
            answers.numbers[t], answers.x[t],
        )  # fmt: skip
