"""Many problems at once give what each gives alone."""

import os
import pickle
import subprocess
import sys
import warnings
from collections import UserDict

import numpy as np
import pytest
from scipy.sparse import csc_array

import fastpiggy as fp


def data(n, p, seed, order="F"):
    rng = np.random.default_rng(seed)
    X = np.array(rng.standard_normal((n, p)) + 0.3, order=order)
    y = X[:, : min(3, p)].sum(axis=1) + 0.5 * rng.standard_normal(n) + 1.0
    return X, y, rng


def at(problem, part):
    return problem.replace(alpha=part * problem.alpha_max())


def lassos(count=20, n=30, p=12, **options):
    made = [fp.lasso(*data(n, p, seed)[:2], 1.0, **options) for seed in range(count)]
    return [at(problem, 0.1) for problem in made]


def mixed():
    """All shapes, storages, kinds; each as often as a loop of its own takes."""
    found = []
    for seed, (n, p, part) in enumerate(
        [(30, 12, 0.3), (12, 30, 0.1), (1, 5, 0.2), (40, 1, 0.5), (15, 60, 0.02), (25, 25, 1.5)] * 6
    ):
        X, y, rng = data(n, p, seed, "FC"[seed % 2])
        X = X.astype(np.float32) if seed % 5 == 0 else X
        some = {
            "weights": rng.uniform(0.5, 2.0, p) if seed % 3 == 0 else None,
            "sample_weight": rng.uniform(0.0, 2.0, n) if seed % 4 == 0 and n > 1 else None,
            "fit_intercept": seed % 2 == 0 and n > 1,
        }
        if seed % 3 == 1:
            found.append(at(fp.elastic_net(X, y, 1.0, 0.7, **some), part))
        else:
            found.append(at(fp.lasso(X, y, 1.0, **some), part))
    X, y, rng = data(30, 8, 100)
    found.insert(3, fp.logistic(X, y > 1.5, 0.02))
    found.insert(9, fp.lasso(csc_array(X), y, 0.1))
    found.insert(11, fp.ridge(X, y, 0.1))
    found.insert(17, fp.group_lasso(X, y, 0.1, np.arange(8) // 2))
    found.append(fp.trend_filter(y, 0.5))
    return found


def assert_same(found, wanted):
    assert found.problem is wanted.problem
    scale = max(1.0, np.abs(wanted.x).max())
    np.testing.assert_allclose(found.x, wanted.x, rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(found.intercept, wanted.intercept, rtol=0, atol=1e-12 * scale)
    assert list(found.jacobian) == list(wanted.jacobian)
    for name, J in wanted.jacobian.items():
        size = max(1.0, np.abs(J).max())
        assert found.jacobian[name].shape == J.shape
        np.testing.assert_allclose(found.jacobian[name], J, rtol=0, atol=1e-11 * size)
        one, other = found.intercept_jacobian[name], wanted.intercept_jacobian[name]
        assert np.shape(one) == np.shape(other)
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-11 * size)
    assert found.certificate.status == wanted.certificate.status
    assert found.certificate.optimality <= max(1e-9, 10 * found.certificate.floor)
    np.testing.assert_allclose(found.objective, wanted.objective, rtol=1e-11)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_any_problems_in_any_order(n_jobs):
    problems = mixed()
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        wanted = [fp.solve(problem, "alpha") for problem in problems]
        solutions = fp.solve_many(problems, "alpha", n_jobs=n_jobs)
    assert len(solutions) == len(problems)
    for found, alone in zip(solutions, wanted, strict=True):
        assert_same(found, alone)
    assert solutions.statuses == [alone.certificate.status for alone in wanted]
    assert sorted(solutions._apart) == [3, 9, 11, 17, 40]


def test_unpenalised_columns():
    weights = np.ones(12)
    weights[[2, 5]] = 0.0
    problems = lassos(weights=weights, fit_intercept=True)
    solutions = fp.solve_many(problems, "alpha")
    assert not solutions._apart
    for found, problem in zip(solutions, problems, strict=True):
        assert_same(found, fp.solve(problem, "alpha"))


def test_columns_unpenalised_twice_are_singular():
    X, y, _ = data(30, 5, 0)
    X[:, 1] = X[:, 0]
    weights = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    problems = [fp.lasso(X, y * (1 + k), 0.1, weights=weights) for k in range(20)]
    with pytest.warns(fp.FastpiggyWarning, match="20 of 20 .*singular_active_set"):
        solutions = fp.solve_many(problems)
    assert set(solutions.statuses) == {"singular_active_set"}


def test_against_a_linear_solve_on_the_support():
    problems = lassos()
    solutions = fp.solve_many(problems, "alpha")
    x, J = solutions.x, solutions.jacobian["alpha"]
    for k, problem in enumerate(problems):
        X, y, alpha, n = problem.design.X, problem.loss.y, problem.penalty.alpha, problem.shape[0]
        S, side = np.flatnonzero(x[k]), np.sign(x[k])
        G = X[:, S].T @ X[:, S] / n
        np.testing.assert_allclose(
            x[k, S], np.linalg.solve(G, X[:, S].T @ y / n - alpha * side[S]), rtol=1e-9
        )
        np.testing.assert_allclose(J[k, S], -np.linalg.solve(G, side[S]), rtol=1e-9)
        assert not J[k][x[k] == 0].any()
        assert np.abs(X.T @ (y - X @ x[k]) / n)[x[k] == 0].max() < alpha


def test_against_central_differences():
    problems, h = lassos(), 1e-6
    solutions = fp.solve_many(problems, "alpha")
    sides = [
        fp.solve_many([p.replace(alpha=p.penalty.alpha + side * h) for p in problems]).x
        for side in (1, -1)
    ]
    assert np.array_equal(sides[0] != 0, sides[1] != 0)
    slopes = (sides[0] - sides[1]) / (2 * h)
    np.testing.assert_allclose(solutions.jacobian["alpha"], slopes, atol=1e-6 * abs(slopes).max())


@pytest.mark.parametrize(
    "wrt",
    [
        None, "alpha", ["alpha", "l1_ratio"], ("l1_ratio",), {"alpha": [0.5, -2.0]},
        UserDict(l1_ratio=None), "weights", {"y": np.ones((30, 1))},
    ],
)  # fmt: skip
def test_directions(wrt):
    problems = [
        at(fp.elastic_net(*data(30, 12, k)[:2], 1.0, 0.8, fit_intercept=True), 0.1)
        for k in range(4)
    ]
    solutions = fp.solve_many(problems, wrt)
    for found, problem in zip(solutions, problems, strict=True):
        assert_same(found, fp.solve(problem, wrt))
    assert solutions.x.shape == (4, 12)
    assert solutions.intercept.shape == (4,)
    for name, J in solutions.jacobian.items():
        np.testing.assert_array_equal(J, [s.jacobian[name] for s in solutions])
        np.testing.assert_array_equal(
            solutions.intercept_jacobian[name], [s.intercept_jacobian[name] for s in solutions]
        )


def test_names_that_can_be_read_once():
    problems = lassos(3)
    assert all("alpha" in s.jacobian for s in fp.solve_many(problems, iter(["alpha"])))


def test_a_generator_and_nothing():
    problems = lassos(3)
    assert len(fp.solve_many(problem for problem in problems)) == 3
    assert len(fp.solve_many([])) == 0
    assert list(fp.solve_many([], "alpha")) == []
    assert fp.solve_many([], "alpha").statuses == []


def test_a_sequence():
    problems = lassos(5)
    solutions = fp.solve_many(problems, "alpha")
    assert solutions[1] is solutions[1]
    assert solutions[-1] is solutions[4]
    assert [s.problem for s in solutions[1:3]] == problems[1:3]
    with pytest.raises(IndexError):
        solutions[5]
    assert repr(solutions) == "<Solutions of 5 problems: 5 converged>"
    assert solutions[0].cost.way == "active_set"
    again = pickle.loads(pickle.dumps(solutions))
    np.testing.assert_array_equal(again.x, solutions.x)
    assert again[2].certificate.status == "converged"


def test_what_a_solution_knows():
    for found in fp.solve_many(lassos(3, fit_intercept=True), "alpha"):
        alone = fp.solve(found.problem, "alpha")
        assert found.certificate.certified
        assert found.certificate.tangent_error < 1e-9
        np.testing.assert_allclose(found.certificate.margin, alone.certificate.margin, rtol=1e-9)
        pulled, wanted = found.vjp(np.ones(12), 0.5), alone.vjp(np.ones(12), 0.5)
        for name in wanted:
            np.testing.assert_allclose(pulled[name], wanted[name], rtol=1e-9, atol=1e-12)


def test_troubled_ones_are_counted_in_one_warning():
    X, y, _ = data(30, 6, 0)
    twice = X.copy(order="F")
    twice[:, 1] = twice[:, 0]
    kink = fp.lasso(np.eye(2), np.array([3.0, 1.0]), alpha=0.5)
    good = fp.lasso(X, y, 0.1)
    problems = [good, kink, fp.lasso(twice, y, 0.05), good, kink]
    with pytest.warns(fp.FastpiggyWarning) as caught:
        solutions = fp.solve_many(problems, "alpha")
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "3 of 5 problems" in message
    assert "2 at_kink (first problems[1])" in message
    assert "1 singular_active_set (first problems[2])" in message
    assert caught[0].filename == __file__
    assert solutions.statuses == [
        "converged", "at_kink", "singular_active_set", "converged", "at_kink"
    ]  # fmt: skip
    assert solutions.statuses == [s.certificate.status for s in solutions]


def test_stacked_with_some_solved_apart():
    X, y, _ = data(30, 6, 0)
    problems = [fp.lasso(X, y, 0.1), fp.logistic(X, y > 1.5, 0.01), fp.elastic_net(X, y, 0.1)]
    solutions = fp.solve_many(problems, "alpha")
    np.testing.assert_array_equal(solutions.x, [s.x for s in solutions])
    np.testing.assert_array_equal(
        solutions.jacobian["alpha"], [s.jacobian["alpha"] for s in solutions]
    )


def test_shapes_that_differ_are_not_stacked():
    solutions = fp.solve_many([*lassos(2, p=5), *lassos(2, p=6)], "alpha")
    with pytest.raises(ValueError, match=r"x of all needs problems of one shape.*\(5,\), \(6,\)"):
        assert solutions.x is None
    with pytest.raises(ValueError, match="jacobian"):
        assert solutions.jacobian is None
    assert solutions.intercept.shape == (4,)


def test_bad_arguments():
    problems = lassos(2)
    with pytest.raises(TypeError, match=r"problems must be an iterable of problems, got Problem"):
        fp.solve_many(problems[0])
    with pytest.raises(TypeError, match=r"problems\[2\] must be made by .*, got int"):
        fp.solve_many([*problems, 3])
    with pytest.raises(ValueError, match=r"problems\[0\]: wrt must name parameters .*'beta'"):
        fp.solve_many(problems, "beta")
    with pytest.raises(ValueError, match=r"problems\[0\]: wrt must name parameters .*'l1_ratio'"):
        fp.solve_many(problems, "l1_ratio")
    with pytest.raises(TypeError, match=r"problems\[0\]: wrt must be"):
        fp.solve_many(problems, 3.0)
    with pytest.raises(ValueError, match="tol must be"):
        fp.solve_many(problems, tol=0.0)
    with pytest.raises(ValueError, match="n_jobs must be a positive integer, got 0"):
        fp.solve_many(problems, n_jobs=0)


def test_large_scales_and_zero_columns():
    problems = []
    for seed in range(20):
        X, y, _ = data(30, 12, seed)
        X = X * 10.0 ** np.linspace(-4, 4, 12)
        X[:, 4] = 0.0
        problems.append(at(fp.lasso(np.asfortranarray(X), y, 1.0), 1e-3))
    for found, problem in zip(fp.solve_many(problems), problems, strict=True):
        alone = fp.solve(problem)
        np.testing.assert_allclose(found.x, alone.x, rtol=1e-9, atol=1e-15)


TINY = """
import sys
import numpy as np
import fastpiggy as fp
from fastpiggy.solving import many
rng, problems = np.random.default_rng(0), []
many._FEW = 1
for k, dtype in enumerate([float, np.float32, float, np.float32, float]):
    X = np.array(rng.standard_normal((8, 5)), dtype=dtype, order="FFCCF"[k])
    weights = [0.0, 1.0, 1.0, 1.0, 1.0] if k == 4 else None
    problems.append(fp.lasso(X, X[:, 1] + rng.standard_normal(8), 0.1, weights=weights,
                             fit_intercept=k % 2 == 0))
found = fp.solve_many(problems, "alpha")
np.savez(sys.argv[1], apart=len(found._apart), x=found.x, J=found.jacobian["alpha"])
"""


def test_without_compiling(tmp_path):
    found = []
    for name, off in (("compiled", "0"), ("plain", "1")):
        path = tmp_path / f"{name}.npz"
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", TINY, str(path)],
            env={**os.environ, "NUMBA_DISABLE_JIT": off}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append(dict(np.load(path)))
    assert found[0]["apart"] == found[1]["apart"] == 0
    for name in ("x", "J"):
        np.testing.assert_allclose(found[0][name], found[1][name], rtol=1e-11, atol=1e-12)
