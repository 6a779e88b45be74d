"""ADMM, a problem without a design matrix: iterates and tangents against plain NumPy."""

from types import SimpleNamespace

import naive
import numpy as np
import pytest
from tables import PENALTIES, directions, moved, run_case

from fastpiggy.algorithms import engine
from fastpiggy.algorithms.admm import Fused, FusedDirections, admm, splitting
from fastpiggy.algorithms.operators import Banded
from fastpiggy.compile.flags import COMPILED

M, STEPS, H = 3, 6, 1e-6
#: Rows of D by the number of its diagonals: differences, second and third ones, and the identity.
STENCILS = [[1.0], [-1.0, 1.0], [1.0, -2.0, 1.0], [-1.0, 3.0, -3.0, 1.0]]
stencils = pytest.mark.parametrize("stencil", STENCILS, ids=len)
#: One is compiled; in plain Python all run.
NAMES = ["L1"] if COMPILED else [name for name in PENALTIES if name in naive.PENALTIES]


def make(name, stencil, coupled=1, rho=0.8, seed=0, rows=7):
    """A problem with directions of y, weights, every field of the penalty, and rho, at once."""
    rng = np.random.default_rng(seed)
    n = rows + len(stencil) - 1
    y, w = 2 * rng.standard_normal(n), rng.uniform(0.5, 1.5, n)
    g = PENALTIES[name].make(rng, rows)
    operator = np.array(stencil)[:, None] * rng.uniform(0.8, 1.2, rows)
    D = sum(operator[j][:, None] * np.eye(rows, n, j) for j in range(len(stencil)))
    d = FusedDirections(
        rng.standard_normal((M, n)), coupled * 0.3 * rng.standard_normal((M, n)),
        directions(g, rng, M), coupled * 0.3 * rng.standard_normal(M), coupled,
    )  # fmt: skip
    problem = Fused(Banded(operator), y, w, g, np.zeros(rows))
    return SimpleNamespace(
        problem=problem, d=d, m=M, D=D, rho=rho, algorithm=admm(Banded(operator), w, rows, rho)
    )


def plain(case, v, dv, x=None):
    """One iteration and its tangent: x, J, then v and its tangent; x where it is held."""
    p, d, D, rho = case.problem, case.d, case.D, case.rho
    reference, q = naive.PENALTIES[type(p.penalty).__name__], p.selection
    step, theta = np.full(v.size, 1 / rho), p.penalty._asdict()
    z = reference.prox(v, step, theta)
    dz = reference.tangent(v, step, theta, dv, d.penalty._asdict(), -d.step / rho**2, q)
    s, ds = v - z, dv - dz
    system = np.diag(p.weights) + rho * D.T @ D
    x = np.linalg.solve(system, p.weights * p.y + rho * D.T @ (z - s)) if x is None else x
    right = d.weights * p.y + p.weights * d.y + rho * (dz - ds) @ D
    right += np.multiply.outer(d.step, D.T @ (z - s) - D.T @ D @ x) - d.weights * x
    J = np.linalg.solve(system, right.T).T
    return x, J, D @ x + s, J @ D.T + ds, z


def start(case, seed=1):
    rng = np.random.default_rng(seed)
    rows, n = case.D.shape
    state = splitting(n, rows, M)
    state.v[:], state.dv[:] = rng.standard_normal(rows), rng.standard_normal((M, rows))
    return state, np.array(state.v), np.array(state.dv)


def close(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)


@stencils
@pytest.mark.parametrize("coupled", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_iterates_and_tangents(name, stencil, coupled):
    case = make(name, stencil, coupled)
    state, v, dv = start(case)
    code, trace = run_case(case, state, STEPS)
    assert code == engine.UNFINISHED
    x, J = np.zeros_like(state.x), np.zeros_like(state.J)
    for row in trace:
        before = x, J
        x, J, v, dv, z = plain(case, v, dv)
        parts = [x - before[0], J - before[1], J]
        close(row[:3], [np.linalg.norm(part) for part in parts])
        close(row[engine.RESIDUAL], abs(case.rho * case.D.T @ (case.D @ x - z)).max())
    close(state.x, x)
    close(state.J, J)
    close(state.v, v)
    close(state.dv, dv)


@stencils
@pytest.mark.parametrize("coupled", [0, 1])
def test_held_iterate(stencil, coupled):
    """At the solution, where alone A and B are those of one point: x and v are a step apart."""
    case = make("L1", stencil, coupled)
    state = solved(case)
    state.dv[:] = dv = np.random.default_rng(3).standard_normal(state.dv.shape)
    v, dv, x = (np.array(part) for part in (state.v, dv, state.x))
    run_case(case, state, 3, moving=False)
    np.testing.assert_array_equal(state.x, x)
    np.testing.assert_array_equal(state.v, v)
    for _ in range(3):
        _, J, _, dv, _ = plain(case, v, dv)
    np.testing.assert_allclose(state.J, J, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(state.dv, dv, rtol=1e-9, atol=1e-10)


def solved(case, **policy):
    state, _, _ = start(case)
    policy = {"tol": 1e-13, "tangent_tol": 1e-13, **policy}
    code, _ = run_case(case, state, 20000, **policy)
    assert code == engine.CONVERGED
    return state


@stencils
def test_closed_form(stencil):
    """On the knots: a projection in the norm of W, and nothing of rho."""
    case = make("L1", stencil, 1)
    penalty = case.problem.penalty._replace(alpha=1.0 if len(stencil) < 3 else 0.1)
    case.problem = case.problem._replace(penalty=penalty)
    state = solved(case)
    p, d, D, x = case.problem, case.d, case.D, state.x
    g, W = p.penalty, np.diag(p.weights)
    u = D @ x
    free = abs(u) > 1e-9
    assert 0 < free.sum() < len(u)
    slopes = g.alpha * g.weights * np.sign(u) * free
    dslopes = np.multiply.outer(d.penalty.alpha, g.weights) + g.alpha * d.penalty.weights
    dslopes = dslopes * np.sign(u) * free
    # W (x - y) + D'slopes + D_I' v = 0 and D_I x = 0, I where x has no knot.
    I = D[~free]
    system = np.block([[W, I.T], [I, np.zeros((len(I), len(I)))]])
    value = np.linalg.solve(system, np.append(p.weights * p.y - D.T @ slopes, np.zeros(len(I))))
    np.testing.assert_allclose(x, value[: x.size], atol=1e-11)
    right = p.weights * d.y + d.weights * (p.y - x) - dslopes @ D
    right = np.column_stack([right, np.zeros((M, len(I)))])
    J = np.linalg.solve(system, right.T)[: x.size].T
    np.testing.assert_allclose(state.J, J, rtol=1e-9, atol=1e-10)


@stencils
def test_tangent_is_the_difference_of_solutions(stencil):
    """In y, weights, alpha, its weights and rho at once, with random signs."""
    case = make("L1", stencil, 1)
    state = solved(case)
    for k in range(M):
        ends = []
        for e in (H, -H):
            p, d = case.problem, case.d
            problem = p._replace(
                y=p.y + e * d.y[k], weights=p.weights + e * d.weights[k],
                penalty=moved(p.penalty, d.penalty, k, e),
            )  # fmt: skip
            rho = case.rho + e * d.step[k]
            near = SimpleNamespace(**{**vars(case), "problem": problem, "rho": rho, "m": 0})
            near.algorithm = admm(p.operator, problem.weights, case.D.shape[0], rho)
            ends.append(solved(near).x)
        knots = [np.sign(np.where(abs(case.D @ x) < 1e-10, 0, case.D @ x)) for x in ends]
        assert np.array_equal(*knots), "the active set changed"
        quotient = (ends[0] - ends[1]) / (2 * H)
        np.testing.assert_allclose(state.J[k], quotient, rtol=1e-6, atol=1e-6)


def test_derivative_along_rho_goes_to_zero():
    case = make("L1", STENCILS[2], 1)
    for field in (case.d.y, case.d.weights, *case.d.penalty):
        field[...] = 0.0
    early, v, dv = start(case)
    run_case(case, early, 2)
    for _ in range(2):
        _, J, v, dv, _ = plain(case, v, dv)
    close(early.J, J)
    assert abs(J).max() > 1e-3
    assert abs(solved(case).J).max() < 1e-9


def test_x_does_not_depend_on_its_tangents():
    case = make("L1", STENCILS[2], 1)
    with_tangents, without = start(case)[0], start(case)[0]
    run_case(case, with_tangents, STEPS)
    case.m = 0
    run_case(case, without, STEPS)
    np.testing.assert_allclose(without.x, with_tangents.x, rtol=1e-13, atol=1e-14)


def test_nan_ends_the_run():
    case = make("L1", STENCILS[1])
    case.problem.y[2] = np.nan
    assert run_case(case, start(case)[0], 5, tol=1e300)[0] == engine.NOT_FINITE


def test_a_singular_system_is_refused():
    with pytest.raises(np.linalg.LinAlgError):
        admm(Banded(np.array([[-1.0] * 3, [1.0] * 3])), np.zeros(4), 3, 1.0)


def test_scaled_iterates_are_those_of_douglas_rachford_on_the_dual():
    """Research instance: 60 points, second differences, penalty parameter 10, 50 steps."""
    rng = np.random.default_rng(0)
    n, rows, rho, alpha = 60, 58, 10.0, 0.5
    y = 4 * abs(np.arange(n) / n - 0.5) + 0.15 * rng.standard_normal(n)
    w = rng.uniform(0.5, 1.5, n)
    D = np.diff(np.eye(n), 2, axis=0)
    operator = np.array([1.0, -2.0, 1.0])[:, None] * np.ones(rows)
    penalty = PENALTIES["L1"].make(rng, rows)._replace(alpha=alpha, weights=np.ones(rows))
    problem = Fused(Banded(operator), y, w, penalty, np.zeros(rows))
    nothing = FusedDirections(np.zeros((0, n)), np.zeros((0, n)), directions(penalty, rng, 0),
                              np.zeros(0), 0)  # fmt: skip
    case = SimpleNamespace(
        problem=problem, d=nothing, m=0, algorithm=admm(Banded(operator), w, rows, rho)
    )
    state = splitting(n, rows, 0)
    dual = np.zeros(rows)
    system = np.eye(rows) / rho + (D / w) @ D.T
    for _ in range(50):
        # prox of the box's indicator, then of the conjugate of the quadratic at its reflection.
        p = np.clip(dual, -alpha, alpha)
        q = np.linalg.solve(system, (2 * p - dual) / rho + D @ y)
        dual = dual + q - p
        run_case(case, state, 1)
        np.testing.assert_allclose(rho * state.v, dual, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(state.x, y - D.T @ q / w, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("q", [0.0, 0.3, 1.0])
def test_selection_at_a_kink(q):
    """One row stands on its threshold to the last bit, by its own number q."""
    case = make("L1", STENCILS[1], 0)
    case.problem.selection[2] = q
    state, v, dv = start(case)
    p = case.problem.penalty
    state.v[2] = v[2] = 1 / case.rho * p.alpha * p.weights[2]
    run_case(case, state, 1)
    _, J, _, dv, _ = plain(case, v, dv)
    close(state.J, J)
    close(state.dv, dv)
