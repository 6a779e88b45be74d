"""Benchmarks that nobody runs rot: these load all of them and run the cheapest."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks").is_dir(), reason="the benchmarks are not beside the tests"
)


@pytest.fixture
def common(monkeypatch):
    # Importing benchmarks sets these for good: here only for one test.
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        monkeypatch.setenv(f"{name}_NUM_THREADS", "1")
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import common

    return common


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="asv wants a repository")
def test_asv_accepts_the_suite(tmp_path):
    pytest.importorskip("asv")
    # asv writes what it knows of the machine into the home folder.
    done = run("asv", "check", "--python=same", HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No problems found" in done.stdout


@pytest.mark.compiled
def test_a_script_runs_and_agrees_with_blas():
    done = run("benchmarks.fused_pass", "--quick")
    assert done.returncode == 0, done.stderr
    assert "--quick" in done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in lines}) == 1
    assert len(lines) == 2 + 2 * 4


@pytest.mark.parametrize(
    "script", ["composition", "descent", "many", "minima", "search", "startup"]
)
def test_other_scripts_explain_themselves(script):
    done = run(f"benchmarks.{script}", "--help")
    assert done.returncode == 0, done.stderr
    assert "--write" in done.stdout


def test_checks_know_the_solution_of_orthonormal_columns(common):
    n, alpha = 6, 0.1
    X = np.eye(n)
    y = np.array([3.0, -2.0, 0.5, 0.1, 0.0, -4.0])
    w = np.sign(y) * np.maximum(np.abs(y) - n * alpha, 0.0)
    assert common.violation("lasso", X, y, w, alpha) < 1e-14
    assert common.violation("lasso", X, y, w + 0.01, alpha) > 1e-3
    np.testing.assert_allclose(common.lasso_slope(X, w), -n * np.sign(w))


@pytest.mark.parametrize("model", ["elastic_net", "ridge", "logistic", "group_lasso"])
@pytest.mark.compiled
def test_checks_and_package_agree(common, model):
    import fastpiggy as fp

    X, y, _, _ = common.dense_case(40, 20)
    alpha = common.alpha_of(model, X, y, 0.1)
    w = fp.solve(common.build(model, X, y, alpha)).x
    assert common.violation(model, X, y, w, alpha) < 1e-8
