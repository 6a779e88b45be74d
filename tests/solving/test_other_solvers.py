"""Solutions of other solvers, differentiated: the same numbers as from our own solution."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

import fastpiggy as fp
from fastpiggy.penalties import prox
from fastpiggy.structured.cone_program.problem import cone_product

RNG = np.random.default_rng(0)
N = 6
M, A, G, X = (RNG.standard_normal(shape) for shape in ((N, N), (2, N), (9, N), (N,)))
PROGRAM = fp.quadratic_program(
    M @ M.T, 3 * RNG.standard_normal(N), A, A @ X, G, G @ X + RNG.uniform(0.0, 0.3, 9)
)
#: SCS's order of cones is Clarabel's here, of which the rows of matrices would differ.
CONES = {"z": 2, "l": 6, "q": [4, 3], "ep": 1}


@pytest.fixture(scope="module")
def program():
    return PROGRAM, fp.solve(PROGRAM, wrt=["P", "q", "A", "b", "G", "h"])


@pytest.fixture(scope="module")
def conic():
    rng = np.random.default_rng(2)
    v, x = rng.standard_normal(18), rng.standard_normal(9)
    s = prox(cone_product(CONES, 18), v)
    A = rng.standard_normal((18, 9))
    problem = fp.cone_program(A, A @ x + s, A.T @ (v - s), CONES)
    return problem, fp.solve(problem, wrt=["b", "c"])


def check(found, expected, atol=1e-6):
    assert found.certificate.status == "converged" and found.algorithm == "given"
    for name, J in expected.jacobian.items():
        size = np.abs(J).max()
        np.testing.assert_allclose(found.jacobian[name], J, atol=atol * size, err_msg=name)


def test_highs():
    """scipy's linprog: marginals say how the objective moves with the bound, minus multipliers."""
    rng = np.random.default_rng(1)
    A, G, x = rng.standard_normal((2, 5)), rng.standard_normal((12, 5)), rng.standard_normal(5)
    c = -(rng.uniform(0.1, 1.0, 12) @ G)
    h = G @ x + rng.uniform(0.0, 1.0, 12)
    highs = linprog(c, G, h, A, A @ x, bounds=(None, None), method="highs")
    assert highs.status == 0
    problem = fp.quadratic_program(np.zeros((5, 5)), c, A, A @ x, G, h)
    names = ["q", "b", "h"]
    found = fp.differentiate(
        problem, highs.x, -highs.ineqlin.marginals, -highs.eqlin.marginals, wrt=names
    )
    check(found, fp.solve(problem, wrt=names))


def test_proxqp(program):
    proxsuite = pytest.importorskip("proxsuite")
    problem, expected = program
    qp = proxsuite.proxqp.dense.QP(N, 2, 9)
    qp.settings.eps_abs, qp.settings.eps_rel = 1e-12, 0.0
    p = problem
    qp.init(p.P, p.q, p.A, p.b, p.G, np.full(9, -1e20), p.h)
    qp.solve()
    found = fp.differentiate(
        problem, qp.results.x, np.array(qp.results.z), np.array(qp.results.y),
        wrt=list(expected.jacobian),
    )  # fmt: skip
    check(found, expected)


def test_clarabel_on_a_quadratic_program(program):
    clarabel = pytest.importorskip("clarabel")
    problem, expected = program
    p = problem
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    rows = sparse.csc_matrix(np.vstack([p.A, p.G]))
    cones = [clarabel.ZeroConeT(2), clarabel.NonnegativeConeT(9)]
    upper = sparse.csc_matrix(np.triu(p.P))
    sol = clarabel.DefaultSolver(upper, p.q, rows, np.append(p.b, p.h), cones, settings).solve()
    z = np.array(sol.z)
    found = fp.differentiate(problem, np.array(sol.x), z[2:], z[:2], wrt=list(expected.jacobian))
    check(found, expected)


def test_clarabel_on_a_cone_program(conic):
    clarabel = pytest.importorskip("clarabel")
    problem, expected = conic
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-11
    cones = [
        clarabel.ZeroConeT(2), clarabel.NonnegativeConeT(6), clarabel.SecondOrderConeT(4),
        clarabel.SecondOrderConeT(3), clarabel.ExponentialConeT(),
    ]  # fmt: skip
    none = sparse.csc_matrix((9, 9))
    rows = sparse.csc_matrix(problem.A)
    sol = clarabel.DefaultSolver(none, problem.c, rows, problem.b, cones, settings).solve()
    found = fp.differentiate(problem, np.array(sol.x), np.array(sol.z), wrt=["b", "c"])
    check(found, expected)


def test_scs(conic):
    scs = pytest.importorskip("scs")
    problem, expected = conic
    data = {"A": sparse.csc_matrix(problem.A), "b": problem.b, "c": problem.c}
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        solver = scs.SCS(data, dict(CONES), eps_abs=1e-10, eps_rel=1e-10, verbose=False)
        sol = solver.solve()
    found = fp.differentiate(problem, sol["x"], sol["y"], wrt=["b", "c"])
    check(found, expected)


def test_osqp(program):
    osqp = pytest.importorskip("osqp")
    problem, expected = program
    p = problem
    rows = sparse.csc_matrix(np.vstack([p.A, p.G]))
    low = np.append(p.b, np.full(9, -np.inf))
    solver = osqp.OSQP()
    solver.setup(
        sparse.csc_matrix(np.triu(p.P)), p.q, rows, low, np.append(p.b, p.h), verbose=False,
        eps_abs=1e-11, eps_rel=0.0, max_iter=200_000,
    )  # fmt: skip
    sol = solver.solve(raise_error=True)
    y, z = sol.y[:2], np.maximum(sol.y[2:], 0.0)
    found = fp.differentiate(problem, sol.x, z, y, wrt=list(expected.jacobian))
    check(found, expected)
