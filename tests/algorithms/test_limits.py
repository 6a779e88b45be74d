"""What the tangents converge to: linear solves on the active set, and differences of solutions.

Directions move y, sample weights, X and every field of the penalty at once, with random signs.
"""

from types import SimpleNamespace

import naive
import numpy as np
import pytest
from tables import (
    LOSSES,
    SAMPLE,
    bound_case,
    dense,
    directions,
    label,
    make_case,
    make_design,
    moved,
    naive_case,
    run_case,
    start_state,
    steps_of,
)

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.composite import Composite, CompositeDirections
from fastpiggy.designs import Fixed, Moving
from fastpiggy.losses import LeastSquares, Logistic
from fastpiggy.penalties import L1, GroupL2

H = 1e-6
sample = pytest.mark.parametrize("combination", SAMPLE, ids=label)


def solve(case, x=None, J=None, **policy):
    """Run to the end: the state there."""
    size = case.c.A.shape[1]
    x, J = np.zeros(size) if x is None else x, np.zeros((case.m, size)) if J is None else J
    state = start_state(case, x, J)
    policy = {"tol": 1e-13, "tangent_tol": 1e-13, **policy}
    code, trace = run_case(case, state, 20000, **policy)
    assert code == engine.CONVERGED, (code, trace[-1])
    return state


def forward_steps(case):
    return steps_of("ForwardBackward", case.problem)["steps"]


@sample
def test_solution_and_tangent_solve_the_linear_system(combination):
    case = make_case(*combination, n=20)
    state, steps = solve(case), forward_steps(case)
    x = naive.fixed_point(case.c, steps, np.zeros_like(state.x))
    np.testing.assert_allclose(state.x, x, rtol=1e-11, atol=1e-11)
    J = naive.implicit(case.c, steps, x)
    np.testing.assert_allclose(state.J, J, rtol=1e-9, atol=1e-9)
    # Some coordinates are active, and where there are zeros some are not.
    assert 1 <= np.count_nonzero(abs(J).max(axis=0) > 1e-3)


@sample
def test_tangent_is_the_difference_of_solutions(combination):
    case = make_case(*combination, n=20)
    state = solve(case)
    for k in range(case.m):
        ends = [solution_near(case, k, e, state.x) for e in (H, -H)]
        # The step keeps the active set; where it did not there would be no one derivative.
        changed = [np.flatnonzero(side(end) != side(state.x)) for end in ends]
        assert not sum(map(len, changed)), f"active sets changed at {changed}"
        quotient = (ends[0] - ends[1]) / (2 * H)
        np.testing.assert_allclose(state.J[k], quotient, rtol=1e-6, atol=1e-6)


def side(x):
    return np.sign(np.where(abs(x) < 1e-11, 0, x))


def solution_near(case, k, e, x):
    """The solution with everything moved by e along direction k, by plain NumPy."""
    design, d = case.problem.design, case.d
    near = case.c.A + e * case.c.dA[k]
    loss = (
        moved(case.problem.loss, d.loss, k, e)
        if isinstance(d.design, Moving)
        else case.problem.loss
    )
    penalty = moved(case.problem.penalty, d.penalty, k, e)
    c = naive_case(Composite(design, loss, penalty, case.problem.selection), d)
    return naive.fixed_point(SimpleNamespace(**{**vars(c), "A": near}), forward_steps(case), x)


def lasso(algorithm, penalty, m):
    """A least-squares problem with directions of alpha, one of each weight, and one of each y."""
    rng = np.random.default_rng(5)
    n = 12
    X = rng.standard_normal((n, 5))
    f = LeastSquares(
        X @ [1.0, 0, 0, -2.0, 0.3] + rng.standard_normal(n), rng.uniform(0.5, 1, n) / n
    )
    g = penalty
    d_penalty, d_loss = directions(g, rng, m), directions(f, rng, m)
    for field in (*d_penalty, *d_loss):
        field[...] = 0.0
    d_penalty.alpha[0] = 1.0
    for b in range(g.weights.size):
        d_penalty.weights[1 + b, b] = 1.0
    d_loss.y[1 + g.weights.size :] = np.eye(n)
    design = make_design("rows" if algorithm == "ForwardBackward" else "dense", X)
    d = CompositeDirections(Moving(np.zeros((m, *X.shape))), d_loss, d_penalty, np.zeros(m))
    case = bound_case(algorithm, Composite(design, f, g, np.zeros(5)), d)
    return case, X, f


@pytest.mark.parametrize("algorithm", ["ForwardBackward", "CoordinateDescent"])
def test_closed_form_of_the_lasso(algorithm):
    """On the support ``-(X_S' X_S)^-1 sign`` and its like, and zero off it."""
    g = L1(0.3, np.array([1.0, 1.0, 0.7, 1.2, 0.0]))
    case, X, f = lasso(algorithm, g, 1 + 5 + 12)
    state = solve(case)
    S = np.flatnonzero(state.x)
    assert 2 <= S.size <= 4
    assert 4 in S
    XS, signs = X[:, S], np.sign(state.x[S])
    inverse = np.linalg.inv(XS.T @ (f.sample_weight[:, None] * XS))
    wanted = np.zeros((5, 18))
    wanted[S, 0] = -inverse @ (g.weights[S] * signs)
    wanted[np.ix_(S, 1 + S)] = -g.alpha * inverse * signs
    wanted[S, 6:] = inverse @ (f.sample_weight[:, None] * XS).T
    np.testing.assert_allclose(state.J.T, wanted, rtol=1e-10, atol=1e-11)


def test_closed_form_of_the_group_lasso():
    """On the active groups the Hessian gains ``t/r (I - v v')``."""
    order, offsets = np.array([3, 0, 4, 1, 2]), np.array([0, 2, 3, 5])
    g = GroupL2(0.3, np.array([1.3, 1.0, 1.6]), offsets, order)
    case, X, f = lasso("BlockDescent", g, 1 + 3 + 12)
    state = solve(case)
    H_ = X.T @ (f.sample_weight[:, None] * X)
    rows, pulls = [], np.zeros((5, 16))
    for b, members in enumerate(np.split(order, offsets[1:-1])):
        r = np.linalg.norm(state.x[members])
        if r > 0:
            v = state.x[members] / r
            bend = (np.eye(members.size) - np.outer(v, v)) / r
            H_[np.ix_(members, members)] += g.alpha * g.weights[b] * bend
            pulls[members, 0], pulls[members, 1 + b] = g.weights[b] * v, g.alpha * v
            rows += list(members)
    assert 0 < len(rows) < 5
    pulls[:, 4:] = -(f.sample_weight[:, None] * X).T
    wanted = np.zeros((5, 16))
    wanted[rows] = -np.linalg.solve(H_[np.ix_(rows, rows)], pulls[rows])
    np.testing.assert_allclose(state.J.T, wanted, rtol=1e-10, atol=1e-11)


@sample
def test_where_it_starts_is_forgotten(combination):
    """The derivative along the initial point goes to zero; and x0 does not matter."""
    case, rng = make_case(*combination, n=20), np.random.default_rng(3)
    size = case.c.A.shape[1]
    state = solve(case, rng.standard_normal(size), 100 * rng.standard_normal((case.m, size)))
    plain = solve(case)
    np.testing.assert_allclose(state.x, plain.x, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(state.J, plain.J, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("combination", [c for c in SAMPLE if c[0] == "ForwardBackward"], ids=label)
def test_derivative_along_the_step_goes_to_zero(combination):
    """The solution does not depend on the step, though every iterate does."""
    case = make_case(*combination, n=20)
    zero = [type(part)(*(0 * field for field in part)) for part in (case.d.penalty, case.d.loss)]
    design = Moving(0 * case.d.design.values) if isinstance(case.d.design, Moving) else Fixed()
    d = CompositeDirections(design, zero[1], zero[0], np.array([0.3, -0.2, 0.05]))
    case = bound_case(case.name, case.problem, d)
    size = case.c.A.shape[1]
    early = start_state(case, np.ones(size), np.zeros((case.m, size)))
    x, J = np.ones(size), np.zeros((case.m, size))
    run_case(case, early, 2)
    for _ in range(2):
        x, J = naive.forward_backward(case.c, case.steps, x, J)
    np.testing.assert_allclose(early.J, J, rtol=1e-10, atol=1e-10)
    assert abs(J).max() > 1e-3
    assert abs(solve(case, np.ones(size), tangent_tol=np.inf).J).max() < 1e-9


@pytest.mark.parametrize("loss", ["LeastSquares", "Logistic"])
def test_integer_sample_weights_equal_repeated_rows(loss):
    rng = np.random.default_rng(8)
    n, counts = 10, np.array([1, 2, 3, 1, 1, 2, 1, 1, 4, 1])
    X, f = rng.standard_normal((n, 5)), LOSSES[loss](rng, n)
    g = L1(0.05, np.ones(5))
    d = directions(g, rng, 2)
    found = []
    for index, s in (
        (np.arange(n), counts / 17),
        (np.repeat(np.arange(n), counts), np.full(17, 1 / 17)),
    ):
        design = make_design("rows", X[index])
        data = (Logistic if loss == "Logistic" else LeastSquares)(f.y[index], s)
        still = type(data)(*(np.zeros((2, index.size)) for _ in data))
        case_d = CompositeDirections(Moving(np.zeros((2, index.size, 5))), still, d, np.zeros(2))
        problem = Composite(design, data, g, np.zeros(5))
        found.append(solve(bound_case("ForwardBackward", problem, case_d)))
        assert dense(design).shape == (index.size, 5)
    np.testing.assert_allclose(found[0].x, found[1].x, rtol=1e-10)
    np.testing.assert_allclose(found[0].J, found[1].J, rtol=1e-9, atol=1e-12)
