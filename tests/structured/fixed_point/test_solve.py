"""Maps of one's own, in plain Python and compiled: three witnesses, modes, rates, statuses."""

import pickle
from typing import NamedTuple

import numpy as np
import pytest

import fastpiggy as fp
from fastpiggy.algorithms.fixed_point import Map

MODES = ["piggyback", "late", "frozen", "implicit"]
modes = pytest.mark.parametrize("mode", MODES)


class Ridge:
    """Forward-backward on ``norm(A x - b)^2/2 + alpha norm(x)^2/2``; alpha, b and the step move."""

    def __init__(self, n=50, p=20, seed=0):
        rng = np.random.default_rng(seed)
        self.A, self.b = rng.standard_normal((n, p)), rng.standard_normal(n)
        self.a = 1 / np.linalg.norm(self.A, 2) ** 2
        self.theta = {"alpha": 1.0, "b": self.b, "a": self.a}

    def step(self, x, t):
        g = self.A.T @ (self.A @ x - t["b"])
        return (x - t["a"] * g) / (1 + t["a"] * t["alpha"])

    def tangent(self, x, t, dx, dt):
        g = self.A.T @ (self.A @ x - t["b"])
        up = dx - t["a"] * self.A.T @ (self.A @ dx - dt["b"]) - dt["a"] * g
        stretch = dt["a"] * t["alpha"] + t["a"] * dt["alpha"]
        return (up - stretch * self.step(x, t)) / (1 + t["a"] * t["alpha"])

    def solved(self, alpha, b):
        return np.linalg.solve(self.A.T @ self.A + alpha * np.eye(self.A.shape[1]), self.A.T @ b)


RIDGE = Ridge()


@modes
def test_three_witnesses(mode):
    r, h = RIDGE, 1e-5
    x, K = r.solved(1.0, r.b), np.linalg.inv(r.A.T @ r.A + np.eye(20))
    sol = fp.piggyback(r.step, np.zeros(20), r.theta, step_tangent=r.tangent, derivative=mode,
                       tol=1e-12, trace=True)  # fmt: skip
    found = sol.certificate
    assert found.status == "converged" and found.growth is None and not found.certified
    assert found.tangent_residual <= found.tangent_error < 1e-8
    np.testing.assert_allclose(sol.x, x, rtol=1e-9)
    np.testing.assert_allclose(sol.jacobian["alpha"], -K @ x, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(sol.jacobian["b"], K @ r.A.T, atol=1e-9)
    quotient = (r.solved(1 + h, r.b) - r.solved(1 - h, r.b)) / (2 * h)
    np.testing.assert_allclose(sol.jacobian["alpha"], quotient, rtol=1e-6)
    # How long the steps are is forgotten.
    assert abs(sol.jacobian["a"]).max() < 1e-7
    error = sum(np.linalg.norm(sol.jacobian[k] - J) ** 2
                for k, J in (("alpha", -K @ x), ("b", K @ r.A.T), ("a", 0 * x)))  # fmt: skip
    assert np.sqrt(error) <= 1.01 * found.tangent_error
    v = np.random.default_rng(1).standard_normal(20)
    assert sol.vjp(v)["alpha"] == pytest.approx(-v @ K @ x, rel=1e-8)
    np.testing.assert_allclose(sol.vjp(v, wrt="b")["b"], v @ K @ r.A.T, rtol=1e-8, atol=1e-12)
    assert (sol.trace.tangents[0] > 0) == (mode == "piggyback")


def test_rate_of_ridge_and_the_lag_of_its_derivative():
    """``max(abs(1 - a mu), abs(1 - a L))/(1 + a alpha)``; the error ratio grows like k."""
    r = RIDGE
    values = np.linalg.eigvalsh(r.A.T @ r.A)
    rate = (1 - r.a * values[0]) / (1 + r.a)
    x, ratios = r.solved(1.0, r.b), []
    J = -np.linalg.solve(r.A.T @ r.A + np.eye(20), x)
    sol = fp.piggyback(r.step, np.zeros(20), r.theta, step_tangent=r.tangent, wrt="alpha",
                       tol=1e-13, trace=True)  # fmt: skip
    assert sol.certificate.rate == pytest.approx(rate, rel=0.001)
    assert sol.trace.tangent_rate == pytest.approx(rate, rel=0.01)
    for k in (150, 300, 450):
        with pytest.warns(fp.FastpiggyWarning, match="max_iter"):
            sol = fp.piggyback(r.step, np.zeros(20), r.theta, step_tangent=r.tangent, wrt="alpha",
                               tol=1e-15, max_iter=k)  # fmt: skip
        ratios.append(np.linalg.norm(sol.jacobian["alpha"] - J) / np.linalg.norm(sol.x - x))
    assert ratios[2] - ratios[1] == pytest.approx(ratios[1] - ratios[0], rel=0.1)
    assert ratios[0] < ratios[1] < ratios[2]


def test_one_step_errs_by_at_most_the_rate_times_the_derivative():
    r = RIDGE
    sol = fp.piggyback(r.step, np.zeros(20), r.theta, step_tangent=r.tangent, wrt="b",
                       derivative="one_step")  # fmt: skip
    J = np.linalg.solve(r.A.T @ r.A + np.eye(20), r.A.T)
    rate = (1 - r.a * np.linalg.eigvalsh(r.A.T @ r.A)[0]) / (1 + r.a)
    error = np.linalg.norm(sol.jacobian["b"] - J)
    assert 0.1 * np.linalg.norm(J) < error <= rate * np.linalg.norm(J)
    assert error <= 1.001 * sol.certificate.tangent_error


def covariance(p=8, alpha=0.1):
    """Douglas-Rachford on ``-logdet P + <S, P> + alpha sum_{i != j} abs(P_ij)``, step 1."""
    rng = np.random.default_rng(0)
    S, off = np.cov(rng.standard_normal((60, p)).T), 1 - np.eye(p)

    def logdet(V):
        w, Q = np.linalg.eigh(V - S)
        return w, (w + np.sqrt(w * w + 4)) / 2, Q

    def shrink(Y, t):
        return np.sign(Y) * np.maximum(abs(Y) - t * off, 0)

    def step(Y, t):
        X = shrink(Y, t)
        _, z, Q = logdet(2 * X - Y)
        return Y + (Q * z) @ Q.T - X

    def tangent(Y, t, dY, dt):
        X = shrink(Y, t)
        dX = (abs(Y) > t * off) * (dY - dt * np.sign(Y) * off)
        _, z, Q = logdet(2 * X - Y)
        G = Q.T @ (2 * dX - dY) @ Q * (z[:, None] * z / (1 + z[:, None] * z))
        return dY + Q @ G @ Q.T - dX

    return step, tangent, shrink, off, S


@pytest.mark.parametrize("mode", ["piggyback", "late", "frozen", "implicit"])
def test_a_matrix_and_a_splitting(mode):
    """x of any shape; the derivative of the shadow; one of the four positive cases: no flag."""
    step, tangent, shrink, off, _ = covariance()
    run = {"step_tangent": tangent, "tol": 1e-11, "trace": True, "derivative": mode}
    sol = fp.piggyback(step, np.eye(8), 0.1, **run)
    assert sol.certificate.status == "converged" and sol.trace.growth is None
    Y, J = sol.x, sol.jacobian["theta"]
    assert J.shape == (8, 8)
    P, W = shrink(Y, 0.1), np.linalg.inv(shrink(Y, 0.1))
    on = np.flatnonzero(P.ravel())
    # On the support -(W kron W)^-1 sign; off the diagonal alpha acts.
    full, sign = np.zeros(64), (np.sign(P) * off).ravel()[on]
    full[on] = -np.linalg.solve(np.kron(W, W)[np.ix_(on, on)], sign)
    shadow = (abs(Y) > 0.1 * off) * (J - np.sign(Y) * off)
    np.testing.assert_allclose(shadow.ravel(), full, atol=1e-8 * abs(full).max())
    ends = [shrink(fp.piggyback(step, np.eye(8), 0.1 + e, wrt=None, tol=1e-13).x, 0.1 + e)
            for e in (1e-6, -1e-6)]  # fmt: skip
    assert np.array_equal(ends[0] != 0, ends[1] != 0)
    np.testing.assert_allclose(shadow, (ends[0] - ends[1]) / 2e-6, atol=1e-6 * abs(full).max())


@fp.record(Map)
class Decay(NamedTuple):
    """``x+ = clip(M x + b, -c, c)``, theta = (c, b): compiled."""

    M: np.ndarray

    def step(self, x, theta, z):
        for i in range(x.size):
            u = theta[1 + i]
            for j in range(x.size):
                u += self.M[i, j] * x[j]
            z[i] = min(max(u, -theta[0]), theta[0])

    def step_tangent(self, x, theta, z, dx, dtheta, dz):
        for i in range(x.size):
            u, du = theta[1 + i], dtheta[1 + i]
            for j in range(x.size):
                u += self.M[i, j] * x[j]
                du += self.M[i, j] * dx[j]
            dz[i] = du if abs(u) < theta[0] else np.copysign(dtheta[0], u)


def decay(n=6, rate=0.8):
    rng = np.random.default_rng(3)
    M = rng.standard_normal((n, n))
    return rate * M / np.linalg.norm(M, 2), {"c": 1.0, "b": 2 * rng.standard_normal((2, n // 2))}


@pytest.mark.parametrize("mode", [*MODES, "one_step"])
def test_compiled_and_plain_are_the_same(mode):
    M, theta = decay()

    def step(x, t):
        return np.clip(M @ x + t["b"].ravel(), -t["c"], t["c"])

    def jacobian(x, t):
        u = M @ x + t["b"].ravel()
        on = abs(u) < t["c"]
        return on[:, None] * M, {"c": np.sign(u) * ~on, "b": np.diag(1.0 * on)}

    compiled = fp.piggyback(Decay(M), np.zeros(6), theta, derivative=mode, tol=1e-12)
    plain = fp.piggyback(step, np.zeros(6), theta, jacobian=jacobian, derivative=mode, tol=1e-12)
    assert compiled.certificate.status == plain.certificate.status == "converged"
    assert compiled.iterations == plain.iterations
    np.testing.assert_allclose(compiled.x, plain.x, rtol=1e-13)
    for name, shape in (("c", (6,)), ("b", (6, 2, 3))):
        assert compiled.jacobian[name].shape == shape
        np.testing.assert_allclose(compiled.jacobian[name], plain.jacobian[name], atol=1e-12)
        v = np.arange(6.0)
        np.testing.assert_allclose(
            compiled.vjp(v)[name], np.tensordot(v, fp.solve(plain.problem, wrt=name,
            derivative="implicit", tol=1e-12).jacobian[name], 1), atol=1e-9,
        )  # fmt: skip
    # Both sides of the clip are taken.
    assert 0 < np.count_nonzero(abs(plain.x) == 1.0) < 6


def test_forms_of_x_and_theta():
    def step(x, t):
        return 0.5 * x + t

    def tangent(x, t, dx, dt):
        return 0.5 * dx + dt

    number = fp.piggyback(step, 0, 1, step_tangent=tangent)
    assert number.x.shape == () and number.x == pytest.approx(2.0)
    assert number.jacobian["theta"] == pytest.approx(2.0, rel=1e-7)
    array = fp.piggyback(step, np.zeros((2, 3)), np.ones((2, 3)), step_tangent=tangent)
    assert array.jacobian["theta"].shape == (2, 3, 2, 3)
    np.testing.assert_allclose(array.jacobian["theta"].reshape(6, 6), 2 * np.eye(6), atol=1e-7)
    V = np.random.default_rng(0).standard_normal((2, 3, 4))
    along = fp.solve(array.problem, wrt={"theta": V, "x0": V})
    np.testing.assert_allclose(along.jacobian["theta"], 2 * V, rtol=1e-7)
    assert along.jacobian["x0"].shape == (2, 3, 4) and abs(along.jacobian["x0"]).max() < 1e-7
    lists = fp.piggyback(step, [0, 0], [1, 2], step_tangent=tangent, wrt={"theta": [1, -1]})
    np.testing.assert_allclose(lists.jacobian["theta"], [2, -2], rtol=1e-7)
    moved = array.problem.replace(theta=np.full((2, 3), 3.0))
    np.testing.assert_allclose(fp.solve(moved, x0=array).x, 6.0)
    assert fp.piggyback(step, 0.0, 1.0, wrt=None).jacobian == {}
    again = pickle.loads(pickle.dumps(fp.solve(fp.heavy_ball_counterexample(1.0))))
    assert again.vjp([1.0, 0.0]) == {} and "picard" in repr(again)
    assert "objective" not in repr(again)


def identity_beside(rate, p=2):
    """The last entry stands where it is."""
    keep = np.full(p, rate)
    keep[-1] = 1.0

    def step(x, t):
        return keep * x + (1 - keep) * t

    def tangent(x, t, dx, dt):
        return keep * dx + (1 - keep) * dt

    return step, tangent


@pytest.mark.filterwarnings("ignore::fastpiggy.FastpiggyWarning")
@pytest.mark.parametrize("p", [2, 300])
@pytest.mark.parametrize("mode", ["piggyback", "late", "frozen", "implicit"])
def test_a_start_that_is_never_forgotten(p, mode):
    """A = I along one entry: J stands still there, and a zero residual says nothing."""
    step, tangent = identity_beside(0.5, p)
    sol = fp.piggyback(step, np.zeros(p), 1.0, step_tangent=tangent, derivative=mode,
                       wrt={"theta": None, "x0": np.ones(p)})  # fmt: skip
    wanted = "singular_active_set" if mode == "implicit" else "not_contracting"
    assert sol.certificate.status == wanted and "eigenvalue 1" in sol.certificate.message
    assert np.isfinite(sol.jacobian["x0"]).all()
    if mode != "implicit":
        assert sol.jacobian["x0"][-1] == 1.0
    whole = fp.piggyback(lambda x, t: x, np.ones(p), 1.0, step_tangent=lambda x, t, dx, dt: dx,
                         derivative=mode, wrt={"x0": np.ones(p)})  # fmt: skip
    assert whole.certificate.status == wanted


@pytest.mark.parametrize("p", [2, 300])
def test_slow_is_not_stuck(p):
    def step(x, t):
        return 0.99 * x + t

    def tangent(x, t, dx, dt):
        return 0.99 * dx + dt

    sol = fp.piggyback(step, np.zeros(p), 1.0, step_tangent=tangent)
    assert sol.certificate.status == "converged"
    error = np.linalg.norm(sol.jacobian["theta"] - 100)
    assert error <= 1.01 * sol.certificate.tangent_error < 1e-2


@pytest.mark.filterwarnings("ignore::fastpiggy.FastpiggyWarning")
def test_runs_that_leave():
    """Finite numbers only: of the iterate, of the tangents, of both."""

    def away(x, t):
        return 3 * x + t

    def tangent(x, t, dx, dt):
        return 3 * dx + dt

    with np.errstate(all="ignore"):
        sol = fp.piggyback(away, 1.0, 1.0, step_tangent=tangent)
    assert sol.certificate.status == "not_contracting" and np.isfinite(sol.x)
    assert np.isfinite(sol.jacobian["theta"])
    standing = fp.piggyback(away, 0.0, 0.0, step_tangent=tangent)
    assert standing.x == 0.0 and standing.certificate.status == "not_contracting"
    assert np.isfinite(standing.jacobian["theta"])
    bad = fp.piggyback(lambda x, t: x * np.nan, [1.0], 0.0, step_tangent=tangent)
    assert bad.certificate.status == "not_contracting" and bad.x == 1.0


def test_bad_input():
    def step(x, t):
        return 0.5 * x

    def tangent(x, t, dx, dt):
        return 0.5 * dx

    def run(*arguments, **options):
        return lambda: fp.piggyback(*arguments, **options)

    x0, good = np.zeros(3), {"step_tangent": tangent}
    for call, error, match in (
        (run(step, x0, 1.0), ValueError, "step_tangent or jacobian must be given"),
        (run(3, x0, 1.0), TypeError, "step must be callable or a record"),
        (run(lambda x: x, x0, 1.0), TypeError, r"step must take \(x, theta\)"),
        (run(step, x0, 1.0, step_tangent=3), TypeError, "step_tangent must be callable"),
        (run(step, x0, 1.0, jacobian=step, **good), ValueError, "not both"),
        (run(Decay(np.eye(3)), x0, 1.0, **good), ValueError, "is a Map"),
        (run(step, [0.0, np.nan], 1.0, **good), ValueError, "x0 must be finite"),
        (run(step, [], 1.0, **good), ValueError, "x0 must have at least one entry"),
        (run(step, x0, np.inf, **good), ValueError, "theta must be finite"),
        (run(step, x0, {"x0": 1.0}, **good), ValueError, "names in theta"),
        (run(step, x0, "a", **good), TypeError, "theta must hold numbers"),
        (run(step, x0, 1.0, wrt="beta", **good), ValueError, "wrt must name parameters"),
        (run(step, x0, 1.0, wrt="step", **good), ValueError, "got 'step'"),
        (run(step, x0, 1.0, wrt={"x0": np.ones(2)}, **good), ValueError, r"wrt\['x0'\]"),
        (run(step, np.zeros((2, 2)), 1.0, wrt={"x0": np.ones(4)}, **good), ValueError, "x0"),
        (run(lambda x, t: x[:2], x0, 1.0, **good), ValueError, "step must return an array of"),
        (run(step, x0, 1.0, step_tangent=lambda *a: 1.0), ValueError, "step_tangent must return"),
        (run(step, x0, 1.0, jacobian=lambda x, t: (np.eye(2), x)), ValueError, "jacobian must"),
        (run(step, x0, 1.0, derivative="full", **good), ValueError, "derivative must be one of"),
        (run(step, np.zeros(1001), 1.0, derivative="implicit", **good), ValueError, "at most 1000"),
        (run(step, x0, 1.0, tol=0.0, **good), ValueError, "tol must be"),
    ):
        with pytest.raises(error, match=match):
            call()
    sol = fp.piggyback(step, x0, 1.0, **good)
    with pytest.raises(ValueError, match="selection must be 0"):
        fp.solve(sol.problem, selection=1.0)
    with pytest.raises(ValueError, match="v must have shape"):
        sol.vjp(np.ones(2))
    with pytest.raises(ValueError, match="must keep its shape"):
        sol.problem.replace(theta=np.ones(2))
    with pytest.raises(ValueError, match="is no parameter"):
        sol.problem.replace(alpha=1.0)

    def greedy(x, t):
        x += 1.0
        return x

    with pytest.raises(ValueError, match="read-only"):
        fp.piggyback(greedy, x0, 1.0, wrt=None)
    assert not x0.any()


def test_callback_and_interrupt():
    seen = []

    def stop(report):
        seen.append(report)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fp.piggyback(lambda x, t: 0.999 * x + t, 0.0, 1.0, wrt=None, callback=stop)
    assert seen[0]["iteration"] == 8 and seen[1]["iteration"] > 8
