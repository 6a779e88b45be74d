"""One-sided derivatives at kinks: against paths, closed forms, enumeration and differences."""

import itertools
import pickle

import numpy as np
import pytest
from sklearn.linear_model import lars_path

import fastpiggy as fp

pytestmark = pytest.mark.filterwarnings("ignore::fastpiggy.FastpiggyWarning")


def data(n=40, p=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    return X, X[:, :4] @ [1.0, -2.0, 1.5, 0.5] + rng.standard_normal(n), rng


def solved(problem):
    sol = fp.solve(problem, tol=1e-13)
    return np.append(sol.x, sol.intercept)


def differences(problem, name, v, h):
    """One side (the sign of h) by differences of solutions, extrapolated twice over h."""
    value, at = problem.parameters[name], solved(problem)

    def quotient(step):
        return (solved(problem.replace(**{name: value + step * v})) - at) / step

    return (8 * quotient(h / 4) - 6 * quotient(h / 2) + quotient(h)) / 3


def agrees(problem, name, v=None, sides=("left", "right"), rtol=1e-6, h=2e-4):
    """The derivative along v, or all of a scalar's, equals differences on each side."""
    wrt = name if v is None else {name: v}
    found = fp.solve(problem).one_sided(wrt)
    for side in sides:
        step = h if side == "right" else -h
        expected = differences(problem, name, 1.0 if v is None else v, step)
        J = np.append(getattr(found, side)[name], getattr(found, f"{side}_intercept")[name])
        atol = rtol * abs(expected).max() + 1e-9
        np.testing.assert_allclose(J, expected, rtol=rtol, atol=atol, err_msg=side)
    return found


def tied_lasso(seed, k=4, fit_intercept=False, leaving=True):
    """A lasso with k coordinates exactly on the threshold, by choice of y."""
    X, _, rng = data(n=50, p=15, seed=seed)
    alpha, x, g = 0.3, np.zeros(15), rng.uniform(-0.8, 0.8, 15) * 0.3
    x[:5] = rng.choice([-1.0, 1.0], 5) * rng.uniform(0.5, 2, 5)
    g[:5] = -alpha * np.sign(x[:5])
    g[5 : 5 + k] = alpha * rng.choice([-1.0, 1.0], k)
    A = np.column_stack([X, np.ones(50)]) if fit_intercept else X
    target = np.append(g, 0.0) if fit_intercept else g
    e = 50 * A @ np.linalg.solve(A.T @ A, target)
    return fp.lasso(X, X @ x - e + 0.7 * fit_intercept, alpha, fit_intercept=fit_intercept), rng


# On the path of the lasso


@pytest.mark.parametrize("seed", range(6))
def test_knots_of_a_path(seed):
    """Every knot of sklearn's LARS path: slopes of the segments before and after."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((30, 20)) + 2.0 * rng.standard_normal((30, 1))
    y = X @ rng.standard_normal(20) + rng.standard_normal(30)
    alphas, _, coefs = lars_path(X, y, method="lasso")
    for i in range(1, len(alphas) - 1):
        sol = fp.solve(fp.lasso(X, y, alphas[i]), tol=1e-12)
        np.testing.assert_allclose(sol.x, coefs[:, i], atol=1e-8 * abs(coefs).max())
        found = sol.one_sided("alpha")
        slopes = np.diff(coefs)[:, i - 1 : i + 1] / np.diff(alphas)[i - 1 : i + 1]
        for side, slope in (("right", slopes[:, 0]), ("left", slopes[:, 1])):
            size = abs(slope).max()
            np.testing.assert_allclose(getattr(found, side)["alpha"], slope, atol=1e-6 * size)


def test_paths_hold_leaving_coordinates():
    """A coordinate that reaches zero from the active side as alpha falls."""
    total = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((30, 20)) + 2.0 * rng.standard_normal((30, 1))
        y = X @ rng.standard_normal(20) + rng.standard_normal(30)
        alphas, _, coefs = lars_path(X, y, method="lasso")
        for i in range(1, len(alphas) - 1):
            # sklearn leaves rounding where a coefficient reaches zero.
            on = np.abs(coefs[:, i - 1 : i + 2]) > 1e-10
            left = np.flatnonzero(on[:, 0] & ~on[:, 1] & ~on[:, 2])
            for j in left:
                total += 1
                found = fp.solve(fp.lasso(X, y, alphas[i]), tol=1e-12).one_sided("alpha")
                assert j in found.kinks
                assert found.left["alpha"][j] == 0.0 and found.right["alpha"][j] != 0.0
    assert total >= 3


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_alpha_max(fit_intercept):
    X, y, _ = data()
    problem = fp.lasso(X, y, 1.0, fit_intercept=fit_intercept)
    problem = problem.replace(alpha=problem.alpha_max())
    found = agrees(problem, "alpha")
    assert found.kinks.size == 1 and not np.any(found.right["alpha"])


def test_all_enter_at_alpha_max():
    """Every column ties at alpha_max: left is -sign over the restricted problem's solution."""
    X, _, rng = data(n=30, p=8)
    g = 0.4 * rng.choice([-1.0, 1.0], 8)
    y = -30 * X @ np.linalg.solve(X.T @ X, g)
    found = fp.solve(fp.lasso(X, -y, 0.4)).one_sided("alpha")
    assert found.kinks.size == 8 and not np.any(found.right["alpha"])
    agrees(fp.lasso(X, -y, 0.4), "alpha", sides=("left",))
    negated = fp.solve(fp.lasso(X, y, 0.4)).one_sided("alpha")
    np.testing.assert_allclose(negated.left["alpha"], -found.left["alpha"], rtol=1e-10)


# Ties


def test_orthogonal_ties():
    y = np.array([3.0, 1.0, -1.0, 1.0, 0.2])
    found = fp.solve(fp.lasso(np.eye(5), y, 0.2)).one_sided("alpha")
    np.testing.assert_allclose(found.left["alpha"], [-5, -5, 5, -5, 0], atol=1e-12)
    np.testing.assert_allclose(found.right["alpha"], [-5, 0, 0, 0, 0], atol=1e-12)
    np.testing.assert_array_equal(found.kinks, [1, 2, 3])
    V = np.array([[1.0, 0], [1, 0], [1, 1], [-1, 1], [1, 0]])
    found = fp.solve(fp.lasso(np.eye(5), y, 0.2)).one_sided({"y": V})
    np.testing.assert_allclose(found.right["y"], [[1, 0], [1, 0], [0, 0], [0, 1], [0, 0]])
    np.testing.assert_allclose(found.left["y"], [[1, 0], [0, 0], [1, 1], [-1, 0], [0, 0]])


def enumerated(X, y, alpha, side):
    """The derivative along alpha by trying every subset of the kinks, with plain linear algebra."""
    n, sol = len(y), fp.solve(fp.lasso(X, y, alpha), tol=1e-13)
    g = X.T @ (X @ sol.x - y) / n
    S = np.flatnonzero(np.abs(sol.x) > 1e-9)
    K = np.flatnonzero((np.abs(sol.x) <= 1e-9) & (np.abs(np.abs(g) - alpha) < 1e-9))
    s = -np.sign(g)
    for size in range(len(K) + 1):
        for chosen in itertools.combinations(K, size):
            A = np.concatenate([S, np.array(chosen, dtype=int)])
            H = X[:, A].T @ X[:, A] / n
            d = np.zeros(X.shape[1])
            d[A] = -side * np.linalg.solve(H, s[A])
            slope = s * (X.T @ (X @ d) / n) + side  # of s_j (g_j + alpha s_j), not below 0 off A
            rest = np.setdiff1d(K, chosen)
            entered = np.array(chosen, dtype=int)
            if np.all(s[entered] * d[entered] >= -1e-12) and np.all(slope[rest] >= -1e-12):
                return side * d
    raise AssertionError("no subset fits")


@pytest.mark.parametrize("seed", range(12))
def test_random_ties(seed):
    problem, _ = tied_lasso(seed, k=1 + seed % 8)
    found = fp.solve(problem).one_sided("alpha")
    assert found.kinks.size == 1 + seed % 8
    X, y = problem.design.X, problem.loss.y
    for side, J in ((-1.0, found.left["alpha"]), (1.0, found.right["alpha"])):
        np.testing.assert_allclose(J, enumerated(X, y, problem.penalty.alpha, side), atol=1e-9)


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("name", ["alpha", "weights", "y", "sample_weight", "X"])
def test_ties_along_every_parameter(name, fit_intercept):
    problem, rng = tied_lasso(3, k=5, fit_intercept=fit_intercept)
    if name == "X":
        X, y = problem.design.X, problem.loss.y
        V = rng.standard_normal(X.shape)
        found = fp.solve(problem).one_sided({"X": V[..., None]})
        at = solved(problem)
        for sign, side in ((-1.0, "left"), (1.0, "right")):
            quotients = []
            for h in (2e-4, 1e-4, 5e-5):
                moved = fp.lasso(X + sign * h * V, y, 0.3, fit_intercept=fit_intercept)
                quotients.append(sign * (solved(moved) - at) / h)
            expected = (8 * quotients[2] - 6 * quotients[1] + quotients[0]) / 3
            J = np.append(getattr(found, side)["X"], getattr(found, side + "_intercept")["X"])
            np.testing.assert_allclose(J, expected, atol=1e-6 * abs(expected).max())
        return
    value = problem.parameters[name]
    v = None if name == "alpha" else rng.standard_normal(np.shape(value))
    found = agrees(problem, name, v)
    assert found.kinks.size == 5
    assert abs(found.left[name] - found.right[name]).max() > 1e-3


def test_shapes_and_intercept_by_direction():
    problem, rng = tied_lasso(5, k=3, fit_intercept=True)
    sol = fp.solve(problem, wrt=["alpha", "weights"])
    V = rng.standard_normal((50, 3))
    found = sol.one_sided(["alpha", "weights"])
    for name in ("alpha", "weights"):
        assert found.left[name].shape == sol.jacobian[name].shape
        assert np.shape(found.right_intercept[name]) == np.shape(sol.intercept_jacobian[name])
    many = sol.one_sided({"y": V})
    assert many.left["y"].shape == (15, 3) and many.left_intercept["y"].shape == (3,)
    for k in range(3):
        one = sol.one_sided({"y": V[:, k]})
        np.testing.assert_allclose(one.right["y"], many.right["y"][:, k], atol=1e-13)
        turned = sol.one_sided({"y": -V[:, k]})
        np.testing.assert_allclose(turned.left["y"], -one.right["y"], atol=1e-13)
    again = pickle.loads(pickle.dumps(sol)).one_sided({"y": V})
    np.testing.assert_allclose(again.left["y"], many.left["y"], atol=1e-12)
    assert "3 kinks" in repr(found)


# Other losses and penalties: a threshold or a bound put where the solution stands


def thresholded(problem, k, l1=1.0):
    """The same solution with k inactive coordinates exactly on their threshold."""
    sol = fp.solve(problem, tol=1e-13)
    V = np.zeros(problem.shape[1])
    zero = np.flatnonzero(sol.x == 0)[:k]
    assert zero.size == k
    # The gradient from the derivative of the objective is not needed: by its formula.
    z = problem.design.X @ sol.x + sol.intercept
    loss = problem.loss
    name = type(loss).__name__
    if name == "Logistic":
        slope = -loss.sample_weight * loss.y / (1 + np.exp(loss.y * z))
    else:
        slope = z - loss.y
        if name == "Huber":
            slope = np.clip(slope, -loss.delta, loss.delta)
        slope = loss.sample_weight * slope
    g = problem.design.X.T @ slope
    V[:] = problem.penalty.weights
    V[zero] = np.abs(g[zero]) / (problem.penalty.alpha * l1)
    return problem.replace(weights=V)


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("kind", ["elastic_net", "logistic", "logistic_l1", "huber"])
def test_curved_and_elastic(kind, fit_intercept):
    X, y, rng = data(n=60, p=12, seed=4)
    s = rng.uniform(0.5, 2.0, 60)
    l1 = 1.0 if kind in ("logistic_l1", "huber") else 0.7
    if kind == "elastic_net":
        problem = fp.elastic_net(X, y, 0.3, l1, sample_weight=s, fit_intercept=fit_intercept)
    elif kind == "huber":
        loss = fp.losses.Huber(y, s / s.sum(), 0.8)
        problem = fp.Problem(loss, fp.penalties.L1(0.2, np.ones(12)), X, fit_intercept)
    else:
        labels = (y > 0).astype(int)
        problem = fp.logistic(X, labels, 0.06, l1, sample_weight=s, fit_intercept=fit_intercept)
    problem = thresholded(problem, 3, l1)
    found = agrees(problem, "alpha", h=1e-4)
    assert found.kinks.size == 3
    agrees(problem, "weights", rng.standard_normal(12), h=1e-4)
    agrees(problem, "sample_weight", rng.standard_normal(60) * 0.01, h=1e-3)
    if kind in ("elastic_net", "logistic"):
        agrees(problem, "l1_ratio", h=1e-4)
    if kind == "huber":
        agrees(problem, "delta", h=1e-4)


def test_zero_weights_are_free():
    X, y, _ = data(seed=6)
    w = np.ones(12)
    w[[0, 7]] = 0.0
    problem = thresholded(fp.lasso(X, y, 0.4, weights=w), 2)
    found = agrees(problem, "alpha")
    assert found.kinks.size == 2 and 7 not in found.kinks
    # Below zero there are no weights.
    v = np.zeros(12)
    v[7] = 1.0
    found = agrees(problem, "weights", v, sides=("right",))
    assert np.all(np.isnan(found.left["weights"]))


@pytest.mark.parametrize("seed", range(3))
def test_nonnegative(seed):
    X, y, rng = data(seed=seed)
    loss = fp.losses.LeastSquares(y, np.full(40, 1 / 40))
    problem = fp.Problem(loss, fp.penalties.NonnegativeL1(0.1, np.ones(12)), X)
    sol = fp.solve(problem, tol=1e-13)
    g = X.T @ (X @ sol.x - y) / 40
    able = np.flatnonzero((sol.x == 0) & (g < 0))[:3]
    w = np.ones(12)
    w[able] = -g[able] / 0.1
    assert able.size
    problem = problem.replace(weights=w)
    assert agrees(problem, "alpha").kinks.size == able.size
    agrees(problem, "y", rng.standard_normal(40))


def test_nonnegative_least_squares():
    """At alpha = 0 there is only a right derivative along alpha."""
    y = np.array([2.0, 0.0, -1.0])
    loss = fp.losses.LeastSquares(y, np.ones(3))
    problem = fp.Problem(loss, fp.penalties.NonnegativeL1(0.0, np.ones(3)), np.eye(3))
    found = fp.solve(problem).one_sided("alpha")
    np.testing.assert_allclose(found.right["alpha"], [-1, 0, 0], atol=1e-14)
    assert np.all(np.isnan(found.left["alpha"]))
    found = fp.solve(problem).one_sided({"y": np.ones(3)})
    np.testing.assert_allclose(found.right["y"], [1, 1, 0], atol=1e-14)
    np.testing.assert_allclose(found.left["y"], [1, 0, 0], atol=1e-14)


def test_box():
    """Bounds put exactly where the free solution stands: zero multipliers, both kinds of bound."""
    X, y, rng = data(seed=7)
    loss = fp.losses.LeastSquares(y, np.full(40, 1 / 40))
    lower, upper = np.full(12, -0.3), np.full(12, 0.4)
    free = fp.Problem(loss, fp.penalties.Box(lower, upper), X)
    x = fp.solve(free, tol=1e-13).x
    inside = np.flatnonzero((x > lower) & (x < upper))
    lower[inside[:2]], upper[inside[2:4]] = x[inside[:2]], x[inside[2:4]]
    problem = fp.Problem(loss, fp.penalties.Box(lower, upper), X)
    v = rng.standard_normal(40)
    assert agrees(problem, "y", v).kinks.size == 4
    agrees(problem, "lower", rng.standard_normal(12))
    agrees(problem, "upper", rng.standard_normal(12))


def test_mcp():
    """Both kinks of a penalty that is not convex, where the solution is a strict minimum."""
    y = np.array([3.0, 1.0, -2.0, 0.5])
    loss = fp.losses.LeastSquares(y, np.ones(4))
    problem = fp.Problem(loss, fp.penalties.MCP(1.0, 2.0, np.ones(4)), np.eye(4))
    found = fp.solve(problem).one_sided("alpha")
    # Firm threshold: 2 (abs(y) - alpha) up to 2 alpha.
    np.testing.assert_allclose(found.left["alpha"], [0, -2, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found.right["alpha"], [0, 0, 2, 0], atol=1e-12)
    np.testing.assert_array_equal(found.kinks, [1, 2])


@pytest.mark.parametrize("seed", range(3))
def test_two_slopes_at_a_kink(seed):
    """Where MCP levels off both sides move; beyond it the solution does not depend on weights."""
    X, y, rng = data(n=80, p=8, seed=seed)
    loss = fp.losses.LeastSquares(y, np.full(80, 1 / 80))
    problem = fp.Problem(loss, fp.penalties.MCP(0.05, 5.0, np.ones(8)), X)
    sol = fp.solve(problem, tol=1e-13)
    beyond = np.flatnonzero(np.abs(sol.x) > 0.25)[:3]
    w = np.ones(8)
    w[beyond] = np.abs(sol.x[beyond]) / 0.25
    problem = problem.replace(weights=w)
    found = agrees(problem, "y", rng.standard_normal(80))
    assert set(beyond) <= set(found.kinks) and beyond.size
    agrees(problem, "alpha", h=1e-5)
    agrees(problem, "weights", rng.standard_normal(8))


# Trend filters


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_trend_filter_at_alpha_max(degree):
    y = np.cumsum(np.random.default_rng(degree).standard_normal(25))
    problem = fp.trend_filter(y, 1.0, degree)
    problem = problem.replace(alpha=problem.alpha_max())
    found = fp.solve(problem).one_sided("alpha")
    assert found.kinks.size and abs(found.right["alpha"]).max() < 1e-12
    h = 1e-6 * problem.alpha
    x = [
        fp.solve(problem.replace(alpha=a), tol=1e-12).x for a in (problem.alpha - h, problem.alpha)
    ]
    expected = (x[1] - x[0]) / h
    np.testing.assert_allclose(found.left["alpha"], expected, atol=1e-6 * abs(expected).max())
    v = np.random.default_rng(9).standard_normal(25)
    along = fp.solve(problem).one_sided({"y": v})
    for sign, side in ((-1.0, along.left), (1.0, along.right)):
        moved = fp.solve(fp.trend_filter(y + sign * 1e-5 * v, problem.alpha, degree), tol=1e-12).x
        expected = sign * (moved - x[1]) / 1e-5
        np.testing.assert_allclose(side["y"], expected, atol=1e-6 * abs(expected).max())


def test_total_variation_ties():
    """A symmetric bump: both of its ends appear at once."""
    y = np.array([0.0, 0, 3, 0, 0])
    problem = fp.trend_filter(y, 1.0, 0)
    problem = problem.replace(alpha=problem.alpha_max())
    found = fp.solve(problem).one_sided("alpha")
    assert found.kinks.size == 2
    # The middle falls by 2 alpha, either pair of ends rises by alpha/2.
    np.testing.assert_allclose(found.left["alpha"], [0.5, 0.5, -2, 0.5, 0.5], atol=1e-10)
    np.testing.assert_allclose(found.right["alpha"], 0.0, atol=1e-12)
