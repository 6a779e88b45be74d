"""Fused steps where one part moves and another does not, at their limits, and where runs stop."""

from itertools import product
from types import SimpleNamespace

import naive
import numpy as np
import pytest
from tables import (
    ALGORITHMS,
    LOSSES,
    bound_case,
    iterate_naively,
    label,
    make_case,
    moved,
    naive_case,
    run_case,
    start_state,
    steps_of,
    zeros,
)

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.composite import Composite
from fastpiggy.algorithms.engine import Progress
from fastpiggy.algorithms.forward_backward import ForwardBackward
from fastpiggy.compile.flags import COMPILED
from fastpiggy.designs import Fixed
from fastpiggy.losses import Constant
from fastpiggy.penalties import SquaredL2

H = 1e-6
LIMITS = ["L1", "ElasticNet", "GroupL2", "Box", "Simplex", "TotalVariation"]
#: Of one type each, which the other files compile as well.
PLAIN = [
    ("ForwardBackward", "rows", "LeastSquares", "L1", True),
    ("CoordinateDescent", "dense", "LeastSquares", "L1", True),
    ("BlockDescent", "dense", "LeastSquares", "GroupL2", True),
]
#: In plain Python, where nothing need compile, all there are.
COMBINATIONS = (
    PLAIN
    if COMPILED
    else [
        (name, "rows" if name == "ForwardBackward" else "dense", loss, penalty, True)
        for name, (_, allowed) in ALGORITHMS.items()
        for loss, penalty in product(LOSSES, LIMITS)
        if penalty in allowed
    ]
)
plain = pytest.mark.parametrize("combination", PLAIN, ids=label)


def close(found, wanted, tol=1e-10):
    np.testing.assert_allclose(found, wanted, rtol=tol, atol=tol)


def begin(case, x=None, J=None):
    size = case.c.A.shape[1]
    x = np.zeros(size) if x is None else x
    return start_state(case, x, np.zeros((case.m, size)) if J is None else J)


def solve(case, **policy):
    state = begin(case)
    policy = {"tol": 1e-13, "tangent_tol": 1e-13, **policy}
    code, trace = run_case(case, state, 20000, **policy)
    assert code == engine.CONVERGED, (code, trace[-1])
    return state


def sides(x, penalty):
    """Which piece of the penalty each coordinate is on."""
    if hasattr(penalty, "lower"):
        return (x > penalty.lower + 1e-9) + 2 * (x < penalty.upper - 1e-9)
    parts = np.diff(x) if type(penalty).__name__ == "TotalVariation" else x
    return np.sign(np.where(abs(parts) < 1e-9, 0.0, parts))


@pytest.mark.parametrize("combination", COMBINATIONS, ids=label)
def test_tangent_is_the_difference_of_solutions(combination):
    """In directions that move y, sample weights, X and the penalty at once, of random signs."""
    case = make_case(*combination, seed=4, n=20, m=2)
    state, steps = solve(case), steps_of("ForwardBackward", case.problem)["steps"]
    c, d, penalty = case.c, case.d, case.problem.penalty
    close(state.J, naive.implicit(c, steps, state.x), 1e-8)
    assert abs(state.J).max() > 1e-2
    for k in range(case.m):
        ends = []
        for e in (H, -H):
            loss, g = moved(case.problem.loss, d.loss, k, e), moved(penalty, d.penalty, k, e)
            near = naive_case(Composite(case.problem.design, loss, g, c.q), d)
            near.A = c.A + e * c.dA[k]
            ends.append(naive.fixed_point(near, steps, state.x))
            np.testing.assert_array_equal(sides(ends[-1], g), sides(state.x, penalty))
            # Nor did a row cross the knee of the loss.
            np.testing.assert_array_equal(curved(near, ends[-1]), curved(c, state.x))
        close(state.J[k], (ends[0] - ends[1]) / (2 * H), 1e-6)


def curved(c, x):
    return c.loss.curvature(c.loss.start(c.p_loss) + c.A @ x, c.p_loss) > 0


@plain
@pytest.mark.parametrize("part", ["design", "loss"])
def test_one_part_moves(combination, part):
    """X alone, whose slopes need the states of a loss that does not move; and the loss alone."""
    case = make_case(*combination)
    held = case.d._replace(**{part: Fixed() if part == "design" else Constant()})
    case = bound_case(case.name, case.problem, held)
    rng = np.random.default_rng(2)
    x, J = rng.standard_normal(5) * [1, 0, 1, 0, 1], rng.standard_normal((case.m, 5))
    state = begin(case, x, J)
    run_case(case, state, 4)
    for _ in range(4):
        x, J = iterate_naively(case, x, J)
    close(state.x, x)
    close(state.J, J)


@plain
def test_late_start(combination):
    """Tangents begin once no coordinate has changed side, and end where early ones do."""
    case, progress = make_case(*combination, n=20), Progress.start()
    early, late = solve(case), begin(case)
    options = {"tol": 1e-13, "tangent_tol": 1e-13, "patience": 3}
    code, trace = run_case(case, late, 20000, progress, **options)
    assert code == engine.TANGENTS_DUE
    done = len(trace)
    assert progress.count[0] == done >= 3
    assert progress.count[1] >= 3
    assert progress.count[2] == case.m
    assert not trace[:, engine.TANGENTS].any()
    assert not late.J.any()
    # What descent carries along with the tangents.
    at = naive.gradient(case.c, late.x, late.J)
    for name in ("s", "S", "r", "R"):
        getattr(late, name)[...] = getattr(at, name)
    code, trace = run_case(case, late, 20000, progress, **options)
    assert code == engine.CONVERGED
    assert np.all(trace[:, engine.TANGENTS] == case.m)
    assert progress.count[0] == done + len(trace)
    close(late.x, early.x, 1e-11)
    close(late.J, early.J, 1e-9)


@plain
def test_tangents_stay_once_begun(combination):
    """A coordinate that moves later does not end them."""
    case, progress = make_case(*combination, n=20), Progress.start()
    state = begin(case)
    progress.count[:] = 7, 0, case.m
    code, trace = run_case(case, state, 2, progress, patience=100)
    assert code == engine.UNFINISHED
    assert np.all(trace[:, engine.TANGENTS] == case.m)


@plain
def test_stops_at_neither_residual_alone(combination):
    case = make_case(*combination, n=20)
    loose = begin(case)
    _, trace = run_case(case, loose, 20000, tol=1e-6, tangent_tol=np.inf)
    strict = begin(case)
    code, longer = run_case(case, strict, 20000, tol=1e-6, tangent_tol=1e-12)
    assert code == engine.CONVERGED
    assert len(longer) > len(trace)
    assert trace[-1, engine.RESIDUAL] <= 1e-6 < trace[-2, engine.RESIDUAL]
    largest = longer[:, engine.TANGENT_SIZE].max()
    assert longer[-1, engine.TANGENT_CHANGE] <= 1e-12 * largest
    assert longer[-2, engine.TANGENT_CHANGE] > 1e-12 * largest
    # And where the iterate is the slower one.
    code, last = run_case(case, begin(case), 20000, tol=1e-12, tangent_tol=np.inf)
    assert code == engine.CONVERGED
    assert len(last) > len(trace)


@plain
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("part", ["y", "X", "x"])
def test_data_that_are_not_finite(combination, part, bad):
    case = make_case(*combination)
    x = np.ones(5)
    if part == "x":
        x[2] = bad
    else:
        {"y": case.problem.loss.y, "X": case.problem.design.X[:, 1]}[part][3] = bad
        case.c = naive_case(case.problem, case.d)
    with np.errstate(all="ignore"):
        state = start_state(case, x, np.zeros((case.m, 5)))
        code, trace = run_case(case, state, 50)
    assert code == engine.NOT_FINITE
    assert len(trace) <= 2


@plain
def test_tangents_that_are_not_finite(combination):
    """x stays as it is without them."""
    case = make_case(*combination)
    for bad in (np.nan, 1e120, np.inf):
        with np.errstate(all="ignore"):
            state = begin(case, np.ones(5), np.full((case.m, 5), bad))
            code, trace = run_case(case, state, 50)
        assert code == engine.GROWING
        assert len(trace) == 1
        close(state.x, iterate_naively(case, np.ones(5), np.zeros((case.m, 5)))[0])


def smooth_case(step, columns=5):
    """Forward-backward on least squares alone, at its solution; `columns` of the 5 differ."""
    case = make_case("ForwardBackward", "rows", "LeastSquares", "L1", n=12, m=2)
    X = case.problem.design.X
    X[:, columns:] = X[:, : 5 - columns]
    off = case.problem.penalty._replace(alpha=0.0)
    d = case.d._replace(penalty=zeros(off, 2))
    case = bound_case(case.name, case.problem._replace(penalty=off), d)
    s = case.problem.loss.sample_weight
    L = np.linalg.eigvalsh(X.T @ (s[:, None] * X))[-1]
    case.algorithm = ForwardBackward(np.full(5, step / L))
    root = np.sqrt(s)
    x = np.linalg.lstsq(root[:, None] * X, root * case.problem.loss.y, rcond=None)[0]
    return case, x


def test_steps_too_long_let_tangents_grow():
    """Held at the solution, where J+ = (I - step H) J + B with a spectral radius of 2."""
    case, x = smooth_case(3.0)
    state = begin(case, x)
    code, trace = run_case(case, state, 2000, moving=False)
    assert code == engine.GROWING
    assert 100 < len(trace) < 1000
    sizes = trace[:, engine.TANGENT_SIZE]
    close(sizes[-20:] / sizes[-21:-1], np.full(20, 2.0), 1e-6)
    assert np.isfinite(state.J).all()
    np.testing.assert_array_equal(state.x, x)


def test_directions_that_leave_the_row_space_drift():
    """Of two equal columns one moves against the residual: there is no derivative to go to."""
    case, x = smooth_case(1.0, columns=4)
    state = begin(case, x)
    code, trace = run_case(case, state, 400, tol=1e-6, tangent_tol=1e-6)
    assert code == engine.UNFINISHED
    assert np.isfinite(trace).all()
    late = trace[-50:, engine.TANGENT_CHANGE]
    assert late.min() > 1e-3
    close(late, np.full(50, late[0]), 1e-6)
    # Only along what X does not see.
    before = state.J.copy()
    run_case(case, state, 1)
    close(case.c.A @ (state.J - before).T, np.zeros((12, 2)), 1e-7)


def test_overflow_of_the_iterate_is_seen():
    case, _ = smooth_case(4.0)
    with np.errstate(all="ignore"):
        state = begin(case, np.full(5, 1e150))
        case.m = 0
        code, trace = run_case(case, state, 100)
    assert code == engine.NOT_FINITE
    assert len(trace) < 100


def test_ridge_has_a_closed_form():
    """``(X'SX + alpha I)^-1``, in the direction of alpha alone."""
    case = make_case("ForwardBackward", "centred sparse", "LeastSquares", "SquaredL2", n=20, m=1)
    d = SimpleNamespace(loss=zeros(case.problem.loss, 1), penalty=SquaredL2(np.ones(1)))
    values = case.d.design._replace(values=0 * case.d.design.values)
    case = bound_case(case.name, case.problem, case.d._replace(design=values, **vars(d)))
    state, A, s = solve(case), case.c.A, case.problem.loss.sample_weight
    K = A.T @ (s[:, None] * A) + case.problem.penalty.alpha * np.diag([1.0] * 5 + [0.0])
    close(state.x, np.linalg.solve(K, A.T @ (s * case.problem.loss.y)), 1e-10)
    close(state.J[0], -np.linalg.solve(K, np.append(state.x[:5], 0.0)), 1e-9)


def test_no_tangents_and_no_steps():
    case = make_case(*PLAIN[0])
    state = begin(case)
    case.m = 0
    code, trace = run_case(case, state, 20000, tol=1e-12)
    assert code == engine.CONVERGED
    assert not trace[:, engine.TANGENT_SIZE].any()
    code, trace = run_case(case, state, 0, tol=1e-12)
    assert code == engine.UNFINISHED
    assert len(trace) == 0


@pytest.mark.parametrize("algorithm", ["CoordinateDescent", "BlockDescent"])
def test_held_states_of_quadratic_losses_are_not_needed(algorithm):
    """Where nothing moves but the penalty, s and S may be anything."""
    penalty = "L1" if algorithm == "CoordinateDescent" else "GroupL2"
    case = make_case(algorithm, "dense", "LeastSquares", penalty, False)
    found = []
    for filling in (0.0, np.nan):
        state = begin(case)
        state.s[...], state.S[...] = filling, filling
        run_case(case, state, 4)
        found.append(state)
    np.testing.assert_array_equal(found[0].x, found[1].x)
    np.testing.assert_array_equal(found[0].J, found[1].J)
