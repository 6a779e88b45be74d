"""Arrays that solves hand on: bounded, not shared, and never remembered."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.sparse import csc_array

import fastpiggy as fp
from fastpiggy.active_set.work import COLUMNS
from fastpiggy.compile.flags import COMPILED
from fastpiggy.solving import workspace

N, P = 24, 16


@pytest.fixture(autouse=True)
def _empty(monkeypatch):
    monkeypatch.setattr(workspace, "_idle", [])


def problems():
    """Different problems of one shape."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((N, P)), rng.standard_normal(N)
        w = rng.uniform(0.5, 1.5, P)
        w[seed] = 0.0
        yield fp.lasso(X, y, alpha=0.02, fit_intercept=seed == 1)
        yield fp.elastic_net(X, y, alpha=0.2, l1_ratio=0.5, weights=w)
        yield fp.lasso(csc_array(X * (X > 0)), y, alpha=0.05)
        yield fp.logistic(X, y > 0, alpha=0.02)


def numbers(problem):
    sol = fp.solve(problem, wrt="alpha")
    assert sol.algorithm == "active_set"
    return sol.x, sol.intercept, sol.jacobian["alpha"], sol.objective


def same(found, wanted):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def alone():
    """Each problem in arrays that nobody has used."""
    wanted = []
    for problem in problems():
        workspace._idle.clear()
        wanted.append(numbers(problem))
    return wanted


def test_no_solve_sees_what_another_has_left():
    wanted = alone()
    workspace._idle.clear()
    order = list(range(len(wanted)))
    for permuted in (order, order[::-1], np.random.default_rng(0).permutation(order)):
        made = list(problems())
        for i in permuted:
            same(numbers(made[i]), wanted[i])
    assert len(workspace._idle) == 1


def test_garbage_in_the_arrays_does_no_harm():
    wanted = alone()
    for problem, one in zip(problems(), wanted, strict=True):
        for work in workspace._idle:
            for array in (*work.active[:3], *work[1:]):
                array.fill(-7 if array.dtype.kind == "i" else np.nan)
            work.active.order.fill(99)
            work.active.barred.fill(1)
        same(numbers(problem), one)


def test_results_are_not_views_of_the_arrays():
    made = list(problems())
    first = numbers(made[0])
    kept = [np.array(value) for value in first]
    numbers(made[1])
    same(first, kept)


def test_two_threads_never_hold_the_same_arrays():
    wanted, start = alone(), threading.Barrier(2)

    def several(order):
        made = list(problems())
        start.wait(60)
        return [(i, numbers(made[i])) for i in order]

    times = 5 if COMPILED else 1
    orders = [list(range(len(wanted))) * times, list(range(len(wanted)))[::-1] * times]
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(several, orders):
            for i, value in found:
                same(value, wanted[i])
    assert len(workspace._idle) <= 2
    assert len({id(work) for work in workspace._idle}) == len(workspace._idle)


def test_what_is_kept_is_bounded(monkeypatch):
    one = workspace.take(50, 100)
    size = workspace._size(one)
    held = sum(array.nbytes for array in (*one.active, *one[1:]))
    assert size == pytest.approx(held, rel=0.1)
    monkeypatch.setattr(workspace, "_KEPT", 3 * size)
    several = [one] + [workspace.take(50, 100) for _ in range(5)]
    for work in several:
        workspace.give_back(work)
    assert len(workspace._idle) == 3
    # The oldest have gone.
    assert [id(work) for work in workspace._idle] == [id(work) for work in several[3:]]
    monkeypatch.setattr(workspace, "_KEPT", 0)
    workspace.give_back(workspace.take(50, 100))
    assert not workspace._idle


def test_arrays_fit_the_problem_or_are_made():
    work = workspace.take(10, 20)
    assert work.active.count[COLUMNS] == 0 and np.all(work.place == -1)
    work.active.count[:], work.place[:] = 3, 1
    workspace.give_back(work)
    assert workspace.take(10, 21) is not work and workspace.take(11, 20) is not work
    again = workspace.take(10, 20)
    assert again is work and not again.active.count.any() and np.all(again.place == -1)
    assert workspace.take(10, 20) is not work


def test_larger_arrays_hold_the_same():
    rng, work = np.random.default_rng(0), workspace.take(6, 30)
    small = work.room
    work.active.count[COLUMNS] = 4
    work.columns[:4], work.members[:4] = rng.standard_normal((4, 6)), [3, 1, 4, 2]
    work.active.gram[:4, :4] = rng.standard_normal((4, 4))
    work.active.vectors[:, :4] = rng.standard_normal((len(work.active.vectors), 4))
    new = work.larger(2 * small)
    assert new.room == 2 * small
    np.testing.assert_array_equal(new.columns[:4], work.columns[:4])
    np.testing.assert_array_equal(new.members[:4], work.members[:4])
    np.testing.assert_array_equal(new.active.gram[:4, :4], work.active.gram[:4, :4])
    np.testing.assert_array_equal(new.active.vectors[:, :4], work.active.vectors[:, :4])
    assert new.place is work.place and new.correlation is work.correlation
