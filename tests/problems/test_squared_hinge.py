"""The squared hinge as a problem: linear systems on active columns and rows."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csc_array
from sklearn.svm import LinearSVC

import fastpiggy as fp

TOL = 1e-13


def data(n=60, p=10, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.2
    return X, X[:, :3] @ [1.0, -2.0, 1.5] + noise * rng.standard_normal(n), rng


def hinge(intercept=True, alpha=0.1, ratio=0.8, weighted=True, storage=np.asarray):
    X, y, rng = data()
    w = rng.uniform(0.7, 1.3, 10)
    w[6] = 0.0
    s = rng.uniform(0.5, 1.5, 60) if weighted else None
    labels = np.where(y > 0.3, "yes", "no")
    return fp.squared_hinge(storage(X), labels, alpha, ratio, weights=w, sample_weight=s,
                            fit_intercept=intercept)  # fmt: skip


def test_the_objective_is_that_of_the_docstring():
    problem = hinge()
    sol = fp.solve(problem, tol=TOL)
    X, y, s = problem.design.X, problem.loss.y, problem.loss.sample_weight
    assert s.sum() == pytest.approx(1.0)
    assert problem.classes.tolist() == ["no", "yes"]
    margin = y * (X @ sol.x + sol.intercept)
    w, alpha, ratio = problem.penalty.weights, 0.1, 0.8
    value = s @ np.maximum(0, 1 - margin) ** 2 + alpha * ratio * w @ np.abs(sol.x)
    value += alpha * (1 - ratio) / 2 * sol.x @ sol.x
    assert sol.objective == pytest.approx(value, rel=1e-13)


@pytest.mark.parametrize("intercept", [True, False])
def test_closed_form_on_active_columns_and_rows(intercept):
    """The Newton system: 2 s_i on the rows short of their margin, 0 on the others."""
    problem = hinge(intercept)
    X, y, s = problem.design.X, problem.loss.y, problem.loss.sample_weight
    w, alpha, ratio = problem.penalty.weights, 0.1, 0.8
    wrt = ["alpha", "l1_ratio", "weights", "sample_weight"]
    sol = fp.solve(problem, wrt=wrt, tol=TOL)
    assert sol.certificate.status == "converged"
    S = np.flatnonzero(sol.x)
    k = S.size
    A = np.column_stack([X[:, S], np.ones(60)]) if intercept else X[:, S]
    pad = np.zeros(int(intercept))
    short = y * (X @ sol.x + sol.intercept) < 1
    assert 5 < short.sum() < 55 and 3 < k < 10
    h = 2 * s * short
    ridge = alpha * (1 - ratio)
    K = (A.T * h) @ A + np.diag(np.append(np.full(k, ridge), pad))
    # On those rows 2 s_i (z_i - y_i) is the slope: least squares on the labels.
    signs = w[S] * np.sign(sol.x[S])
    x = np.linalg.solve(K, (A.T * h) @ y - np.append(alpha * ratio * signs, pad))
    np.testing.assert_allclose(sol.x[S], x[:k], rtol=1e-10)
    r = h * (A @ x - y)
    off = np.setdiff1d(np.arange(10), S)
    assert np.all(np.abs(X[:, off].T @ r) <= alpha * ratio * w[off] * (1 + 1e-12))
    moved = {
        "alpha": np.append(ratio * signs + (1 - ratio) * x[:k], pad),
        "l1_ratio": np.append(alpha * signs - alpha * x[:k], pad),
        "weights": np.vstack([alpha * ratio * np.diag(np.sign(x[:k])), np.zeros((pad.size, k))]),
    }
    for name, part in moved.items():
        J = -np.linalg.solve(K, part)
        found = sol.jacobian[name][np.ix_(S, S)] if name == "weights" else sol.jacobian[name][S]
        if name == "weights":
            # A zero weight is a side of its own: there is no penalty below.
            J, found = J[:, w[S] > 0], found[:, w[S] > 0]
        np.testing.assert_allclose(found, J[:k], rtol=1e-9, atol=1e-11)
        if intercept and name != "weights":
            np.testing.assert_allclose(sol.intercept_jacobian[name], J[k], rtol=1e-9)
    # Of the raw weights: those of a row, less its share of all.
    by_normalised = -np.linalg.solve(K, A.T * (2 * short * (A @ x - y)))
    by_raw = (by_normalised - (by_normalised @ s)[:, None]) / problem.total_weight
    np.testing.assert_allclose(sol.jacobian["sample_weight"][S], by_raw[:k], rtol=1e-8, atol=1e-11)


@pytest.mark.parametrize("intercept", [True, False])
def test_derivative_along_X(intercept):
    problem = hinge(intercept)
    X, y, s = problem.design.X, problem.loss.y, problem.loss.sample_weight
    V = np.random.default_rng(3).standard_normal(X.shape)
    sol = fp.solve(problem, wrt={"X": V}, tol=TOL)
    S = np.flatnonzero(sol.x)
    A = np.column_stack([X[:, S], np.ones(60)]) if intercept else X[:, S]
    D = np.column_stack([V[:, S], np.zeros(60)]) if intercept else V[:, S]
    x = np.append(sol.x[S], sol.intercept) if intercept else sol.x[S]
    h = 2 * s * (y * (A @ x) < 1)
    ridge = np.full(len(x), 0.1 * (1 - 0.8))
    ridge[S.size :] = 0.0
    K = (A.T * h) @ A + np.diag(ridge)
    J = -np.linalg.solve(K, D.T @ (h * (A @ x - y)) + (A.T * h) @ (D @ x))
    np.testing.assert_allclose(sol.jacobian["X"][S], J[: S.size], rtol=1e-9, atol=1e-12)


# One compilation a row: other pairs of storage and algorithm are covered with other losses.
@pytest.mark.parametrize(
    ("algorithm", "storage"),
    [("coordinate_descent", csc_array), ("forward_backward", np.asfortranarray)],
)
@pytest.mark.parametrize("derivative", ["piggyback", "late", "frozen", "implicit"])
def test_kernels_agree(algorithm, derivative, storage):
    problem = hinge(storage=storage)
    v = np.random.default_rng(2).choice([-1.0, 1.0], 60)
    wrt = {"alpha": None, "l1_ratio": None, "sample_weight": v}
    reference = fp.solve(problem, wrt=wrt, tol=TOL)
    sol = fp.solve(problem, wrt=wrt, algorithm=algorithm, derivative=derivative, tol=1e-11)
    assert sol.certificate.status == "converged", sol.certificate.message
    np.testing.assert_allclose(sol.x, reference.x, atol=1e-9)
    for name in wrt:
        scale = np.abs(reference.jacobian[name]).max()
        np.testing.assert_allclose(sol.jacobian[name], reference.jacobian[name], atol=1e-6 * scale)


@pytest.mark.parametrize("penalty", ["l1", "l2"])
def test_against_liblinear(penalty):
    X, y, _ = data()
    labels = y > 0
    C = 0.5
    model = LinearSVC(C=C, penalty=penalty, loss="squared_hinge", dual=False, fit_intercept=False,
                      tol=1e-12, max_iter=1_000_000)  # fmt: skip
    # Its stopping rule cannot be met to the last digit, and says so.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = model.fit(X, labels).coef_[0]
    sol = fp.solve(fp.squared_hinge(X, labels, fp.from_C(C, 60), float(penalty == "l1")), tol=TOL)
    np.testing.assert_allclose(sol.x, theirs, rtol=1e-6, atol=1e-8)
    ours = 60 * C * sol.objective
    margin = labels * 2.0 - 1
    norm = np.abs(theirs).sum() if penalty == "l1" else theirs @ theirs / 2
    value = C * np.sum(np.maximum(0, 1 - margin * (X @ theirs)) ** 2) + norm
    assert ours == pytest.approx(value, rel=1e-10)


def test_separable_data_have_a_solution_and_a_derivative():
    """No noise: at the end few rows are short of their margin, all others flat."""
    X, y, _ = data(noise=0.0)
    problem = fp.squared_hinge(X, y > 0, 1.0, fit_intercept=True)
    problem = problem.replace(alpha=1e-3 * problem.alpha_max())
    sol = fp.solve(problem, wrt="alpha", tol=1e-12)
    assert sol.certificate.status == "converged", sol.certificate.message
    alpha = problem.penalty.alpha
    h = 1e-5 * alpha
    a, b = (fp.solve(problem.replace(alpha=alpha + d), tol=1e-13).x for d in (h, -h))
    np.testing.assert_allclose(sol.jacobian["alpha"], (a - b) / (2 * h),
                               atol=1e-6 * np.abs(sol.jacobian["alpha"]).max())  # fmt: skip


@pytest.mark.parametrize("q", [0.0, 0.25, 1.0])
def test_a_row_on_its_margin_takes_the_selection(q):
    """One column and two rows, solved on paper: the second row is on its margin at x = 1."""
    X, s = np.array([[0.5], [1.0]]), np.full(2, 0.5)
    # f'(x) = -(1 - x/2)/2 - (1 - x)_+ + alpha = 0 at x = 1 for alpha = 1/4.
    loss = fp.losses.SquaredHinge(np.ones(2), s, q)
    problem = fp.Problem(loss, fp.penalties.L1(0.25, np.ones(1)), X)
    with pytest.warns(fp.FastpiggyWarning, match="rows of the loss 1 stand on a kink"):
        sol = fp.solve(problem, wrt="alpha", tol=1e-15, x0=np.ones(1))
    assert sol.certificate.status == "at_kink"
    assert sol.x[0] == 1.0
    assert sol.jacobian["alpha"][0] == pytest.approx(-1 / (0.25 + q))


def test_held_out_loss_is_the_loss_itself():
    problem = hinge()
    V, u, _ = data(seed=1, n=25)
    labels = np.where(u > 0, "yes", "no")
    sw = np.random.default_rng(4).uniform(0.5, 2.0, 25)
    found = fp.HeldOut(problem, V, labels, sample_weight=sw, tol=1e-12).evaluate()
    sol = fp.solve(problem, tol=1e-12)
    margin = np.where(labels == "yes", 1.0, -1.0) * (V @ sol.x + sol.intercept)
    assert found.value == pytest.approx(sw @ np.maximum(0, 1 - margin) ** 2 / sw.sum(), rel=1e-10)
    assert set(found.gradient) == {"alpha", "l1_ratio", "weights"}


def test_tuning_ends_at_a_minimum():
    X, y, _ = data(noise=3.0)
    problem = fp.squared_hinge(X, y > 0, 0.1, fit_intercept=True)
    criterion = fp.CrossVal(problem, cv=4)
    result = fp.tune(criterion, wrt="alpha")
    assert result.status in ("converged", "edge_of_range")
    grid = np.geomspace(*fp.alpha_range(problem), 60)
    assert result.value <= min(criterion.evaluate(alpha=a).value for a in grid) + 1e-9
