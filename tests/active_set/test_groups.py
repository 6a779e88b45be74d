"""The group lasso by the active set, against its optimality conditions and differences."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csc_array

import fastpiggy as fp

LABELS = np.array([0, 1, 1, 2, 3, 3, 3, 0, 4, 4, 5, 2, 6, 6, 6, 7])
STORAGES = {"F": np.asfortranarray, "float32": lambda X: X.astype(np.float32), "CSC": csc_array}


def data(n=30, seed=0, labels=LABELS, sparse=False):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, labels.size)) + 0.5 * rng.standard_normal((n, 1))
    X *= rng.random(X.shape) < 0.5 if sparse else 1.0
    X = X.astype(np.float32).astype(float)
    w = rng.standard_normal(labels.size) * np.isin(labels, [1, 3])
    return X, X @ w + 0.5 * rng.standard_normal(n), rng


def violation(problem, X, y, s, labels, x, b):
    """The largest violation of ``-X_g' S r = alpha c_g v_g``, in NumPy, over alpha."""
    s = s / s.sum()
    r = s * (X @ x + b - y)
    g, alpha = X.T @ r, problem.penalty.alpha
    worst = abs(r.sum()) if problem.fit_intercept else 0.0
    for k, label in enumerate(np.unique(labels)):
        top, at = alpha * problem.penalty.weights[k], labels == label
        norm = np.linalg.norm(x[at])
        if norm > 0 and top > 0:
            worst = max(worst, np.linalg.norm(g[at] + top * x[at] / norm))
        else:
            worst = max(worst, np.linalg.norm(g[at]) - top)
    return worst / alpha


def closed_form(problem, X, s, labels, x):
    """dx/dalpha from ``(H + curvature of the norms) d = -c v`` on the active groups."""
    s = s / s.sum()
    A = X - s @ X if problem.fit_intercept else X
    K, rhs = (A.T * s) @ A, np.zeros(x.size)
    on = np.zeros(x.size, dtype=bool)
    for k, label in enumerate(np.unique(labels)):
        c, at = problem.penalty.weights[k], np.flatnonzero(labels == label)
        norm = np.linalg.norm(x[at])
        if norm == 0 and c > 0:
            continue
        on[at] = True
        if c > 0:
            v = x[at] / norm
            K[np.ix_(at, at)] += (
                problem.penalty.alpha * c / norm * (np.eye(at.size) - np.outer(v, v))
            )
            rhs[at] = -c * v
    d = np.zeros(x.size)
    d[on] = np.linalg.solve(K[np.ix_(on, on)], rhs[on])
    return d


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("free", [False, True])
def test_optimality_and_tangent(storage, intercept, free):
    X, y, rng = data(seed=1, sparse=storage == "CSC")
    s = rng.uniform(0.5, 1.5, y.size)
    s[:3] = 0.0
    weights = rng.uniform(0.5, 2.0, 8)
    weights[5] = 0.0 if free else 1.0
    problem = fp.group_lasso(STORAGES[storage](X), y + 1.0, 0.1, LABELS, weights=weights,
                             sample_weight=s, fit_intercept=intercept)  # fmt: skip
    sol = fp.solve(problem, wrt="alpha")
    assert sol.algorithm == "active_set" and sol.cost.passes > 0
    assert sol.certificate.status == "converged", sol.certificate.message
    assert violation(problem, X, y + 1.0, s, LABELS, sol.x, sol.intercept) < 1e-9
    wanted = closed_form(problem, X, s, LABELS, sol.x)
    assert 0 < np.count_nonzero(sol.x) < sol.x.size
    np.testing.assert_allclose(sol.jacobian["alpha"], wanted, rtol=1e-9, atol=1e-10)
    assert sol.certificate.tangent_error < 1e-9
    if intercept:
        shift = -(s @ X) / s.sum() @ wanted
        assert sol.intercept_jacobian["alpha"] == pytest.approx(shift, rel=1e-9)


@pytest.mark.parametrize("intercept", [False, True])
def test_all_parameters_against_differences_and_the_adjoint(intercept):
    X, y, rng = data(seed=2)
    problem = fp.group_lasso(np.asfortranarray(X), y, 0.1, LABELS, fit_intercept=intercept)
    V = {"weights": rng.standard_normal((8, 2)), "y": rng.standard_normal((30, 2)),
         "alpha": None}  # fmt: skip
    sol = fp.solve(problem, wrt=V)
    v = rng.standard_normal(16)
    products = sol.vjp(v, 0.3 * intercept)
    for name, D in V.items():
        columns = [1.0] if D is None else list(D.T)
        for k, d in enumerate(columns):
            h = 1e-6
            at = problem.parameters[name]
            ends = [fp.solve(problem.replace(**{name: at + side * h * d})) for side in (1, -1)]
            # The step leaves the groups as they are.
            assert all(np.array_equal(end.x != 0, sol.x != 0) for end in ends)
            wanted = (ends[0].x - ends[1].x) / (2 * h)
            along = (ends[0].intercept - ends[1].intercept) / (2 * h)
            J = np.reshape(sol.jacobian[name], (16, -1))[:, k]
            b = np.reshape(sol.intercept_jacobian[name], -1)[k]
            np.testing.assert_allclose(J, wanted, atol=2e-7 * max(np.abs(wanted).max(), 1.0))
            assert b == pytest.approx(along, abs=1e-6)
            product = np.sum(products[name] * d)
            assert product == pytest.approx(v @ J + 0.3 * intercept * b, rel=1e-8, abs=1e-12)


def test_a_weight_of_zero_that_grows():
    X, y, rng = data(seed=2)
    c = np.sqrt(np.unique(LABELS, return_counts=True)[1])
    c[3] = 0.0
    problem = fp.group_lasso(np.asfortranarray(X), y, 0.1, LABELS, weights=c)
    sol = fp.solve(problem, wrt="weights")
    J, v, h = sol.jacobian["weights"], rng.standard_normal(16), 1e-6
    assert np.abs(J[:, 3]).max() > 1e-3
    end = fp.solve(problem.replace(weights=c + h * (np.arange(8) == 3)), tol=1e-12)
    np.testing.assert_allclose((end.x - sol.x) / h, J[:, 3], atol=1e-5 * np.abs(J).max())
    np.testing.assert_allclose(sol.vjp(v)["weights"], v @ J, rtol=1e-9, atol=1e-12)


@pytest.mark.compiled
def test_the_fused_tangent_agrees():
    X, y, _ = data(seed=3)
    problem = fp.group_lasso(np.asfortranarray(X), y, 0.15, LABELS)
    sol = fp.solve(problem, wrt="alpha")
    fused = fp.solve(problem, wrt="alpha", algorithm="block_descent", derivative="piggyback")
    np.testing.assert_allclose(fused.x, sol.x, atol=1e-8)
    np.testing.assert_allclose(fused.jacobian["alpha"], sol.jacobian["alpha"], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("part", [2.0, 1.0, 1e-2, 1e-4])
@pytest.mark.parametrize("n", [1, 8, 25])
def test_wide_problems_from_alpha_max_down(n, part):
    labels = np.arange(60) // 4
    X, y, _ = data(n, seed=4, labels=labels)
    problem = fp.group_lasso(np.asfortranarray(X), y + 1.0, 1.0, labels)
    problem = problem.replace(alpha=part * problem.alpha_max())
    with warnings.catch_warnings(action="ignore"):
        sol = fp.solve(problem, wrt="alpha", algorithm="active_set")
    assert sol.certificate.status in ("converged", "at_kink", "singular_active_set")
    assert violation(problem, X, y + 1.0, np.ones(n), labels, sol.x, 0.0) < 1e-8
    # At alpha_max itself rounding decides between zero and next to nothing.
    assert (part >= 1.0) == bool(np.abs(sol.x).max() < 1e-12)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_groups_of_unlike_columns(scale):
    X, y, _ = data(seed=5)
    scales = np.where(np.arange(16) % 3 == 0, scale, 1.0)
    problem = fp.group_lasso(np.asfortranarray(X * scales), y, 1.0, LABELS)
    problem = problem.replace(alpha=0.03 * problem.alpha_max())
    sol = fp.solve(problem, wrt="alpha")
    assert sol.algorithm == "active_set"
    assert sol.certificate.status == "converged"
    assert violation(problem, X * scales, y, np.ones(30), LABELS, sol.x, 0.0) < 1e-8


def test_products_where_a_long_column_shortens_the_step_of_short_ones():
    # x = (w, w, 0).  The prox's Jacobian is I to nine digits: of what the norm adds to K, out of
    # it, only noise of the size of K's small entries was left.
    a, b, t = 1e-4, 1e4, 1e-6
    X = np.asfortranarray(np.diag([a, a, b]))
    problem = fp.group_lasso(X, [1.0, 1.0, 0.0], t, [0, 0, 0], weights=[1])
    sol = fp.solve(problem, wrt=["alpha", "y"])
    n, root = 3, np.sqrt(2.0)
    w = (1.0 - n * t / root / a) / a
    np.testing.assert_allclose(sol.x, [w, w, 0.0], rtol=1e-12)
    bend = n * t / (root * w)
    both, apart = 0.5 / a, 0.5 * a / (a**2 + bend)
    wanted = {"alpha": np.array([-n / root / a**2] * 2 + [0.0]), "y": np.zeros((3, 3))}
    wanted["y"][:2, :2] = [[both + apart, both - apart], [both - apart, both + apart]]
    wanted["y"][2, 2] = b / (b**2 + bend)
    for i, v in enumerate(np.eye(3)):
        products = sol.vjp(v, wrt=["alpha", "y"])
        for name, J in wanted.items():
            np.testing.assert_allclose(sol.jacobian[name][i], J[i], rtol=1e-9)
            np.testing.assert_allclose(products[name], J[i], rtol=1e-9)
    assert sol.certificate.certified
    assert sol.certificate.tangent_error < 1e-6 * np.linalg.norm(wanted["alpha"])


def test_duplicates_and_zero_columns_are_not_called_unique():
    X, y, _ = data(seed=6)
    X[:, 12:15] = X[:, 4:7]
    X[:, 8] = 0.0
    problem = fp.group_lasso(np.asfortranarray(X), y, 0.05, LABELS)
    with warnings.catch_warnings(action="ignore"):
        sol = fp.solve(problem, wrt="alpha")
    assert violation(problem, X, y, np.ones(30), LABELS, sol.x, 0.0) < 1e-8
    assert sol.certificate.status == "singular_active_set"


def test_a_block_with_a_zero_column_keeps_its_step():
    # The zero column took the largest curvature of all, 1e16 here, and the block its tiny step:
    # its first coefficient stayed at zero, with a residual of zero.
    rng = np.random.default_rng(7)
    X, y = rng.standard_normal((20, 3)), rng.standard_normal(20)
    X[:, 1], X[:, 2] = 0.0, 1e8 * X[:, 2]
    labels = np.array([0, 0, 1])
    problem = fp.group_lasso(X, y, 0.01, labels)
    sol = fp.solve(problem, algorithm="block_descent")
    assert sol.certificate.status == "converged"
    g = X[:, 0] @ (X @ sol.x - y) / 20
    assert g == pytest.approx(-0.01 * np.sqrt(2) * np.sign(sol.x[0]), rel=1e-6)


def test_products_with_weights_of_single_columns_in_another_order():
    X, y, _ = data(seed=8, labels=np.array([2, 0, 1]))
    problem = fp.group_lasso(np.asfortranarray(X), y + X[:, 0], 0.05, [2, 0, 1])
    sol = fp.solve(problem, wrt="weights")
    v = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(sol.vjp(v)["weights"], v @ sol.jacobian["weights"], rtol=1e-9)


def test_a_warm_start_ends_where_a_cold_one_does():
    X, y, _ = data(seed=9)
    problem = fp.group_lasso(np.asfortranarray(X), y, 0.1, LABELS)
    warm = fp.solve(problem.replace(alpha=0.08), "alpha", x0=fp.solve(problem))
    cold = fp.solve(problem.replace(alpha=0.08), "alpha")
    np.testing.assert_allclose(warm.x, cold.x, atol=1e-10)
    np.testing.assert_allclose(warm.jacobian["alpha"], cold.jacobian["alpha"], atol=1e-8)
    assert warm.cost.passes <= cold.cost.passes


def test_what_the_way_does_not_take_is_said():
    X, y, _ = data()
    problem = fp.group_lasso(X, y, 0.0, LABELS)
    with pytest.raises(ValueError, match="groups of at most 500"):
        fp.solve(problem, algorithm="active_set")


def test_groups_that_are_zero_at_alpha_zero_are_kinks():
    """The direction of what rounding leaves of them says nothing (random problem 1667, seed 11)."""
    rng = np.random.default_rng(0)
    X, groups = rng.choice([-1.0, 1.0], (60, 6)), np.array([0, 0, 1, 1, 2, 2])
    problem = fp.group_lasso(X, 3.0 * X[:, 0], 0.0, groups)
    with pytest.warns(fp.FastpiggyWarning, match="at_kink"):
        sol = fp.solve(problem, wrt="alpha")
    np.testing.assert_array_equal(sol.certificate.kinks, [2, 3, 4, 5])
