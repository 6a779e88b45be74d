"""Coefficients over alpha with their derivatives and knots."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import fastpiggy as fp
from fastpiggy.plots import PathDisplay

rng = np.random.default_rng(2)
X = rng.standard_normal((50, 8))
y = X[:, :3] @ [3.0, -2.0, 1.0] + rng.standard_normal(50)
lasso = fp.lasso(X, y, alpha=1.0, fit_intercept=True)


def test_knots_of_the_lasso_are_those_of_its_homotopy():
    from sklearn.linear_model import lars_path

    centred = X - X.mean(axis=0), y - y.mean()
    alphas, _, _ = lars_path(*centred, method="lasso")
    display = PathDisplay.from_problem(lasso, alphas=20)
    low = display.alphas[-1]
    np.testing.assert_allclose(display.knots, alphas[alphas > low], rtol=1e-8)


def test_what_is_drawn_is_the_path():
    display = PathDisplay.from_problem(lasso, alphas=20)
    assert np.all(np.diff(display.alphas) < 0)
    for k in (3, 17):
        sol = fp.solve(lasso.replace(alpha=display.alphas[k]), wrt="alpha")
        np.testing.assert_allclose(display.coefficients[k], sol.x, atol=1e-8)
        np.testing.assert_allclose(display.jacobian[k], sol.jacobian["alpha"], atol=1e-6)
    # Straight between knots: values follow from the neighbour's derivative.
    knots = display.knots
    cell = np.searchsorted(-knots, -display.alphas)
    same = cell[:-1] == cell[1:]
    steps = np.diff(display.alphas)[:, None]
    moved = display.coefficients[:-1] + steps * display.jacobian[:-1]
    np.testing.assert_allclose(moved[same], display.coefficients[1:][same], atol=1e-8)


def test_lines_names_and_axes():
    display = PathDisplay.from_problem(lasso, alphas=[1.0, 0.1], names=list("abcdefgh"))
    shown = np.flatnonzero(np.any(display.coefficients != 0, axis=0))
    assert sorted(display.lines_) == sorted(display.jacobian_lines_) == shown.tolist()
    assert [line.get_label() for line in display.lines_.values()] == ["abcdefgh"[j] for j in shown]
    x, values = display.jacobian_lines_[0].get_data()
    np.testing.assert_array_equal(x, display.alphas)
    np.testing.assert_array_equal(values, display.jacobian[:, 0])
    one = Figure().subplots()
    assert display.plot(one) is display and display.ax_ is one
    assert display.figure_ is one.figure and display.jacobian_ax_ is None
    assert not display.jacobian_lines_
    with pytest.raises(ValueError, match="one axes or two"):
        display.plot(Figure().subplots(3))


@pytest.mark.parametrize("count", [8, 40])
def test_knots_of_a_curved_path_do_not_depend_on_the_grid(count):
    problem = fp.logistic(X, y > 0, alpha=0.1, fit_intercept=True)
    top = problem.alpha_max()
    display = PathDisplay.from_problem(problem, alphas=np.geomspace(0.02 * top, 1.1 * top, count))
    assert display.knots[0] == pytest.approx(top, rel=1e-7)
    for knot in display.knots:
        above, below = (fp.solve(problem.replace(alpha=knot * (1 + s))).x for s in (1e-5, -1e-5))
        assert np.count_nonzero((above != 0) != (below != 0)) == 1
    # And none is missed: between them the support stands.
    for a, b in zip(display.knots[:-1], display.knots[1:], strict=True):
        inner = [fp.solve(problem.replace(alpha=t)).x != 0 for t in (a * 0.9999, b * 1.0001)]
        np.testing.assert_array_equal(*inner)


def test_signals_and_what_has_no_knots():
    signal = np.repeat([0.0, 2.0, 1.0], 5) + 0.1 * rng.standard_normal(15)
    problem = fp.trend_filter(signal, 1.0, 0)
    display = PathDisplay.from_problem(problem, alphas=10)
    top = problem.alpha_max()
    assert display.knots[0] == pytest.approx(top, rel=1e-7)
    # Total variation only ever merges: every step of the path down is one more jump.
    jumps = [np.count_nonzero(np.diff(x)) for x in display.coefficients]
    assert jumps[-1] == display.knots.size and np.all(np.diff(jumps) >= 0)
    ridge = PathDisplay.from_problem(fp.ridge(X, y, alpha=1.0), alphas=5)
    assert ridge.knots is None and ridge.alphas.size == 5


def test_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="positive"):
        PathDisplay.from_problem(lasso, alphas=[1.0, 0.0])
    problem = fp.sparse_inverse_covariance(np.eye(2), np.ones((2, 2)))
    with pytest.raises(ValueError, match="one number alpha"):
        PathDisplay.from_problem(problem)
