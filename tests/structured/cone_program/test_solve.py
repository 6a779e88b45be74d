"""Solutions, statuses and certificates of cone programs."""

import pickle

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_matrix

import fastpiggy as fp
from fastpiggy.penalties import prox
from tests.structured.cone_program.programs import MIXED, known, product

#: For these n and seed the solution of MIXED is nondegenerate.
N, SEED = 18, 3


def test_mixed_cones():
    (A, b, c), (x, y, s) = known(MIXED, N, SEED)
    before = A.copy(), b.copy(), c.copy()
    sol = fp.solve(fp.cone_program(A, b, c, MIXED))
    for found, expected in ((sol.x, x), (sol.y, y), (sol.s, s)):
        np.testing.assert_allclose(found, expected, atol=1e-10)
    assert sol.certificate.status == "converged"
    assert sol.certificate.optimality < 1e-12
    assert sol.objective == pytest.approx(float(c @ x), rel=1e-10)
    assert sol.cost.way == "douglas_rachford + newton"
    for old, new in zip(before, (A, b, c), strict=True):
        np.testing.assert_array_equal(old, new)
    again = pickle.loads(pickle.dumps(sol))
    np.testing.assert_allclose(again.vjp(x)["b"], sol.vjp(x)["b"], atol=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_units_of_the_data_do_not_matter(scale):
    (A, b, c), (x, y, _) = known(MIXED, N, SEED)
    sol = fp.solve(fp.cone_program(csr_matrix(A), scale * b, c / scale, product(MIXED)))
    np.testing.assert_allclose(sol.x / scale, x, atol=1e-9)
    np.testing.assert_allclose(sol.y * scale, y, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_linear_programs_against_linprog(seed):
    rng = np.random.default_rng(seed)
    G, h, c = rng.standard_normal((12, 5)), rng.uniform(0.5, 2.0, 12), rng.standard_normal(5)
    E = rng.standard_normal((1, 5))
    A = np.vstack([E, G, np.eye(5), -np.eye(5)])
    b = np.concatenate([[0.1], h, np.full(10, 3.0)])
    ref = linprog(c, G, h, E, [0.1], bounds=[(-3, 3)] * 5)
    sol = fp.solve(fp.cone_program(A, b, c, {"z": 1, "l": 22}))
    np.testing.assert_allclose(sol.x, ref.x, atol=1e-9)
    np.testing.assert_allclose(sol.y[1:13], -ref.ineqlin.marginals, atol=1e-9)
    np.testing.assert_allclose(sol.y[0], -ref.eqlin.marginals[0], atol=1e-9)


def test_small_cases_by_hand():
    # The largest eigenvalue: min t, t I - C in the cone; scaled triangle by columns.
    C = np.array([[2.0, 1.0], [1.0, -1.0]])
    sol = fp.solve(
        fp.cone_program([[-1.0], [0.0], [-1.0]], [-2.0, -np.sqrt(2.0), 1.0], [1.0], {"s": [2]})
    )
    assert sol.x[0] == pytest.approx(np.linalg.eigvalsh(C)[-1], abs=1e-10)
    # min t, exp(1) <= t: (1, 1, t) in the exponential cone.
    sol = fp.solve(fp.cone_program([[0.0], [0.0], [-1.0]], [1.0, 1.0, 0.0], [1.0], {"ep": 1}))
    assert sol.x[0] == pytest.approx(np.e, abs=1e-10)
    # min t with (-1, 1, t) in its dual: exp(-1 - 1) <= t.
    sol = fp.solve(fp.cone_program([[0.0], [0.0], [-1.0]], [-1.0, 1.0, 0.0], [1.0], {"ed": 1}))
    assert sol.x[0] == pytest.approx(np.exp(-2.0), abs=1e-10)


def test_infeasible_with_a_certificate():
    (A, b, c), _ = known(MIXED, 6, 0)
    # The last row of the orthant says 0 <= -1, together with the first: x_1 <= 0, x_1 >= 1.
    A[2:4], b[2:4] = 0.0, 0.0
    A[2, 0], A[3, 0], b[3] = 1.0, -1.0, -1.0
    problem = fp.cone_program(A, b, c, MIXED)
    with pytest.warns(fp.FastpiggyWarning, match="certificate"):
        sol = fp.solve(problem, wrt={"b": b})
    assert sol.certificate.status == "infeasible"
    assert sol.objective == np.inf
    assert b @ sol.y == pytest.approx(-1.0)
    assert np.abs(A.T @ sol.y).max() < 1e-7 * np.abs(sol.y).max()
    # In the dual cone: what the projection on K leaves of -y.
    np.testing.assert_allclose(prox(product(MIXED), -sol.y), 0.0, atol=1e-7)
    assert not sol.x.any() and not sol.jacobian
    with pytest.raises(ValueError, match="infeasible"):
        sol.vjp(np.ones(6))


@pytest.mark.parametrize("derivative", ["auto", "piggyback"])
def test_unbounded_with_a_certificate(derivative):
    A = np.array([[-1.0, 0.0], [0.0, 0.0], [0.0, -1.0]])
    b, c = np.array([0.0, 1.0, 0.0]), np.array([-1.0, 0.5])
    problem = fp.cone_program(A, b, c, {"q": [3]})
    with pytest.warns(fp.FastpiggyWarning, match="no lower bound"):
        sol = fp.solve(problem, wrt={"c": c}, derivative=derivative)
    assert sol.certificate.status == "unbounded"
    assert c @ sol.x == pytest.approx(-1.0)
    np.testing.assert_allclose(A @ sol.x + sol.s, 0.0, atol=1e-7)
    assert np.linalg.norm(sol.s[1:]) <= sol.s[0] + 1e-9
    assert not sol.y.any()


def test_degenerate_programs_are_solved_and_flagged():
    # x_1 >= 1 twice, a row of zeros, and x_1 + x_2 >= 3 that only touches with x_2 >= 2.
    A = -np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    b = np.array([-1.0, -1.0, 0.5, -2.0, -3.0])
    with pytest.warns(fp.FastpiggyWarning, match="singular_active_set"):
        sol = fp.solve(fp.cone_program(A, b, [1.0, 1.0], {"l": 5}), wrt={"b": b})
    np.testing.assert_allclose(sol.x, [1.0, 2.0], atol=1e-9)
    assert np.isfinite(sol.jacobian["b"]).all()
    # A redundant equation and one of zeros.
    A = np.array([[1.0, 1.0], [2.0, 2.0], [0.0, 0.0], [-1.0, 0.0], [0.0, -1.0]])
    b = np.array([1.0, 2.0, 0.0, 0.0, 0.0])
    with pytest.warns(fp.FastpiggyWarning, match="redundant"):
        sol = fp.solve(fp.cone_program(A, b, [1.0, 2.0], {"z": 3, "l": 2}))
    np.testing.assert_allclose(sol.x, [1.0, 0.0], atol=1e-9)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"cones": {"l": 3}}, "cones must add up to the 2 rows"),
        ({"cones": {"x": 2}}, "unknown cone 'x'"),
        ({"cones": {"z": 1, "f": 1}}, "same cone twice"),
        ({"cones": {"l": -2}}, r"cones\['l'\] must be an integer"),
        ({"cones": {"q": [0, 2]}}, r"cones\['q'\] must be positive integers"),
        ({"cones": {"l": 2.0}}, r"cones\['l'\] must be an integer"),
        ({"b": [1.0]}, "b must have shape"),
        ({"b": [np.nan, 1.0]}, "b must be finite"),
        ({"c": [1.0, 2.0]}, "c must have shape"),
        ({"A": [[np.inf], [1.0]]}, "A must be finite"),
        ({"A": [1.0, 2.0]}, "A must have two dimensions"),
    ],
)
def test_bad_input(change, match):
    good = {"A": [[-1.0], [1.0]], "b": [0.0, 1.0], "c": [1.0], "cones": {"l": 2}}
    with pytest.raises(ValueError, match=match):
        fp.cone_program(**{**good, **change})
    problem = fp.cone_program(**good)
    with pytest.raises(TypeError, match="cones must be a dict"):
        fp.cone_program(good["A"], good["b"], good["c"], [2])
    with pytest.raises(ValueError, match="no parameter"):
        problem.replace(alpha=1.0)
    with pytest.raises(ValueError, match="wrt must name 'A', 'b' or 'c'"):
        fp.solve(problem, wrt="step")
