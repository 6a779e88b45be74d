"""SCAD: its formulas by hand, its selection at three kinks, and problems with it."""

import numpy as np
import pytest
from tables import apply_prox, zeros

import fastpiggy as fp

TOL = 1e-13


def data(n=80, p=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.2
    return X, X[:, :4] @ [2.0, -1.2, 0.8, 0.5] + 0.4 * rng.standard_normal(n) + 1.0, rng


def make(intercept=False, alpha=0.3, gamma=3.7, weights=None, storage=np.asarray):
    X, y, rng = data()
    w = rng.uniform(0.7, 1.3, 12)
    w[7] = 0.0
    s = rng.uniform(0.5, 1.5, 80)
    loss = fp.losses.LeastSquares(y, s / s.sum())
    penalty = fp.penalties.SCAD(alpha, gamma, w if weights is None else weights)
    return fp.Problem(loss, penalty, storage(X), fit_intercept=intercept, total_weight=s.sum())


def test_values_and_prox_by_hand():
    """alpha w = 1, gamma = 3.7, unit step: figure 2 of Fan and Li (their lambda 1, a 3.7)."""
    penalty = fp.penalties.SCAD(0.5, 3.7, np.full(1, 2.0))
    for u, z in ((0.5, 0.0), (1.0, 0.0), (1.5, 0.5), (2.0, 1.0), (3.0, (2.7 * 3 - 3.7) / 1.7),
                 (3.7, 3.7), (5.0, 5.0)):  # fmt: skip
        for sign in (1.0, -1.0):
            assert penalty.prox(0, sign * u, 1.0) == pytest.approx(sign * z, abs=1e-14)
    for x, value in ((0.5, 0.5), (1.0, 1.0), (2.0, 2.0 - 1 / 5.4), (3.7, 2.35), (9.0, 2.35)):
        assert penalty.value(0, x) == penalty.value(0, -x) == pytest.approx(value, rel=1e-14)


def test_selection_at_the_three_kinks():
    """alpha w = 1, gamma = 5, step 2: slopes 0, 1, 2, 1 with kinks at 2, 3 and 5."""
    penalty = fp.penalties.SCAD(1.0, 5.0, np.ones(1))
    for u, off, on in ((2.0, 0.0, 1.0), (3.0, 1.0, 2.0), (5.0, 1.0, 2.0)):
        for q in (0.0, 0.25, 1.0):
            for sign in (1.0, -1.0):
                _, dz = apply_prox(penalty, np.full(1, sign * u), 2.0, np.ones((1, 1)), q=q)
                assert dz[0, 0] == pytest.approx((1 - q) * off + q * on)
    # Of the parameters too: both parts are of one element.
    d = zeros(penalty, 1)
    d.alpha[:] = 1.0
    for u, off, on in ((2.0, 0.0, -2.0), (3.0, -2.0, -5.0), (5.0, 0.0, -5.0)):
        for q in (0.0, 0.25, 1.0):
            _, dz = apply_prox(penalty, np.full(1, u), 2.0, np.zeros((1, 1)), d, q)
            assert dz[0, 0] == pytest.approx((1 - q) * off + q * on)


def test_far_gamma_is_the_lasso():
    X, y, _ = data()
    near = fp.solve(fp.lasso(X, y, 0.2), wrt="alpha", tol=TOL)
    loss = fp.losses.LeastSquares(y, np.full(80, 1 / 80))
    problem = fp.Problem(loss, fp.penalties.SCAD(0.2, 1e9, np.ones(12)), X)
    far = fp.solve(problem, wrt=["alpha", "gamma"], tol=TOL)
    np.testing.assert_allclose(far.x, near.x, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(far.jacobian["alpha"], near.jacobian["alpha"], rtol=1e-6, atol=1e-9)
    assert np.abs(far.jacobian["gamma"]).max() < 1e-9


def pieces(x, a, gamma):
    """Curvature of the penalty on the support, and the derivatives of its slope in a and gamma."""
    size, bent, flat = np.abs(x), np.abs(x) > a, np.abs(x) > gamma * a
    curvature = np.where(flat | ~bent, 0.0, -1.0 / (gamma - 1))
    slope = np.where(flat, 0.0, np.where(bent, (gamma * a - size) / (gamma - 1), a)) * np.sign(x)
    by_a = np.where(flat, 0.0, np.where(bent, gamma / (gamma - 1), 1.0)) * np.sign(x)
    by_gamma = np.where(flat | ~bent, 0.0, (size - a) / (gamma - 1) ** 2) * np.sign(x)
    return curvature, slope, by_a, by_gamma


@pytest.mark.parametrize("intercept", [True, False])
def test_closed_form_on_the_support(intercept):
    """A stationary point and its derivatives by one linear system, coefficients on every piece."""
    problem = make(intercept)
    w, gamma = problem.penalty.weights, problem.penalty.gamma
    s, X, y = problem.loss.sample_weight, problem.design.X, problem.loss.y
    sol = fp.solve(problem, wrt=["alpha", "gamma", "weights", "y"], tol=TOL)
    assert sol.certificate.status == "converged"
    assert "stationary point" in sol.certificate.message
    S, a = np.flatnonzero(sol.x), 0.3 * w
    size = np.abs(sol.x[S])
    on = a[S] > 0
    counts = [(on & (size <= a[S])).sum(), (on & (size > a[S]) & (size <= gamma * a[S])).sum(),
              (on & (size > gamma * a[S])).sum()]  # fmt: skip
    assert min(counts) >= 1, counts
    curvature, slope, by_a, by_gamma = (np.where(on, part, 0.0)
                                        for part in pieces(sol.x[S], a[S], gamma))  # fmt: skip
    A = np.column_stack([X[:, S], np.ones(80)]) if intercept else X[:, S]
    pad = np.zeros(int(intercept))
    coefficients = np.append(sol.x[S], sol.intercept) if intercept else sol.x[S]
    r = s * (A @ coefficients - y)
    np.testing.assert_allclose(A.T @ r + np.append(slope, pad), 0.0, atol=1e-12)
    off = np.setdiff1d(np.arange(12), S)
    assert np.all(np.abs(X[:, off].T @ r) <= a[off])
    K = (A.T * s) @ A + np.diag(np.append(curvature, pad))
    k = S.size
    for name, moved in (("alpha", by_a * w[S]), ("gamma", by_gamma)):
        J = -np.linalg.solve(K, np.append(moved, pad))
        np.testing.assert_allclose(sol.jacobian[name][S], J[:k], rtol=1e-9, atol=1e-12)
        if intercept:
            np.testing.assert_allclose(sol.intercept_jacobian[name], J[k], rtol=1e-8, atol=1e-12)
    by_w = -np.linalg.solve(K, np.vstack([np.diag(by_a * 0.3), np.zeros((pad.size, k))]))
    np.testing.assert_allclose(sol.jacobian["weights"][np.ix_(S, S)][:, on], by_w[:k][:, on],
                               rtol=1e-8, atol=1e-11)  # fmt: skip
    np.testing.assert_allclose(sol.jacobian["y"][S], np.linalg.solve(K, A.T * s)[:k], atol=1e-10)
    assert np.all(sol.jacobian["alpha"][off] == 0)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("storage", [np.ascontiguousarray, np.asfortranarray])
def test_differences_and_adjoint(intercept, storage):
    problem = make(intercept, storage=storage)
    rng = np.random.default_rng(1)
    wrt = {name: rng.choice([-1.0, 1.0], np.shape(value)) * rng.uniform(0.5, 1, np.shape(value))
           for name, value in problem.parameters.items()}  # fmt: skip
    wrt["weights"][7] = 0.0
    sol = fp.solve(problem, wrt=wrt, tol=TOL)
    v = rng.standard_normal(12)
    pulled = sol.vjp(v, 0.7, wrt=list(wrt))
    for name, V in wrt.items():
        value = problem.parameters[name]
        a, b = (fp.solve(problem.replace(**{name: value + h * V}), x0=sol, tol=TOL)
                for h in (1e-6, -1e-6))  # fmt: skip
        np.testing.assert_array_equal(a.x != 0, b.x != 0)
        difference = (a.x - b.x) / 2e-6
        scale = max(np.abs(difference).max(), 1e-2)
        np.testing.assert_allclose(sol.jacobian[name], difference, atol=1e-6 * scale)
        forward = v @ sol.jacobian[name] + 0.7 * sol.intercept_jacobian[name]
        np.testing.assert_allclose(np.sum(pulled[name] * V), forward, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("algorithm", ["coordinate_descent", "block_descent", "forward_backward"])
@pytest.mark.parametrize("derivative", ["piggyback", "late", "frozen", "implicit"])
def test_all_modes_agree(algorithm, derivative):
    problem = make(True)
    wrt = ["alpha", "gamma"]
    reference = fp.solve(problem, wrt=wrt, tol=TOL)
    sol = fp.solve(problem, wrt=wrt, algorithm=algorithm, derivative=derivative, tol=1e-11,
                   x0=reference.x)  # fmt: skip
    assert sol.certificate.status == "converged", sol.certificate.message
    np.testing.assert_allclose(sol.x, reference.x, atol=1e-9)
    for name in wrt:
        scale = np.abs(reference.jacobian[name]).max()
        np.testing.assert_allclose(sol.jacobian[name], reference.jacobian[name], atol=1e-6 * scale)


def test_alpha_max_and_unpenalised_columns():
    problem = make(True)
    top = problem.alpha_max()
    above, below = (fp.solve(problem.replace(alpha=f * top)) for f in (1 + 1e-6, 1 - 1e-3))
    assert above.x[7] != 0 and not above.x[np.arange(12) != 7].any()
    assert below.x[np.arange(12) != 7].any()


def test_steps_stay_below_gamma_less_one():
    problem = make(gamma=2.5, storage=lambda X: 0.1 * X)
    assert problem.penalty.largest_step() == 1.5
    with pytest.raises(ValueError, match=r"step must be below .* and below 1\.5, got 1\.6"):
        fp.solve(problem, algorithm=fp.ForwardBackward(step=1.6))
    # Columns so small that 1/L is far above it.
    X, y, _ = data()
    loss = fp.losses.LeastSquares(y, np.full(80, 1 / 80))
    small = fp.Problem(loss, fp.penalties.SCAD(1e-3, 1.2, np.ones(12)), 1e-2 * X)
    for algorithm in ("coordinate_descent", "forward_backward"):
        sol = fp.solve(small, wrt="alpha", algorithm=algorithm)
        g = 1e-2 * X.T @ (1e-2 * X @ sol.x - y) / 80
        slope = np.clip((1.2 * 1e-3 - np.abs(sol.x)) / 0.2, 0.0, 1e-3) * np.sign(sol.x)
        on = sol.x != 0
        np.testing.assert_allclose((g + slope)[on], 0.0, atol=1e-11)
        assert np.all(np.abs(g[~on]) <= 1e-3)


@pytest.mark.parametrize("gamma", [1.0, 0.5, -3.0])
def test_gamma_must_be_above_one(gamma):
    with pytest.raises(ValueError, match=r"penalty\.gamma must be"):
        make(gamma=gamma)
    with pytest.raises(ValueError, match=r"penalty\.gamma must be"):
        make().replace(gamma=gamma)


def test_cross_validation_has_its_gradient():
    problem = make(True)
    criterion = fp.CrossVal(problem, cv=4, tol=1e-12)
    found = criterion.evaluate()
    for name, h in (("alpha", 1e-6), ("gamma", 1e-5)):
        value = problem.parameters[name]
        a, b = (criterion.evaluate(**{name: value + side * h}).value for side in (1, -1))
        np.testing.assert_allclose(found.gradient[name], (a - b) / (2 * h), rtol=1e-6, atol=1e-9)
