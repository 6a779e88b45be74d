"""check_gradient: right derivatives pass, wrong ones do not, and kinks are named."""

import numpy as np
import pytest

import fastpiggy as fp


def data(n=40, p=20):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    return X, X[:, :4] @ [3.0, -2.0, 1.0, 0.5] + rng.standard_normal(n)


def lasso(**options):
    X, y = data()
    return fp.lasso(X, y, 0.2, fit_intercept=True, **options)


def test_a_problem_by_all_its_parameters():
    w = np.ones(20)
    w[3] = 0.0  # stays zero: below there is no penalty
    problem = lasso(weights=w)
    found = fp.check_gradient(problem, [*problem.parameters, "X"])
    assert found.ok and found.error < 1e-8 and found.status == "converged"
    assert list(found) == [*problem.parameters, "X"]
    assert found["alpha"].derivative.shape == (21,)  # the intercept last
    assert found["X"].difference.shape == (21, 3)
    # Linear between knots: the closed form on the support.
    sol = fp.solve(problem, wrt="alpha")
    expected = np.append(sol.jacobian["alpha"], sol.intercept_jacobian["alpha"])
    np.testing.assert_allclose(found["alpha"].difference, expected, rtol=1e-9, atol=1e-11)
    down, up = sol.certificate.margin
    assert found["alpha"].step <= 0.5 * min(down, up)


def test_the_callers_directions():
    V = np.random.default_rng(1).standard_normal((40, 2))
    found = fp.check_gradient(lasso(), {"alpha": None, "y": V})
    np.testing.assert_allclose(
        found["y"].derivative[:-1], fp.solve(lasso(), wrt={"y": V}).jacobian["y"]
    )
    one = fp.check_gradient(lasso(), {"y": V[:, 0]})
    np.testing.assert_allclose(one["y"].derivative, found["y"].derivative[:, 0], atol=1e-14)


def test_criteria():
    criterion = fp.CrossVal(lasso(), cv=4)
    found = fp.check_gradient(criterion, ["alpha", "weights"])
    assert found.ok and found.error < 1e-7
    expected = criterion.evaluate().gradient["alpha"]
    assert found["alpha"].derivative == pytest.approx(expected, rel=1e-9)
    assert isinstance(found["alpha"].difference, float)
    assert found["weights"].difference.shape == (3,)
    assert criterion.tol == 1e-9


def test_a_trend_filter():
    rng = np.random.default_rng(2)
    problem = fp.trend_filter(np.cumsum(rng.standard_normal(40)), 1.0)
    found = fp.check_gradient(problem, list(problem.parameters))
    assert found.ok and found.error < 1e-7
    assert found["y"].derivative.shape == (40, 3)


@pytest.mark.filterwarnings("error")
def test_a_wrong_derivative_is_not_ok():
    found = fp.check_gradient(lasso(), algorithm="coordinate_descent", derivative="one_step")
    assert not found.ok and found["alpha"].changed == 0.0
    assert found.error > 1e-3
    assert "derivative and difference differ" in repr(found) and "NOT OK" in repr(found)


def test_a_kink_is_named():
    problem = lasso()
    problem = problem.replace(alpha=problem.alpha_max())
    found = fp.check_gradient(problem)
    assert not found.ok and found.status == "at_kink"
    assert found["alpha"].changed == pytest.approx(1 / 20)
    assert "no step keeps the active set" in found["alpha"].verdict


def test_a_row_on_the_knee_of_hubers_loss_is_named():
    # x = 1/2 leaves the last row a residual of delta = 1.
    loss = fp.losses.Huber(np.array([0.0, 0.0, 1.5]), np.full(3, 1 / 3), 1.0)
    problem = fp.Problem(loss, fp.penalties.L1(0.01, np.zeros(1)), np.ones((3, 1)))
    found = fp.check_gradient(problem, {"y": np.array([0.0, 0.0, 1.0])})
    assert not found.ok and found.status == "at_kink"
    assert found["y"].changed == pytest.approx(1 / 4)  # one coordinate, three rows
    away = fp.check_gradient(problem.replace(y=np.array([0.0, 0.0, 1.4])), "y")
    assert away.ok and away["y"].changed == 0.0


def test_the_edge_of_a_range_is_an_error():
    problem = lasso()
    with pytest.raises(ValueError, match="no central difference in 'alpha'"):
        fp.check_gradient(problem.replace(alpha=0.0))


@pytest.mark.parametrize(
    "arguments, error, word",
    [
        (("lasso",), TypeError, "problem must be a problem"),
        ((lasso(), "beta"), ValueError, "'beta'"),
        ((lasso(), "step"), ValueError, "'step'"),
        ((lasso(), {"y": np.ones(3)}), ValueError, r"wrt\['y'\] must have shape"),
        ((fp.CrossVal(lasso()), "y"), ValueError, "got 'y'"),
    ],
)
def test_bad_input(arguments, error, word):
    with pytest.raises(error, match=word):
        fp.check_gradient(*arguments)


@pytest.mark.parametrize("options", [{"directions": 0}, {"rtol": 0.0}, {"tol": -1.0}])
def test_bad_options(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        fp.check_gradient(lasso(), **options)
    with pytest.raises(ValueError, match="must be 'auto' for a criterion"):
        fp.check_gradient(fp.CrossVal(lasso()), derivative="implicit")
