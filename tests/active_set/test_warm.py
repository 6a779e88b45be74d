"""Warm starts that take over a working set: the same numbers, and nothing that is kept alive."""

import copy
import gc
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastpiggy as fp
from fastpiggy.solving import workspace


@pytest.fixture(autouse=True)
def _empty(monkeypatch):
    monkeypatch.setattr(workspace, "_idle", [])


def make(n=40, p=60, ratio=1.0, seed=0, **options):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.5 * rng.standard_normal((n, 1))
    y = X[:, :4] @ [2.0, -1.0, 1.5, 1.0] + rng.standard_normal(n)
    return fp.elastic_net(np.asfortranarray(X), y, alpha=0.2, l1_ratio=ratio, **options)


def same(warm, cold):
    assert warm.algorithm == cold.algorithm == "active_set"
    assert warm.certificate.status == cold.certificate.status == "converged"
    size = np.abs(cold.x).max()
    np.testing.assert_allclose(warm.x, cold.x, rtol=1e-9, atol=1e-11 * size)
    assert warm.intercept == pytest.approx(cold.intercept, rel=1e-9, abs=1e-11)
    slope = cold.jacobian["alpha"]
    np.testing.assert_allclose(
        warm.jacobian["alpha"], slope, rtol=1e-8, atol=1e-9 * np.abs(slope).max()
    )


@pytest.mark.parametrize("ratio", [1.0, 0.5])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("part", [0.8, 1.25, 0.05, 4.0])
def test_the_same_as_a_cold_start(ratio, intercept, part):
    problem = make(ratio=ratio, fit_intercept=intercept)
    first = fp.solve(problem, wrt="alpha")
    other = problem.replace(alpha=0.2 * part)
    held = workspace._idle[0]
    warm = fp.solve(other, wrt="alpha", x0=first)
    assert workspace._idle == [held] or held.room < warm.x.size  # its own arrays, or larger ones
    same(warm, fp.solve(other, wrt="alpha"))
    if part in (0.8, 1.25):
        assert warm.cost.passes < 4


def test_a_path_down_and_up_with_other_weights_between():
    rng, problem = np.random.default_rng(1), make()
    sol = fp.solve(problem, wrt="alpha")
    for k, alpha in enumerate([0.15, 0.1, 0.05, 0.01, 0.003, 0.02, 0.1, 0.3]):
        changes = {"alpha": alpha}
        if k % 2:
            weights = rng.uniform(0.5, 1.5, 60)
            weights[rng.integers(60)] = 0.0
            changes["weights"] = weights
        other = problem.replace(**changes)
        sol = fp.solve(other, wrt="alpha", x0=sol)
        same(sol, fp.solve(other, wrt="alpha"))


def test_near_as_many_active_as_rows():
    problem = make(n=20, p=80).replace(alpha=1e-4)
    first = fp.solve(problem, wrt="alpha")
    assert np.count_nonzero(first.x) > 17
    other = problem.replace(alpha=8e-5)
    same(fp.solve(other, wrt="alpha", x0=first), fp.solve(other, wrt="alpha"))


def test_x_that_was_written_to_is_only_a_start():
    problem = make()
    first = fp.solve(problem, wrt="alpha")
    first.x[:] = np.random.default_rng(2).standard_normal(60)
    other = problem.replace(alpha=0.15)
    same(fp.solve(other, wrt="alpha", x0=first), fp.solve(other, wrt="alpha"))


def test_other_data_of_the_same_shape_start_from_x_alone():
    first = fp.solve(make(), wrt="alpha")
    for other in (make(seed=3), make().replace(y=np.random.default_rng(4).standard_normal(40))):
        other = other.replace(alpha=0.15)
        same(fp.solve(other, wrt="alpha", x0=first), fp.solve(other, wrt="alpha"))


def test_arrays_that_others_have_had_are_not_taken():
    problem = make()
    first = fp.solve(problem, wrt="alpha")
    work = workspace.redeem(first.ticket)
    assert work is not None and workspace.redeem(first.ticket) is None
    work.active.gram.fill(np.nan)
    workspace.give_back(work)
    other = problem.replace(alpha=0.15)
    same(fp.solve(other, wrt="alpha", x0=first), fp.solve(other, wrt="alpha"))


def test_a_solution_that_is_waited_for_keeps_its_arrays_while_others_are_solved():
    first = fp.solve(make(), wrt="alpha")
    others = [fp.solve(make(seed=k), wrt="alpha") for k in range(5, 8)]
    assert len(workspace._idle) == 4
    work = workspace.redeem(first.ticket)
    assert work is not None
    workspace.give_back(work)
    del first, others
    gc.collect()
    for k in range(8, 12):
        fp.solve(make(seed=k), wrt="alpha")
    assert len(workspace._idle) == 4
    # Not more than so many wait, or are kept at all.
    kept = [fp.solve(make(seed=k), wrt="alpha") for k in range(12)]
    assert len(workspace._idle) == workspace._WAITING
    for n in range(3, 60):
        workspace.give_back(workspace.take(n, 5))
    assert len(workspace._idle) == workspace._MOST and kept


def test_copies_and_pickles_know_no_arrays():
    problem = make()
    first = fp.solve(problem, wrt="alpha")
    for other in (pickle.loads(pickle.dumps(first)), copy.deepcopy(first)):
        assert other.ticket is None
        cold = fp.solve(problem.replace(alpha=0.15), wrt="alpha")
        same(fp.solve(problem.replace(alpha=0.15), wrt="alpha", x0=other), cold)


def test_threads_that_start_from_one_solution():
    problem = make()
    first = fp.solve(problem, wrt="alpha")
    alphas = np.geomspace(0.02, 0.3, 12)
    cold = [fp.solve(problem.replace(alpha=alpha), wrt="alpha") for alpha in alphas]
    with ThreadPoolExecutor(3) as pool:
        warm = pool.map(
            lambda alpha: fp.solve(problem.replace(alpha=alpha), wrt="alpha", x0=first), alphas
        )
        for one, other in zip(warm, cold, strict=True):
            same(one, other)


def test_a_solution_of_another_family_is_no_problem():
    y = np.random.default_rng(0).standard_normal(60)
    trend = fp.solve(fp.trend_filter(y, 0.5))
    problem = make()
    same(fp.solve(problem, wrt="alpha", x0=trend), fp.solve(problem, wrt="alpha"))
