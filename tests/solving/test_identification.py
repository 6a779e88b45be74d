"""Where the theory says so, tangents converge: almost everywhere, and late near a knot."""

import warnings

import numpy as np

import fastpiggy as fp


def make(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((40, 60))
    y = X[:, :6] @ [3.0, -2.0, 2.0, -1.5, 1.0, 1.0] + 0.5 * rng.standard_normal(40)
    problem = fp.lasso(X, y, alpha=1.0)
    return problem, problem.alpha_max(), rng


def test_tangents_converge_at_random_alpha():
    problem, top, rng = make()
    for alpha in top * rng.uniform(0.2, 0.9, 100):
        at = problem.replace(alpha=alpha)
        run = fp.solve(
            at, wrt="alpha", algorithm="coordinate_descent", derivative="piggyback", tol=1e-12
        )
        S = run.x != 0
        A = problem.design.X[:, S]
        closed = np.zeros(60)
        closed[S] = -np.linalg.solve(A.T @ A / 40, np.sign(run.x[S]))
        assert run.certificate.status == "converged"
        error = np.linalg.norm(run.jacobian["alpha"] - closed)
        assert error <= 1e-8 * max(np.linalg.norm(closed), 1.0)


def test_identification_time_grows_with_the_logarithm_of_the_distance_to_a_knot():
    problem, top, _ = make()
    alpha = 0.3 * top
    while True:  # the next knot below at which a coefficient enters
        knot = alpha - fp.solve(problem.replace(alpha=alpha)).certificate.margin[0]
        above, below = (fp.solve(problem.replace(alpha=knot * (1 + s))).x for s in (1e-6, -1e-6))
        if np.count_nonzero(below) > np.count_nonzero(above):
            break
        alpha = knot * (1 - 1e-6)
    # From where the coefficient still takes part, so that it has to leave.
    start = fp.solve(problem.replace(alpha=knot * 0.98)).x
    times = []
    for distance in (1e-3, 1e-5, 1e-7):
        near = problem.replace(alpha=knot * (1 + distance))
        support = fp.solve(near).x != 0
        low, high = 0, 2048
        while high - low > 1:
            middle = (low + high) // 2
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", fp.FastpiggyWarning)
                run = fp.solve(
                    near, wrt="alpha", algorithm="forward_backward", derivative="piggyback",
                    tol=1e-15, max_iter=middle, x0=start,
                )  # fmt: skip
            right = np.array_equal(run.x != 0, support)
            low, high = (low, middle) if right else (middle, high)
        times.append(high)
    # The coefficient that has yet to leave shrinks with the map on the support that has it.
    H = problem.design.X.T @ problem.design.X / 40
    S = np.flatnonzero(below)
    rate = 1 - np.linalg.eigvalsh(H[np.ix_(S, S)])[0] / (1.001 * np.linalg.eigvalsh(H)[-1])
    decade = -np.log(10) / np.log(rate)
    # Two decades a step; the faster modes have gone by the last.
    steps = np.diff(times) / 2
    assert np.all(np.diff(steps) > -1.0) and np.all(steps > 0.7 * decade), (times, decade)
    np.testing.assert_allclose(steps[-1], decade, rtol=0.1)
