"""Which way a solve takes: the costs that decide, and the constants, measured once.

On one core of an EPYC 7003 with OpenBLAS 0.3.31: a pass over X of 40 MB runs at 13 to 15 GB/s; a
change of the active set takes about ``|W| min(k, |W| - k) + k^2`` operations, 0.04 ms for 180
active of 350 and 0.4 ms for 800 of 1000; an iteration of conjugate gradients on two columns 0.5 ms
for 110 000 entries.  A column that joins costs about ``|W|`` products of length n by BLAS, so that
ten columns for each column of X over one in the working set cost as much as a pass.
"""

from fastpiggy.compile import helper

#: Sweeps in Gram space at the most, where many columns have joined and where few have.
EARLY, LATE = 10, 60

#: Sweeps in residual space over what joins, after the first.
AGAIN = 1

#: Changes of the active set in one homotopy, beside one for each active column.
CHANGES = 60

#: Of them, those at which a column leaves while the level stands still, in a row: what ties may
#: enter in any number, but what leaves comes back, and then the changes lead nowhere.
IDLE = 32

#: Stages at the last level in a row that neither let columns join nor halve the violation: rounding
#: is reached, or descent and path undo one another.
STALE = 2

#: The level falls by these factors at a stage: rows fewer than columns, and others; when crowded;
#: and where a stage costs more than a pass, with curved losses and in sweeps over sparse columns.
WIDE, TALL, CLOSELY, COSTLY = 0.4, 0.03, 0.75, 0.05

#: Below so many times the last level the next one is the last.
SNAP = 1.15

#: Supports of sparse matrices from here on are solved for by conjugate gradients, not factored:
#: dense copies of the columns and their factor would cost more than a hundred iterations.
LARGE = 300

#: Unpenalised columns are always active; where there are more, the general route takes over.
FREE = 500


@helper
def next_level(lam, end, factor):
    """The level of the next stage."""
    lam = max(end, lam * factor)
    return end if lam < SNAP * end else lam


@helper
def crowded(k, waiting, n):
    """Whether the support nears the number of rows, now or by what waits.

    Descent then crawls and its zeros are wrong by hundreds: the path is followed closely instead.
    """
    return k >= 0.85 * n or (k >= 0.3 * n and k + 0.15 * waiting > 0.9 * n)


@helper
def joiners(n, p, size):
    """Columns that may join at once: as many as cost a pass, on tall data four times as many.

    There the passes that are saved weigh more than columns that need not have joined.
    """
    most = max(32, 10 * p // (size + 1))
    return most if n < p else 4 * most


@helper
def brief(size, n, p):
    """Whether a finish costs so little beside a pass that it is tried before the support settles.

    Where nothing was overlooked the next pass is the last: at 2000x200 with 10 active that spares
    one of two, a tenth of the solve.
    """
    return 8 * size**3 < n * p


@helper
def few(k):
    """Joiners up to here leave the support nearly as it was: it can be finished."""
    return max(8, k // 10)
