"""Heavy ball, Nesterov and FISTA: iterates, tangents, modes, rates, and tangents that grow.

All of one type, so that one kernel serves the file; every part in turn in plain Python.
"""

import naive
import numpy as np
import pytest
from tables import bound_case, make_case, run_case, start_state

import fastpiggy as fp
from fastpiggy.algorithms import engine
from fastpiggy.algorithms.inertial import FISTA, HEAVY_BALL, NESTEROV, inertial
from fastpiggy.compile.flags import COMPILED

KINDS = {"heavy_ball": HEAVY_BALL, "nesterov": NESTEROV, "fista": FISTA}
OPTIONS = {
    "heavy_ball": fp.HeavyBall(momentum=0.4), "nesterov": fp.Nesterov(momentum=0.6),
    "fista": fp.FISTA(),
}  # fmt: skip
kinds = pytest.mark.parametrize("kind", KINDS)
COMBINATIONS = [("rows", "LeastSquares", "L1")]
if not COMPILED:
    COMBINATIONS += [("centred rows", "Huber", "GroupL2"), ("dense", "Logistic", "MCP"),
                     ("centred sparse", "LeastSquares", "SquaredL2"),
                     ("rows", "LeastSquares", "Simplex")]  # fmt: skip


def naive_run(case, kind, b, x, J, steps, moving=True):
    """The iterates in plain NumPy, FISTA's clock and restart written again."""
    x_before, J_before, t, restarts = x, J, 1.0, 0
    for _ in range(steps):
        after = 1.0
        if kind == "fista":
            after = (1 + np.sqrt(1 + 4 * t * t)) / 2
            b = (t - 1) / after
        # A held x stands still, so that its v is x itself.
        back = x_before if moving else x
        z, Z = naive.inertial(case.c, case.steps, b, kind != "heavy_ball", x, J, back, J_before)
        v, V = x + b * (x - back), J + b * (J - J_before)
        turned = (v - z) @ (z - x) if moving else np.sum((V - Z) * (Z - J))
        restarts += turned > 0
        t = 1.0 if turned > 0 else after
        x_before, J_before, J = x, J, Z
        x = z if moving else x
    return x, J, restarts


@kinds
@pytest.mark.parametrize("moving", [True, False])
@pytest.mark.parametrize("combination", COMBINATIONS, ids=lambda parts: "-".join(parts))
def test_iterates_and_tangents(combination, kind, moving):
    """Along y, sample weights, X, the penalty and the step at once, of random signs."""
    case, rng = make_case("ForwardBackward", *combination), np.random.default_rng(1)
    case = bound_case(case.name, case.problem, case.d._replace(step=rng.standard_normal(3) * 0.1))
    size = case.c.A.shape[1]
    x = rng.standard_normal(size) * [1.0, 0.0, 1.0, 0.0, 1.0, 1.0][:size]
    J = rng.standard_normal((case.m, size))
    wanted_x, wanted_J, restarts = naive_run(case, kind, 0.6, x, J, 12, moving)
    state = start_state(case, x, J)
    case.algorithm = inertial(KINDS[kind], case.steps, 0.6, x, J)
    code, trace = run_case(case, state, 12, moving=moving)
    assert code == engine.UNFINISHED
    np.testing.assert_allclose(state.x, wanted_x, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(state.J, wanted_J, rtol=1e-10, atol=1e-10)
    assert trace[-1, engine.TANGENT_SIZE] == pytest.approx(np.linalg.norm(wanted_J))
    if kind == "fista" and combination == COMBINATIONS[0] and moving:
        assert restarts > 0


def lasso(n=40, p=12, alpha=0.1, seed=0, copies=0):
    """A lasso, the last `copies` columns copies of those before; and directions of X and y."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    if copies:
        X[:, -copies:] = X[:, -2 * copies : -copies]
    y = X[:, :4] @ [1.0, -2.0, 1.5, 1.0] + 0.5 * rng.standard_normal(n)
    V, v = rng.choice([-1.0, 1.0], (n, p, 1)), rng.choice([-1.0, 1.0], (n, 1))
    return fp.lasso(X, y, alpha), {"X": V, "y": v}, X, y


def solved(X, y, alpha):
    """The lasso by 5000 steps of forward-backward, and its support."""
    n, L, x = len(y), np.linalg.norm(X, 2) ** 2 / len(y), np.zeros(X.shape[1])
    for _ in range(5000):
        u = x - X.T @ (X @ x - y) / n / L
        x = np.sign(u) * np.maximum(abs(u) - alpha / L, 0.0)
    return x, np.flatnonzero(x)


def closed_form(X, y, alpha, V, v):
    """On the support, along alpha, X and y."""
    n, (x, S) = len(y), solved(X, y, alpha)
    K, J = X[:, S].T @ X[:, S] / n, np.zeros((3, x.size))
    r = X @ x - y
    J[0, S] = -np.linalg.solve(K, np.sign(x[S]))
    J[1, S] = -np.linalg.solve(K, (V.T @ r + X.T @ (V @ x))[S] / n)
    J[2, S] = np.linalg.solve(K, X[:, S].T @ v / n)
    return x, dict(zip(("alpha", "X", "y"), J))


@kinds
def test_all_modes_agree(kind):
    """A solve on the support, differences of solutions, and the kernel."""
    problem, wrt, X, y = lasso()
    V, v, h = wrt["X"][:, :, 0], wrt["y"][:, 0], 1e-6
    x, J = closed_form(X, y, 0.1, V, v)
    ends = [solved(X + e * V, y + e * v, 0.1 + e) for e in (h, -h)]
    assert all(np.array_equal(S, np.flatnonzero(x)) for _, S in ends)
    np.testing.assert_allclose(sum(J.values()), (ends[0][0] - ends[1][0]) / (2 * h), atol=1e-6)
    wrt = {"alpha": None, **wrt, "x0": np.ones((12, 1)), "step": None}
    for mode in ("piggyback", "late", "frozen"):
        sol = fp.solve(problem, wrt=wrt, algorithm=OPTIONS[kind], derivative=mode, tol=1e-12,
                       trace=True)  # fmt: skip
        assert sol.certificate.status == "converged", sol.certificate.message
        assert sol.certificate.certified and sol.certificate.growth is None
        assert sol.algorithm == kind
        np.testing.assert_allclose(sol.x, x, atol=1e-10)
        for name, wanted in J.items():
            found = sol.jacobian[name].reshape(wanted.shape)
            np.testing.assert_allclose(found, wanted, atol=1e-8 * abs(wanted).max())
        # Where it starts and how long its steps are is forgotten.
        assert max(abs(sol.jacobian["x0"]).max(), abs(sol.jacobian["step"]).max()) < 1e-8
        assert (sol.trace.tangents[0] > 0) == (mode == "piggyback")


def radius(kind, values, step, b):
    """Largest spectral radius of the two-step matrices of the eigenvalues of a quadratic."""
    found = []
    for s in values:
        c = 1 - step * s
        row = [c + b, -b] if kind == "heavy_ball" else [c * (1 + b), -c * b]
        found.append(abs(np.linalg.eigvals([row, [1.0, 0.0]])).max())
    return max(found)


@pytest.mark.parametrize("kind, b", [("heavy_ball", 0.3), ("heavy_ball", 0.7), ("nesterov", 0.5)])
def test_rate_on_the_active_set(kind, b):
    problem, wrt, X, _ = lasso()
    L = np.linalg.eigvalsh(X.T @ X / 40)[-1]
    step, cls = 0.9 / L, fp.HeavyBall if kind == "heavy_ball" else fp.Nesterov
    sol = fp.solve(problem, wrt=wrt, algorithm=cls(step, b), derivative="piggyback",
                   tol=1e-13, trace=True)  # fmt: skip
    S = np.flatnonzero(sol.x)
    rate = radius(kind, np.linalg.eigvalsh(X[:, S].T @ X[:, S] / 40), step, b)
    for change in (sol.trace.change, sol.trace.tangent_change):
        # They oscillate: a line through the last two thirds.
        k = np.arange(len(change) // 3, len(change))
        slope = np.polyfit(k, np.log(change[k]), 1)[0]
        assert np.exp(slope) == pytest.approx(rate, rel=0.02)


def slope_of_growth(X, y, V, step):
    """``step norm(P_ker(X) V'r)/n``: what the tangent gains a step of gradient descent."""
    r = y - X @ np.linalg.pinv(X) @ y
    _, size, rows = np.linalg.svd(X)
    kernel = rows[np.sum(size > 1e-10) :]
    return step * np.linalg.norm(kernel @ V[:, :, 0].T @ r) / len(y)


# Thousands of steps: too slow without the compiler.
@pytest.mark.compiled
@pytest.mark.parametrize("mode", ["piggyback", "late", "frozen"])
@pytest.mark.parametrize("algorithm", ["forward_backward", *KINDS])
def test_rank_deficient_least_squares_grows(algorithm, mode):
    """The iterates converge; J grows linearly, with momentum 1/(1 - b) times as fast."""
    problem, wrt, X, y = lasso(p=8, alpha=0.0, copies=1)
    L = np.linalg.eigvalsh(X.T @ X / 40)[-1]
    wanted, b = slope_of_growth(X, y, wrt["X"], 0.9 / L), 0.5
    options = {
        "forward_backward": fp.ForwardBackward(0.9 / L),
        "fista": fp.FISTA(0.9 / L),
        "heavy_ball": fp.HeavyBall(0.9 / L, b),
        "nesterov": fp.Nesterov(0.9 / L, b),
    }
    with pytest.warns(fp.FastpiggyWarning, match="the tangent grows"):
        sol = fp.solve(problem, wrt=wrt, algorithm=options[algorithm], derivative=mode,
                       max_iter=3000, trace=True)  # fmt: skip
    found = sol.certificate
    assert found.status == "not_contracting" and np.isfinite(sol.jacobian["X"]).all()
    if algorithm == "fista":
        # Its momentum, and with it the slope, is what the restarts leave.
        assert found.growth.kind in ("linear", "power") and found.growth.slope > wanted
        return
    assert found.growth.kind == "linear" and found.growth.factor == 1.0
    slower = 1.0 if algorithm == "forward_backward" else 1 - b
    assert found.growth.slope * slower == pytest.approx(wanted, rel=1e-4)


@pytest.mark.compiled
def test_a_run_that_grows_is_ended():
    problem, wrt, *_ = lasso(p=8, alpha=0.0, copies=1)
    with pytest.warns(fp.FastpiggyWarning, match="grows linearly"):
        sol = fp.solve(problem, wrt=wrt, algorithm="heavy_ball", derivative="piggyback")
    assert 4096 <= sol.iterations < 20_000


def test_options_are_checked():
    problem, *_ = lasso()
    for cls, text in ((fp.HeavyBall, r"2 \(1 \+ momentum\)/L"), (fp.FISTA, r"4/\(3 L\)"),
                      (fp.Nesterov, r"2 \(1 \+ momentum\)/\(1 \+ 2 momentum\)/L")):  # fmt: skip
        with pytest.raises(ValueError, match=f"step must be below {text}"):
            fp.solve(problem, algorithm=cls(step=100.0))
        with pytest.raises(ValueError, match="step must be a finite number in"):
            cls(step=-1.0)
    for cls in (fp.HeavyBall, fp.Nesterov):
        with pytest.raises(ValueError, match="momentum must be in"):
            cls(momentum=1.0)
        with pytest.raises(TypeError, match="momentum must be a real number"):
            cls(momentum="high")
    with pytest.raises(TypeError, match="restart must be True or False"):
        fp.FISTA(restart=1)


def test_ugly_problems():
    """More columns than rows, zero columns, alpha above alpha_max, scales far apart."""
    rng = np.random.default_rng(0)
    for X, y, alpha in [
        (rng.standard_normal((6, 9)) * np.append(0.0, np.ones(8)), rng.standard_normal(6), 0.1),
        (rng.standard_normal((8, 3)), rng.standard_normal(8), 1e3),
        (1e4 * rng.standard_normal((8, 3)), 1e-4 * rng.standard_normal(8), 1e-2),
    ]:
        V, v = rng.standard_normal((*X.shape, 1)), rng.standard_normal((len(y), 1))
        x, J = closed_form(X, y, alpha, V[:, :, 0], v[:, 0])
        for kind in KINDS:
            sol = fp.solve(fp.lasso(X, y, alpha), wrt={"alpha": None, "X": V, "y": v},
                           algorithm=kind, derivative="piggyback")  # fmt: skip
            assert sol.certificate.status == "converged", (kind, sol.certificate.message)
            np.testing.assert_allclose(sol.x, x, atol=1e-7 * abs(x).max())
            for name, wanted in J.items():
                found = sol.jacobian[name].reshape(wanted.shape)
                np.testing.assert_allclose(found, wanted, atol=1e-6 * max(abs(wanted).max(), 1e-9))


def test_a_held_iterate_is_not_moved():
    case = make_case("ForwardBackward", "rows", "LeastSquares", "L1")
    x, J = np.arange(5.0), np.zeros((case.m, 5))
    state = start_state(case, x, J)
    case.algorithm = inertial(FISTA, case.steps, 0.0, np.zeros(5), J)
    run_case(case, state, 5, moving=False)
    np.testing.assert_array_equal(state.x, np.arange(5.0))
