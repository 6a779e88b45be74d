"""The homotopy lands at the minimum from any start, and says where it has not."""

import numpy as np
import pytest
from naive.soft_thresholds import descend, violations

from fastpiggy.active_set import homotopy
from fastpiggy.active_set.homotopy import PIVOT, follow, refactor
from fastpiggy.active_set.work import (
    ACTIVE,
    CHANGES,
    COEFFICIENT,
    COLUMNS,
    CORRELATION,
    DIAGONAL,
    FACTORISATIONS,
    SIDE,
    THRESHOLD,
    Work,
)
from fastpiggy.compile import kernel

SIZE = 12


class Space:
    """A problem ``w'Gw/2 - b'w + lam sum c |w|`` and its arrays, at a start."""

    def __init__(self, seed, size=SIZE, n=30, thresholds=None, ridge=0.0, copies=()):
        rng = np.random.default_rng(seed)
        A = rng.standard_normal((n, size)) + 0.5 * rng.standard_normal((n, 1))
        for to, of, sign in copies:
            A[:, to] = sign * A[:, of]
        self.rng, self.size = rng, size
        self.G = A.T @ A / n + ridge * np.eye(size)
        self.b = A.T @ (A @ rng.standard_normal(size) + rng.standard_normal(n)) / n
        self.c = np.ones(size) if thresholds is None else thresholds
        self.active = Work.of(n, size, size + 3).active
        self.active.gram[:size, :size] = self.G
        self.active.count[COLUMNS] = size
        self.active.vectors[DIAGONAL, :size] = np.diagonal(self.G)
        self.active.vectors[THRESHOLD, :size] = self.c

    def place(self, w):
        self.active.vectors[COEFFICIENT, : self.size] = w
        self.active.vectors[CORRELATION, : self.size] = self.b - self.G @ w
        return self

    @property
    def w(self):
        return self.active.vectors[COEFFICIENT, : self.size]

    @property
    def q(self):
        return self.active.vectors[CORRELATION, : self.size]

    def consistent(self):
        np.testing.assert_allclose(self.q, self.b - self.G @ self.w, atol=1e-12 * self.largest)
        k = int(self.active.count[ACTIVE])
        order = self.active.order[:k]
        on = np.flatnonzero((self.w != 0) | (self.c == 0))
        assert set(on) <= set(order) and len(set(order)) == k
        R = np.triu(self.active.factor[:k, :k])
        np.testing.assert_allclose(R.T @ R, self.G[np.ix_(order, order)], rtol=1e-9, atol=1e-11)
        sided = (self.w != 0) & (self.c > 0)
        sides = self.active.vectors[SIDE, : self.size]
        np.testing.assert_array_equal(sides[sided], np.sign(self.w)[sided])

    @property
    def largest(self):
        return np.abs(self.b).max()

    def check(self, lam):
        self.consistent()
        assert violations(self.q, self.w, lam * self.c).max() <= 1e-12 * self.largest
        np.testing.assert_allclose(self.w, descend(self.G, self.b, lam * self.c), atol=1e-10)


@kernel
def factor_anew(active):
    return refactor(active)


def start(kind, space):
    if kind == "zero":
        return np.zeros(space.size)
    if kind == "near":
        return descend(space.G, space.b, 0.9 * 0.3 * space.c)
    w = space.rng.standard_normal(space.size)
    if kind == "sparse":
        w[space.rng.random(space.size) < 0.6] = 0.0
    return -w if kind == "opposite" else w


@pytest.mark.parametrize("kind", ["zero", "near", "sparse", "random", "opposite"])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("begin", [0.3, 1.0])
def test_any_start_leads_to_the_minimum(kind, seed, begin):
    space = Space(seed)
    space.place(start(kind, space))
    assert follow(space.active, begin, 0.3, 200)
    space.check(0.3)
    assert space.active.count[FACTORISATIONS] == 1


@pytest.mark.parametrize("seed", range(3))
def test_thresholds_of_all_kinds(seed):
    """Weights, zero weights, which are always active and have no side, and a squared l2 part."""
    c = np.random.default_rng(seed).uniform(0.5, 2.0, SIZE)
    c[[1, 7]] = 0.0
    space = Space(seed, thresholds=c, ridge=0.1)
    space.place(start("sparse", space))
    assert follow(space.active, 0.5, 0.2, 200)
    space.check(0.2)
    assert {1, 7} <= set(space.active.order[: space.active.count[ACTIVE]])


def test_the_path_is_that_of_the_minima():
    space = Space(5)
    top = np.abs(space.b).max()
    space.place(np.zeros(SIZE))
    for begin, end in [(top, 0.5 * top), (0.5 * top, 0.1 * top), (0.1 * top, 0.01 * top)]:
        assert follow(space.active, begin, end, 100)
        space.check(end)
    # From a point of the path on there is one change for each column that enters or leaves.
    assert space.active.count[CHANGES] >= np.count_nonzero(space.w)
    assert follow(space.active, 0.01 * top, 1.01 * top, 200)
    assert not space.w.any()


@pytest.mark.parametrize("most", [0, 1, 2, 5])
def test_the_cap_on_changes_leaves_a_consistent_state(most):
    space = Space(6)
    space.place(start("opposite", space))
    assert not follow(space.active, 0.3, 0.3, most)
    assert space.active.count[CHANGES] == most
    space.consistent()
    # It can be taken up from there.
    assert follow(space.active, 0.3, 0.3, 200)
    space.check(0.3)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("kind", ["zero", "sparse"])
def test_a_copy_of_an_active_column_stays_out(sign, kind):
    space = Space(7, copies=[(5, 0, sign), (9, 3, sign)])
    w = start(kind, space)
    w[[5, 9]] = 0.0
    space.place(w)
    assert follow(space.active, 1.0, 0.1, 200)
    space.consistent()
    assert violations(space.q, space.w, 0.1 * space.c).max() <= 1e-9 * space.largest
    for a, b in [(5, 0), (9, 3)]:
        assert space.w[a] == 0 or space.w[b] == 0


@pytest.mark.parametrize("n", [3, 6])
def test_more_columns_than_rows(n):
    """What depends on a full active set takes the place of one of its columns.

    Far from the minimum the perturbed problem may have none; then the homotopy says so.
    """
    solved = 0
    for seed in range(20):
        space = Space(seed, n=n)
        w = space.rng.standard_normal(SIZE) * (space.rng.random(SIZE) < 0.5 * n / SIZE)
        space.place(w)
        done = follow(space.active, 0.5, 0.01, 300)
        np.testing.assert_allclose(space.q, space.b - space.G @ space.w, atol=1e-9 * space.largest)
        assert np.count_nonzero(space.w) <= n
        if done:
            worst = violations(space.q, space.w, 0.01 * space.c).max()
            assert worst <= 1e-9 * space.largest, seed
        solved += done
    assert solved >= 16


def test_a_dependent_start_is_repaired():
    space = Space(8, copies=[(5, 0, 1.0), (9, 3, -1.0)])
    w = np.full(SIZE, 0.5)
    space.place(w)
    assert follow(space.active, 0.2, 0.2, 300)
    space.consistent()
    assert violations(space.q, space.w, 0.2 * space.c).max() <= 1e-9 * space.largest


def test_the_factor_made_anew_leaves_out_what_depends_on_others():
    space = Space(9, copies=[(4, 1, 1.0)])
    space.place(np.full(SIZE, 0.5))
    assert factor_anew(space.active) == SIZE - 1
    assert space.w[4] == 0.0 and space.w[1] == 0.5
    np.testing.assert_allclose(space.q, space.b - space.G @ space.w, atol=1e-12)
    k = SIZE - 1
    order, R = space.active.order[:k], np.triu(space.active.factor[:k, :k])
    np.testing.assert_allclose(R.T @ R, space.G[np.ix_(order, order)], atol=1e-11)
    assert np.all(np.diagonal(R) ** 2 > PIVOT * np.diagonal(space.G)[order])


def test_nothing_to_do():
    space = Space(10)
    space.place(np.zeros(SIZE))
    top = 2 * space.largest
    assert follow(space.active, top, top, 0)
    assert not space.w.any() and space.active.count[ACTIVE] == 0
    space.active.count[COLUMNS] = 0
    assert follow(space.active, 1.0, 0.5, 0)


def crowd(seed, n=40, size=80):
    """Neighbouring columns correlated by 0.9, twice as many as rows, from a start as descent leaves
    it: a coefficient for each row, of which many are wrong."""
    space = Space(seed, size=size, n=n)
    rng = space.rng
    A = rng.standard_normal((n, size))
    for j in range(1, size):
        A[:, j] = 0.9 * A[:, j - 1] + np.sqrt(0.19) * A[:, j]
    space.G[:] = A.T @ A / n
    space.b[:] = A.T @ (A[:, ::5].sum(axis=1) + 3 * rng.standard_normal(n)) / n
    space.active.gram[:size, :size] = space.G
    space.active.vectors[DIAGONAL, :size] = np.diagonal(space.G)
    w = np.zeros(size)
    w[rng.choice(size, n - 4, replace=False)] = rng.standard_normal(n - 4)
    return space.place(w)


def test_many_columns_that_pull_too_hard_do_not_tie():
    """Put on the level together they would enter and leave at no step, round and round."""
    for seed in range(6, 10):
        space = crowd(seed)
        lam = 0.003 * space.largest
        # With ties one of these starts takes more than 2000 changes.
        assert follow(space.active, lam, lam, 300), seed
        assert violations(space.q, space.w, lam * space.c).max() <= 1e-9 * space.largest


def test_changes_that_go_round_in_a_circle_end_early(monkeypatch):
    space = crowd(8)
    lam = 0.003 * space.largest
    with monkeypatch.context() as patch:
        patch.setattr(homotopy, "APART", 0.0)
        assert not follow(space.active, lam, lam, 2000)
    assert space.active.count[CHANGES] < 200
    # It can be taken up from there, without the ties.
    np.testing.assert_allclose(space.q, space.b - space.G @ space.w, atol=1e-12 * space.largest)
    assert follow(space.active, lam, lam, 300)
    assert violations(space.q, space.w, lam * space.c).max() <= 1e-9 * space.largest
