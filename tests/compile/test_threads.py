"""Kernels run without the interpreter lock: two threads at once give the numbers of one."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np

import fastpiggy as fp

SEEDS = range(8)


def solve(seed, start=None):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((40, 12)), rng.standard_normal(40)
    problem = fp.lasso(X, y, alpha=0.01 + 0.02 * seed)
    if start is not None:
        start.wait(60)
    solution = fp.solve(problem, wrt="alpha")
    return solution.x, solution.jacobian["alpha"], solution.certificate.status


def check(found, wanted):
    for (x, jacobian, status), (x_alone, jacobian_alone, status_alone) in zip(found, wanted):
        np.testing.assert_array_equal(x, x_alone)
        np.testing.assert_array_equal(jacobian, jacobian_alone)
        assert status == status_alone == "converged"


def test_two_threads_solve_different_problems_at_once():
    # Threads first, so that the kernels are loaded or compiled by both of them.
    start = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(solve, SEEDS, [start] * len(SEEDS)))
    wanted = [solve(seed) for seed in SEEDS]
    assert any(np.any(jacobian) for _, jacobian, _ in wanted)
    check(found, wanted)


def test_two_threads_solve_one_problem_at_once():
    rng = np.random.default_rng(0)
    problem = fp.lasso(rng.standard_normal((40, 12)), rng.standard_normal(40), alpha=0.05)

    def again(_):
        solution = fp.solve(problem, wrt="alpha")
        return solution.x, solution.jacobian["alpha"], solution.certificate.status

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(again, range(6)))
    check(found, [again(0)] * 6)
