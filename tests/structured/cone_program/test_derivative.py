"""Derivatives of cone programs: every mode, the adjoint, and independent references."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csc_matrix

import fastpiggy as fp
from fastpiggy import diffcp
from tests.structured.cone_program.programs import MIXED, known

N, SEED = 18, 3


@pytest.fixture(scope="module")
def mixed():
    (A, b, c), truth = known(MIXED, N, SEED)
    rng = np.random.default_rng(0)
    d = rng.standard_normal(A.shape), rng.standard_normal(b.size), rng.standard_normal(c.size)
    problem = fp.cone_program(A, b, c, MIXED)
    return problem, d, fp.solve(problem, wrt=dict(zip("Abc", d, strict=True))), truth


def whole(sol, name):
    return np.concatenate([sol.jacobian[name], sol.y_jacobian[name], sol.s_jacobian[name]])


@pytest.mark.parametrize("name", ["A", "b", "c"])
def test_central_differences(mixed, name):
    problem, d, sol, _ = mixed
    direction, value, h = d["Abc".index(name)], problem.parameters[name], 1e-6
    ends = [fp.solve(problem.replace(**{name: value + side * h * direction})) for side in (1, -1)]
    up, down = (np.concatenate([end.x, end.y, end.s]) for end in ends)
    slope = (up - down) / (2 * h)
    np.testing.assert_allclose(whole(sol, name), slope, atol=1e-6 * np.abs(slope).max())
    assert sol.certificate.tangent_error < 1e-7


@pytest.mark.parametrize("mode", ["piggyback", "late", "frozen"])
def test_through_the_embedding(mixed, mode):
    problem, d, sol, _ = mixed
    along = dict(zip("Abc", d, strict=True))
    fused = fp.solve(problem, wrt=along, derivative=mode, tol=1e-10)
    assert fused.certificate.status == "converged"
    np.testing.assert_allclose(fused.x, sol.x, atol=1e-8)
    for name in "Abc":
        expected = whole(sol, name)
        size = np.abs(expected).max()
        np.testing.assert_allclose(whole(fused, name), expected, atol=1e-8 * size)


def test_the_jacobian_of_the_whole_embedding_is_singular_along_z_alone(mixed):
    """N is homogeneous: z is in the kernel of M, and nothing else is (2106.04350)."""
    problem, d, sol, _ = mixed
    A, b, c = problem.A, problem.b, problem.c
    m, n = A.shape
    v = sol.y - sol.s
    D, h = np.zeros((m, m)), 1e-7
    from fastpiggy.penalties import prox

    for i in range(m):  # DP of the dual cone by differences: P*(v) = v + P(-v)
        e = h * np.eye(m)[i]
        D[:, i] = (2 * e + prox(problem.cones, -v - e) - prox(problem.cones, -v + e)) / (2 * h)
    Q = np.block(
        [[np.zeros((n, n)), A.T, c[:, None]], [-A, np.zeros((m, m)), b[:, None]], [-c, -b, 0.0]]
    )
    DPi = np.block(
        [
            [np.eye(n), np.zeros((n, m + 1))],
            [np.zeros((m, n)), D, np.zeros((m, 1))],
            [np.zeros((1, n + m)), 1.0],
        ]
    )
    M = (Q - np.eye(n + m + 1)) @ DPi + np.eye(n + m + 1)
    z = np.concatenate([sol.x, v, [1.0]])
    assert np.linalg.norm(M @ z) < 1e-6 * np.linalg.norm(z)
    # The derivative along b by a linear solve with it.
    Pz, db = np.concatenate([sol.x, sol.y, [1.0]]), d[1]
    dQ = np.zeros_like(Q)
    dQ[n:-1, -1], dQ[-1, n:-1] = db, -db
    dz = np.linalg.lstsq(M, -dQ @ Pz, rcond=1e-6)[0]
    dx = dz[:n] - dz[-1] * sol.x
    expected = sol.jacobian["b"]
    np.testing.assert_allclose(dx, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("seed", range(3))
def test_units_that_differ(mixed, seed):
    """Variables and cones 1e-4 to 1e4 times as large: the same solution and derivative."""
    problem, _, sol, _ = mixed
    rng = np.random.default_rng(seed)
    S = 10 ** rng.uniform(-4.0, 4.0, N)
    sizes = [1] * 10 + [4, 5, 6, 3, 3, 3]  # one number on each cone, so that it stays the cone
    R = np.repeat(10 ** rng.uniform(-4.0, 4.0, len(sizes)), sizes)
    other = fp.cone_program(R[:, None] * problem.A * S, R * problem.b, S * problem.c, MIXED)
    rescaled, plain = fp.solve(other, wrt="b"), fp.solve(problem, wrt="b")
    assert rescaled.certificate.status == "converged"
    np.testing.assert_allclose(S * rescaled.x, sol.x, atol=1e-9)
    expected = plain.jacobian["b"]
    found = S[:, None] * rescaled.jacobian["b"] * R
    np.testing.assert_allclose(found, expected, atol=1e-8 * np.abs(expected).max())


def test_one_adjoint_solve(mixed):
    _, d, sol, _ = mixed
    rng = np.random.default_rng(1)
    gx, gy, gs = (rng.standard_normal(k) for k in (sol.x.size, sol.y.size, sol.s.size))
    gradient = sol.vjp(gx, y=gy, s=gs)
    for name, direction in zip("Abc", d, strict=True):
        forward = np.concatenate([gx, gy, gs]) @ whole(sol, name)
        assert float((gradient[name] * direction).sum()) == pytest.approx(forward, rel=1e-8)
    dx, dy, ds = sol.jvp(*d)
    total = sum(whole(sol, name) for name in "Abc")
    np.testing.assert_allclose(np.concatenate([dx, dy, ds]), total, atol=1e-8 * np.abs(total).max())


def test_linear_program_in_closed_form():
    # Nondegenerate: the active rows B of A decide, x = inv(A_B) b_B.
    rng = np.random.default_rng(5)
    A = np.vstack([rng.standard_normal((8, 3)), np.eye(3), -np.eye(3)])
    b = np.concatenate([rng.uniform(0.5, 1.0, 8), np.full(6, 2.0)])
    sol = fp.solve(fp.cone_program(A, b, rng.standard_normal(3), {"l": 14}), wrt=["b", "c"])
    active = sol.y > 1e-9
    assert active.sum() == 3
    expected = np.zeros((3, 14))
    expected[:, active] = np.linalg.inv(A[active])
    np.testing.assert_allclose(sol.jacobian["b"], expected, atol=1e-9)
    np.testing.assert_allclose(sol.jacobian["c"], 0.0, atol=1e-12)
    np.testing.assert_allclose(sol.y_jacobian["c"][active], -np.linalg.inv(A[active]).T, atol=1e-9)


def test_a_solution_from_elsewhere(mixed):
    problem, d, sol, (x, y, _) = mixed
    near = 1e-8 * np.random.default_rng(2).standard_normal(x.size)
    given = fp.differentiate(problem, x + near, y, wrt={"b": d[1]})
    assert given.algorithm == "given"
    np.testing.assert_allclose(given.x, x, atol=1e-10)
    np.testing.assert_allclose(given.jacobian["b"], sol.jacobian["b"], rtol=1e-6, atol=1e-8)
    with pytest.raises(ValueError, match="z must lie in the dual cone"):
        fp.differentiate(problem, x, -y)
    with pytest.raises(ValueError, match=r"must lie in .*, with z'\(b - A x\) = 0"):
        fp.differentiate(problem, x + 0.1, y)
    with pytest.raises(ValueError, match="x and z must solve the problem"):
        fp.differentiate(problem, x, 1.1 * y)
    with pytest.raises(ValueError, match="z must have shape"):
        fp.differentiate(problem, x, y[1:])
    with pytest.raises(ValueError, match="y must be None"):
        fp.differentiate(problem, x, y, [0.0])


def test_the_calls_of_diffcp(mixed):
    problem, (dA, db, dc), _, (x, y, s) = mixed
    A = csc_matrix(np.where(np.abs(problem.A) > 0.2, problem.A, 0.0))
    b, c = A @ x + s, -A.T @ y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FastpiggyWarning)
        found = diffcp.solve_and_derivative(A, b, c, MIXED, warm_start=(x, y, s))
    *point, derivative, adjoint = found
    for value, expected in zip(point, (x, y, s), strict=True):
        np.testing.assert_allclose(value, expected, atol=1e-9)
    dA = A.copy()
    dA.data = np.random.default_rng(3).standard_normal(A.nnz)
    moved = derivative(dA, db, dc)
    gA, gb, gc = adjoint(x, y, s)
    assert gA.nnz == A.nnz and gA.format == "csc"
    forward = x @ moved[0] + y @ moved[1] + s @ moved[2]
    assert gA.multiply(dA).sum() + gb @ db + gc @ dc == pytest.approx(forward, rel=1e-7)
    with pytest.raises(ValueError, match="mode must be one of"):
        diffcp.solve_and_derivative(A, b, c, MIXED, mode="lpgd")
    with pytest.raises(diffcp.SolverError), pytest.warns(fp.FastpiggyWarning):
        diffcp.solve_and_derivative([[1.0], [-1.0]], [0.0, -1.0], [1.0], {"l": 2})


@pytest.mark.parametrize("selection", [0.0, 1.0])
def test_both_selections_at_a_kink(selection):
    # min t, t >= abs(z - b), 0 <= z: at b = 0 z follows b on the right and stays on the left.
    A = -np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    b = np.array([0.0, 0.0, 0.0, 1.0])
    problem = fp.cone_program(A, b, [0.0, 1.0], {"l": 1, "q": [3]})
    along = np.array([0.0, 0.0, 1.0, 0.0])
    with pytest.warns(fp.FastpiggyWarning, match="at_kink"):
        sol = fp.solve(problem, wrt={"b": along}, selection=selection)
    np.testing.assert_allclose(sol.x, [0.0, 1.0], atol=1e-9)
    np.testing.assert_array_equal(sol.certificate.kinks, [0])
    # s_q = b - A z = z + b: its minimum is at z = -b, and z = 0 where the row is held.
    expected = 0.0 if selection == 0.0 else -1.0
    assert sol.jacobian["b"][0] == pytest.approx(expected, abs=1e-9)
