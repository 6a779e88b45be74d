"""Products with the transposed Jacobian from what a solve on the active set leaves."""

import numpy as np
import pytest

import fastpiggy as fp


@pytest.mark.parametrize("make", [fp.lasso, fp.elastic_net])
def test_products_from_the_gram_that_is_left_are_those_of_a_linear_system(make):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((25, 10))
    y = X[:, :3] @ [2.0, -1.5, 1.0] + rng.standard_normal(25)
    s, c = rng.uniform(0.5, 1.5, 25), rng.uniform(0.5, 1.5, 10)
    ratio = {"l1_ratio": 0.6} if make is fp.elastic_net else {}
    c[4] = 0.0
    problem = make(X, y, 0.15, weights=c, sample_weight=s, fit_intercept=True, **ratio)
    sol = fp.solve(problem)
    v, S, l1 = rng.standard_normal(10), np.flatnonzero(sol.x), ratio.get("l1_ratio", 1.0)
    share = s / s.sum()
    A = X - share @ X
    K = (A.T * share) @ A + 0.15 * (1.0 - l1) * np.eye(10)
    e = np.linalg.solve(K[np.ix_(S, S)], (v - 0.3 * share @ X)[S])
    x, pull = sol.x[S], (c * np.sign(sol.x))[S]
    wanted = {"alpha": -e @ (l1 * pull + (1.0 - l1) * x), "weights": np.zeros(10)}
    wanted["weights"][S] = -0.15 * l1 * np.sign(x) * e
    if ratio:
        wanted["l1_ratio"] = -0.15 * e @ (pull - x)
    found = sol.vjp(v, 0.3, list(wanted))
    fp.solve(problem.replace(alpha=0.3), x0=sol)  # takes the arrays over
    for again in (found, sol.vjp(v, 0.3, list(wanted)), fp.solve(problem).vjp(v, 0.3)):
        for name in wanted:
            np.testing.assert_allclose(again[name], wanted[name], rtol=1e-9, atol=1e-12)
