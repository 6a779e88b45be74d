"""Random problems of all kinds against a reference in extended precision: a few of thousands.

All of them: ``python -m benchmarks.random_problems``.
"""

from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(
        not (ROOT / "benchmarks").is_dir(), reason="the benchmarks are not beside the tests"
    ),
    pytest.mark.skipif(
        np.finfo(np.longdouble).eps > 1e-18, reason="longdouble has no more digits than float64"
    ),
]

#: Those whose kernels other tests compile anyway; the others take a minute of compiling.
KINDS = ["lasso", "weighted_lasso", "elastic_net", "logistic", "group_lasso", "huber", "mcp"]


@pytest.fixture
def random_problems(monkeypatch):
    # Importing benchmarks sets these for good: here only for one test.
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        monkeypatch.setenv(f"{name}_NUM_THREADS", "1")
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import random_problems

    return random_problems


@pytest.mark.parametrize("kind", KINDS)
def test_what_calls_itself_converged_is_right(random_problems, kind):
    # One storage, or the time goes into compiling.
    results = list(random_problems.run(5, seed=11, only=kind, storages=("F",)))
    assert [(result.command, result.faults) for result in results if result.faults] == []
    assert any(result.status == "converged" for result in results)
    assert max(result.scaled for result in results) < 1e-6


def test_a_derivative_that_still_moves_is_not_called_converged(random_problems):
    # Labels that are nearly separated: the last Newton step moves curvatures by a part in 1e5.
    assert random_problems.check("logistic", 12, 950, ("csr",)).status == "tangent_not_converged"


def test_products_are_of_the_support_that_the_jacobian_is_of(random_problems):
    # The rounding of the longest column doubted the coefficient of one that is 1e16 times shorter.
    result = random_problems.check("logistic", 12, 1247, ("F",))
    assert (result.status, result.faults) == ("converged", [])


def test_an_unpenalised_constant_column_is_singular_beside_an_intercept(random_problems):
    result = random_problems.check("weighted_lasso", 12, 1915, ("strided",))
    assert result.status == "singular_active_set"


def test_the_kinds_are_known(random_problems):
    assert set(KINDS) <= set(random_problems.KINDS)


@pytest.mark.parametrize("spoil, word", [("x", "optimality"), ("jacobian", "derivative error")])
def test_what_is_wrong_is_found(random_problems, monkeypatch, spoil, word):
    import fastpiggy as fp

    solve = fp.solve

    def spoilt(*args, **kwargs):
        sol = solve(*args, **kwargs)
        if spoil == "x":
            sol.x[np.argmax(np.abs(sol.x))] *= 1 + 1e-4
        else:
            sol.jacobian["alpha"] *= 1 + 1e-5
        return sol

    monkeypatch.setattr(fp, "solve", spoilt)
    results = random_problems.run(6, seed=11, only="lasso", storages=("F",))
    faults = [fault for result in results for fault in result.faults]
    assert any(word in fault for fault in faults)


def test_a_constant_column_in_a_box_beside_an_intercept_is_singular(random_problems):
    # What rounding leaves of it centred says nothing: the doubt spans the whole box.
    assert random_problems.check("box", 15, 988, ("C",)).status == "singular_active_set"


def test_the_floor_of_a_long_column_hides_no_violation_of_a_short_one(random_problems):
    result = random_problems.check("nonnegative", 11, 1119, ("strided",))
    assert (result.status, result.faults) == ("max_iter", [])
