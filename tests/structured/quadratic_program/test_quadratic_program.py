"""Quadratic programs: against KKT solves written anew, differences, HiGHS; degenerate ones."""

import pickle
import warnings
from functools import cache

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog

import fastpiggy as fp

NAMES = ["P", "q", "A", "b", "G", "h"]


@cache
def example(seed=0, n=6, equal=2, rows=8, rank=6):
    rng = np.random.default_rng(seed)
    M = rng.standard_normal((n, rank))
    A, G, x = (
        rng.standard_normal((equal, n)),
        rng.standard_normal((rows, n)),
        rng.standard_normal(n),
    )
    h = G @ x + rng.uniform(0.0, 0.3, rows)
    G, h = np.vstack([G, np.eye(n), -np.eye(n)]), np.concatenate([h, x + 2.0, 2.0 - x])
    q = 3 * rng.standard_normal(n)
    return fp.quadratic_program(M @ M.T, q, A, A @ x, G, h)


def silent(*args, **arguments):
    with warnings.catch_warnings(action="ignore", category=fp.FastpiggyWarning):
        return fp.solve(*args, **arguments)


def check_kkt(p, sol):
    x, y, z = sol.x, sol.multipliers["y"], sol.multipliers["z"]
    np.testing.assert_allclose(p.P @ x + p.q + p.A.T @ y + p.G.T @ z, 0, atol=1e-11)
    np.testing.assert_allclose(p.A @ x, p.b, atol=1e-11)
    slack = p.h - p.G @ x
    assert slack.min() > -1e-11 and z.min() >= -1e-13 and abs(slack * z).max() < 1e-10


def jacobians(p, sol):
    """From the KKT matrix of the rows with a multiplier, one column an entry."""
    z, n = sol.multipliers["z"], sol.x.size
    on = np.flatnonzero(z > 1e-9)
    C, u = np.vstack([p.A, p.G[on]]), np.concatenate([sol.multipliers["y"], z[on]])
    K = np.block([[p.P, C.T], [C, np.zeros((len(C), len(C)))]])
    inverse = np.linalg.inv(K)[:n]
    me = len(p.A)
    d = np.zeros((n, p.h.size))
    d[:, on] = inverse[:, n + me :]
    by_q = -inverse[:, :n]
    by_A = np.einsum("ij,k->ikj", by_q, u[:me]) - np.einsum(
        "ik,j->ikj", inverse[:, n : n + me], sol.x
    )
    by_G = np.einsum("ij,k->ikj", by_q, z) - np.einsum("ik,j->ikj", d, sol.x)
    by_P = np.einsum("ij,k->ijk", by_q, sol.x)
    by_P = 0.5 * (by_P + by_P.swapaxes(1, 2))
    return {"q": by_q, "b": inverse[:, n : n + me], "h": d, "A": by_A, "G": by_G, "P": by_P}


@pytest.mark.parametrize("seed", range(4))
def test_solution_and_all_derivatives(seed):
    p = example(seed)
    sol = fp.solve(p, wrt=NAMES)
    assert sol.certificate.status == "converged" and sol.certificate.certified
    check_kkt(p, sol)
    reference = jacobians(p, sol)
    v = np.random.default_rng(9).standard_normal(6)
    adjoint = sol.vjp(v)
    for name in NAMES:
        np.testing.assert_allclose(sol.jacobian[name], reference[name], rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(
            adjoint[name], np.tensordot(v, reference[name], 1), rtol=1e-8, atol=1e-9
        )


@pytest.mark.parametrize("name", NAMES)
def test_central_differences(name):
    p, rng = example(1), np.random.default_rng(3)
    D = rng.standard_normal(p.parameters[name].shape)
    D = D + D.T if name == "P" else D
    J = fp.solve(p, wrt={name: D}).jacobian[name]
    step = 1e-5
    high, low = (fp.solve(p.replace(**{name: p.parameters[name] + s * D})) for s in (step, -step))
    np.testing.assert_allclose(J, (high.x - low.x) / (2 * step), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("mode", ["piggyback", "late", "frozen", "implicit"])
def test_modes_agree(mode):
    p = example()
    exact = fp.solve(p, wrt=NAMES)
    sol = fp.solve(p, wrt=NAMES, algorithm="admm", derivative=mode, tol=1e-12)
    assert sol.certificate.status == "converged"
    for name in NAMES:
        np.testing.assert_allclose(sol.jacobian[name], exact.jacobian[name], rtol=1e-8, atol=1e-8)


def test_many_programs_are_each_their_own():
    programs = [example(seed) for seed in range(4)]
    # A and b are those of the first for all, and still have points: h is moved.
    first = programs[0]
    q = np.stack([p.q for p in programs])
    G = np.stack([first.G + 0.01 * i for i in range(4)])
    many = fp.quadratic_program(first.P, q, first.A, first.b, G, first.h + 0.5)
    sol = fp.solve(many, wrt="q")
    assert sol.x.shape == (4, 6) and sol.multipliers["z"].shape == (4, 20)
    V = np.random.default_rng(0).standard_normal((4, 6))
    adjoint, total = sol.vjp(V), dict.fromkeys(NAMES, 0.0)
    fused = fp.solve(many, wrt={"b": np.ones((2, 1))}, derivative="piggyback", tol=1e-11)
    for i in range(4):
        alone = fp.quadratic_program(first.P, q[i], first.A, first.b, G[i], many.h)
        one = fp.solve(alone, wrt="b")
        np.testing.assert_allclose(sol.x[i], one.x, atol=1e-12)
        np.testing.assert_allclose(
            fused.jacobian["b"][i, :, 0], one.jacobian["b"].sum(1), atol=1e-7
        )
        part = one.vjp(V[i])
        for name in ("q", "G"):
            np.testing.assert_allclose(adjoint[name][i], part[name], atol=1e-10)
        total = {name: total[name] + part[name] for name in NAMES}
    for name in ("P", "A", "b", "h"):
        np.testing.assert_allclose(adjoint[name], total[name], atol=1e-10)
    np.testing.assert_allclose(sol.jacobian["q"][1, :, 0], 0.0)


def test_sparse_is_dense():
    p = example(2)
    dense = fp.solve(p, wrt="q")
    thin = fp.quadratic_program(sparse.csr_array(p.P), p.q, sparse.coo_array(p.A), p.b, p.G, p.h)
    v = np.ones(6)
    for way in ("active_set", "admm"):
        sol = fp.solve(thin, algorithm=way, wrt="q")
        assert sol.certificate.status == "converged"
        np.testing.assert_allclose(sol.x, dense.x, atol=1e-10)
        np.testing.assert_allclose(sol.jacobian["q"], dense.jacobian["q"], atol=1e-9)
        np.testing.assert_allclose(sol.vjp(v)["G"], dense.vjp(v)["G"], atol=1e-9)


@pytest.mark.parametrize(("seed", "rank"), [(0, 0), (1, 0), (2, 3), (3, 1)])
def test_singular_P(seed, rank):
    p = example(seed, rank=rank) if rank else example(seed).replace(P=np.zeros((6, 6)))
    sol = fp.solve(p, wrt=["q", "h"])
    check_kkt(p, sol)
    if not rank:
        found = linprog(p.q, p.G, p.h, p.A, p.b, (None, None))
        np.testing.assert_allclose(sol.objective, found.fun, rtol=1e-9)
    reference = jacobians(p, sol)
    np.testing.assert_allclose(sol.jacobian["h"], reference["h"], rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("way", ["active_set", "admm"])
def test_infeasible_and_unbounded_are_proved(way):
    p = example()
    G, h = np.vstack([p.G, -p.G[:1] - p.G[1:2]]), np.append(p.h, -p.h[0] - p.h[1] - 1.0)
    assert linprog(p.q, G, h, p.A, p.b, (None, None)).status == 2
    with pytest.warns(fp.FastpiggyWarning, match="infeasible"):
        sol = fp.solve(fp.quadratic_program(p.P, p.q, p.A, p.b, G, h), algorithm=way, wrt="q")
    ray = sol.certificate.ray
    assert sol.certificate.status == "infeasible" and np.all(np.isfinite(sol.x))
    size = abs(ray["z"]).max()
    np.testing.assert_allclose(p.A.T @ ray["y"] + G.T @ ray["z"], 0, atol=1e-8 * size)
    assert ray["z"].min() > -1e-10 * size and p.b @ ray["y"] + h @ ray["z"] < -1e-3 * size
    with pytest.raises(ValueError, match="no solution"):
        sol.vjp(np.ones(6))

    P = np.diag([1.0, 0.0, 0.0])
    open_ = fp.quadratic_program(P, [0.0, -1.0, 0.5], G=[[0, 1.0, -1.0]], h=[1.0])
    with pytest.warns(fp.FastpiggyWarning, match="unbounded"):
        sol = fp.solve(open_, algorithm=way)
    x = sol.certificate.ray["x"]
    assert sol.certificate.status == "unbounded"
    assert abs(P @ x).max() < 1e-9 and x[1] - x[2] < 1e-9 and -x[1] + 0.5 * x[2] < -1e-3


def test_one_of_many_is_infeasible():
    many = fp.quadratic_program(np.eye(1), [0.0], G=[[1.0], [-1.0]], h=[[1, 1.0], [-1, 0.0]])
    sol = silent(many)
    assert sol.certificate.status == "infeasible"
    assert sol.certificate.statuses == ("converged", "infeasible")
    assert sol.certificate.ray["program"] == 1 and sol.x[0] == 0.0


@pytest.mark.parametrize("way", ["active_set", "admm"])
@pytest.mark.parametrize(
    ("G", "h", "A", "b", "offending"),
    [
        ([[1, 0], [1, 0], [0, 1]], [1, 1, 5], None, None, [0, 1]),  # twice the same
        ([[0, 0], [1, 0]], [0, 1], None, None, [0]),  # a zero row that is met
        ([[1, 0]], [1], [[1, 1], [2, 2]], [3, 6], [1, 2]),  # equalities (after G's rows)
    ],
)
def test_redundant_constraints_are_solved_and_flagged(G, h, A, b, offending, way):
    p = fp.quadratic_program(np.eye(2), [-4.0, -1.0], A, b, G, h)
    sol = silent(p, wrt="q", algorithm=way)
    np.testing.assert_allclose(sol.x, [1.0, 1.0 if A is None else 2.0], atol=1e-9)
    assert sol.certificate.status == "singular_active_set"
    few = ", ".join(map(str, offending))
    assert f"Singular: constraints {few}." in sol.certificate.message


def test_loose_rows_of_zeros_say_nothing():
    p = fp.quadratic_program(np.eye(2), [-4.0, -1.0], G=[[0, 0], [1, 0]], h=[2.0, 1.0])
    assert fp.solve(p, wrt="q").certificate.status == "converged"


@pytest.mark.parametrize("way", ["active_set", "admm"])
def test_selection_at_a_weakly_active_constraint(way):
    p = fp.quadratic_program(np.eye(2), [-1.0, -0.3], G=[[1.0, 0.0]], h=[1.0])
    for q, slope in ((0.0, -1.0), (1.0, 0.0)):
        sol = silent(p, wrt="q", algorithm=way, selection=q)
        assert sol.certificate.status == "at_kink" and list(sol.certificate.kinks) == [0]
        np.testing.assert_allclose(sol.jacobian["q"], np.diag([slope, -1.0]), atol=1e-10)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_units_do_not_matter(scale):
    p = example(3)
    sol = fp.solve(fp.quadratic_program(scale * p.P, scale * p.q, p.A, p.b, p.G, p.h), wrt="h")
    other = fp.solve(fp.quadratic_program(p.P, p.q, scale * p.A, scale * p.b, p.G, p.h), wrt="h")
    plain = fp.solve(p, wrt="h")
    for one in (sol, other):
        assert one.certificate.status == "converged"
        np.testing.assert_allclose(one.jacobian["h"], plain.jacobian["h"], atol=1e-8)


def test_without_constraints_and_one_variable():
    sol = fp.solve(fp.quadratic_program([[4]], [2]), wrt="q")
    assert sol.x == [-0.5] and sol.jacobian["q"] == [[-0.25]] and sol.multipliers["z"].size == 0
    flat = silent(fp.quadratic_program(np.zeros((2, 2)), np.zeros(2)), wrt="q")
    assert flat.certificate.status == "singular_active_set"


def test_pickle_and_start():
    p = example()
    sol = fp.solve(p, wrt="h")
    again = pickle.loads(pickle.dumps(sol))
    np.testing.assert_allclose(again.vjp(np.ones(6))["h"], sol.vjp(np.ones(6))["h"], atol=1e-12)
    near = fp.solve(p, wrt="h", algorithm="admm", derivative="late", x0=sol)
    np.testing.assert_allclose(near.jacobian["h"], sol.jacobian["h"], atol=1e-6)


def test_differentiate_what_another_found():
    p = example()
    sol = fp.solve(p, wrt=NAMES)
    y, z = sol.multipliers["y"], sol.multipliers["z"]
    rng = np.random.default_rng(0)
    given = fp.differentiate(p, sol.x + 1e-11 * rng.standard_normal(6), z, y, wrt=NAMES)
    assert given.certificate.status == "converged" and given.algorithm == "given"
    for name in NAMES:
        np.testing.assert_allclose(given.jacobian[name], sol.jacobian[name], atol=1e-8)
    np.testing.assert_allclose(given.vjp(np.ones(6))["A"], sol.vjp(np.ones(6))["A"], atol=1e-8)

    c, G, h = (
        np.array([1.0, 2.0]),
        np.array([[-1.0, 0], [0, -1.0], [-1, -1]]),
        np.array([0, 0, -1.0]),
    )
    highs = linprog(c, G, h, bounds=(None, None))
    program = fp.quadratic_program(np.zeros((2, 2)), c, G=G, h=h)
    # HiGHS says how the objective moves with the bound: minus the multiplier.
    sol = fp.differentiate(program, highs.x, -highs.ineqlin.marginals, wrt="h")
    np.testing.assert_allclose(sol.jacobian["h"], [[0, 1, -1], [0, -1, 0]], atol=1e-9)
    with pytest.raises(ValueError, match="z must not be negative"):
        fp.differentiate(program, highs.x, highs.ineqlin.marginals)
    with pytest.warns(fp.FastpiggyWarning, match="max_iter"):
        fp.differentiate(program, highs.x + 0.1, -highs.ineqlin.marginals)
    with pytest.raises(ValueError, match="y must be given"):
        fp.differentiate(p, np.zeros(6), z)
    with pytest.raises(TypeError, match="problem must be a program"):
        fp.differentiate(fp.lasso(np.eye(2), np.ones(2), 0.1), np.zeros(2), np.zeros(2))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"P": [[1.0, 2.0], [0.0, 1.0]]}, "P must be symmetric"),
        ({"P": [[1.0, 0.0], [0.0, -1.0]]}, "P must be positive semidefinite"),
        ({"P": sparse.diags_array([1.0, -1.0])}, "P must be positive semidefinite"),
        ({"P": np.ones((2, 3))}, "P must be square"),
        ({"P": [[np.nan, 0], [0, 1.0]]}, "P must be finite"),
        ({"q": [1.0, 2.0, 3.0]}, "q must have shape"),
        ({"q": None}, "q must be given"),
        ({"h": None}, "G and h go together, got only G"),
        ({"h": [np.inf]}, "h must be finite, got inf; leave out rows"),
        ({"h": [1.0, 2.0]}, "h must have shape"),
        ({"G": [1.0, 2.0]}, "G must have 2 dimensions"),
        ({"q": np.ones((3, 2)), "h": np.ones((4, 1))}, "leading axes must be of one length"),
        ({"P": sparse.eye_array(2), "q": np.ones((3, 2))}, "no leading axis where a matrix"),
    ],
)
def test_bad_input(changes, words):
    good = {"P": np.eye(2), "q": [0.0, 0.0], "G": [[1.0, 0.0]], "h": [1.0]}
    with pytest.raises(ValueError, match=words):
        fp.quadratic_program(**{**good, **changes})


def test_modes_agree_on_the_nonnegative_orthant():
    """Bounds of zero: what is met there is compared with x, not with its own entry of zero."""
    rng = np.random.default_rng(0)
    M = rng.standard_normal((8, 8))
    p = fp.quadratic_program(M @ M.T / 8 + np.eye(8), -M[0], None, None, -np.eye(8), np.zeros(8))
    exact = fp.solve(p, wrt="h")
    assert exact.certificate.status == "converged"
    fused = fp.solve(p, wrt="h", derivative="piggyback", tol=1e-11)
    np.testing.assert_allclose(fused.jacobian["h"], exact.jacobian["h"], atol=1e-8)
