"""Equilibrium layers: three witnesses, modes, activations, adjoints, bounds, bad input."""

import pickle
import warnings

import numpy as np
import pytest

import fastpiggy as fp
from fastpiggy.penalties import L1, MCP, Simplex
from fastpiggy.structured.equilibrium.linearisation import Diagonal

MODES = ["piggyback", "late", "frozen", "implicit"]
n, d, N = 6, 3, 4
NAMES = ["P", "R", "m", "U", "b", "x"]


def layer(seed=0, m=0.4):
    rng = np.random.default_rng(seed)
    P, R = rng.standard_normal((2, n, n)) / np.sqrt(n)
    U, b, x = rng.standard_normal((n, d)), rng.standard_normal(n), rng.standard_normal((N, d))
    return fp.equilibrium(fp.monotone_weights(P, R, m), U, b, x)


def by_enumeration(W, c):
    """The one set of units that solves ``z = max(W z + c, 0)``, and z, by trying all."""
    for mask in np.ndindex(*(2,) * len(c)):
        on = np.flatnonzero(mask)
        z = np.zeros(len(c))
        z[on] = np.linalg.solve(np.eye(len(on)) - W[np.ix_(on, on)], c[on])
        v = W @ z + c
        if np.all(z >= 0) and np.all(v[np.asarray(mask) == 0] <= 0):
            return z, np.asarray(mask, dtype=float)
    raise AssertionError("no solution")


def reference(problem, direction):
    """z and its derivative along the direction, ``(I - D W)^-1 D (dW z + dU x + U dx + db)``."""
    W, zs, dzs = problem.W, [], []
    P, m = problem.weights.P, direction.get("m", 0.0)
    dP, dR = direction.get("P", 0 * P), direction.get("R", 0 * W)
    dW = -m * np.eye(n) - dP.T @ P - P.T @ dP + dR - dR.T
    for i, x in enumerate(problem.x):
        z, D = by_enumeration(W, problem.U @ x + problem.b)
        dc = dW @ z + direction.get("U", 0 * problem.U) @ x + direction.get("b", 0.0)
        if "x" in direction:
            dc = dc + problem.U @ direction["x"][i]
        zs.append(z)
        dzs.append(np.linalg.solve(np.eye(n) - D[:, None] * W, D * dc))
    return np.array(zs), np.array(dzs)


def directions(problem, seed=1):
    rng = np.random.default_rng(seed)
    return {k: rng.standard_normal(np.shape(v)) for k, v in problem.parameters.items()}


@pytest.mark.parametrize("algorithm", ["peaceman_rachford", "forward_backward"])
@pytest.mark.parametrize("mode", MODES)
def test_three_witnesses(algorithm, mode):
    problem, h = layer(), 1e-6
    V = directions(problem)
    sol = fp.solve(problem, wrt=V, algorithm=algorithm, derivative=mode, tol=1e-12)
    found = sol.certificate
    assert found.status == "converged" and found.certified and found.optimality < 1e-12
    for name, v in V.items():
        z, dz = reference(problem, {name: v})
        np.testing.assert_allclose(sol.x, z, atol=1e-10)
        error = np.linalg.norm(sol.jacobian[name] - dz)
        assert error <= max(found.tangent_error, 1e-13) and error < 1e-8 * np.linalg.norm(dz)
        ahead, behind = (
            fp.solve(problem.replace(**{name: problem.parameters[name] + s * h * v}), tol=1e-13).x
            for s in (1, -1)
        )
        np.testing.assert_allclose(sol.jacobian[name], (ahead - behind) / (2 * h), atol=3e-7)


def test_adjoint_sums_over_inputs():
    problem = layer()
    v, V = np.random.default_rng(2).standard_normal((N, n)), directions(problem)
    sol = fp.solve(problem, wrt=V)
    g = sol.vjp(v)
    assert list(g) == NAMES
    for name, direction in V.items():
        assert np.shape(g[name]) == np.shape(problem.parameters[name])
        np.testing.assert_allclose(np.sum(g[name] * direction), np.sum(v * sol.jacobian[name]))
    plain = fp.solve(fp.equilibrium(problem.W, problem.U, problem.b, problem.x)).vjp(v)
    np.testing.assert_allclose(plain["W"] - plain["W"].T, g["R"], atol=1e-12)
    again = pickle.loads(pickle.dumps(sol)).vjp(v, wrt="x")
    np.testing.assert_allclose(again["x"], g["x"], atol=1e-12)


def test_one_input_many_inputs_and_a_warm_start():
    problem = layer()
    sol = fp.solve(problem)
    for i in range(N):
        one = fp.solve(problem.replace(x=problem.x[i]), wrt="b")
        assert one.x.shape == (n,) and one.jacobian["b"].shape == (n, n)
        np.testing.assert_allclose(one.x, sol.x[i], atol=1e-12)
    warm = fp.solve(problem, x0=sol)
    np.testing.assert_allclose(warm.x, sol.x, atol=1e-13)
    moved = fp.solve(problem, wrt={"x0": np.ones((N, n))}, derivative="piggyback", tol=1e-12)
    assert moved.certificate.status == "converged" and abs(moved.jacobian["x0"]).max() < 1e-10


@pytest.mark.parametrize(
    "activation",
    [L1(0.3, np.ones(n)), Simplex(1.0)],
    ids=lambda a: type(a).__name__,
)
def test_any_prox_is_an_activation(activation):
    rng, base, h = np.random.default_rng(3), layer(), 1e-6
    problem = fp.equilibrium(base.W, base.U, base.b, base.x, activation)
    sol = fp.solve(problem, wrt="b")
    assert sol.certificate.status == "converged"
    v = base.x @ base.U.T + base.b + sol.x @ base.W.T
    for i in range(N):
        np.testing.assert_allclose(fp.penalties.prox(activation, v[i]), sol.x[i], atol=1e-10)
    e = rng.standard_normal(n)
    two = [fp.solve(problem.replace(b=base.b + s * h * e), tol=1e-13).x for s in (1, -1)]
    np.testing.assert_allclose(sol.jacobian["b"] @ e, (two[0] - two[1]) / (2 * h), atol=1e-6)
    w = rng.standard_normal((N, n))
    g = sol.vjp(w, wrt=["b"])["b"]
    np.testing.assert_allclose(g, np.tensordot(w, sol.jacobian["b"], 2), atol=1e-11)


def test_kinks_and_selections():
    W, U = np.array([[0.0, -1.0], [1.0, 0.0]]), np.eye(2)
    problem = fp.equilibrium(W, U, [0.0, 0.0], [1.0, -1.0])  # z = (1, 0), the second on its kink
    for q in (0.0, 1.0):
        with pytest.warns(fp.FastpiggyWarning, match="units 1 stand on a kink"):
            sol = fp.solve(problem, wrt="x", selection=q)
        D = np.diag([1.0, q])
        J = np.linalg.solve(np.eye(2) - D @ W, D)
        np.testing.assert_allclose(sol.jacobian["x"], J, atol=1e-14)
        assert sol.certificate.status == "at_kink" and list(sol.certificate.kinks) == [1]


def test_scales_and_sleeping_units():
    for size in (1e-8, 1e8):
        base = layer()
        scaled = base.replace(b=size * base.b, x=size * base.x)
        sol = fp.solve(scaled, wrt="b")
        assert sol.certificate.status == "converged"
        np.testing.assert_allclose(sol.x, size * fp.solve(base).x, rtol=1e-10, atol=1e-14 * size)
    asleep = fp.solve(base.replace(b=-np.ones(n), x=0 * base.x), wrt="b")
    assert not asleep.x.any() and not asleep.jacobian["b"].any()
    assert not asleep.vjp(np.ones((N, n)))["R"].any()


def test_input_of_any_form_is_not_changed():
    W = np.asfortranarray([[0, -1], [1, 0]], dtype=np.float32)
    W.flags.writeable = False
    sol = fp.solve(fp.equilibrium(W, [[1, 0], [0, 1]], [0, 0], [3, 1]))
    np.testing.assert_allclose(sol.x, [1.0, 2.0])


EYE = np.eye(2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"W": 1.5 * EYE}, "W must make I - W strongly monotone.*got -0.5"),
        ({"W": EYE}, "strongly monotone"),
        ({"W": np.ones((2, 3))}, "W must be square"),
        ({"W": [[np.nan, 0], [0, 0]]}, "W must be finite"),
        ({"U": np.ones((3, 2))}, "U must have 2 rows"),
        ({"b": [1.0]}, "b must have shape"),
        ({"x": np.ones((4, 3))}, r"x must have shape \(2,\), or \(N, 2\)"),
        ({"x": [np.inf, 0.0]}, "x must be finite"),
        ({"activation": MCP(1.0, 3.0, np.ones(2))}, "activation must be a convex penalty"),
        ({"activation": L1(1.0, np.ones(3))}, "activation.weights"),
    ],
)
def test_bad_input(change, words):
    given = {"W": 0 * EYE, "U": EYE, "b": [0.0, 0.0], "x": [1.0, 1.0], **change}
    with pytest.raises(ValueError, match=words):
        fp.equilibrium(**given)


def test_bad_weights_steps_and_names():
    with pytest.raises(ValueError, match="R must be square with a row for each column of P"):
        fp.monotone_weights(np.ones((1, 2)), np.ones((3, 3)), 1.0)
    with pytest.raises(ValueError, match="m must be a finite number in"):
        fp.monotone_weights(EYE, EYE, 0.0)
    problem = layer()
    limit = problem.largest_step
    assert limit == pytest.approx(
        2 * np.linalg.eigvalsh(np.eye(n) - (problem.W + problem.W.T) / 2)[0]
        / np.linalg.norm(np.eye(n) - problem.W, 2) ** 2
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"step must be below 2 m/L\^2 ="):
        fp.solve(problem, algorithm=fp.ForwardBackward(step=1.01 * limit))
    with pytest.raises(ValueError, match="'step': the equilibrium does not depend"):
        fp.solve(problem, wrt="step")
    with pytest.raises(ValueError, match="'W' is no parameter"):
        problem.replace(W=EYE)


def test_cut_short():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sol = fp.solve(layer(), wrt="b", derivative="piggyback", max_iter=3)
    assert sol.certificate.status == "max_iter" and len(caught) == 1


@pytest.mark.parametrize("m", [0.5, 1e-4])
def test_factors_without_pivoting(m):
    """Little monotonicity beside a large skew part: entries grow, and solves are refined."""
    rng = np.random.default_rng(0)
    R, D = 3 * rng.standard_normal((40, 40)), np.ones((2, 40))
    D[1, ::3], D[1, 1::3] = 0.0, 0.7
    W = (1.0 - m) * np.eye(40) + R - R.T
    system = Diagonal(W, D)
    assert (system.growth > 100.0) == (m < 1e-2)
    for columns in (1, 5):
        b = rng.standard_normal((2, columns, 40))
        forward, back = system.solve(b), system.solve(b, transposed=True)
        for i in range(2):
            K = np.eye(40) - D[i][:, None] * W
            size = np.linalg.norm(K) * np.linalg.norm(forward[i])
            assert np.linalg.norm(forward[i] @ K.T - b[i]) < 1e-14 * size
            expected = D[i] * np.linalg.solve(K.T, b[i].T).T
            np.testing.assert_allclose(back[i], expected, atol=1e-11 * np.abs(expected).max() / m)
