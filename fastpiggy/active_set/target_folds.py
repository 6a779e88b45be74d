"""The folds of one target on a bench: the state that each is in, and that of all rows."""

from fastpiggy.active_set.fold import REACHED, VIOLATED, Fold, restart
from fastpiggy.active_set.watch import Seats, Watch
from fastpiggy.active_set.work import (
    ACTIVE,
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    PATH,
    SIDE,
    THRESHOLD,
    Active,
)
from fastpiggy.compile import routine


@routine
def fold(shared, bench, v):
    """Fold v, or all rows, which judge nothing."""
    folds = shared.columns.shape[0]
    last = v == folds
    active = Active(
        shared.grams[v], bench.factors[0 if last else v], bench.vectors[v], bench.order[v],
        bench.barred, bench.count[v],
    )  # fmt: skip
    rows, none, i = bench.rows[0 if last else v], bench.zeros[:0], 0 if last else v
    tall = shared.judged.shape[0] > 0 and not last
    seats = Seats(
        bench.slot[i], bench.vacant[i], bench.seated[i], bench.by_slot,
        shared.judged[i] if tall else bench.empty, bench.corner[i] if tall else none,
        bench.pulled[i],
    )  # fmt: skip
    watch = Watch(bench.places, bench.listed, bench.near, bench.packed, bench.begun)
    return Fold(
        active, bench.nothing if last else shared.columns[v], bench.zeros, none,
        none if last else rows[0], none if last else rows[1], none if last else rows[2],
        bench.found[v], seats, watch,
    )  # fmt: skip


@routine
def stand(shared, bench, v, level, order, side, k):
    """Given active columns with their signs; False where they are dependent."""
    vectors = bench.vectors[v]
    for j in range(bench.count[v, COLUMNS]):
        vectors[SIDE, j], vectors[COEFFICIENT, j] = 0.0, 0.0
    for i in range(k):
        bench.order[v, i], vectors[SIDE, order[i]] = order[i], float(side[i])
    return restart(fold(shared, bench, v), level, k)


@routine
def null(shared, bench, v):
    """The unpenalised columns of a fold alone; False where they depend on each other."""
    k, vectors = shared.free.size, bench.vectors[v]
    if k > 0:
        for i in range(k):
            bench.index[i] = 0
        return stand(shared, bench, v, 0.0, shared.free, bench.index, k)
    for j in range(bench.count[v, COLUMNS]):
        vectors[SIDE, j], vectors[COEFFICIENT, j] = 0.0, 0.0
        vectors[PATH, j] = vectors[CORRELATION, j]
    bench.count[v, ACTIVE], bench.found[v, REACHED], bench.found[v, VIOLATED] = 0, 0.0, 0.0
    if v < shared.columns.shape[0]:
        bench.seated[v, 0], bench.seated[v, 1] = 0, 0
        rows = bench.rows[v]
        for i in range(rows.shape[1]):
            rows[1, i] = rows[0, i]
    return True


@routine
def begin(shared, bench, products, pulled, judged):
    """No penalised column in any fold; False where that is not to be had."""
    folds, p = shared.columns.shape[0], shared.thresholds.size
    # All rows come first: with unpenalised columns they borrow what is the first fold's.
    for turn in range(folds + 1):
        v = folds - turn
        vectors = bench.vectors[v]
        bench.count[v, COLUMNS] = p
        for j in range(p):
            vectors[CORRELATION, j], vectors[THRESHOLD, j] = products[v, j], shared.thresholds[j]
        if v < folds:
            for i in range(judged.shape[1]):
                bench.rows[v, 0, i] = judged[v, i]
            for j in range(pulled.shape[1]):
                bench.pulled[v, j] = pulled[v, j]
        if not null(shared, bench, v):
            return False
    return True


@routine
def top(shared, bench, v):
    """The level from which a fold has nothing penalised."""
    level = 0.0
    for j in range(shared.thresholds.size):
        if shared.thresholds[j] > 0.0:
            level = max(level, abs(bench.vectors[v, PATH, j]) / shared.thresholds[j])
    return level
