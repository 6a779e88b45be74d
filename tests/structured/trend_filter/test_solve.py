"""Trend filters solved: three witnesses of every derivative, and what the certificate says."""

import pickle
from functools import cache

import numpy as np
import pytest
from scipy.linalg import null_space

import fastpiggy as fp
from fastpiggy.structured.trend_filter.knots import at_zero

degrees = pytest.mark.parametrize("degree", [0, 1, 2, 3])
FUSED = ["piggyback", "late", "frozen"]
NAMES = ["alpha", "y", "sample_weight"]


@cache
def example(degree, share=0.02, n=40, weighted=True):
    """A kinked trend with noise, at a share of alpha_max."""
    rng = np.random.default_rng(degree)
    y = 4 * abs(np.arange(n) / n - 0.5) + 0.15 * rng.standard_normal(n)
    w = rng.uniform(0.5, 2.0, n) if weighted else None
    problem = fp.trend_filter(y, 1.0, degree, w)
    return problem.replace(alpha=share * problem.alpha_max())


def differences(problem, x):
    """D x with rounding taken for zero."""
    found = np.diff(x, problem.order)
    return np.where(abs(found) > 1e-9, found, 0.0)


def closed_form(problem, x):
    """Dense: the projector on null(D_I), in the norm of the weights (alpha, y, sample_weight)."""
    D, w = np.diff(np.eye(x.size), problem.order, axis=0), problem.sample_weight
    knots = differences(problem, x)
    N = null_space(D[knots == 0]) if np.any(knots == 0) else np.eye(x.size)
    P = N @ np.linalg.solve((N.T * w) @ N, N.T)
    return {
        "alpha": -P @ D.T @ np.sign(knots), "y": P * w, "sample_weight": P * (problem.y - x)
    }  # fmt: skip


def size(J):
    return max(np.linalg.norm(J), 1e-300)


@degrees
@pytest.mark.parametrize("share", [0.3, 0.02, 1e-4])
def test_closed_form(degree, share):
    problem = example(degree, share)
    sol = fp.solve(problem, wrt=NAMES)
    assert sol.certificate.status == "converged" and sol.certificate.certified
    assert sol.certificate.optimality < 1e-12
    for name, wanted in closed_form(problem, sol.x).items():
        assert sol.jacobian[name].shape == wanted.shape
        assert np.linalg.norm(sol.jacobian[name] - wanted) <= 1e-8 * size(wanted)


@degrees
def test_central_differences(degree):
    """Random directions of all parameters at once; the knots must stay."""
    problem, rng = example(degree), np.random.default_rng(1)
    sol = fp.solve(problem, wrt=NAMES)
    changed, h = 0, 1e-5
    for _ in range(5):
        d = {"alpha": rng.standard_normal() * problem.alpha,
             "y": rng.standard_normal(problem.y.size),
             "sample_weight": rng.standard_normal(problem.y.size)}  # fmt: skip
        ends = []
        for e in (h, -h):
            moved = {name: problem.parameters[name] + e * d[name] for name in NAMES}
            ends.append(fp.solve(problem.replace(**moved)).x)
        knots = [np.sign(differences(problem, x)) for x in (*ends, sol.x)]
        if not np.array_equal(knots[0], knots[1]) or not np.array_equal(knots[0], knots[2]):
            changed += 1
            continue
        J = sum(sol.jacobian[name] @ np.atleast_1d(d[name]) if name != "alpha"
                else sol.jacobian[name] * d[name] for name in NAMES)  # fmt: skip
        quotient = (ends[0] - ends[1]) / (2 * h)
        assert np.linalg.norm(J - quotient) <= 1e-6 * size(J)
    assert changed <= 2, f"the knots changed in {changed} of 5 directions"


@degrees
@pytest.mark.parametrize("mode", FUSED)
def test_fused_tangents(degree, mode):
    problem = example(degree)
    wrt = [*NAMES, "x0", "step"]
    sol = fp.solve(problem, wrt=wrt, derivative=mode, tol=1e-12, trace=True)
    exact = fp.solve(problem)
    assert sol.certificate.status == "converged"
    np.testing.assert_allclose(sol.x, exact.x, atol=1e-8)
    for name, wanted in closed_form(problem, exact.x).items():
        assert np.linalg.norm(sol.jacobian[name] - wanted) <= 1e-7 * size(wanted)
    # Where it starts and how long its steps are is forgotten.
    assert abs(sol.jacobian["step"]).max() < 1e-7
    assert abs(sol.jacobian["x0"]).max() < 1e-6
    trace = sol.trace
    assert len(trace) == sol.iterations and trace.residual[-1] <= trace.residual.max()
    assert (trace.tangents[0] > 0) == (mode == "piggyback")
    assert 0.5 < sol.certificate.rate < 1


def test_the_instance_of_the_research_notes():
    """60 points, second differences, alpha 0.5: penalty 10 contracts, 1 hardly; error <= 1e-8."""
    y = 4 * abs(np.arange(60) / 60 - 0.5) + 0.15 * np.random.default_rng(0).standard_normal(60)
    problem, rates = fp.trend_filter(y, 0.5, 1), {}
    for rho in (1.0, 10.0):
        sol = fp.solve(problem, wrt="alpha", derivative="piggyback", tol=1e-13,
                       algorithm=fp.ADMM(penalty_parameter=rho))  # fmt: skip
        wanted = closed_form(problem, sol.x)["alpha"]
        assert np.linalg.norm(sol.jacobian["alpha"] - wanted) <= 1e-8 * size(wanted)
        rates[rho] = sol.certificate.rate
    assert rates[10.0] < rates[1.0] < 1


@degrees
def test_one_step_errs_by_less_than_the_derivative(degree):
    problem = example(degree)
    sol = fp.solve(problem, wrt="y", derivative="one_step")
    wanted = closed_form(problem, sol.x)["y"]
    error = np.linalg.norm(sol.jacobian["y"] - wanted)
    assert 1e-3 * size(wanted) < error < size(wanted)
    assert sol.certificate.tangent_error == pytest.approx(error, rel=1e-6)


@degrees
@pytest.mark.parametrize("share", [0.3, 1e-3])
def test_vjp_is_the_transposed_jacobian(degree, share):
    problem = example(degree, share)
    sol = fp.solve(problem, wrt=NAMES)
    v = np.random.default_rng(2).standard_normal(problem.y.size)
    again = pickle.loads(pickle.dumps(sol))
    for name in NAMES:
        wanted = v @ sol.jacobian[name]
        np.testing.assert_allclose(sol.vjp(v)[name], wanted, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(again.vjp(v, wrt=name)[name], wanted, rtol=1e-9, atol=1e-11)
    with pytest.raises(ValueError, match="wrt must name parameters"):
        sol.vjp(v, wrt="X")
    with pytest.raises(ValueError, match="intercept must be 0"):
        sol.vjp(v, intercept=1.0)


def test_directions():
    problem, rng = example(1), np.random.default_rng(3)
    V, n = rng.standard_normal((problem.y.size, 2)), problem.y.size
    full = fp.solve(problem, wrt="y").jacobian["y"]
    np.testing.assert_allclose(fp.solve(problem, wrt={"y": V}).jacobian["y"], full @ V, atol=1e-12)
    one = fp.solve(problem, wrt={"y": V[:, 0]}).jacobian["y"]
    np.testing.assert_allclose(one, full @ V[:, 0], atol=1e-12)
    fused = fp.solve(problem, wrt={"y": V}, derivative="late", tol=1e-12).jacobian["y"]
    np.testing.assert_allclose(fused, full @ V, atol=1e-7)
    with pytest.raises(ValueError, match=r"must have shape \(40,\) or \(40, 'm'\)"):
        fp.solve(problem, wrt={"y": np.zeros((n + 1, 2))})
    with pytest.raises(ValueError, match="wrt must name parameters of the problem"):
        fp.solve(problem, wrt="X")


@degrees
def test_alpha_max_is_a_kink_with_two_slopes(degree):
    problem = example(degree)
    problem = problem.replace(alpha=problem.alpha_max())
    slopes = {}
    for q in (0.0, 0.5, 1.0):
        with pytest.warns(fp.FastpiggyWarning, match="at_kink: differences"):
            sol = fp.solve(problem, wrt="alpha", selection=q)
        assert sol.certificate.status == "at_kink" and not sol.certificate.certified
        assert sol.certificate.kinks.size == 1 and sol.certificate.margin == (0.0, 0.0)
        slopes[q] = sol.jacobian["alpha"]
    h = 1e-5 * problem.alpha
    below = fp.solve(problem.replace(alpha=problem.alpha - h)).x
    np.testing.assert_allclose(slopes[0.0], 0.0, atol=1e-12)
    np.testing.assert_allclose((sol.x - below) / h, slopes[1.0], rtol=1e-5, atol=1e-9 / h)
    # In between: on the segment, at a place that depends on the algorithm's rho.
    shares = slopes[0.5] / slopes[1.0]
    assert np.ptp(shares) < 1e-6 and 0 < shares[0] < 1


@degrees
def test_margin(degree):
    problem = example(degree)
    sol = fp.solve(problem, wrt="alpha")
    down, up = sol.certificate.margin
    assert 0 < down <= problem.alpha and up > 0

    def knots(alpha):
        return np.sign(differences(problem, fp.solve(problem.replace(alpha=alpha)).x))

    here = knots(problem.alpha)
    for distance, sign in ((down, -1), (up, 1)):
        assert np.array_equal(knots(problem.alpha + sign * 0.999 * distance), here)
        if distance < problem.alpha:
            beyond = knots(problem.alpha + sign * 1.001 * distance)
            assert not np.array_equal(beyond, here)


@degrees
@pytest.mark.parametrize("mode", ["implicit", "piggyback"])
def test_alpha_zero(degree, mode):
    problem = example(degree, 0.0)
    sol = fp.solve(problem, wrt=["alpha", "y"], derivative=mode)
    np.testing.assert_allclose(sol.x, problem.y, atol=1e-9)
    np.testing.assert_allclose(sol.jacobian["y"], np.eye(problem.y.size), atol=1e-6)
    D = np.diff(np.eye(problem.y.size), problem.order, axis=0)
    slope = -(D.T @ np.sign(D @ problem.y)) / problem.sample_weight
    np.testing.assert_allclose(sol.jacobian["alpha"], slope, atol=1e-6)


@degrees
@pytest.mark.parametrize("mode", ["implicit", "piggyback", "late", "frozen"])
def test_above_alpha_max_is_a_polynomial(degree, mode):
    problem = example(degree)
    problem = problem.replace(alpha=1.5 * problem.alpha_max())
    sol = fp.solve(problem, wrt=["alpha", "y"], derivative=mode, tol=1e-11)
    t, n = np.arange(problem.y.size), problem.y.size
    root = np.sqrt(problem.sample_weight)
    fit = np.polyval(np.polyfit(t, problem.y, degree, w=root), t)
    np.testing.assert_allclose(sol.x, fit, atol=1e-7)
    assert sol.jacobian["y"].shape == (n, n)
    assert np.trace(sol.jacobian["y"]) == pytest.approx(degree + 1, abs=1e-6)
    np.testing.assert_allclose(sol.jacobian["alpha"], 0.0, atol=1e-9)
    assert sol.certificate.margin[1] == np.inf


@degrees
@pytest.mark.parametrize("mode", ["implicit", "piggyback"])
def test_constant_signals_and_shortest_ones(degree, mode):
    constant = fp.solve(fp.trend_filter(np.full(20, 3.3), 0.1, degree), wrt="alpha",
                        derivative=mode)  # fmt: skip
    np.testing.assert_allclose(constant.x, 3.3, rtol=1e-9)
    np.testing.assert_allclose(constant.jacobian["alpha"], 0.0, atol=1e-9)
    y = np.random.default_rng(0).standard_normal(degree + 2)
    problem = fp.trend_filter(y, 0.01, degree)
    sol = fp.solve(problem, wrt="alpha", derivative=mode, tol=1e-11)
    wanted = closed_form(problem, sol.x)["alpha"]
    np.testing.assert_allclose(sol.jacobian["alpha"], wanted, atol=1e-7)


@degrees
def test_degrees_of_freedom(degree):
    """The trace of the derivative along y: knots + degree + 1 (Tibshirani and Taylor 2011)."""
    problem = example(degree)
    sol = fp.solve(problem, wrt="y")
    knots = np.count_nonzero(differences(problem, sol.x))
    assert np.trace(sol.jacobian["y"]) == pytest.approx(knots + degree + 1)


@degrees
def test_warm_starts(degree):
    problem = example(degree, 0.1, n=100)
    sol = fp.solve(problem)
    near = problem.replace(alpha=0.8 * problem.alpha)
    cold = fp.solve(near)
    for x0 in (sol, sol.x, pickle.loads(pickle.dumps(sol))):
        np.testing.assert_allclose(fp.solve(near, x0=x0).x, cold.x, atol=1e-10)
    options = {"derivative": "piggyback", "wrt": "alpha", "tol": 1e-11}
    warm = fp.solve(problem, x0=sol, **options)
    assert warm.iterations < fp.solve(problem, **options).iterations
    with pytest.raises(ValueError, match="x0 must be a solution with 40 points"):
        fp.solve(example(degree), x0=sol)
    other = fp.solve(example((degree + 1) % 4, 0.1, n=100))
    np.testing.assert_allclose(fp.solve(near, x0=other).x, cold.x, atol=1e-10)


def test_start_at_alpha_zero():
    problem = example(1)
    zero = fp.solve(problem.replace(alpha=0.0))
    np.testing.assert_allclose(fp.solve(problem, x0=zero).x, fp.solve(problem).x, atol=1e-11)
    assert at_zero(problem.replace(alpha=0.0)).optimality < 1e-12


@degrees
def test_points_of_weight_zero(degree):
    """Missing points: whatever stands there does not matter, and what is open is said."""
    rng = np.random.default_rng(5)
    y, w = rng.standard_normal(40), np.ones(40)
    w[[7, 20, 33]] = 0.0
    problem = fp.trend_filter(y, 1.0, degree, w)
    problem = problem.replace(alpha=0.3 * problem.alpha_max())
    sol = fp.solve(problem, wrt=NAMES)
    assert sol.certificate.status == "converged"
    other = np.where(w > 0, y, 99.0)
    np.testing.assert_allclose(fp.solve(problem.replace(y=other)).x, sol.x, atol=1e-9)
    np.testing.assert_array_equal(sol.jacobian["y"][:, w == 0], 0.0)
    wanted = closed_form(problem, sol.x)
    for name in NAMES:
        assert np.linalg.norm(sol.jacobian[name] - wanted[name]) <= 1e-8 * size(wanted[name])


def test_a_jump_that_may_stand_anywhere_is_singular():
    y, w = np.array([0.0, 0, 0, 9, 9, 9, 5, 5]), np.array([1.0, 1, 0, 0, 0, 1, 1, 1])
    with pytest.warns(fp.FastpiggyWarning, match="singular_active_set: points of weight zero"):
        sol = fp.solve(fp.trend_filter(y, 0.5, 0, w), wrt="alpha")
    assert not sol.certificate.certified and sol.certificate.tangent_error == np.inf
    with pytest.warns(fp.FastpiggyWarning, match="not_contracting: points of weight zero"):
        fp.solve(fp.trend_filter(y, 0.5, 0, w), wrt="alpha", derivative="piggyback")


@degrees
def test_certified_errors_are_bounds(degree):
    """Of fused derivatives stopped early, against the closed form."""
    held, ratios = 0, []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        problem = fp.trend_filter(rng.standard_normal(25).cumsum(), 1.0, degree,
                                  rng.uniform(0.2, 3.0, 25))  # fmt: skip
        problem = problem.replace(alpha=problem.alpha_max() * 10 ** rng.uniform(-3, 0))
        sol = fp.solve(problem, wrt=NAMES, derivative="piggyback", tol=1e-9)
        wanted = closed_form(problem, fp.solve(problem).x)
        error = np.linalg.norm([np.linalg.norm(sol.jacobian[k] - wanted[k]) for k in NAMES])
        if sol.certificate.certified:
            held += 1
            # The closed form is dense and itself known to about 1e-11 only.
            assert error <= sol.certificate.tangent_error + 1e-10 * size(wanted["y"])
            ratios.append(sol.certificate.tangent_error / max(error, 1e-12))
    assert held >= 10
    assert np.median(ratios) < 10


def test_stopped_early():
    problem = example(1, 0.3)
    with pytest.warns(fp.FastpiggyWarning, match="max_iter was reached"):
        sol = fp.solve(problem, wrt="alpha", derivative="piggyback", max_iter=5)
    assert sol.certificate.status == "max_iter" and sol.iterations == 5
    assert sol.certificate.optimality > 1e-9
    # The exact finish needs no more.
    assert fp.solve(problem, max_iter=5).certificate.status == "converged"


def test_tolerance_below_rounding_says_what_was_reached():
    problem = example(3, 0.3)
    with pytest.warns(fp.FastpiggyWarning, match="max_iter"):
        sol = fp.solve(problem, wrt="alpha", derivative="piggyback", tol=1e-15)
    certificate = sol.certificate
    assert certificate.optimality > 1e-15 and certificate.floor > 1e-15
    assert f"rounding {certificate.floor:.0e}" in certificate.message


def test_callback_and_trace():
    seen = []
    sol = fp.solve(example(1), wrt="alpha", derivative="piggyback", trace=True,
                   callback=seen.append)  # fmt: skip
    assert seen[-1]["iteration"] == sol.iterations == len(sol.trace)
    assert seen[-1]["optimality"] <= 1e-9 < seen[0]["optimality"]
    assert fp.solve(example(1)).trace is None

    def stop(report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fp.solve(example(1), callback=stop, algorithm="admm")


BAD = [
    ({"algorithm": "coordinate_descent"}, ValueError, "one of 'auto', 'active_set', 'admm'"),
    ({"algorithm": fp.ForwardBackward()}, TypeError, "must be a name or one of ActiveSet, ADMM"),
    ({"selection": [0.0, 1.0]}, ValueError, r"selection must be a number or have shape \(38,\)"),
    ({"x0": [0.0, 1.0]}, ValueError, r"x0 must have shape \(40,\)"),
    ({"algorithm": fp.ADMM(1e20)}, ValueError, "penalty_parameter must be at most"),
]


@pytest.mark.parametrize("arguments, error, words", BAD, ids=[words for _, _, words in BAD])
def test_bad_arguments(arguments, error, words):
    with pytest.raises(error, match=words):
        fp.solve(example(1), **arguments)


@pytest.mark.parametrize("rho", [0.0, -1.0, np.nan])
def test_bad_penalty_parameters(rho):
    with pytest.raises(ValueError, match="penalty_parameter must be a finite number"):
        fp.ADMM(penalty_parameter=rho)


def test_solution_reads():
    problem = example(1)
    sol = fp.solve(problem, wrt="alpha")
    assert sol.algorithm == "active_set" and sol.derivative == "implicit" and sol.intercept == 0.0
    knots = np.abs(differences(problem, sol.x)).sum()
    loss = (problem.sample_weight * (sol.x - problem.y) ** 2).sum() / 2
    assert sol.objective == pytest.approx(loss + problem.alpha * knots, rel=1e-12)
    assert "Solution converged" in repr(sol)
    assert sol.intercept_jacobian["alpha"] == 0.0


def test_the_warning_points_at_the_call():
    with pytest.warns(fp.FastpiggyWarning) as caught:
        fp.solve(example(1), max_iter=1, derivative="piggyback", wrt="alpha")
    assert caught[0].filename == __file__
