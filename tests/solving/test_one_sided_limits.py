"""One-sided derivatives off kinks, and what is refused."""

import numpy as np
import pytest

import fastpiggy as fp

pytestmark = pytest.mark.filterwarnings("ignore::fastpiggy.FastpiggyWarning")


def data(n=40, p=12):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    return X, X[:, :4] @ [1.0, -2.0, 1.5, 0.5] + rng.standard_normal(n)


@pytest.mark.parametrize("kind", ["lasso", "group_lasso", "ridge", "simplex", "total_variation"])
def test_off_kinks_both_are_the_jacobian(kind):
    X, y = data()
    loss = fp.losses.LeastSquares(y, np.full(40, 1 / 40))
    problem = {
        "lasso": lambda: fp.lasso(X, y, 0.2, fit_intercept=True),
        "ridge": lambda: fp.ridge(X, y, 0.2),
        "group_lasso": lambda: fp.group_lasso(X, y, 0.2, groups=np.arange(12) // 3),
        "simplex": lambda: fp.Problem(loss, fp.penalties.Simplex(2.0), X),
        "total_variation": lambda: fp.Problem(loss, fp.penalties.TotalVariation(0.2), X),
    }[kind]()
    name = "radius" if kind == "simplex" else "alpha"
    sol = fp.solve(problem, wrt=name)
    found = sol.one_sided(name)
    assert found.kinks.size == 0
    for side in (found.left, found.right):
        np.testing.assert_allclose(side[name], sol.jacobian[name], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(found.left_intercept[name], sol.intercept_jacobian[name], atol=1e-12)


def test_coupled_coordinates_on_a_kink_are_an_error():
    X, y = data()
    problem = fp.group_lasso(X, y, 1.0, groups=np.arange(12) // 3)
    sol = fp.solve(problem.replace(alpha=problem.alpha_max()))
    with pytest.raises(ValueError, match=r"needs a penalty by coordinate .* GroupL2"):
        sol.one_sided("alpha")


def test_dependent_columns_are_an_error():
    X, y = data()
    X = np.column_stack([X, X[:, 1]])
    sol = fp.solve(fp.lasso(X, y, 0.2))
    with pytest.raises(np.linalg.LinAlgError, match="singular_active_set"):
        sol.one_sided("alpha")
    largest = np.argmax(abs(X.T @ y))
    problem = fp.lasso(np.column_stack([X, X[:, largest]]), y, 1.0)
    sol = fp.solve(problem.replace(alpha=problem.alpha_max()))
    with pytest.raises(np.linalg.LinAlgError, match="singular_active_set"):
        sol.one_sided("alpha")


def test_what_is_refused():
    X, y = data()
    sol = fp.solve(fp.lasso(X, y, 0.2))
    for bad in ("beta", "x0", "step", None, []):
        with pytest.raises(ValueError, match="wrt must name parameters"):
            sol.one_sided(bad)
    with pytest.raises(ValueError, match="must have shape"):
        sol.one_sided({"y": np.ones(3)})
    # A row exactly on Huber's knee.
    loss = fp.losses.Huber(np.array([2.0, 0.3]), np.ones(2), 0.5)
    knee = fp.solve(
        fp.Problem(loss, fp.penalties.Box(np.zeros(2), np.array([1.5, 9.0])), np.eye(2))
    )
    with pytest.raises(ValueError, match="rows 0 stand on a kink of Huber"):
        knee.one_sided({"y": np.ones(2)})
    # No solution yet.
    X, y = data(n=30, p=200)
    early = fp.solve(
        fp.lasso(X, y, 0.01), algorithm="forward_backward", derivative="late", wrt="alpha",
        max_iter=1,
    )  # fmt: skip
    with pytest.raises(ValueError, match="needs a solution"):
        early.one_sided("alpha")
    # A zero that a threshold of zero opens.
    opened = fp.solve(fp.lasso(np.eye(3), [1.0, 0.0, 2.0], 0.1, weights=[1.0, 0.0, 1.0]))
    with pytest.raises(ValueError, match="threshold is zero and moves"):
        opened.one_sided({"weights": np.ones(3)})
    equal = fp.penalties.Box(np.zeros(2), np.array([0.0, 1.0]))
    fixed = fp.solve(fp.Problem(fp.losses.LeastSquares(np.ones(2), np.ones(2)), equal, np.eye(2)))
    with pytest.raises(ValueError, match="lower < upper"):
        fixed.one_sided("lower")
