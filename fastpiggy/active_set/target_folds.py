"""The folds of one target on a bench: the columns they work on, and where they stand."""

from fastpiggy.active_set.homotopy import combine
from fastpiggy.active_set.path import Fold, restart
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

#: A column that pulls by no more than this above the level is on it.
ON = 1.0 + 1e-10


@routine
def fold(bench, v):
    """Fold v, or all rows, which judge nothing."""
    last = v == bench.columns.shape[0]
    active = Active(
        bench.grams[v], bench.factors[v], bench.vectors[v], bench.order[v], bench.barred[v],
        bench.count[v],
    )  # fmt: skip
    rows, none = bench.rows[0 if last else v], bench.zeros[:0]
    return Fold(
        active, bench.nothing if last else bench.columns[v], bench.zeros, none,
        none if last else rows[0], none if last else rows[1], none if last else rows[2],
        bench.found[v],
    )  # fmt: skip


@routine
def _copy(shared, bench, size, total):
    """Products and judging rows of the columns from `size` on, out of the shared ones."""
    members = bench.members
    for v in range(bench.grams.shape[0]):
        for a in range(total):
            row, out = shared.grams[v, members[a]], bench.grams[v, a]
            for b in range(size if a < size else 0, total):
                out[b] = row[members[b]]
    for v in range(bench.columns.shape[0]):
        for a in range(size, total):
            row, out = shared.columns[v, members[a]], bench.columns[v, a]
            for i in range(out.size):
                out[i] = row[i]


@routine
def admit(shared, bench, products, wanted):
    """The first columns of `chosen` join, at the level where the correlations are known."""
    size = bench.count[0, COLUMNS]
    total, members = size + wanted, bench.members
    for i in range(wanted):
        members[size + i] = bench.chosen[i]
        bench.outside[bench.chosen[i]] = 0
    for v in range(bench.grams.shape[0]):
        vectors = bench.vectors[v]
        bench.count[v, COLUMNS] = total
        for a in range(size, total):
            j = members[a]
            vectors[CORRELATION, a], vectors[PATH, a] = products[v, j], bench.correlation[v, j]
            vectors[THRESHOLD, a] = shared.thresholds[j]
            vectors[SIDE, a], vectors[COEFFICIENT, a] = 0.0, 0.0
    if not bench.whole:
        _copy(shared, bench, size, total)


@routine
def look(shared, bench, products, v):
    """The correlations of all columns with the residual of a fold."""
    out, w = bench.correlation[v], bench.vectors[v, COEFFICIENT]
    if bench.whole:
        for j in range(out.size):
            out[j] = bench.vectors[v, PATH, j]
        return
    order, d, k = bench.order[v], bench.correlation[-1], bench.count[v, ACTIVE]
    for i in range(k):
        bench.index[i], d[i] = bench.members[order[i]], w[order[i]]
    combine(shared.grams[v], bench.index, d, k, out.size, out)
    for j in range(out.size):
        out[j] = products[v, j] - out[j]


@routine
def overlooked(shared, bench, first, last, level):
    """Columns outside that pull above a level in any of some folds; -1 where room lacks."""
    wanted, size = 0, bench.count[0, COLUMNS]
    for j in range(bench.outside.size):
        if bench.outside[j] == 0:
            continue
        pull = 0.0
        for v in range(first, last):
            pull = max(pull, abs(bench.correlation[v, j]))
        if pull > ON * level * shared.thresholds[j]:
            if size + wanted == bench.members.size:
                return -1
            bench.chosen[wanted] = j
            wanted += 1
    return wanted


@routine
def stand(bench, v, level, order, side, k):
    """Coefficients of given active places with their signs; False where they are dependent."""
    vectors = bench.vectors[v]
    for a in range(bench.count[v, COLUMNS]):
        vectors[SIDE, a], vectors[COEFFICIENT, a] = 0.0, 0.0
    for i in range(k):
        bench.order[v, i], vectors[SIDE, order[i]] = order[i], float(side[i])
    return restart(fold(bench, v), level, k)


@routine
def null(shared, bench, products, v):
    """The unpenalised columns of a fold alone; all correlations then."""
    k = shared.free.size
    for i in range(k):
        bench.index[i], bench.chosen[i] = shared.free[i] if bench.whole else i, 0
    good = stand(bench, v, 0.0, bench.index, bench.chosen, k)
    look(shared, bench, products, v)
    return good


@routine
def begin(shared, bench, products, judged):
    """No penalised column in any fold; False where that is not to be had."""
    folds, p = bench.columns.shape[0], bench.outside.size
    for j in range(p):
        bench.outside[j] = 1
    for v in range(folds + 1):
        bench.count[v, COLUMNS] = 0
        for j in range(p):
            bench.correlation[v, j] = products[v, j]
    for v in range(folds):
        for i in range(judged.shape[1]):
            bench.rows[v, 0, i], bench.rows[v, 1, i] = judged[v, i], judged[v, i]
    wanted = p if bench.whole else shared.free.size
    if wanted > bench.members.size:
        return False
    for i in range(wanted):
        bench.chosen[i] = i if bench.whole else shared.free[i]
    admit(shared, bench, products, wanted)
    for v in range(folds + 1):
        if not null(shared, bench, products, v):
            return False
    return True


@routine
def top(shared, bench, v):
    """The level from which a fold has nothing penalised."""
    level = 0.0
    for j in range(shared.thresholds.size):
        if shared.thresholds[j] > 0.0:
            level = max(level, abs(bench.correlation[v, j]) / shared.thresholds[j])
    return level
