"""Programs in units that differ by many orders of magnitude: the same solution and derivative."""

import numpy as np
import pytest
from scipy import sparse

import fastpiggy as fp


def make(seed, rank=None, many=None):
    """A program, and what it is in other units: rows R, Q and variables S times as large."""
    rng = np.random.default_rng(seed)
    n, e, rows = 7, 2, 6
    rank = n if rank is None else rank
    M, A, x = (
        rng.standard_normal((n, rank)),
        rng.standard_normal((e, n)),
        rng.standard_normal(n),
    )
    G = np.vstack([rng.standard_normal((rows, n)), np.eye(n), -np.eye(n)])
    h = G @ x + rng.uniform(0.0, 1.0, len(G))
    q = 3 * rng.standard_normal(n if many is None else (many, n))
    S, R, Q = (10 ** rng.uniform(-4.0, 4.0, size) for size in (n, len(G), e))
    plain = fp.quadratic_program(M @ M.T, q, A, A @ x, G, h)
    other = fp.quadratic_program(
        S[:, None] * plain.P * S, S * q, Q[:, None] * A * S, Q * plain.b, R[:, None] * G * S, R * h
    )
    return plain, other, S, R, Q


@pytest.mark.parametrize("rank", [None, 3, 0])
@pytest.mark.parametrize("way", ["active_set", "admm"])
@pytest.mark.parametrize("seed", range(2))
def test_rescaled_programs(seed, way, rank):
    plain, other, S, R, Q = make(seed, rank)
    one = fp.solve(plain, wrt=["q", "b", "h"])
    two = fp.solve(other, wrt=["q", "b", "h"], algorithm=way)
    assert two.certificate.status == "converged" and two.certificate.certified
    np.testing.assert_allclose(S * two.x, one.x, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(two.objective, one.objective, rtol=1e-9)
    z = one.multipliers["z"]
    np.testing.assert_allclose(R * two.multipliers["z"], z, rtol=1e-8, atol=1e-9)
    for name, unit in (("q", S), ("b", Q), ("h", R)):
        found = S[:, None] * two.jacobian[name] * unit
        np.testing.assert_allclose(found, one.jacobian[name], rtol=1e-7, atol=1e-8)
    v = np.arange(1.0, 8.0)
    for name, value in two.vjp(S * v).items():
        unit = {"q": S, "b": Q, "h": R, "P": S[:, None] * S, "A": Q[:, None] * S,
                "G": R[:, None] * S}[name]  # fmt: skip
        np.testing.assert_allclose(value * unit, one.vjp(v)[name], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("mode", ["piggyback", "frozen"])
def test_tangents_of_a_rescaled_run(mode):
    plain, other, S, R, Q = make(1)
    rng = np.random.default_rng(9)
    along = {name: rng.standard_normal(value.shape) for name, value in plain.parameters.items()}
    along["P"] = along["P"] + along["P"].T
    units = {"q": S, "b": Q, "h": R, "P": S[:, None] * S, "A": Q[:, None] * S, "G": R[:, None] * S}
    one = fp.solve(plain, wrt=along)
    moved = {name: units[name] * value for name, value in along.items()}
    two = fp.solve(other, wrt=moved, derivative=mode, algorithm="admm", tol=1e-12)
    for name in along:
        found = S * two.jacobian[name]
        np.testing.assert_allclose(found, one.jacobian[name], rtol=1e-6, atol=1e-7)


def test_x0_and_its_direction_are_in_the_users_units():
    plain, other, S, *_ = make(2)
    exact = fp.solve(plain)
    options = {"algorithm": "admm", "derivative": "piggyback", "tol": 1e-11}
    near = fp.solve(other, wrt={"x0": np.diag(1.0 / S)}, x0=exact.x / S, **options)
    np.testing.assert_allclose(S * near.x, exact.x, atol=1e-8)
    np.testing.assert_allclose(S[:, None] * near.jacobian["x0"], 0.0, atol=1e-8)
    again = fp.solve(other, wrt="h", x0=near, **options)
    assert again.iterations < near.iterations


def test_powers_of_two_change_nothing_but_the_exponents():
    plain, _, _, R, _ = make(3)
    S = np.exp2(np.array([0, 30, -30, 7, -12, 20, 1]))
    R = np.exp2(np.round(np.log2(R)))
    one = fp.quadratic_program(plain.P, plain.q, None, None, plain.G, plain.h)
    two = fp.quadratic_program(
        S[:, None] * plain.P * S, S * plain.q, None, None, R[:, None] * plain.G * S, R * plain.h
    )
    # Both are taken to the same units; the first, even as it is, would be left alone.
    assert np.all(one.equilibrated.columns == 1.0) and np.ptp(two.equilibrated.columns) > 1e8
    a, b = fp.solve(one, wrt="h"), fp.solve(two, wrt="h")
    np.testing.assert_allclose(S * b.x, a.x, rtol=1e-13)
    np.testing.assert_allclose(S[:, None] * b.jacobian["h"] * R, a.jacobian["h"], atol=1e-13)


def test_many_and_sparse():
    plain, other, S, R, _ = make(5, many=3)
    one, two = fp.solve(plain, wrt="h"), fp.solve(other, wrt="h")
    np.testing.assert_allclose(S * two.x, one.x, atol=1e-9)
    np.testing.assert_allclose(S[:, None] * two.jacobian["h"] * R, one.jacobian["h"], atol=1e-7)
    thin = fp.quadratic_program(
        sparse.csc_array(other.P), other.q[0], other.A, other.b, sparse.csr_array(other.G), other.h
    )
    for way in ("active_set", "admm"):
        alone = fp.solve(thin, wrt="h", algorithm=way)
        assert alone.certificate.status == "converged"
        np.testing.assert_allclose(
            S[:, None] * alone.jacobian["h"] * R, one.jacobian["h"][0], atol=1e-7
        )


@pytest.mark.parametrize("way", ["active_set", "admm"])
def test_rays_are_in_the_users_units(way):
    _, other, S, R, _ = make(6)
    G, h = np.vstack([other.G, -other.G[:1]]), np.append(other.h, -other.h[0] - R[0])
    with pytest.warns(fp.FastpiggyWarning, match="infeasible"):
        ray = fp.solve(
            fp.quadratic_program(other.P, other.q, G=G, h=h), algorithm=way
        ).certificate.ray
    assert np.all(np.abs(ray["z"] @ G) <= 1e-9 * (ray["z"] @ np.abs(G)).max() * S / S.min())
    assert ray["z"] @ h < 0.0
    flat = fp.quadratic_program(np.zeros((2, 2)), [-1e4, 1e-4], G=[[1e-4, -1e4]], h=[1.0])
    with pytest.warns(fp.FastpiggyWarning, match="unbounded"):
        x = fp.solve(flat, algorithm=way).certificate.ray["x"]
    assert flat.G @ x <= 1e-9 * np.abs(flat.G) @ np.abs(x) and flat.q @ x < 0.0


def test_kinks_and_what_another_found():
    _, other, *_ = make(7)
    sol = fp.solve(other, wrt="h")
    given = fp.differentiate(other, sol.x, sol.multipliers["z"], sol.multipliers["y"], wrt="h")
    assert given.certificate.status == "converged"
    np.testing.assert_allclose(given.jacobian["h"], sol.jacobian["h"], rtol=1e-9, atol=1e-12)
    kink = fp.quadratic_program(np.diag([1e8, 1e-8]), [-1e4, -0.3], G=[[1e4, 0.0]], h=[1.0])
    with pytest.warns(fp.FastpiggyWarning, match="at_kink"):
        assert list(fp.solve(kink, wrt="q").certificate.kinks) == [0]


def test_refined_tangents_of_an_ill_conditioned_program():
    """P of condition 1e12 on constraints that leave little of it: 1e-10 where 1e-6 was."""
    rng = np.random.default_rng(1)
    n = 10
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    P = (Q * np.logspace(0, -12, n)) @ Q.T
    G, x = rng.standard_normal((14, n)), rng.standard_normal(n)
    h = G @ x + rng.uniform(0.0, 1.0, 14)
    sol = fp.solve(fp.quadratic_program((P + P.T) / 2, rng.standard_normal(n), G=G, h=h), wrt="q")
    C = G[sol.multipliers["z"] > 1e-9]
    K = np.block([[(P + P.T) / 2, C.T], [C, np.zeros((len(C), len(C)))]])
    inverse = np.linalg.inv(K).astype(np.longdouble)
    for _ in range(6):
        inverse = inverse @ (2 * np.eye(len(K)) - K.astype(np.longdouble) @ inverse)
    exact = -inverse[:n, :n].astype(float)
    assert sol.certificate.status == "converged"
    error = np.linalg.norm(sol.jacobian["q"] - exact)
    assert error < 1e-9 * np.linalg.norm(exact) and error <= sol.certificate.tangent_error


def test_units_of_variables_without_curvature_in_either_storage():
    _, other, *_ = make(2, rank=0)
    P = np.diag([1e6, 0.0, 1e-6, 0.0, 0.0, 1.0, 0.0])
    parts = other.q, other.A, other.b, other.G, other.h
    dense = fp.quadratic_program(P, *parts).equilibrated
    stored = [sparse.csc_array(part) if part.ndim == 2 else part for part in parts]
    found = fp.quadratic_program(sparse.csc_array(P), *stored).equilibrated
    assert np.ptp(np.log10(dense.columns)) > 4
    np.testing.assert_array_equal(found.columns, dense.columns)
    np.testing.assert_array_equal(found.rows, dense.rows)
