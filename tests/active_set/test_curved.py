"""Curved losses by the active set: optimality and tangents by linear systems in NumPy."""

import numpy as np
import pytest
from naive import soft_thresholds as naive
from scipy.sparse import csc_array

import fastpiggy as fp
from fastpiggy.compile.flags import COMPILED

MAKERS = {"logistic": fp.logistic, "squared_hinge": fp.squared_hinge, "huber": fp.huber}
#: With and without intercept for one loss: each pair compiles for ten seconds.
PAIRS = [("logistic", False), *((name, True) for name in MAKERS)]


def make(name, X, z, alpha=0.03, ratio=1.0, **arguments):
    """The problem of that loss, with targets or labels from z."""
    if name != "huber":
        return MAKERS[name](X, np.where(z > 0.3, 1, 0), alpha, ratio, **arguments)
    weights, s = (arguments.get(key) for key in ("weights", "sample_weight"))
    if ratio == 1.0:
        return fp.huber(X, z, alpha, delta=1.2, **arguments)
    # The elastic net with this loss has no name of its own.
    n, p = X.shape
    s = np.ones(n) if s is None else s
    loss = fp.losses.Huber(z, s / s.sum(), 1.2, 0.0)
    penalty = fp.penalties.ElasticNet(alpha, ratio, np.ones(p) if weights is None else weights)
    return fp.Problem(loss, penalty, X, fit_intercept=arguments.get("fit_intercept", False))


def data(n, p, seed=0, sparse=False):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.3 * rng.standard_normal((n, 1))
    if sparse:
        X *= rng.random((n, p)) < 0.5
    return X, X[:, :3] @ [1.5, -2.0, 1.0] + 1.5 * rng.standard_normal(n), rng


def solve(problem, wrt=("alpha",), **options):
    return fp.solve(problem, wrt=list(wrt), algorithm="active_set", **options)


def check(problem, sol, wrt=("alpha",), rtol=1e-6):
    assert sol.algorithm == sol.cost.way == "active_set"
    assert sol.certificate.status == "converged", sol.certificate.message
    found = naive.at(problem, sol)
    scale = max(problem.penalty.alpha, 1e-3 * problem.alpha_max())
    assert found.violation <= 1.01e-9 * scale
    for name in wrt:
        wanted, along = found.J[name], found.along[name]
        size = np.abs(wanted).max(initial=0.0)
        np.testing.assert_allclose(sol.jacobian[name], wanted, rtol=rtol, atol=rtol * size)
        slack = rtol * max(size, abs(along))
        assert sol.intercept_jacobian[name] == pytest.approx(along, abs=slack)
    return found


@pytest.mark.parametrize(("name", "intercept"), PAIRS)
def test_every_loss(name, intercept):
    X, z, _ = data(50, 12, seed=1)
    problem = make(name, X, z, fit_intercept=intercept)
    found = check(problem, solve(problem))
    assert found.support.size > 2


def test_sparse_columns():
    X, z, _ = data(50, 12, seed=2, sparse=True)
    problem = make("huber", csc_array(X), z, fit_intercept=True)
    check(problem, solve(problem))


@pytest.mark.parametrize("name", MAKERS)
def test_elastic_net_with_weights_of_all_kinds(name):
    X, z, rng = data(60, 10, seed=3)
    w, s = rng.uniform(0.5, 1.5, 10), rng.uniform(0.5, 1.5, 60)
    w[4], s[[0, 7]] = 0.0, 0.0
    problem = make(name, X, z, 0.05, 0.6, weights=w, sample_weight=s, fit_intercept=True)
    found = check(problem, solve(problem, ("alpha", "l1_ratio")), ("alpha", "l1_ratio"))
    assert 4 in found.support


@pytest.mark.compiled
@pytest.mark.parametrize("name", MAKERS)
def test_coordinate_descent_finds_the_same(name):
    X, z, rng = data(40, 8, seed=4)
    problem = make(name, X, z, fit_intercept=True)
    wrt = {"alpha": None, "sample_weight": rng.choice([-1.0, 1.0], 40)}
    a = fp.solve(problem, wrt=wrt, algorithm="active_set")
    b = fp.solve(problem, wrt=wrt, algorithm="coordinate_descent", derivative="implicit", tol=1e-11)
    np.testing.assert_allclose(a.x, b.x, atol=1e-8)
    assert a.intercept == pytest.approx(b.intercept, abs=1e-8)
    assert a.objective == pytest.approx(b.objective, rel=1e-12)
    for key in wrt:
        np.testing.assert_allclose(a.jacobian[key], b.jacobian[key], rtol=1e-6, atol=1e-7)
    v = rng.standard_normal(8)
    for key, value in b.vjp(v, intercept=0.5).items():
        np.testing.assert_allclose(a.vjp(v, intercept=0.5)[key], value, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", MAKERS)
def test_central_differences(name):
    X, z, _ = data(40, 8, seed=5)
    problem = make(name, X, z, fit_intercept=True)
    sol, h = solve(problem, tol=1e-12), 3e-6
    alpha = problem.penalty.alpha
    up, down = (solve(problem.replace(alpha=alpha + e), (), tol=1e-12) for e in (h, -h))
    assert np.array_equal(up.x != 0, down.x != 0)
    difference = (up.x - down.x) / (2 * h)
    np.testing.assert_allclose(sol.jacobian["alpha"], difference, rtol=1e-6, atol=1e-6)
    difference = (up.intercept - down.intercept) / (2 * h)
    assert sol.intercept_jacobian["alpha"] == pytest.approx(difference, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("times", [0.3, 1.25, 5.0])
def test_warm_starts_give_the_same_numbers(name, times):
    X, z, _ = data(50, 12, seed=6)
    problem = make(name, X, z, fit_intercept=True)
    before = solve(problem.replace(alpha=0.03 * times), ())
    cold, warm = solve(problem), solve(problem, x0=before)
    check(problem, warm)
    np.testing.assert_allclose(warm.x, cold.x, atol=1e-8)
    np.testing.assert_allclose(warm.jacobian["alpha"], cold.jacobian["alpha"], atol=1e-5)


@pytest.mark.parametrize(("name", "intercept"), PAIRS)
def test_alpha_beyond_its_largest(name, intercept):
    X, z, _ = data(30, 6, seed=7)
    problem = make(name, X, z, fit_intercept=intercept)
    problem = problem.replace(alpha=1.1 * problem.alpha_max())
    sol = solve(problem)
    assert not sol.x.any() and not sol.jacobian["alpha"].any()
    check(problem, sol)


@pytest.mark.parametrize("name", ["logistic", "huber"])
def test_more_columns_than_rows(name):
    n, p = (20, 40) if not COMPILED else (40, 150)
    X, z, _ = data(n, p, seed=8)
    problem = make(name, X, z, alpha=1.0, fit_intercept=True)
    problem = problem.replace(alpha=0.1 * problem.alpha_max())
    found = check(problem, solve(problem))
    assert found.support.size > 5


def test_separable_labels():
    X, z, _ = data(30, 5, seed=9)
    z = 4 * X[:, 0] + 0.3
    problem = make("logistic", X, z, alpha=1e-3, fit_intercept=True)
    check(problem, solve(problem), rtol=1e-5)


@pytest.mark.compiled
def test_rows_beyond_the_knee_alone_have_no_curvature():
    """Huber's loss far from its targets is linear: the first steps lean on the others' size."""
    X, z, _ = data(30, 5, seed=10)
    problem = make("huber", X, 100.0 * np.sign(z), alpha=1e-3)
    sol = fp.solve(problem, wrt="alpha")
    found = naive.at(problem, sol) if sol.certificate.status == "converged" else None
    if found is not None:
        assert found.violation <= 1.01e-9 * max(1e-3, 1e-3 * problem.alpha_max())


@pytest.mark.parametrize("name", MAKERS)
def test_a_working_set_that_outgrows_its_arrays(name, monkeypatch):
    from fastpiggy.solving import workspace

    monkeypatch.setattr(workspace, "_FIRST_ROOM", 34)
    monkeypatch.setattr(workspace, "_idle", [])
    X, z, rng = data(120, 60, seed=11)
    z = z + X @ rng.standard_normal(60)
    problem = make(name, X, z, alpha=0.001, fit_intercept=True)
    found = check(problem, solve(problem), rtol=1e-5)
    assert found.support.size > 34
    start = rng.standard_normal(60)
    check(problem, solve(problem, x0=start), rtol=1e-5)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("ignore::fastpiggy.FastpiggyWarning")
def test_columns_that_depend_on_others_leave_a_solution(seed):
    # What the last factor leaves out had its coefficient set to zero: x was none any more.
    X, z, rng = data(50, 12, seed=seed)
    X[:, 6] = X[:, 2] + 1e-10 * (seed % 2) * rng.standard_normal(50)
    X[:, 7] = -X[:, 1]
    problem = make("huber", X, z, alpha=1.0, fit_intercept=True)
    problem = problem.replace(alpha=0.01 * problem.alpha_max())
    sol = solve(problem)
    alpha, r = problem.penalty.alpha, np.clip(X @ sol.x + sol.intercept - z, -1.2, 1.2) / 50
    g, on = X.T @ r, sol.x != 0
    assert np.abs(g + alpha * np.sign(sol.x))[on].max() < 1e-8 * alpha
    assert np.abs(g)[~on].max(initial=0.0) <= alpha * (1 + 1e-8)
    assert abs(r.sum()) < 1e-8 * alpha
    assert sol.certificate.status == "singular_active_set"
