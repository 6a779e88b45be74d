"""The fused kernels' iterates and tangents against the same iterations in plain NumPy."""

import naive
import numpy as np
import pytest
from tables import (
    SAMPLE,
    every_combination,
    iterate_naively,
    label,
    make_case,
    run_case,
    start_state,
)

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.engine import Progress

STEPS = 5
combinations = pytest.mark.parametrize("combination", every_combination(), ids=label)
sample = pytest.mark.parametrize("combination", SAMPLE, ids=label)
DESCENT = [c for c in SAMPLE if c[0] == "CoordinateDescent"]


def start(case, seed=1):
    rng = np.random.default_rng(seed)
    size = case.c.A.shape[1]
    # With zeros, from which coordinates must be able to move.
    x = rng.standard_normal(size) * (rng.random(size) < 0.7)
    return x, rng.standard_normal((case.m, size))


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)


@combinations
def test_iterates_and_tangents(combination):
    case = make_case(*combination)
    x, J = start(case)
    state = start_state(case, x, J)
    code, trace = run_case(case, state, STEPS)
    assert code == engine.UNFINISHED
    for row in trace:
        before = x, J
        x, J = iterate_naively(case, x, J)
        wanted = [x - before[0], J - before[1], J]
        close(row[:3], [np.linalg.norm(part) for part in wanted])
        assert row[engine.TANGENTS] == case.m
    close(state.x, x)
    close(state.J, J)


@sample
def test_residual_is_the_largest_move_over_its_step(combination):
    case = make_case(*combination)
    x, J = start(case)
    _, trace = run_case(case, start_state(case, x, J), 1)
    if case.name == "ForwardBackward":
        z = naive.forward_backward(case.c, case.steps, x, J)[0]
        largest = np.max(abs(z - x) / case.steps)
    else:
        largest = naive.descent(case.c, case.blocks, case.steps, x, J)[2]
    assert trace[0, engine.RESIDUAL] == pytest.approx(largest, rel=1e-12)


@sample
def test_x_does_not_depend_on_its_tangents(combination):
    case = make_case(*combination)
    x, J = start(case)
    with_tangents, without = (start_state(case, x, J) for _ in range(2))
    run_case(case, with_tangents, STEPS)
    case.m = 0
    run_case(case, without, STEPS)
    np.testing.assert_allclose(without.x, with_tangents.x, rtol=1e-13, atol=1e-14)
    np.testing.assert_array_equal(without.J, J)


@combinations
def test_held_iterate(combination):
    """``moving`` False: x stays, J follows the map at x."""
    case = make_case(*combination)
    x, J = start(case)
    state = start_state(case, x, J)
    run_case(case, state, STEPS, moving=False)
    np.testing.assert_array_equal(state.x, x)
    for _ in range(STEPS):
        J = iterate_naively(case, x, J, moving=False)[1]
    close(state.J, J)


@sample
def test_a_run_in_pieces_is_the_same_run(combination):
    case = make_case(*combination)
    x, J = start(case)
    whole, pieces = (start_state(case, x, J) for _ in range(2))
    run_case(case, whole, STEPS)
    progress = Progress.start()
    for steps in (1, STEPS - 1):
        run_case(case, pieces, steps, progress)
    np.testing.assert_array_equal(pieces.x, whole.x)
    np.testing.assert_array_equal(pieces.J, whole.J)
    assert progress.count[0] == STEPS


@pytest.mark.parametrize("combination", DESCENT, ids=label)
@pytest.mark.parametrize("inner", [1, 4])
def test_inner_sweeps(combination, inner):
    """Sweeps over what is not zero, until one moves a tenth of what the first did."""
    case = make_case(*combination)
    case.algorithm = case.algorithm._replace(inner=inner)
    x, J = start(case)
    state = start_state(case, x, J)
    run_case(case, state, 3)
    for _ in range(3):
        x, J, first = naive.descent(case.c, case.blocks, case.steps, x, J)
        largest, sweeps = first, 0
        while largest > 0.1 * first and sweeps < inner:
            sweeps += 1
            largest = 0.0
            # Whether a coordinate is passed over is seen when its turn comes.
            for members in case.blocks:
                if x[members].any() or J[:, members].any():
                    x, J, move = naive.descent(case.c, [members], case.steps, x, J)
                    largest = max(largest, move)
    close(state.x, x)
    close(state.J, J)


@pytest.mark.parametrize("combination", DESCENT[:3], ids=label)
def test_random_order(combination):
    """A new permutation each step, the same from the same seed, and the iterates it leads to."""
    case = make_case(*combination)
    x, J = start(case)
    plain, seen = case.algorithm, []
    for seed in (1, 1, 2):
        case.algorithm = plain._replace(order=plain.order.copy(), seed=np.array([seed]))
        state, orders = start_state(case, x, J), []
        now, tangent = x, J
        for _ in range(4):
            run_case(case, state, 1)
            orders.append(case.algorithm.order.copy())
            blocks = [[j] for j in orders[-1]]
            now, tangent, _ = naive.descent(case.c, blocks, case.steps, now, tangent)
        close(state.x, now)
        close(state.J, tangent)
        seen.append(np.array(orders))
    assert np.all(np.sort(seen[0], axis=1) == np.arange(x.size))
    assert len(np.unique(seen[0], axis=0)) > 2
    np.testing.assert_array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[0], seen[2])
    assert np.array_equal(plain.order, np.arange(x.size))


def test_random_orders_are_all_equally_likely():
    """Fisher-Yates: each coordinate is as often at each place."""
    from fastpiggy.algorithms.coordinate_descent import _shuffle

    order, seed, count = np.arange(4), np.array([12345]), np.zeros((4, 4))
    for _ in range(4000):
        _shuffle(order, seed)
        count[np.arange(4), order] += 1
    # Five standard deviations of a binomial count.
    assert np.all(abs(count - 1000) < 5 * np.sqrt(4000 * 0.25 * 0.75))
