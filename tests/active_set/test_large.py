"""Large sparse supports: descent and conjugate gradients end where a factorisation does."""

import numpy as np
import pytest
from scipy import sparse

import fastpiggy as fp
from fastpiggy.active_set import large as kernels
from fastpiggy.solving import large


@pytest.fixture
def always(monkeypatch):
    """Every sparse problem is large enough."""
    monkeypatch.setattr(large, "LARGE", 0)


def case(seed=0, n=40, p=60, density=0.3):
    rng = np.random.default_rng(seed)
    X = sparse.random(
        n, p, density, "csc", random_state=rng, data_rvs=lambda k: rng.choice([-1.0, 1.0], k)
    )
    X = sparse.csc_array(X.multiply(rng.uniform(0.5, 2.0, p)))
    return X, X @ rng.choice([0.0, 0.0, 1.0, -1.0], p) + 0.3 * rng.standard_normal(n)


PROBLEMS = {
    "lasso": (fp.lasso, {}),
    "intercept": (fp.lasso, {"fit_intercept": True}),
    "weights": (fp.lasso, {"weights": np.linspace(0.5, 2.0, 60)}),
    "sample_weight": (fp.lasso, {"sample_weight": np.arange(40.0), "fit_intercept": True}),
    "elastic_net": (fp.elastic_net, {"l1_ratio": 0.7}),
    "elastic_net, intercept": (fp.elastic_net, {"l1_ratio": 0.7, "fit_intercept": True}),
}


def closed_form(X, y, alpha, sol, weights=None, sample_weight=None, l1_ratio=1.0, **_):
    """Violation of the optimality conditions, and dx/dalpha on the support, in dense NumPy."""
    A, s = X.toarray(), np.ones(len(y)) if sample_weight is None else sample_weight
    s, c = s / s.sum(), np.ones(A.shape[1]) if weights is None else weights
    if sol.problem.fit_intercept:
        A, y = A - s @ A, y - s @ y
    level, ridge = alpha * l1_ratio * c, alpha * (1 - l1_ratio)
    g = A.T @ (s * (y - A @ sol.x)) - ridge * sol.x
    S = sol.x != 0
    off, on = np.abs(g[~S]) - level[~S], np.abs(g[S] - level[S] * np.sign(sol.x[S]))
    K = A[:, S].T @ (s[:, None] * A[:, S]) + ridge * np.eye(S.sum())
    pull = l1_ratio * c[S] * np.sign(sol.x[S]) + (1 - l1_ratio) * sol.x[S]
    J = np.zeros(S.size)
    J[S] = -np.linalg.solve(K, pull)
    return max(off.max(initial=0.0), on.max(initial=0.0)), J


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("part", [0.5, 0.1])
def test_solution_and_tangent_equal_a_dense_solve(always, name, part):
    make, options = PROBLEMS[name]
    X, y = case()
    problem = make(X, y, 1.0, **options)
    problem = problem.replace(alpha=part * problem.alpha_max())
    sol = fp.solve(problem, "alpha")
    assert sol.cost.way == "descent and conjugate gradients"
    assert sol.certificate.status == "converged"
    violation, J = closed_form(X, y, problem.penalty.alpha, sol, **options)
    assert violation <= 1e-9 * problem.penalty.alpha
    np.testing.assert_allclose(sol.jacobian["alpha"], J, rtol=1e-7, atol=1e-9 * np.abs(J).max())


def test_tangents_along_two_parameters_and_differences(always):
    X, y = case(1)
    problem = fp.elastic_net(X, y, 0.05, 0.6, fit_intercept=True)
    sol = fp.solve(problem, ["alpha", "l1_ratio"])
    for name, value in (("alpha", 0.05), ("l1_ratio", 0.6)):
        h = 1e-5 * value
        up, down = (fp.solve(problem.replace(**{name: value + e})) for e in (h, -h))
        assert np.array_equal(up.x != 0, down.x != 0)
        difference = (up.x - down.x) / (2 * h)
        scale = np.abs(difference).max()
        np.testing.assert_allclose(sol.jacobian[name], difference, atol=1e-6 * scale)
        along = (up.intercept - down.intercept) / (2 * h)
        np.testing.assert_allclose(sol.intercept_jacobian[name], along, atol=1e-6 * scale)


def test_other_directions_and_warm_starts(always):
    X, y = case(2)
    problem = fp.lasso(X, y, 0.1)
    V = np.random.default_rng(0).standard_normal((40, 2))
    sol = fp.solve(problem, {"y": V})
    A = X.toarray()[:, sol.x != 0]
    wanted = np.linalg.solve(A.T @ A, A.T @ V)
    np.testing.assert_allclose(sol.jacobian["y"][sol.x != 0], wanted, rtol=1e-8, atol=1e-12)
    again = fp.solve(problem.replace(alpha=0.05), x0=sol)
    alone = fp.solve(problem.replace(alpha=0.05))
    np.testing.assert_allclose(again.x, alone.x, rtol=1e-9, atol=1e-12)


def test_small_supports_are_left_to_the_gram_matrix():
    X, y = case(3)
    assert fp.solve(fp.lasso(X, y, 0.1)).cost.way == "active_set"


def test_duplicate_columns_are_not_called_converged(always):
    X, y = case(4)
    X = sparse.csc_array(sparse.hstack([X, X[:, :5]]))
    with pytest.warns(fp.FastpiggyWarning, match="dependent"):
        sol = fp.solve(fp.lasso(X, y, 0.02), "alpha")
    assert sol.certificate.status == "singular_active_set"


def bound(X, y):
    indices = X.indices.view(f"u{X.indices.itemsize}")
    problem = kernels.Large(
        fp.designs.Sparse(X.data, indices, X.indptr, 40), 1 / 40, np.full(40, 1 / 40), y,
        np.ones(61), np.full(61, 0.1), np.full(61, 0.1),
    )  # fmt: skip
    kernels.prepare(problem)
    return problem


def test_a_look_leaves_alone_only_what_is_clear_of_the_level():
    """What it says is what a look at all columns says; entries left alone are bounded."""
    X, y = case(6)
    problem, rng = bound(X, y), np.random.default_rng(0)
    A, slack, before = (
        np.column_stack([X.toarray(), np.ones(40)]),
        np.full(61, np.inf),
        np.zeros(40),
    )
    x, r, g, members = np.zeros(61), np.empty(40), np.empty(61), np.empty(61, dtype=np.int64)
    left = 0
    for size in (0.0, 0.3, 0.01, 0.01, 1e-4, 1e-9):
        x[::7] += size * rng.standard_normal(9)
        x[14] *= size > 1e-4
        count, worst = kernels.look(problem, x, r, g, 0.2, members, before, slack)
        exact = A.T @ (A @ x - y) / 40 + 0.1 * x
        off = np.maximum(np.abs(exact) - 0.2, 0.0)
        wrong = np.where(x != 0, np.abs(exact + 0.2 * np.sign(x)), off)
        np.testing.assert_allclose(worst, wrong.max(), rtol=1e-10)
        np.testing.assert_array_equal(members[:count], np.flatnonzero((x != 0) | (off > 0)))
        assert np.all(np.abs(exact) <= np.abs(g) + slack + 1e-14)
        seen = (slack == 0) | (x != 0)
        np.testing.assert_allclose(g[seen], exact[seen], atol=1e-13)
        left += np.count_nonzero(~seen)
    assert left > 0


@pytest.mark.parametrize("columns", [1, 2, 4])
def test_conjugate_gradients_solve_for_all_columns_at_once(columns):
    X, y = case(5)
    problem = bound(X, y)
    members = np.array([3, 7, 20, 41, 60])  # the last one is the intercept
    A = np.column_stack([X.toarray(), np.ones(40)])[:, members]
    K = A.T @ A / 40 + 0.1 * np.eye(5)
    np.testing.assert_allclose(problem.norms[members], np.diagonal(K), rtol=1e-13)
    B = np.random.default_rng(0).standard_normal((5, columns))
    D, ritz = np.empty_like(B), np.zeros((2, 50))
    used = kernels.conjugate_gradients(problem, members, B.copy(), np.full(columns, 1e-13), D, ritz)
    assert used <= 10
    np.testing.assert_allclose(D, np.linalg.solve(K, B), rtol=1e-9)
