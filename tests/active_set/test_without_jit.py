"""Compiled code and the same code in plain Python, in a process of its own, on seeded problems."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import numpy as np
import pytest
from scipy.sparse import csc_array

import fastpiggy as fp
from fastpiggy.compile.flags import COMPILED
from fastpiggy.solving import large


def problems():
    rng = np.random.default_rng(0)
    X, y, w = rng.standard_normal((25, 12)), rng.standard_normal(25), rng.uniform(0.5, 1.5, 12)
    w[3] = 0.0
    yield "lasso", fp.lasso(X, y, 0.05)
    yield "wide", fp.lasso(X[:8], y[:8], 0.01, fit_intercept=True)
    yield "elastic net", fp.elastic_net(X.astype(np.float32), y, 0.1, 0.5, weights=w)
    yield "sparse", fp.lasso(csc_array(X * (X > 0)), y, 0.05, fit_intercept=True)
    yield "logistic", fp.logistic(X, y > 0, 0.03, fit_intercept=True)
    yield "squared hinge", fp.squared_hinge(X, y > 0, 0.03, weights=w)
    yield "huber", fp.huber(X, y, 0.05, delta=0.8)
    groups, scales = np.arange(12) % 5, np.ones(12)
    scales[:5] = 1e3
    yield "groups", fp.group_lasso(X * scales, y, 0.03, groups, weights=[1.0, 0.0, 1.0, 2.0, 1.0])


def results():
    found = {}
    for name, problem in problems():
        for few in (3, large.LARGE) if name == "sparse" else (large.LARGE,):
            before, large.LARGE = large.LARGE, few
            try:
                sol = fp.solve(problem, wrt="alpha", algorithm="active_set")
                warm = fp.solve(problem.replace(alpha=0.04), algorithm="active_set", x0=sol)
            finally:
                large.LARGE = before
            values = [sol.x, sol.intercept, sol.jacobian["alpha"], sol.objective, warm.x]
            found |= {f"{name} {few} {i}": np.asarray(value) for i, value in enumerate(values)}
    return found | searched() | targets() | programs()


def targets():
    """Many targets on one X: on the whole Gram matrices of the folds, which all columns fit."""
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((20, 6)), rng.standard_normal((20, 2))
    found = fp.tune_many(fp.lasso(X, Y[:, 0], 1.0, fit_intercept=True), Y + 2.0 * X[:, :1], cv=3)
    values = [found.alphas, found.values, found.coefficients.toarray()]
    problem = fp.elastic_net(X, Y[:, 0], 0.1, 0.8, fit_intercept=True)
    known = fp.solve_many(problem, Y + 2.0 * X[:, :1], "l1_ratio", alpha=[0.2, 0.02])
    values += [known.coefficients.toarray(), known.jacobian["l1_ratio"].toarray()]
    return {f"targets {i}": value for i, value in enumerate(values)}


def programs():
    """Quadratic programs, and one whose P is singular."""
    rng = np.random.default_rng(3)
    A = rng.standard_normal((1, 4))
    found = {}
    for name, P in {"quadratic": np.eye(4), "linear": np.zeros((4, 4))}.items():
        G = np.vstack([np.eye(4), -np.eye(4)])
        h, b = np.ones(8), 0.2 * A.sum(axis=1)
        problem = fp.quadratic_program(P, rng.standard_normal(4), A, b, G, h)
        sol = fp.solve(problem, wrt=["q", "b"])
        values = [sol.x, sol.jacobian["q"], sol.jacobian["b"]]
        found |= {f"{name} program {i}": value for i, value in enumerate(values)}
    return found


def searched():
    """The exact path of all folds, with fewer rows than columns in each."""
    rng = np.random.default_rng(1)
    X, y = np.asfortranarray(rng.standard_normal((14, 12))), rng.standard_normal(14)
    y += 2.0 * X[:, 0]
    result = fp.tune(fp.CrossVal(fp.lasso(X, y, 1.0, fit_intercept=True), cv=3), method="path")
    curve = result.curve
    values = [result.value, result.params["alpha"], curve.knots, curve.ends, result.solution.x]
    return {f"path {i}": np.asarray(value) for i, value in enumerate(values)}


@pytest.mark.compiled
def test_plain_python_gives_the_same_numbers(tmp_path):
    path, here = tmp_path / "plain.npz", Path(__file__)
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-W", "error", str(here), str(path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    wanted = results()
    with np.load(path) as plain:
        assert not plain["compiled"]
        assert set(plain) == {*wanted, "compiled"}
        for name, value in wanted.items():
            np.testing.assert_allclose(value, plain[name], rtol=1e-8, atol=1e-9, err_msg=name)
    _every_kernel_has_run()


def _every_kernel_has_run():
    """A new one must be compared with itself as well; those of many problems at once are apart."""
    package = import_module("fastpiggy.active_set")
    for module in iter_modules(package.__path__):
        if module.name == "many":
            continue
        for name, value in vars(import_module(f"{package.__name__}.{module.name}")).items():
            if hasattr(value, "signatures"):
                assert value.signatures, f"active_set.{module.name}.{name}"


if __name__ == "__main__":
    np.savez(sys.argv[1], compiled=COMPILED, **results())
