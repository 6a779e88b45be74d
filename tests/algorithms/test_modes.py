"""When tangents start, when they grow, which side of a kink they take, and threads."""

from concurrent.futures import ThreadPoolExecutor

import naive
import numpy as np
import pytest
from tables import (
    SAMPLE,
    bound_case,
    iterate_naively,
    label,
    make_case,
    make_design,
    run_case,
    start_state,
)

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.composite import Composite, CompositeDirections
from fastpiggy.algorithms.engine import Progress
from fastpiggy.designs import Moving
from fastpiggy.losses import LeastSquares
from fastpiggy.penalties import L1, GroupL2

#: One of each algorithm.
FIRST = [next(c for c in SAMPLE if c[0] == name) for name in dict.fromkeys(c[0] for c in SAMPLE)]
algorithms = pytest.mark.parametrize("combination", FIRST, ids=label)
sample = pytest.mark.parametrize("combination", SAMPLE, ids=label)


def one_sided(algorithm, y, X, penalty, m=1, d_penalty=None, d_loss=None, selection=0.0):
    """A least-squares problem of the types of the sample, with directions of what is given."""
    n, p = X.shape
    f = LeastSquares(np.asarray(y, dtype=float), np.ones(n))
    still = type(penalty)(*(np.zeros((m, *np.shape(field))) for field in penalty))
    df = LeastSquares(np.zeros((m, n)), np.zeros((m, n)))
    d = CompositeDirections(
        Moving(np.zeros((m, n, p))), df._replace(**d_loss or {}),
        still._replace(**d_penalty or {}), np.zeros(m),
    )  # fmt: skip
    design = make_design("rows" if algorithm == "ForwardBackward" else "dense", X)
    problem = Composite(design, f, penalty, np.full(p, float(selection)))
    return bound_case(algorithm, problem, d)


@sample
def test_late_start(combination):
    """No tangent until no coordinate has changed side for a while; then from J as it was left."""
    case = make_case(*combination, n=20)
    size, patience = case.c.A.shape[1], 3
    x, J = np.full(size, 0.5), np.random.default_rng(0).standard_normal((case.m, size))
    state, progress = start_state(case, x, J), Progress.start()
    code, trace = run_case(case, state, 200, progress, patience=patience)
    assert code == engine.TANGENTS_DUE
    settled, start = 0, len(trace)
    for _ in range(start):
        # Whether x settles is seen in the iterates themselves.
        before, x = x, iterate_naively(case, x, J)[0]
        settled = 0 if np.any((before == 0) != (x == 0)) else settled + 1
    assert settled == patience
    np.testing.assert_array_equal(trace[:, engine.TANGENTS], 0)
    np.testing.assert_array_equal(state.J, J)
    np.testing.assert_allclose(state.x, x, rtol=1e-10, atol=1e-10)
    # What descent carries along is the caller's to bring up to date.
    at = naive.gradient(case.c, x, J)
    for name in ("s", "S", "r", "R"):
        getattr(state, name)[...] = getattr(at, name)
    code, trace = run_case(case, state, 4, progress, patience=patience)
    np.testing.assert_array_equal(trace[:, engine.TANGENTS], case.m)
    for _ in range(4):
        x, J = iterate_naively(case, x, J)
    np.testing.assert_allclose(state.J, J, rtol=1e-9, atol=1e-9)
    assert progress.count[0] == start + 4


@algorithms
def test_growing_tangents_stop_while_they_can_be_shown(combination):
    """The iterate stands still at 0 while the map expands: J grows without bound."""
    penalty = make_case(*combination).problem.penalty._replace(alpha=0.0)
    case = one_sided(combination[0], np.zeros(6), np.eye(6)[:, :5], penalty)
    if combination[0] == "ForwardBackward":
        case.algorithm = case.algorithm._replace(steps=np.full(5, 3.0))
    else:
        case.algorithm = case.algorithm._replace(lipschitz=np.full_like(
            case.algorithm.lipschitz, 1 / 3.0))  # fmt: skip
    state = start_state(case, np.zeros(5), np.ones((1, 5)))
    code, trace = run_case(case, state, 5000)
    assert code == engine.GROWING
    assert np.isfinite(state.J).all()
    assert np.isfinite(trace).all()
    assert np.linalg.norm(state.J) > 1e99
    assert not state.x.any()
    assert trace[5, engine.TANGENT_CHANGE] / trace[4, engine.TANGENT_CHANGE] == pytest.approx(2.0)


@pytest.mark.parametrize("algorithm", ["ForwardBackward", "CoordinateDescent"])
@pytest.mark.parametrize("q", [0.0, 0.5, 1.0])
def test_selection_at_the_knot_of_the_lasso(algorithm, q):
    """At alpha_max q = 0 is the derivative from above, q = 1 that from below, q = 1/2 the mean.

    All numbers are dyadic, so that the kink is met to the last bit.
    """
    X, y = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([1.0, 0.5])
    penalty = L1(2.0, np.ones(2))  # alpha_max: X'y = (2, 0.5)
    case = one_sided(algorithm, y, X, penalty, d_penalty={"alpha": np.ones(1)}, selection=q)
    if algorithm == "ForwardBackward":
        case.algorithm = case.algorithm._replace(steps=np.full(2, 0.25))
    state = start_state(case, np.zeros(2), np.zeros((1, 2)))
    run_case(case, state, 200)
    assert not state.x.any()
    # The step of coordinate 0 is 1/4 = 1/L, so that q is blended once: -q/4.
    np.testing.assert_allclose(state.J[0], [-0.25 * q, 0.0], rtol=1e-12, atol=1e-15)


def test_selection_at_the_knot_of_the_group_lasso():
    X, y = np.diag([1.0, 1.0, 1.0]), np.array([0.75, 1.0, 0.1])
    penalty = GroupL2(1.25, np.array([1.0, 1.0]), np.array([0, 2, 3]), np.arange(3))
    for q in (0.0, 0.5, 1.0):
        case = one_sided(
            "BlockDescent", y, X, penalty, d_penalty={"alpha": np.ones(1)}, selection=q
        )
        # On the block the step 1/2 of the sum of curvatures meets the kink: t = 0.625 = norm(u).
        state = start_state(case, np.zeros(3), np.zeros((1, 3)))
        run_case(case, state, 400)
        assert not state.x.any()
        # J = q (v v' (J/2) - v/2) along v = y/norm(y): -q/(2 - q).
        wanted = -q / (2 - q) * np.array([0.6, 0.8, 0.0])
        np.testing.assert_allclose(state.J[0], wanted, rtol=1e-12, atol=1e-15)


def test_blocks_at_zero_without_a_penalty_have_their_derivative():
    """y = 0 and no weight: x stays at zero, and moves with y all the same."""
    X, m = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), 3
    penalty = GroupL2(0.5, np.array([0.0, 1.0]), np.array([0, 2, 3]), np.arange(3))
    case = one_sided("BlockDescent", np.zeros(3), X, penalty, m, d_loss={"y": np.eye(3)})
    state = start_state(case, np.zeros(3), np.zeros((m, 3)))
    run_case(case, state, 400)
    assert not state.x.any()
    wanted = np.zeros((3, 3))
    wanted[:2, :2] = np.linalg.inv(X[:2, :2])
    np.testing.assert_allclose(state.J.T, wanted, atol=1e-12)


def test_coordinates_at_zero_without_a_penalty_have_their_derivative():
    X = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    for penalty in (L1(0.5, np.array([0.0, 1.0])), L1(0.0, np.ones(2))):
        case = one_sided("CoordinateDescent", np.zeros(3), X, penalty, 2,
                         d_loss={"y": np.eye(3)[:2]})  # fmt: skip
        state = start_state(case, np.zeros(2), np.zeros((2, 2)))
        run_case(case, state, 5)
        wanted = np.diag([1.0, 0.5 if penalty.alpha == 0 else 0.0])
        np.testing.assert_allclose(state.J, wanted, atol=1e-14)


def test_two_threads_at_once():
    """Kernels share nothing: the same numbers as one after the other."""

    def solve(seed):
        found = []
        for combination in FIRST:
            case = make_case(*combination, seed=seed, n=20)
            size = case.c.A.shape[1]
            state = start_state(case, np.zeros(size), np.zeros((case.m, size)))
            run_case(case, state, 60)
            found += [state.x, state.J]
        return found

    wanted = [solve(seed) for seed in range(6)]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(solve, range(6)))
    for one, other in zip(found, wanted):
        for a, b in zip(one, other):
            np.testing.assert_array_equal(a, b)
