"""Three witnesses of every derivative: a solve on the active set, differences, the kernel."""

import numpy as np
import pytest
from scipy.sparse import csc_array, csr_array

import fastpiggy as fp

TOL = 1e-12


def data(n=50, p=25, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.2
    y = X[:, :4] @ [1.0, -2.0, 1.5, 1.0] + 0.5 * rng.standard_normal(n) + 1.0
    return X, y, rng


def make(model, X=None, weighted=True, intercept=True):
    X0, y, rng = data()
    X = X0 if X is None else X
    n, p = X0.shape
    w = rng.uniform(0.5, 2.0, p)
    w[6] = 0.0
    sw = rng.uniform(0.5, 2.0, n) if weighted else None
    common = {"sample_weight": sw, "fit_intercept": intercept}
    if model == "lasso":
        return fp.lasso(X, y, 0.1, weights=w, **common)
    if model == "elastic_net":
        return fp.elastic_net(X, y, 0.15, 0.7, weights=w, **common)
    if model == "ridge":
        return fp.ridge(X, y, 0.3, **common)
    if model == "logistic":
        return fp.logistic(X, np.where(y > 1, "b", "a"), 0.03, 0.8, weights=w, **common)
    if model == "squared_hinge":
        return fp.squared_hinge(X, np.where(y > 1, "b", "a"), 0.1, 0.8, weights=w, **common)
    if model == "huber":
        return fp.huber(X, y, 0.05, 0.6, 0.8, weights=w, **common)
    groups = rng.integers(0, 7, p)
    return fp.group_lasso(X, y, 0.08, groups, **common)


MODELS = ["lasso", "elastic_net", "ridge", "logistic", "squared_hinge", "huber", "group_lasso"]


def differences(problem, name, V, h):
    """Central difference of (x, intercept), and how many coordinates changed side."""
    if name == "X":
        sides = [moved_X(problem, side * h * V) for side in (1, -1)]
    else:
        value = problem.parameters[name]
        sides = [problem.replace(**{name: value + side * h * V}) for side in (1, -1)]
    a, b = (fp.solve(side, tol=TOL) for side in sides)
    changed = int(((a.x != 0) != (b.x != 0)).sum())
    return (a.x - b.x) / (2 * h), (a.intercept - b.intercept) / (2 * h), changed


def moved_X(problem, step):
    X = problem.design.X + step
    return fp.Problem(
        problem.loss, problem.penalty, X, problem.fit_intercept, problem.total_weight,
        problem.classes,
    )  # fmt: skip


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("model", MODELS)
def test_implicit_equals_differences_and_adjoint(model, intercept):
    problem = make(model, intercept=intercept)
    rng = np.random.default_rng(1)
    wrt = {}
    for name, value in problem.parameters.items():
        wrt[name] = rng.choice([-1.0, 1.0], (*np.shape(value), 2)) * rng.uniform(
            0.5, 1.0, (*np.shape(value), 2)
        )
        if name == "weights":
            wrt[name] *= (value > 0)[:, None]
    wrt["X"] = rng.standard_normal((*problem.shape, 2))
    sol = fp.solve(problem, wrt=wrt, tol=TOL)
    assert sol.certificate.status == "converged"
    v, beta = rng.standard_normal(problem.shape[1]), 0.7
    pulled = sol.vjp(v, beta, wrt=list(wrt))
    for name, V in wrt.items():
        for k in range(2):
            dx, db, changed = differences(problem, name, V[..., k], 1e-6)
            assert changed == 0, f"{changed} coordinates changed side along {name}"
            scale = max(np.abs(dx).max(), abs(db), 1e-3)
            np.testing.assert_allclose(sol.jacobian[name][:, k], dx, atol=3e-6 * scale)
            np.testing.assert_allclose(sol.intercept_jacobian[name][k], db, atol=3e-6 * scale)
            forward = v @ sol.jacobian[name][:, k] + beta * sol.intercept_jacobian[name][k]
            np.testing.assert_allclose(
                (pulled[name] * V[..., k]).sum(), forward, rtol=1e-9, atol=1e-11
            )


@pytest.mark.parametrize("model", ["lasso", "elastic_net"])
def test_closed_form_on_the_support(model):
    problem = make(model)
    X, y = problem.design.X, problem.loss.y
    s, w = problem.loss.sample_weight, problem.penalty.weights
    alpha, ratio = problem.penalty.alpha, getattr(problem.penalty, "l1_ratio", 1.0)
    sol = fp.solve(problem, wrt=["alpha", "y"], tol=TOL)
    S = np.flatnonzero(sol.x)
    A = np.column_stack([X[:, S], np.ones(len(y))])
    ridge = np.append(np.full(S.size, alpha * (1 - ratio)), 0.0)
    K = (A.T * s) @ A + np.diag(ridge)
    pull = ratio * w[S] * np.sign(sol.x[S]) + (1 - ratio) * sol.x[S]
    expected = np.linalg.solve(K, -np.append(pull, 0.0))
    np.testing.assert_allclose(sol.jacobian["alpha"][S], expected[:-1], rtol=1e-9)
    np.testing.assert_allclose(sol.intercept_jacobian["alpha"], expected[-1], rtol=1e-8)
    by_y = np.linalg.solve(K, A.T * s)
    np.testing.assert_allclose(sol.jacobian["y"][S], by_y[:-1], atol=1e-10)
    off = np.setdiff1d(np.arange(X.shape[1]), S)
    assert np.all(sol.jacobian["alpha"][off] == 0)
    full = np.linalg.solve(
        K, (A.T * s) @ y - alpha * ratio * np.append(w[S] * np.sign(sol.x[S]), 0)
    )
    np.testing.assert_allclose(sol.x[S], full[:-1], rtol=1e-9)


CASES = [
    ("lasso", "coordinate_descent"), ("lasso", "forward_backward"), ("lasso", "block_descent"),
    ("elastic_net", "coordinate_descent"), ("logistic", "coordinate_descent"),
    ("logistic", "forward_backward"), ("group_lasso", "block_descent"),
    ("group_lasso", "forward_backward"), ("ridge", "forward_backward"),
    ("squared_hinge", "coordinate_descent"), ("huber", "forward_backward"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "algorithm"), CASES)
def test_all_modes_agree(model, algorithm):
    problem = make(model)
    rng = np.random.default_rng(2)
    wrt = {"alpha": None, "sample_weight": rng.choice([-1.0, 1.0], problem.shape[0])}
    reference = fp.solve(problem, wrt=wrt, tol=TOL)
    for derivative in ("piggyback", "late", "frozen", "implicit"):
        sol = fp.solve(problem, wrt=wrt, algorithm=algorithm, derivative=derivative, tol=1e-11)
        assert sol.certificate.status == "converged", sol.certificate.message
        for name in wrt:
            scale = np.abs(reference.jacobian[name]).max()
            error = np.abs(sol.jacobian[name] - reference.jacobian[name]).max()
            assert error <= 1e-6 * scale, (derivative, name, error / scale)


def test_one_step_error_is_at_most_the_rate_times_the_derivative():
    X, y, _ = data(n=80, p=10)
    problem = fp.ridge(X, y, 0.5)
    J = fp.solve(problem, wrt="alpha").jacobian["alpha"]
    one = fp.solve(problem, wrt="alpha", algorithm="forward_backward", derivative="one_step")
    values = np.linalg.eigvalsh(X.T @ X / 80)
    rate = (1 - values[0] / values[-1] / 1.01) / (1 + 0.5 / values[-1] / 1.01)
    assert np.linalg.norm(one.jacobian["alpha"] - J) <= rate * np.linalg.norm(J)
    assert one.derivative == "one_step"
    assert np.linalg.norm(one.jacobian["alpha"] - J) <= one.certificate.tangent_error


def test_starting_point_and_step_are_forgotten():
    problem = make("elastic_net")
    rng = np.random.default_rng(3)
    V = rng.standard_normal((problem.shape[1], 2))
    sol = fp.solve(
        problem, wrt={"x0": V, "step": None}, algorithm="forward_backward",
        derivative="piggyback", tol=1e-12, trace=True,
    )  # fmt: skip
    assert np.abs(sol.jacobian["x0"]).max() < 1e-8
    assert np.abs(sol.jacobian["step"]).max() < 1e-8
    assert sol.trace.tangent_size[0] > 0.1


STORAGES = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "csc": csc_array,
    "csr": csr_array,
    "strided": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "read-only": lambda X: _frozen(X),
    "float32": lambda X: X.astype(np.float32),
    "list": lambda X: X.tolist(),
}


def _frozen(X):
    X = X.copy()
    X.flags.writeable = False
    return X


# A curved loss reads X through the same designs: a few of them, since each compiles anew.
@pytest.mark.parametrize(
    ("model", "storage"),
    [("lasso", storage) for storage in STORAGES]
    + [("logistic", storage) for storage in ("F", "csc", "float32")],
)
def test_same_numbers_in_all_storages(model, storage):
    X = data()[0].astype(np.float32).astype(float)
    reference = fp.solve(make(model, X), wrt="alpha", tol=TOL)
    given = STORAGES[storage](X)
    for algorithm in ("auto", "forward_backward"):
        sol = fp.solve(
            make(model, given), wrt="alpha", algorithm=algorithm, derivative="implicit", tol=1e-11
        )
        np.testing.assert_allclose(sol.x, reference.x, atol=1e-8)
        np.testing.assert_allclose(
            sol.jacobian["alpha"], reference.jacobian["alpha"], rtol=1e-6, atol=1e-8
        )


@pytest.mark.parametrize("model", ["lasso", "elastic_net", "logistic", "squared_hinge", "huber"])
def test_integer_sample_weights_equal_repeated_rows(model):
    X, y, rng = data()
    counts = rng.integers(1, 4, y.size)
    rows = np.repeat(np.arange(y.size), counts)
    y = (y > 1).astype(int) if model in ("logistic", "squared_hinge") else y
    more = {"delta": 0.6} if model == "huber" else {}
    builder = getattr(fp, model)
    one = builder(X, y, 0.05, sample_weight=counts, fit_intercept=True, **more)
    two = builder(X[rows], y[rows], 0.05, fit_intercept=True, **more)
    np.testing.assert_allclose(one.alpha_max(), two.alpha_max(), rtol=1e-12)
    a, b = (fp.solve(problem, wrt="alpha", tol=TOL) for problem in (one, two))
    np.testing.assert_allclose(a.x, b.x, atol=1e-9)
    np.testing.assert_allclose(a.intercept, b.intercept, atol=1e-9)
    np.testing.assert_allclose(a.objective, b.objective, rtol=1e-12)
    np.testing.assert_allclose(a.jacobian["alpha"], b.jacobian["alpha"], atol=1e-7)
