"""The circle criterion for heavy ball, and the function on which its derivative diverges."""

import pickle
from functools import reduce

import numpy as np
import pytest
from scipy.optimize import minimize

import fastpiggy as fp

pytestmark = pytest.mark.filterwarnings("ignore::fastpiggy.FastpiggyWarning")


def largest(kappa, step=1.0):
    """The largest certified momentum for L = 1, to 1e-6."""
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        if fp.certify_momentum(1 / kappa, 1.0, step, middle):
            low = middle
        else:
            high = middle
    return low


TABLE = {1.5: 0.8019, 2: 0.6965, 4: 0.5217, 10: 0.3920, 100: 0.2674, 1000: 0.2339}


@pytest.mark.parametrize("kappa", TABLE)
def test_table(kappa):
    assert largest(kappa) == pytest.approx(TABLE[kappa], abs=6e-5)


def best_norm(kappa, a, b):
    """Over quadratic norms, the least worst factor of the matrices of all slopes."""
    slopes = np.linspace(1 / kappa, 1.0, 15)
    matrices = [np.array([[1 - a * s + b, -b], [1.0, 0.0]]) for s in slopes]

    def worst(v):
        R = np.array([[1.0, v[0]], [0.0, np.exp(v[1])]])
        return max(np.linalg.norm(R @ M @ np.linalg.inv(R), 2) for M in matrices)

    starts = [(-0.5, -0.5), (-0.8, -1.0), (-0.3, -1.5), (0.0, -1.0)]
    options = {"xatol": 1e-7, "fatol": 1e-9, "maxiter": 600}
    return min(minimize(worst, s, method="Nelder-Mead", options=options).fun for s in starts)


@pytest.mark.parametrize("kappa", [2, 4, 100])
def test_a_quadratic_norm_contracts_where_it_says_so_and_only_there(kappa):
    b = TABLE[kappa]
    assert best_norm(kappa, 1.0, b - 0.005) < 1.0 < best_norm(kappa, 1.0, b + 0.005)


def test_signs_steps_and_the_middle_slope():
    # Gradient descent, b = 0: certified up to 2/L.
    assert fp.certify_momentum(0.1, 1.0, 1.99, 0.0)
    assert not fp.certify_momentum(0.1, 1.0, 2.01, 0.0)
    # A long step fails whatever the rest says.
    assert not fp.certify_momentum(1.0, 1.0, 4.5, 0.5)
    # One slope alone: stable is enough.
    assert fp.certify_momentum(1.0, 1.0, 1.0, 0.9) and fp.certify_momentum(1.0, 1.0, 0.5, -0.3)
    # Units: curvature times step.
    assert fp.certify_momentum(25.0, 100.0, 0.01, 0.52)


def test_bad_input():
    for arguments, match in (
        ((0.0, 1.0, 1.0, 0.5), "mu must be"), ((2.0, 1.0, 1.0, 0.5), "L must be"),
        ((1.0, 1.0, -1.0, 0.5), "step must be"), ((1.0, 1.0, 1.0, 1.0), "momentum must be in"),
        ((1.0, 1.0, 1.0, -1.0), "momentum must be in"), ((1.0, np.nan, 1.0, 0.0), "L must be"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=match):
            fp.certify_momentum(*arguments)
    with pytest.raises(ValueError, match="ties must be one of 'alternating'"):
        fp.heavy_ball_counterexample(ties="random")
    with pytest.raises(ValueError, match="momentum must be in"):
        fp.heavy_ball_counterexample(momentum=1.0)
    with pytest.raises(ValueError, match="start must be a finite"):
        fp.heavy_ball_counterexample(start=np.inf)


def run(steps, **options):
    problem = fp.heavy_ball_counterexample(**options)
    return fp.solve(problem, wrt={"x0": [1.0, 1.0]}, derivative="piggyback", max_iter=steps,
                    tol=1e-40, trace=True)  # fmt: skip


def M(s):
    return np.array([[1.75 - s, -0.75], [1.0, 0.0]])


def test_the_counterexample():
    """The iterates stand at the minimum; J_k are products of matrices that each contract."""
    words = [M(0.25), M(0.25), M(1.0), M(1.0)]
    first = [1, 0.75, 0.375, -0.28125, -0.4921875, -0.52734375, -0.421875, 0.07910156, 0.37573242]
    for k in range(1, 10):
        wanted = reduce(lambda v, i: words[i % 4] @ v, range(k), np.ones(2))
        sol = run(k)
        np.testing.assert_allclose(sol.jacobian["x0"], wanted, rtol=1e-12)
        if k < 9:
            assert sol.jacobian["x0"][0] == pytest.approx(first[k], abs=1e-8)
        assert not sol.x.any()
    J = {k: run(k).jacobian["x0"][0] for k in (100, 200, 396, 400)}
    assert abs(J[100]) == pytest.approx(4.75, abs=5e-3)
    assert abs(J[200]) == pytest.approx(90.3, abs=0.05)
    assert abs(J[400]) == pytest.approx(3.260e4, rel=1e-4)
    assert J[400] / J[396] == pytest.approx(-9 / 8, rel=1e-14)


@pytest.mark.parametrize("mode", ["piggyback", "late", "frozen"])
def test_the_run_says_that_it_grows(mode):
    problem = fp.heavy_ball_counterexample()
    sol = fp.solve(problem, wrt={"x0": [1.0, 1.0]}, derivative=mode, max_iter=400)
    found = sol.certificate
    assert found.status == "not_contracting" and found.optimality == 0.0
    assert found.growth.kind == "geometric"
    assert found.growth.factor == pytest.approx(1.125**0.25, rel=1e-6)
    assert "grows by a factor 1.0298" in found.message and "without momentum" in found.message
    assert np.isfinite(sol.jacobian["x0"]).all()


def test_left_alone_it_ends_while_it_can_be_shown():
    sol = fp.solve(fp.heavy_ball_counterexample(), wrt={"x0": [1.0, 1.0]}, derivative="piggyback")
    assert sol.certificate.status == "not_contracting" and sol.iterations < 10_000
    assert np.isfinite(sol.jacobian["x0"]).all() and abs(sol.jacobian["x0"]).max() > 1e50


@pytest.mark.parametrize(
    "options",
    [{"ties": "strict"}, {"ties": "nonstrict"}, {"start": 1e-3}, {"start": 1.0},
     {"momentum": 0.0}, {"momentum": 0.0, "start": -2.0}, {"momentum": 0.52}],
)  # fmt: skip
def test_controls(options):
    """One rule, any other start, gradient descent, and a certified momentum."""
    sol = run(400, **options)
    assert np.abs(sol.jacobian["x0"]).max() < 1e-20
    assert sol.certificate.growth is None and sol.certificate.status != "not_contracting"


def test_the_iterates_converge_from_everywhere():
    for start in (-3.0, -1e-5, 2.0):
        sol = fp.solve(fp.heavy_ball_counterexample(start), wrt=None)
        assert sol.certificate.status == "converged" and abs(sol.x).max() < 1e-7 * abs(start)


def test_pickle():
    again = pickle.loads(pickle.dumps(run(20)))
    np.testing.assert_array_equal(again.jacobian["x0"], run(20).jacobian["x0"])


class Bumps:
    """Slopes 1/4 and 1 around the points that heavy ball visits on ``x^2/4`` from 1, else 1/2.

    The points are where they were, and the derivative takes other slopes at each: a classical one,
    for no point is on a kink.
    """

    def __init__(self, count):
        x = [1.0, 1.0]
        for _ in range(count):
            x.append(x[-1] - x[-1] / 2 + 0.75 * (x[-1] - x[-2]))
        at = np.array(x[1:])
        order = np.argsort(at)
        self.at, k = at[order], np.arange(at.size)[order]
        gap = np.diff(self.at)
        self.h = np.minimum(np.append(np.inf, gap), np.append(gap, np.inf)) / 8
        self.bend = np.where(k % 4 < 2, 0.25, 1.0) - 0.5

    def slope(self, x):
        """The function's slope, and the slope of that."""
        i = np.argmin(abs(self.at - x))
        d, h, s = x - self.at[i], self.h[i], self.bend[i]
        if abs(d) <= h:
            return x / 2 + s * d, 0.5 + s
        if abs(d) < 3 * h:
            return x / 2 + s * np.sign(d) * (3 * h - abs(d)) / 2, 0.5 - s / 2
        return x / 2, 0.5

    def step(self, x, theta):
        return np.array([x[0] - self.slope(x[0])[0] + 0.75 * (x[0] - x[1]), x[0]])

    def tangent(self, x, theta, dx, dtheta):
        bend = self.slope(x[0])[1]
        return np.array([dx[0] - bend * dx[0] + 0.75 * (dx[0] - dx[1]), dx[0]])


def test_growth_without_a_kink():
    """Infinitely many pieces do what selections at one kink do."""
    program = Bumps(420)

    def run(steps, start=1.0):
        x0 = np.full(2, start)
        return fp.piggyback(program.step, x0, 0.0, step_tangent=program.tangent, max_iter=steps,
                            wrt={"x0": np.ones(2)}, tol=1e-300)  # fmt: skip

    sol = {steps: run(steps) for steps in (80, 120, 160)}
    for steps, size in ((80, 2.64), (120, 8.56), (160, 27.8)):
        assert abs(sol[steps].jacobian["x0"][0]) == pytest.approx(size, rel=2e-3)
    assert abs(sol[160].x[0]) == pytest.approx(1.0e-10, rel=0.05)
    found = run(400).certificate
    assert found.status == "not_contracting"
    assert np.log(found.growth.factor) == pytest.approx(0.029446, rel=1e-3)
    # The quotient of two runs is that derivative: no point is on a kink.
    h = 1e-13
    quotient = (run(80, 1 + h).x[0] - run(80, 1 - h).x[0]) / ((1 + h) - (1 - h))
    assert quotient == pytest.approx(sol[80].jacobian["x0"][0], rel=1e-2)
    # From elsewhere it is forgotten.
    assert abs(run(160, 1 + 1e-6).jacobian["x0"][0]) < 1e-3


def positive_cases():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 12)), rng.standard_normal(30)
    signal = 4 * abs(np.arange(60) / 60 - 0.5) + 0.15 * rng.standard_normal(60)
    precision = np.eye(10) + 0.4 * (np.eye(10, k=1) + np.eye(10, k=-1))
    rows = rng.standard_normal((200, 10)) @ np.linalg.cholesky(np.linalg.inv(precision)).T
    return {
        "ridge": fp.ridge(X, y, alpha=0.1), "lasso": fp.lasso(X, y, alpha=0.1),
        "covariance": fp.sparse_inverse_covariance(None, 0.05, data=rows),
        "trend": fp.trend_filter(signal, 0.5, 1),
    }  # fmt: skip


@pytest.mark.parametrize("case", positive_cases())
def test_no_flag_where_the_paper_has_none(case):
    problem = positive_cases()[case]
    way = {"ridge": "forward_backward", "lasso": "forward_backward"}.get(case, "auto")
    for mode in ("piggyback", "late", "frozen"):
        found = fp.solve(problem, wrt="alpha", algorithm=way, derivative=mode).certificate
        assert found.status == "converged" and found.growth is None


@pytest.mark.parametrize("algorithm", ["heavy_ball", "nesterov", "fista", "auto"])
def test_no_tangent_along_the_momentum(algorithm):
    problem = fp.lasso(np.eye(3), np.array([3.0, 0.5, -2.0]), alpha=0.5)
    with pytest.raises(
        ValueError, match=r"along 'momentum' is offered.*fp\.piggyback\(step, x0, {"
    ):
        fp.solve(problem, wrt=["alpha", "momentum"], algorithm=algorithm)


def test_the_way_around():
    """What the message says to do: heavy ball as a map with its momentum for a parameter."""
    h = np.array([1.0, 0.3])

    def step(state, theta):
        x, before = state
        return np.stack([x - (h * x - 1.0) + theta["momentum"] * (x - before), x])

    def step_tangent(state, theta, d, dtheta):
        (x, before), (dx, before_d) = state, d
        moved = dx - h * dx + theta["momentum"] * (dx - before_d)
        return np.stack([moved + dtheta["momentum"] * (x - before), dx])

    def tangent(steps, b, tol=1e-40):
        return fp.piggyback(step, np.zeros((2, 2)), {"momentum": b}, step_tangent=step_tangent,
                            max_iter=steps, tol=tol)  # fmt: skip

    with pytest.warns(fp.FastpiggyWarning):
        ends = [tangent(7, 0.4 + e).x[0] for e in (1e-6, -1e-6)]
    with pytest.warns(fp.FastpiggyWarning):
        J = tangent(7, 0.4).jacobian["momentum"][0]
    np.testing.assert_allclose(J, (ends[0] - ends[1]) / 2e-6, rtol=1e-6, atol=1e-9)
    assert abs(J).max() > 0.01
    assert abs(tangent(1000, 0.4, 1e-12).jacobian["momentum"]).max() < 1e-9
