"""The certificate: bounds that hold, kinks, statuses, rates."""

import pickle

import numpy as np
import pytest

import fastpiggy as fp


def data(n=60, p=30, seed=0, noise=0.5):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    return X, X[:, :4] @ [1.0, -2.0, 1.5, 1.0] + noise * rng.standard_normal(n), rng


def exact(problem):
    return fp.solve(problem, wrt="alpha", tol=1e-13).jacobian["alpha"]


@pytest.mark.filterwarnings("ignore::fastpiggy.FastpiggyWarning")
def test_certified_errors_are_bounds():
    held, loose, ratios = 0, 0, []
    for seed in range(120):
        X, y, rng = data(n=int(20 + seed % 40), p=int(5 + seed % 37), seed=seed)
        kind = ("lasso", "elastic_net", "ridge", "logistic")[seed % 4]
        if kind == "logistic":
            y = (y > np.median(y)).astype(int)
        problem = getattr(fp, kind)(X, y, alpha=1.0, fit_intercept=bool(seed % 3))
        top = fp.alpha_range(problem)[1]
        problem = problem.replace(alpha=top * 10 ** rng.uniform(-2, -0.3))
        J = exact(problem)
        for tol in (1e-3, 1e-6, 1e-10):
            sol = fp.solve(
                problem,
                wrt="alpha",
                algorithm="coordinate_descent",
                derivative="piggyback",
                tol=tol,
            )
            found = sol.certificate
            error = np.linalg.norm(sol.jacobian["alpha"] - J)
            if found.certified:
                held += 1
                # J itself is known to about 1e-13 of its size.
                assert error <= found.tangent_error + 1e-11 * np.linalg.norm(J), (seed, tol, kind)
                if error > 1e-10 * np.linalg.norm(J):
                    ratios.append(found.tangent_error / error)
            else:
                loose += 1
    assert held > 250
    print(f"{held} certified, {loose} not; bound over truth: median {np.median(ratios):.1f}")


def test_rate_is_that_of_the_support():
    X, y, _ = data(n=100, p=20)
    problem = fp.lasso(X, y, 1.0)
    problem = problem.replace(alpha=0.2 * problem.alpha_max())
    sol = fp.solve(problem, wrt="alpha", algorithm="forward_backward", derivative="piggyback",
                   trace=True, tol=1e-13)  # fmt: skip
    H = X.T @ X / 100
    S = np.flatnonzero(sol.x)
    step = 1.0 / (1.001 * np.linalg.eigvalsh(H)[-1])
    expected = step * np.linalg.eigvalsh(H[np.ix_(S, S)])[0]
    assert 1 - sol.certificate.rate == pytest.approx(expected, rel=0.05)
    assert 1 - sol.trace.tangent_rate == pytest.approx(expected, rel=0.05)
    assert len(sol.trace) == sol.iterations


def test_a_map_that_does_not_contract_is_caught():
    X, y, rng = data(n=10, p=15)
    problem = fp.lasso(X, y, 0.0)
    V = rng.standard_normal((15, 1))
    with pytest.warns(fp.FastpiggyWarning, match="does not contract"):
        sol = fp.solve(problem, wrt={"x0": V}, algorithm="forward_backward", derivative="piggyback",
                       tol=1e-8, max_iter=20_000)  # fmt: skip
    assert sol.certificate.status == "not_contracting"
    # The tangent stands still, away from the truth: a zero residual says nothing.
    assert sol.certificate.tangent_residual < 1e-3 * np.linalg.norm(V)
    assert np.linalg.norm(sol.jacobian["x0"]) > 0.1
    assert not sol.certificate.certified


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_duplicates_are_never_converged(sign):
    X, y, _ = data()
    X = np.column_stack([X, sign * X[:, 1]])
    with pytest.warns(fp.FastpiggyWarning, match="linearly dependent"):
        sol = fp.solve(fp.lasso(X, y, 0.1), wrt="alpha")
    assert sol.certificate.status == "singular_active_set"
    assert not sol.certificate.certified


def test_selection_at_alpha_max_is_a_one_sided_derivative():
    X, y, _ = data()
    problem = fp.lasso(X, y, 1.0)
    top = problem.alpha_max()
    problem = problem.replace(alpha=top)
    h = 1e-6 * top
    left = -fp.solve(problem.replace(alpha=top - h), tol=1e-13).x / h
    for q, expected in ((0.0, 0 * left), (1.0, left), (0.5, 0.5 * left)):
        with pytest.warns(fp.FastpiggyWarning, match="stand on a kink"):
            sol = fp.solve(problem, wrt="alpha", selection=q)
        assert sol.certificate.status == "at_kink"
        np.testing.assert_array_equal(sol.certificate.kinks, np.flatnonzero(left))
        np.testing.assert_allclose(sol.jacobian["alpha"], expected, rtol=1e-5, atol=1e-9)


def test_margin_is_the_distance_to_the_next_knot():
    X, y, _ = data()
    problem = fp.lasso(X, y, 0.1, fit_intercept=True)
    sol = fp.solve(problem)
    down, up = sol.certificate.margin
    assert 0 < down < 0.1 and 0 < up
    for step in (-down, up):
        near, past = (fp.solve(problem.replace(alpha=0.1 + f * step)) for f in (0.99, 1.01))
        assert np.array_equal(near.x != 0, sol.x != 0)
        assert not np.array_equal(past.x != 0, sol.x != 0)


def test_max_iter_is_said():
    X, y, _ = data()
    with pytest.warns(fp.FastpiggyWarning, match="max_iter was reached"):
        sol = fp.solve(fp.lasso(X, y, 0.01), algorithm="forward_backward", max_iter=3,
                       wrt="alpha", derivative="piggyback")  # fmt: skip
    assert sol.certificate.status == "max_iter" and sol.iterations == 3


def test_mcp_says_that_it_is_local_and_bounds_its_step():
    X, y, _ = data(p=10)
    loss = fp.losses.LeastSquares(y, np.full(60, 1 / 60))
    problem = fp.Problem(loss, fp.penalties.MCP(0.3, 3.0, np.ones(10)), X)
    sol = fp.solve(problem, wrt=["alpha", "gamma"])
    assert "stationary point" in sol.certificate.message
    for name in ("alpha", "gamma"):
        value = problem.parameters[name]
        a, b = (
            fp.solve(problem.replace(**{name: value + d}), x0=sol, tol=1e-12).x
            for d in (1e-6, -1e-6)
        )
        np.testing.assert_allclose(sol.jacobian[name], (a - b) / 2e-6, atol=1e-6)
    with pytest.raises(ValueError, match="step must be below"):
        fp.solve(problem, algorithm=fp.ForwardBackward(step=3.5))


def test_callback_and_interrupt():
    X, y, _ = data()
    seen = []
    fp.solve(fp.lasso(X, y, 0.01), algorithm="forward_backward", callback=seen.append)
    assert seen and {"iteration", "optimality"} <= set(seen[0])

    def stop(report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fp.solve(fp.lasso(X, y, 0.01), callback=stop)


def test_warm_start_and_pickle():
    X, y, rng = data()
    problem = fp.lasso(X, y, 0.1, fit_intercept=True)
    sol = fp.solve(problem, wrt="alpha")
    near = fp.solve(problem.replace(alpha=0.09), x0=sol)
    cold = fp.solve(problem.replace(alpha=0.09))
    np.testing.assert_allclose(near.x, cold.x, atol=1e-10)
    back = pickle.loads(pickle.dumps(sol))
    v = rng.standard_normal(30)
    assert back.vjp(v)["alpha"] == pytest.approx(sol.vjp(v)["alpha"], rel=1e-10)
    assert back.objective == sol.objective and back.certificate.margin == sol.certificate.margin
    assert "Solution converged" in repr(back)


@pytest.mark.parametrize("penalty", ["simplex", "tv"])
def test_penalties_that_couple_all_coordinates(penalty):
    X, y, rng = data(n=40, p=8)
    loss = fp.losses.LeastSquares(y, np.full(40, 1 / 40))
    made = fp.penalties.Simplex(2.0) if penalty == "simplex" else fp.penalties.TotalVariation(0.3)
    name = "radius" if penalty == "simplex" else "alpha"
    problem = fp.Problem(loss, made, X, fit_intercept=True)
    V = rng.choice([-1.0, 1.0], 40)
    sol = fp.solve(problem, wrt={name: None, "y": V}, tol=1e-11)
    late = fp.solve(problem, wrt={name: None, "y": V}, derivative="late", tol=1e-12)
    for key, direction in ((name, 1.0), ("y", V)):
        value = problem.parameters[key]
        a, b = (fp.solve(problem.replace(**{key: value + d * direction}), tol=1e-12)
                for d in (1e-6, -1e-6))  # fmt: skip
        np.testing.assert_allclose(sol.jacobian[key], (a.x - b.x) / 2e-6, atol=2e-5)
        np.testing.assert_allclose(late.jacobian[key], sol.jacobian[key], atol=1e-6)


def test_the_bound_covers_a_tangent_that_never_started():
    # J is 0 and the error all of the derivative: what adds to it is not measured by J.
    X, y, _ = data()
    problem = fp.logistic(X, (y > 0).astype(int), alpha=0.02)
    with pytest.warns(fp.FastpiggyWarning, match="max_iter"):
        sol = fp.solve(problem, wrt="alpha", algorithm="coordinate_descent", derivative="frozen",
                       max_iter=200)  # fmt: skip
    J = exact(problem)
    assert not sol.jacobian["alpha"].any() and sol.certificate.certified
    assert sol.certificate.tangent_error == pytest.approx(np.linalg.norm(J), rel=1e-8)
    assert sol.certificate.tangent_error >= np.linalg.norm(J)


@pytest.mark.filterwarnings("ignore::fastpiggy.FastpiggyWarning")
def test_nothing_is_certified_where_labels_are_separable():
    X, _, _ = data(n=16, p=4)
    sol = fp.solve(fp.logistic(X, X[:, 0] > 0, alpha=0.0), wrt="alpha", derivative="implicit")
    assert not sol.certificate.certified


@pytest.mark.parametrize("far", ["X", "y"])
def test_rounding_counts_what_is_centred_away(far):
    # The floor was that of centred columns and of residuals: "max_iter" at a solution.
    X, y, rng = data(n=20, p=6)
    X, y = np.asfortranarray(X + 1e6 * (far == "X")), y + 1e6 * (far == "y")
    sol = fp.solve(fp.lasso(X, y, 0.1, fit_intercept=True), wrt={"y": rng.standard_normal((20, 2))})
    assert sol.certificate.status == "converged"
    assert sol.certificate.optimality < sol.certificate.floor < 1e-7


def test_a_long_fit_of_ridge_is_known_to_rounding():
    # The force on x, and what alpha adds to the system, were differences of numbers 1e5 times as
    # large: of the derivative nine digits were left, and a bound of six.
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((30, 40)), rng.standard_normal(30)
    values, V = np.linalg.eigh(X @ X.T / 30)
    alpha = 1e-5 * values[-1]
    problem = fp.ridge(np.asfortranarray(X), y, alpha)
    sol = fp.solve(problem, wrt="alpha")
    c = X.T @ V
    wanted = -c @ (V.T @ y / 30 / (values + alpha) ** 2)
    np.testing.assert_allclose(sol.x, c @ (V.T @ y / 30 / (values + alpha)), rtol=1e-9)
    error = np.linalg.norm(sol.jacobian["alpha"] - wanted)
    assert error < 1e-10 * np.linalg.norm(wanted)
    assert sol.certificate.status == "converged"
    assert sol.certificate.certified


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_a_zero_column_of_weight_zero_leaves_the_bound_as_it_is(fit_intercept):
    rng = np.random.default_rng(0)
    X, weights = rng.standard_normal((30, 6)), np.array([1.0, 1.0, 0.0, 1.0, 1.0, 1.0])
    X[:, 2] = 0.0
    y = X @ np.ones(6) + rng.standard_normal(30)
    options = {"alpha": 0.1, "l1_ratio": 0.5, "fit_intercept": fit_intercept}
    sol = fp.solve(fp.elastic_net(X, y, weights=weights, **options), wrt="weights")
    assert sol.certificate.status == "converged"
    A, on = X - fit_intercept * X.mean(axis=0), np.flatnonzero(sol.x)
    K, J = A.T @ A / 30 + 0.05 * np.eye(6), np.zeros((6, 6))
    J[np.ix_(on, on)] = -0.05 * np.linalg.inv(K[np.ix_(on, on)]) * np.sign(sol.x[on])
    assert on.size >= 4 and 2 not in on
    np.testing.assert_allclose(sol.jacobian["weights"], J, rtol=1e-9, atol=1e-12)
