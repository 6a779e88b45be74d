"""All derivatives that should agree do, on a problem of every constructor."""

import ast
import warnings
from pathlib import Path

import numpy as np
import pytest
from tables.problems import KINKS, PROBLEMS

import fastpiggy as fp

FUSED = ("piggyback", "late", "frozen")
#: Public functions of these modules that make no problem.
_OTHERS = {"from_glmnet", "piggyback", "heavy_ball_counterexample", "monotone_weights"}
#: Public classes that are problems and are made by hand.
_BY_HAND = {"Problem", "FixedPoint"}


def apart(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


@pytest.mark.parametrize("name", PROBLEMS)
def test_modes_agree(name):
    make, wrt = PROBLEMS[name]
    problem = make()
    exact = fp.solve(problem, wrt=wrt, derivative="implicit", tol=1e-12)
    assert exact.certificate.status == "converged"
    assert np.linalg.norm(exact.jacobian[wrt]) > 1e-3
    for mode in FUSED:
        found = fp.solve(problem, wrt=wrt, derivative=mode, tol=1e-12)
        assert found.certificate.status == "converged"
        assert found.derivative == mode
        assert apart(found.jacobian[wrt], exact.jacobian[wrt]) < 1e-8, mode


@pytest.mark.parametrize("name", KINKS)
@pytest.mark.parametrize("q", [0.0, 1.0])
def test_modes_agree_at_kinks_or_say_that_they_do_not(name, q):
    """Iterates that only tend to a kink stay on one side of it, whatever the selection is."""
    make, wrt = KINKS[name]
    problem, stood = make(), 0
    with warnings.catch_warnings(action="ignore", category=fp.FastpiggyWarning):
        exact = fp.solve(problem, wrt=wrt, tol=1e-12, selection=q)
        assert exact.certificate.status == "at_kink"
        for mode in FUSED:
            sol = fp.solve(problem, wrt=wrt, derivative=mode, tol=1e-12, selection=q)
            same = np.allclose(sol.jacobian[wrt], exact.jacobian[wrt], rtol=1e-8, atol=1e-10)
            status = sol.certificate.status
            assert status == ("at_kink" if same else "tangent_not_converged"), mode
            stood += same
    assert stood or name == "quadratic_program"


def test_every_constructor_is_in_the_table():
    stub = ast.parse(Path(fp.__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    public = {
        alias.name
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        and str(node.module).startswith(("fastpiggy.problems", "fastpiggy.structured"))
        for alias in node.names
    }
    makers = {name for name in public if name.islower()} - _OTHERS
    assert makers | _BY_HAND == {name.split(",")[0] for name in PROBLEMS}
