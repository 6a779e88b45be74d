"""Least squares by the active set: optimality and tangents against linear systems in NumPy."""

import warnings

import numpy as np
import pytest
from naive import soft_thresholds as naive
from scipy.sparse import csc_array

import fastpiggy as fp
from fastpiggy.compile.flags import COMPILED

#: Plain Python does with less.
SMALL = not COMPILED

STORAGES = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "CSC": csc_array,
}


def data(n, p, seed=0, rho=0.3, support=5, sparse=False):
    """Correlated columns, a few of which make y."""
    rng = np.random.default_rng(seed)
    X = np.sqrt(1 - rho) * rng.standard_normal((n, p)) + np.sqrt(rho) * rng.standard_normal((n, 1))
    if sparse:
        X *= rng.random((n, p)) < 0.4
    w = np.zeros(p)
    w[rng.choice(p, min(support, p), replace=False)] = rng.choice([-2.0, 1.5], min(support, p))
    return X, X @ w + rng.standard_normal(n), rng


def solve(problem, wrt=("alpha",), **options):
    return fp.solve(problem, wrt=list(wrt), algorithm="active_set", **options)


def check(problem, sol, wrt=("alpha",), rtol=1e-8):
    """The way that was asked for, and what it found."""
    assert sol.algorithm == "active_set"
    assert sol.certificate.status == "converged", sol.certificate.message
    found = naive.at(problem, sol)
    scale = max(problem.penalty.alpha, 1e-3 * problem.alpha_max())
    assert found.violation <= max(1e-9, 2 * sol.certificate.floor) * scale
    for name in wrt:
        wanted, along = found.J[name], found.along[name]
        size = np.abs(wanted).max(initial=0.0)
        np.testing.assert_allclose(sol.jacobian[name], wanted, rtol=rtol, atol=rtol * size)
        mean = np.abs(naive.matrix(problem).mean(axis=0)).max()
        slack = rtol * (abs(along) + size * mean)
        assert sol.intercept_jacobian[name] == pytest.approx(along, rel=rtol, abs=slack)
    assert sol.certificate.tangent_error <= 1e-6 * max(np.linalg.norm(found.J["alpha"]), 1e-300)
    return found


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("shape", [(40, 12), (15, 30)])
def test_storages_and_intercept(storage, intercept, shape):
    X, y, _ = data(*shape, seed=1, sparse=storage == "CSC")
    problem = fp.lasso(STORAGES[storage](X + 0.5 * (storage != "CSC")), y + 2.0, alpha=0.1,
                       fit_intercept=intercept)  # fmt: skip
    found = check(problem, solve(problem))
    assert 0 < found.support.size <= min(shape)


@pytest.mark.parametrize("ratio", [1.0, 0.7, 0.05])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("storage", ["F", "CSC"])
def test_elastic_net_with_weights_of_all_kinds(ratio, intercept, storage):
    X, y, rng = data(30, 14, seed=2, sparse=storage == "CSC")
    w, s = rng.uniform(0.5, 1.5, 14), rng.uniform(0.5, 1.5, 30)
    w[[3, 8]], s[[0, 5, 6]] = 0.0, 0.0
    make = fp.elastic_net if ratio < 1 else fp.lasso
    arguments = {"l1_ratio": ratio} if ratio < 1 else {}
    problem = make(STORAGES[storage](X), y + 1.0, alpha=0.2, weights=w, sample_weight=s,
                   fit_intercept=intercept, **arguments)  # fmt: skip
    wrt = ("alpha", "l1_ratio") if ratio < 1 else ("alpha",)
    found = check(problem, solve(problem, wrt), wrt)
    assert {3, 8} <= set(found.support)


@pytest.mark.parametrize("make", [fp.lasso, fp.elastic_net])
def test_central_differences(make):
    X, y, rng = data(25, 10, seed=3)
    arguments = {"l1_ratio": 0.6} if make is fp.elastic_net else {}
    problem = make(X, y, alpha=0.15, weights=rng.uniform(0.5, 1.5, 10), fit_intercept=True,
                   **arguments)  # fmt: skip
    names = ["alpha", *arguments]
    sol = solve(problem, names)
    for name in names:
        value, h = getattr(problem.penalty, name), 1e-5
        up, down = (solve(problem.replace(**{name: value + e})) for e in (h, -h))
        assert np.array_equal(up.x != 0, down.x != 0)
        difference = (up.x - down.x) / (2 * h)
        np.testing.assert_allclose(sol.jacobian[name], difference, rtol=1e-7, atol=1e-8)
        difference = (up.intercept - down.intercept) / (2 * h)
        assert sol.intercept_jacobian[name] == pytest.approx(difference, rel=1e-6, abs=1e-8)


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["y", "weights", "sample_weight"])
def test_other_parameters_agree_with_coordinate_descent(name):
    X, y, rng = data(25, 10, seed=4)
    problem = fp.lasso(X, y, alpha=0.1, weights=rng.uniform(0.5, 1.5, 10), fit_intercept=True)
    V = {name: rng.choice([-1.0, 1.0], 10 if name == "weights" else 25)}
    found = fp.solve(problem, wrt=V, algorithm="active_set")
    wanted = fp.solve(problem, wrt=V, algorithm="coordinate_descent", derivative="implicit")
    assert found.algorithm == "active_set"
    np.testing.assert_allclose(found.jacobian[name], wanted.jacobian[name], rtol=1e-7, atol=1e-9)
    v = rng.standard_normal(10)
    a, b = found.vjp(v, intercept=0.3), wanted.vjp(v, intercept=0.3)
    for key in b:
        np.testing.assert_allclose(a[key], b[key], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("n, p", [(12, 40)] if SMALL else [(12, 40), (30, 400), (60, 300)])
@pytest.mark.parametrize("rho", [0.0, 0.8])
def test_support_near_the_number_of_rows(n, p, rho):
    X, y, _ = data(n, p, seed=5, rho=rho, support=n)
    problem = fp.lasso(X, y, alpha=1.0)
    problem = problem.replace(alpha=problem.alpha_max() / 1000)
    found = check(problem, solve(problem), rtol=1e-6)
    assert found.support.size > 0.7 * n


@pytest.mark.parametrize("n, p, seed", [(18, 35, 24), (6, 16, 69), (5, 6, 214), (15, 40, 14)])
def test_support_as_large_as_the_number_of_rows(n, p, seed):
    """Where a column that is to enter depends on those that are there."""
    X, y, rng = data(n, p, seed)
    problem = fp.lasso(X, y, alpha=1.0, weights=rng.uniform(0.5, 1.5, p))
    for over in (30.0, 300.0, 1000.0, 3000.0):
        lower = problem.replace(alpha=problem.alpha_max() / over)
        check(lower, solve(lower), rtol=1e-6)


@pytest.mark.parametrize("over", [1.5, 1000.0])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("zero_weights", [False, True])
def test_alpha_beyond_its_largest(over, intercept, zero_weights):
    X, y, _ = data(20, 6, seed=6)
    w = np.ones(6)
    w[:2] = 0.0 if zero_weights else 1.0
    problem = fp.lasso(X, y + 1.0, alpha=1.0, weights=w, fit_intercept=intercept)
    sol = solve(problem := problem.replace(alpha=over * problem.alpha_max()))
    assert not sol.x[2:].any() and bool(sol.x[:2].any()) == zero_weights
    assert not sol.jacobian["alpha"].any()
    check(problem, sol)


def test_alpha_at_its_largest_is_a_kink():
    X, y, _ = data(20, 6, seed=6)
    problem = fp.lasso(X, y, alpha=1.0)
    with pytest.warns(fp.FastpiggyWarning, match="kink"):
        sol = solve(problem.replace(alpha=problem.alpha_max()))
    assert sol.certificate.status == "at_kink" and sol.certificate.kinks.size == 1
    assert np.abs(sol.x).max() < 1e-12


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (1, 1), (2, 3)])
def test_one_row_and_one_column(shape):
    rng = np.random.default_rng(7)
    X, y = rng.standard_normal(shape), rng.standard_normal(shape[0]) + 1.0
    problem = fp.lasso(X, y, alpha=1.0)
    problem = problem.replace(alpha=0.4 * problem.alpha_max())
    found = check(problem, solve(problem))
    assert found.support.size


def test_zero_columns_and_a_constant_target():
    X, y, _ = data(20, 8, seed=8)
    X[:, [0, 5]] = 0.0
    problem = fp.lasso(X, y, alpha=0.1)
    found = check(problem, solve(problem))
    assert not {0, 5} & set(found.support)
    constant = fp.lasso(X, np.full(20, 3.0), alpha=0.1, fit_intercept=True)
    with warnings.catch_warnings(action="ignore", category=fp.FastpiggyWarning):
        sol = solve(constant)
    assert not sol.x.any() and sol.intercept == pytest.approx(3.0, rel=1e-15)
    assert not sol.jacobian["alpha"].any()


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("shape", [(20, 8), (10, 20)])
def test_a_copy_of_an_active_column_is_reported(sign, shape):
    X, y, _ = data(*shape, seed=9)
    alone = fp.lasso(X, y, alpha=0.1)
    reference = solve(alone)
    j = int(np.argmax(np.abs(reference.x)))
    problem = fp.lasso(np.column_stack([X, sign * X[:, j]]), y, alpha=0.1)
    with pytest.warns(fp.FastpiggyWarning):
        sol = solve(problem)
    assert sol.certificate.status == "singular_active_set"
    assert sol.objective == pytest.approx(reference.objective, rel=1e-12)
    found = naive.violations(
        X.T @ (y - naive.matrix(problem) @ sol.x) / len(y), sol.x[:-1], np.full(shape[1], 0.1)
    )
    assert found[np.arange(shape[1]) != j].max() < 1e-9


def test_the_elastic_net_shares_a_coefficient_among_copies():
    X, y, _ = data(20, 8, seed=10)
    j = int(np.argmax(np.abs(X.T @ y)))
    problem = fp.elastic_net(np.column_stack([X, X[:, j]]), y, alpha=0.2, l1_ratio=0.5)
    sol = solve(problem, ("alpha", "l1_ratio"))
    check(problem, sol, ("alpha", "l1_ratio"))
    assert sol.x[j] == pytest.approx(sol.x[-1], rel=1e-9) and sol.x[j] != 0


@pytest.mark.parametrize("of_X, of_y", [(1e8, 1.0), (1e-8, 1.0), (1.0, 1e8), (1e8, 1e-8)])
@pytest.mark.parametrize("intercept", [False, True])
def test_scales(of_X, of_y, intercept):
    X, y, _ = data(25, 10, seed=11)
    plain = fp.lasso(X, y, alpha=0.1, fit_intercept=intercept)
    problem = fp.lasso(of_X * X, of_y * y, alpha=0.1 * of_X * of_y, fit_intercept=intercept)
    a, b = solve(plain), solve(problem)
    assert b.certificate.status == "converged", b.certificate.message
    np.testing.assert_allclose(b.x, a.x * of_y / of_X, rtol=1e-9, atol=1e-12 * of_y / of_X)
    J = a.jacobian["alpha"] / of_X**2
    np.testing.assert_allclose(b.jacobian["alpha"], J, rtol=1e-8, atol=1e-11 / of_X**2)


def test_columns_of_very_different_scales():
    X, y, rng = data(30, 10, seed=12)
    spread = 10.0 ** rng.uniform(-4, 4, 10)
    plain = fp.lasso(X, y, alpha=0.1)
    problem = fp.lasso(X * spread, y, alpha=0.1, weights=spread)
    a, b = solve(plain), solve(problem)
    np.testing.assert_allclose(b.x * spread, a.x, rtol=1e-7, atol=1e-9)
    J = b.jacobian["alpha"] * spread
    np.testing.assert_allclose(J, a.jacobian["alpha"], rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("storage", ["C", "F"])
def test_columns_far_from_zero(storage):
    X, y, _ = data(30, 8, seed=13)
    plain = fp.lasso(X, y, alpha=0.1, fit_intercept=True)
    offset = fp.lasso(STORAGES[storage](X + 1e6), y, alpha=0.1, fit_intercept=True)
    a, b = solve(plain), solve(offset)
    assert b.certificate.optimality <= max(1e-9, b.certificate.floor)
    # Storing X + 1e6 has cost six digits of X.
    np.testing.assert_allclose(b.x, a.x, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(b.jacobian["alpha"], a.jacobian["alpha"], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("times", [0.1, 0.8, 1.25, 10.0])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("shape", [(40, 12), (15, 40)])
def test_warm_starts_give_the_same_numbers(times, intercept, shape):
    X, y, rng = data(*shape, seed=14)
    w = rng.uniform(0.5, 1.5, shape[1])
    problem = fp.lasso(X, y, alpha=0.1, weights=w, fit_intercept=intercept)
    before = solve(problem.replace(alpha=0.1 * times))
    cold, warm = solve(problem), solve(problem, x0=before)
    check(problem, warm)
    np.testing.assert_allclose(warm.x, cold.x, rtol=1e-9, atol=1e-11)
    a, b = warm.jacobian["alpha"], cold.jacobian["alpha"]
    np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-10)
    again = solve(problem, x0=warm)
    assert again.cost.changes == 0 and again.cost.passes <= 3


def test_starts_that_are_no_solutions():
    X, y, rng = data(12, 30, seed=15)
    problem = fp.lasso(X, y, alpha=0.1)
    cold = solve(problem)
    # A support beyond the rank of X, and the solution with all signs turned.
    for x0 in (rng.standard_normal(30), -cold.x):
        warm = solve(problem, x0=x0)
        check(problem, warm)
        np.testing.assert_allclose(warm.x, cold.x, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("start", [False, True])
def test_a_working_set_that_outgrows_its_arrays(monkeypatch, start):
    from fastpiggy.solving import workspace

    monkeypatch.setattr(workspace, "_FIRST_ROOM", 33)
    monkeypatch.setattr(workspace, "_idle", [])
    n, p = (70, 90) if SMALL else (150, 300)
    X, y, rng = data(n, p, seed=16, support=n, rho=0.1)
    problem = fp.lasso(X, y, alpha=1.0)
    problem = problem.replace(alpha=problem.alpha_max() / 50)
    x0 = rng.standard_normal(p) * (rng.random(p) < 0.3) if start else None
    found = check(problem, solve(problem, x0=x0))
    assert found.support.size > 33


@pytest.mark.compiled
def test_many_rows_and_a_few_hundred_columns_with_zeros_among_the_weights():
    X, y, rng = data(400, 200, seed=17, support=40)
    w = rng.uniform(0.5, 1.5, 200)
    w[rng.random(200) < 0.5] = 0.0
    problem = fp.lasso(X, y, alpha=0.02, weights=w, fit_intercept=True)
    found = check(problem, solve(problem))
    assert found.support.size >= np.count_nonzero(w == 0) > 72


@pytest.mark.compiled
def test_the_cost_says_what_was_done():
    X, y, _ = data(40, 20, seed=18)
    problem = fp.lasso(X, y, alpha=0.05)
    cost = solve(problem).cost
    assert cost.way == "active_set"
    assert 1 <= cost.passes <= 10 and cost.factorisations >= 1 and cost.sweeps >= 1
    assert cost.changes >= 0
    warm = solve(problem, x0=solve(problem)).cost
    assert warm.passes <= cost.passes and warm.factorisations <= 3
    other = fp.solve(problem, algorithm="coordinate_descent")
    assert other.cost.way == "coordinate_descent" and other.cost.sweeps == other.iterations
    assert other.cost.changes == other.cost.factorisations == 0


@pytest.mark.compiled
def test_auto_takes_this_way_unless_the_iterates_are_asked_for():
    X, y, _ = data(20, 8, seed=19)
    problem = fp.lasso(X, y, alpha=0.1)
    assert fp.solve(problem, wrt="alpha").algorithm == "active_set"
    assert fp.solve(problem).derivative == "none"
    for options in ({"max_iter": 1000}, {"trace": True}, {"callback": lambda state: None}):
        assert fp.solve(problem, **options).algorithm == "coordinate_descent"
    piggyback = fp.solve(problem, wrt="alpha", derivative="piggyback")
    assert piggyback.algorithm == "coordinate_descent"


@pytest.mark.compiled
def test_a_certificate_is_made_when_it_is_asked_for():
    X, y, _ = data(20, 8, seed=20)
    problem = fp.lasso(X, y, alpha=0.1, fit_intercept=True)
    sol = solve(problem)
    assert "tangent" not in vars(sol.certificate)
    residual, error, certified = sol.certificate.tangent
    assert certified and residual <= 1e-9 and error <= 1e-9
    wanted = fp.solve(problem, wrt="alpha", algorithm="coordinate_descent", tol=1e-12)
    down, up = wanted.certificate.margin
    assert sol.certificate.margin == pytest.approx((down, up), rel=1e-6)
    assert sol.objective == pytest.approx(wanted.objective, rel=1e-12)
    assert solve(problem, ()).certificate.tangent == (None, None, False)


def test_what_cannot_be_had():
    X, y, _ = data(10, 4, seed=21)
    problem = fp.lasso(X, y, alpha=0.1)
    wrong = [
        fp.ridge(X, y, 0.1),
        problem.replace(alpha=0.0),
        fp.Problem(fp.losses.LeastSquares(y, np.full(10, 0.1)),
                   fp.penalties.MCP(0.1, 3.0, np.ones(4)), X),
    ]  # fmt: skip
    for other in wrong:
        with pytest.raises(ValueError, match=r'"active_set" is for .* algorithm="auto"'):
            solve(other, ())
    for derivative in ("piggyback", "late", "frozen", "one_step"):
        with pytest.raises(ValueError, match=f"no iterates to differentiate.*'{derivative}'"):
            solve(problem, derivative=derivative)
    with pytest.raises(ValueError, match="'active_set'"):
        fp.solve(problem, algorithm="active set")
    with pytest.raises(ValueError, match=r"'auto', 'dynamic_programming'.*'active_set'"):
        fp.solve(fp.trend_filter(y, 0.1, degree=0), algorithm="active_set")


@pytest.mark.parametrize("name", ["max_iter", "callback", "trace"])
def test_options_of_iterations_are_refused(name):
    X, y, _ = data(10, 4, seed=21)
    value = {"max_iter": 5, "callback": lambda state: None, "trace": True}[name]
    with pytest.raises(ValueError, match=f"no iterations .* got {name}="):
        fp.solve(fp.lasso(X, y, alpha=0.1), algorithm="active_set", **{name: value})


def test_the_options_record_is_the_name():
    from fastpiggy.solving.options import ActiveSet

    X, y, _ = data(20, 8, seed=22)
    problem = fp.lasso(X, y, alpha=0.1)
    a, b = solve(problem), fp.solve(problem, wrt="alpha", algorithm=ActiveSet())
    np.testing.assert_array_equal(a.x, b.x)
    np.testing.assert_array_equal(a.jacobian["alpha"], b.jacobian["alpha"])


def test_nan_never_calls_itself_converged():
    """A value that overflows in a sum, not in X itself."""
    X, y, _ = data(10, 4, seed=23)
    with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):
        try:
            sol = solve(fp.lasso(1e200 * X, 1e200 * y, alpha=0.1))
        except (ValueError, np.linalg.LinAlgError):
            return
    assert sol.certificate.status != "converged"
