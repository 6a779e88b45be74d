"""Generalized Lassos: against the projection formula, differences, and the dual by brute force."""

import pickle
from functools import cache

import numpy as np
import pytest
from scipy import sparse
from scipy.linalg import null_space
from scipy.optimize import linprog, lsq_linear

import fastpiggy as fp

NAMES = ["alpha", "y", "sample_weight"]


def grid(rows, columns):
    """Horizontal and vertical differences of an image: its cells are cycles."""
    step = [np.diff(np.eye(k), axis=0) for k in (rows, columns)]
    return np.vstack([np.kron(step[0], np.eye(columns)), np.kron(np.eye(rows), step[1])])


@cache
def example(kind, alpha=0.3):
    rng = np.random.default_rng(0)
    if kind == "image":
        D = grid(5, 6)
    elif kind == "tall":  # more rows than columns, nothing sparse
        D = rng.standard_normal((20, 12))
    elif kind == "wide":
        D = rng.standard_normal((7, 12))
    else:  # "doubled": a row twice, a row of zeros, entries that no row touches
        D = np.vstack([grid(1, 8), grid(1, 8)[2:4], np.zeros((1, 8))])
        D = np.hstack([D, np.zeros((len(D), 2))])
    n = D.shape[1]
    y = rng.standard_normal(n) + 2.0 * (np.arange(n) > n / 2)
    return fp.generalized_lasso(y, sparse.csr_matrix(D), alpha, rng.uniform(0.5, 2.0, n))


kinds = pytest.mark.parametrize("kind", ["image", "tall", "wide", "doubled"])


def closed_form(problem, x):
    """Dense: the projector on null(D_I) in the norm of the weights."""
    D, w = problem.D.toarray(), problem.sample_weight
    z = D @ x
    z[abs(z) < 1e-9] = 0.0
    N = null_space(D[z == 0]) if np.any(z == 0) else np.eye(x.size)
    P = N @ np.linalg.solve((N.T * w) @ N, N.T)
    J = {"alpha": -P @ D.T @ np.sign(z), "y": P * w, "sample_weight": P * (problem.y - x)}
    return J, N.shape[1]


@kinds
def test_solution_is_that_of_the_dual_box_problem(kind):
    problem = example(kind)
    root = np.sqrt(problem.sample_weight)
    box = lsq_linear(
        problem.D.toarray().T / root[:, None], root * problem.y, (-problem.alpha, problem.alpha),
        tol=1e-14,
    )  # fmt: skip
    x = problem.y - problem.D.T @ box.x / problem.sample_weight
    np.testing.assert_allclose(fp.solve(problem).x, x, atol=2e-6)


@kinds
def test_three_witnesses(kind):
    """The projection formula, central differences, and the fused recursion of ADMM."""
    problem, rng, h = example(kind), np.random.default_rng(1), 1e-6
    sol = fp.solve(problem, wrt=NAMES)
    assert sol.certificate.status == "converged" and sol.certificate.certified
    assert sol.certificate.optimality < 1e-12
    wanted, dimension = closed_form(problem, sol.x)
    assert sol.degrees_of_freedom == dimension
    assert np.trace(sol.jacobian["y"]) == pytest.approx(dimension)
    fused = fp.solve(problem, wrt=NAMES, derivative="piggyback", tol=1e-12)
    assert fused.certificate.status == "converged"
    d = {name: rng.standard_normal(np.shape(problem.parameters[name])) for name in NAMES}
    moved = [
        problem.replace(**{name: problem.parameters[name] + e * d[name] for name in NAMES})
        for e in (h, -h)
    ]
    quotient = (fp.solve(moved[0]).x - fp.solve(moved[1]).x) / (2 * h)
    along = 0.0
    for name in NAMES:
        size = np.linalg.norm(wanted[name])
        error = np.linalg.norm(sol.jacobian[name] - wanted[name])
        assert error <= min(1e-8 * size, sol.certificate.tangent_error + 1e-12 * size)
        assert np.linalg.norm(fused.jacobian[name] - wanted[name]) <= 1e-7 * size
        along = along + wanted[name] @ np.atleast_1d(d[name]) if name != "alpha" else (
            along + wanted[name] * d[name]
        )  # fmt: skip
    np.testing.assert_allclose(along, quotient, rtol=1e-6, atol=1e-6)


@kinds
def test_vjp_and_pickles(kind):
    problem = example(kind)
    sol = fp.solve(problem, wrt=NAMES)
    v = np.random.default_rng(2).standard_normal(problem.y.size)
    again = pickle.loads(pickle.dumps(sol))
    assert again.degrees_of_freedom == sol.degrees_of_freedom
    for name in NAMES:
        np.testing.assert_allclose(sol.vjp(v)[name], v @ sol.jacobian[name], atol=1e-11)
        np.testing.assert_allclose(again.vjp(v)[name], v @ sol.jacobian[name], atol=1e-10)


@kinds
def test_alpha_max(kind):
    """A linear program where rows are dependent; above it ``D x = 0``."""
    problem = example(kind)
    top, D = problem.alpha_max(), problem.D.toarray()
    N, w = null_space(D), problem.sample_weight
    x = N @ np.linalg.solve((N.T * w) @ N, N.T @ (w * problem.y)) if N.size else 0 * problem.y
    rows, n = D.shape
    found = linprog(
        np.r_[np.zeros(rows), 1.0],
        np.block([[np.eye(rows), -np.ones((rows, 1))], [-np.eye(rows), -np.ones((rows, 1))]]),
        np.zeros(2 * rows), np.hstack([D.T, np.zeros((n, 1))]), w * (problem.y - x),
        bounds=(None, None),
    )  # fmt: skip
    assert top == pytest.approx(found.fun, rel=1e-8)
    above = fp.solve(problem.replace(alpha=1.01 * top), wrt="alpha")
    np.testing.assert_allclose(above.x, x, atol=1e-10)
    np.testing.assert_allclose(above.jacobian["alpha"], 0.0, atol=1e-10)
    assert abs(D @ fp.solve(problem.replace(alpha=0.99 * top)).x).max() > 1e-5


def test_is_the_trend_filter_for_its_differences():
    rng = np.random.default_rng(3)
    y, w = rng.standard_normal(50).cumsum(), rng.uniform(0.5, 2.0, 50)
    for degree in (0, 1):
        trend = fp.trend_filter(y, 1.5, degree, w)
        own = fp.generalized_lasso(y, np.diff(np.eye(50), degree + 1, axis=0), 1.5, w)
        assert own.alpha_max() == pytest.approx(trend.alpha_max(), rel=1e-8)
        a, b = fp.solve(own, wrt="alpha"), fp.solve(trend, wrt="alpha")
        np.testing.assert_allclose(a.x, b.x, atol=1e-9)
        np.testing.assert_allclose(a.jacobian["alpha"], b.jacobian["alpha"], atol=1e-8)
        np.testing.assert_allclose(a.certificate.margin, b.certificate.margin, rtol=1e-6)
        assert a.degrees_of_freedom == b.degrees_of_freedom


def test_identity_is_soft_thresholding():
    y = np.array([3.0, -0.2, 0.5, -2.0])
    with pytest.warns(fp.FastpiggyWarning, match="at_kink"):
        sol = fp.solve(fp.generalized_lasso(y, np.eye(4), 0.5), wrt="alpha", selection=0.5)
    np.testing.assert_allclose(sol.x, [2.5, 0.0, 0.0, -1.5], atol=1e-14)
    assert sol.certificate.kinks.tolist() == [2]
    sides = sol.one_sided("alpha")
    np.testing.assert_allclose(sides.left["alpha"], [-1, 0, -1, 1], atol=1e-12)
    np.testing.assert_allclose(sides.right["alpha"], [-1, 0, 0, 1], atol=1e-12)
    assert -1 < sol.jacobian["alpha"][2] < 0


def test_selection_of_admm_at_a_kink():
    y = np.array([3.0, -0.2, 0.5, -2.0])
    problem = fp.generalized_lasso(y, np.eye(4), 0.5)
    for q in (0.0, 0.3, 1.0):
        with pytest.warns(fp.FastpiggyWarning, match="at_kink"):
            exact = fp.solve(problem, wrt="alpha", selection=q).jacobian["alpha"]
            fused = fp.solve(
                problem, wrt="alpha", selection=q, derivative="frozen", tol=1e-11
            ).jacobian["alpha"]
        np.testing.assert_allclose(exact, fused, atol=1e-8)


def test_dependent_rows_are_said():
    certificate = fp.solve(example("image")).certificate
    assert "49 rows of D have rank 29" in certificate.message
    assert certificate.status == "converged" and certificate.margin is None
    assert "rank" not in fp.solve(example("wide")).certificate.message


def test_zero_and_alpha_zero():
    problem = example("tall").replace(alpha=0.0)
    sol = fp.solve(problem, wrt="y")
    np.testing.assert_allclose(sol.x, problem.y, atol=1e-14)
    np.testing.assert_allclose(sol.jacobian["y"], np.eye(12), atol=1e-12)
    nothing = fp.solve(fp.generalized_lasso(np.zeros(3), np.eye(3), 1.0), wrt="alpha")
    np.testing.assert_array_equal(nothing.x, 0.0)


def test_weights_of_zero():
    problem = fp.generalized_lasso([1.0, 9.0, 2.0, 5.0], grid(1, 4), 0.4, [1.0, 0.0, 1.0, 1.0])
    with pytest.warns(fp.FastpiggyWarning, match="singular_active_set: points of weight zero"):
        sol = fp.solve(problem, wrt="y")
    np.testing.assert_allclose(sol.x[[0, 2, 3]], [1.4, 2.0, 4.6], atol=1e-8)
    assert 1.4 - 1e-8 <= sol.x[1] <= 2.0 + 1e-8
    regular = problem.replace(alpha=0.8, y=[1.0, 9.0, 1.5, 5.0])
    sol = fp.solve(regular, wrt="y")
    np.testing.assert_allclose(sol.jacobian["y"], closed_form(regular, sol.x)[0]["y"], atol=1e-10)
    free = fp.generalized_lasso([1.0, 9.0, 2.0], [[1.0, 0.0, -1.0]], 0.4, [1.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="singular to rounding"):
        fp.solve(free)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scales(scale):
    problem = example("image")
    moved = fp.generalized_lasso(
        scale * problem.y, problem.D, scale * problem.alpha, problem.sample_weight
    )
    np.testing.assert_allclose(fp.solve(moved).x / scale, fp.solve(problem).x, atol=1e-11)


BAD = [
    ({"y": [[1.0, 2.0], [3.0, 4.0]]}, ValueError, "y must have one dimension"),
    ({"y": [1.0, np.nan, 2.0]}, ValueError, "y must be finite"),
    ({"D": np.eye(2)}, ValueError, "D must have 3 columns"),
    ({"D": [1.0, 2.0, 3.0]}, ValueError, "D must have two dimensions"),
    ({"D": np.full((2, 3), np.inf)}, ValueError, "D must be finite"),
    ({"alpha": -1.0}, ValueError, "alpha must be a finite number"),
    ({"sample_weight": [0.0, 0.0, 0.0]}, ValueError, "sample_weight must have a positive entry"),
]


@pytest.mark.parametrize("change, error, words", BAD, ids=[words for _, _, words in BAD])
def test_bad_input(change, error, words):
    with pytest.raises(error, match=words):
        fp.generalized_lasso(**{"y": [0.0, 1.0, 5.0], "D": np.eye(3), "alpha": 1.0, **change})


def test_what_is_handed_in_stays():
    D = sparse.coo_matrix(([1.0, 1.0, 0.0, -2.0], ([0, 0, 1, 1], [0, 0, 1, 2])), shape=(2, 3))
    before = D.toarray().copy()
    problem = fp.generalized_lasso(np.array([1, 2, 3], dtype=np.float32)[::-1], D, 1)
    np.testing.assert_array_equal(problem.D.toarray(), before)
    np.testing.assert_array_equal(D.toarray(), before)
    assert problem.D.nnz == 2 and D.nnz == 4
    assert repr(problem) == "<GeneralizedLasso n 3, D 2 rows, alpha=1>"
