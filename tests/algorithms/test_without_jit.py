"""Compiled code and the same code in plain Python, in a process of its own, on seeded cases."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from tables import (
    ALGORITHMS,
    LOSSES,
    PENALTIES,
    SAMPLE,
    directions,
    label,
    make_case,
    run_case,
    start_state,
)

import fastpiggy as fp
from fastpiggy.algorithms import equilibrium
from fastpiggy.algorithms.admm import Fused, FusedDirections, admm, splitting
from fastpiggy.algorithms.composite import gradient, penalty_value, prox, row_tangents, rows, starts
from fastpiggy.algorithms.engine import run
from fastpiggy.algorithms.fixed_point import Map, MapDirections, Mapped, Picard, map_state
from fastpiggy.algorithms.homogeneous_embedding import dual_projection
from fastpiggy.algorithms.inertial import FISTA, HEAVY_BALL, NESTEROV, inertial
from fastpiggy.algorithms.operators import Banded
from fastpiggy.algorithms.protocol import iterate
from fastpiggy.compile import record
from fastpiggy.compile.flags import COMPILED


def runs():
    """Five steps with tangents, tangents held back, and one with the iterate held."""
    for number, combination in enumerate(SAMPLE):
        case, rng = make_case(*combination, seed=number), np.random.default_rng(number)
        size = case.c.A.shape[1]
        x = rng.standard_normal(size) * (rng.random(size) < 0.7)
        state = start_state(case, x, rng.standard_normal((case.m, size)))
        if case.name == "CoordinateDescent":
            order = {"order": np.arange(size), "inner": 2, "seed": np.array([7])}
            case.algorithm = case.algorithm._replace(**order)
        code, trace = run_case(case, state, 5)
        held, _ = run_case(case, state, 1, moving=False)
        yield label(combination), [code, held, trace, *state]


def inertias():
    """Steps with momentum, on the types of the first of the sample."""
    for kind in (HEAVY_BALL, NESTEROV, FISTA):
        case, rng = make_case(*SAMPLE[0], seed=kind), np.random.default_rng(kind)
        size = case.c.A.shape[1]
        x, J = rng.standard_normal(size), rng.standard_normal((case.m, size))
        state, case.algorithm = start_state(case, x, J), inertial(kind, case.steps, 0.6, x, J)
        code, trace = run_case(case, state, 8)
        held, _ = run_case(case, state, 3, moving=False)
        yield f"inertial {kind}", [code, held, trace, *state, case.algorithm.clock]


@record(Map)
class Affine(NamedTuple):
    """``x+ = a x + theta``, entry by entry."""

    a: float

    def step(self, x, theta, z):
        for i in range(x.size):
            z[i] = self.a * x[i] + theta[i]

    def step_tangent(self, x, theta, z, dx, dtheta, dz):
        for i in range(x.size):
            dz[i] = self.a * dx[i] + dtheta[i]


def maps():
    rng = np.random.default_rng(14)
    case = SimpleNamespace(
        problem=Mapped(Affine(0.7), rng.standard_normal(4)), m=2, algorithm=Picard(0),
        d=MapDirections(rng.standard_normal((2, 4))),
    )  # fmt: skip
    state = map_state(rng.standard_normal(4), 2)
    code, trace = run_case(case, state, 5)
    yield "Picard", [code, trace, *state]


def losses():
    """Values, slopes, curvatures and tangents, near and far out."""
    for name, make in LOSSES.items():
        rng = np.random.default_rng(12)
        loss = make(rng, 12)
        z = np.append(rng.standard_normal(6), [1.0, -1.0, 1.1, -1.1, 800.0, -800.0])
        r, h, Z, R = np.empty(12), np.empty(12), np.empty((3, 12)), np.empty((3, 12))
        total = rows(loss, z, r, h)
        row_tangents(loss, directions(loss, rng, 3), z, Z, R, 3)
        yield name, [r, h, total, Z, R]


def passes():
    """Starts, and the pass over X by rows and by columns."""
    for number, (name, loss) in enumerate(
        [("centred rows", "Huber"), ("centred dense", "Logistic"), ("centred sparse", "Huber")]
    ):
        case = make_case("ForwardBackward", name, loss, "SquaredL2", seed=number, n=11)
        n, size = case.c.A.shape
        rng, state = np.random.default_rng(number), iterate(n, size, case.m)
        state.x[:], state.J[:] = rng.standard_normal(size), rng.standard_normal((case.m, size))
        gradient(case.problem, case.d, state, case.m)
        z, h = np.empty(n), np.empty(n)
        starts(case.problem.loss, z, h)
        yield f"pass {name}", [*state, z, h]


def splittings():
    """Steps of ADMM on second differences."""
    rng, g = np.random.default_rng(13), PENALTIES["L1"].make(np.random.default_rng(13), 7)
    operator, w = np.array([[1.0], [-2.0], [1.0]]) * np.ones(7), rng.uniform(0.5, 1.5, 9)
    d = FusedDirections(
        rng.standard_normal((3, 9)), rng.standard_normal((3, 9)), directions(g, rng, 3),
        rng.standard_normal(3), 1,
    )  # fmt: skip
    problem = Fused(Banded(operator), rng.standard_normal(9), w, g, np.zeros(7))
    case = SimpleNamespace(problem=problem, d=d, m=3, algorithm=admm(Banded(operator), w, 7, 0.8))
    state = splitting(9, 7, 3)
    state.v[:], state.dv[:] = rng.standard_normal(7), rng.standard_normal((3, 7))
    code, trace = run_case(case, state, 5)
    yield "ADMM", [code, trace, *state]


def structures():
    """A cone program and equilibrium layers, with what their ends need beside the run."""
    rng = np.random.default_rng(15)
    A = np.vstack([np.eye(3), rng.standard_normal((4, 3))])
    b = np.array([1.0, 1.0, 1.0, 3.0, 0.3, 0.2, 0.1])
    program = fp.cone_program(A, b, -np.ones(3), {"l": 3, "q": [4]})
    sol = fp.solve(program, wrt="b")
    yield "cones", [sol.x, sol.y, sol.jacobian["b"]]
    P, R = rng.standard_normal((2, 4, 4)) / 2
    U, c, x = rng.standard_normal((4, 2)), rng.standard_normal(4), rng.standard_normal((3, 2))
    layer = fp.equilibrium(fp.monotone_weights(P, R, 0.5), U, c, x)
    for way in ("peaceman_rachford", "forward_backward"):
        sol = fp.solve(layer, wrt="b", algorithm=way)
        yield (
            f"equilibrium {way}",
            [sol.x, sol.jacobian["b"], *sol.vjp(np.ones(sol.x.shape)).values()],
        )


def results():
    found = {}
    for cases in (runs, inertias, maps, losses, passes, splittings, structures):
        for name, values in cases():
            found |= {f"{name} {i}": np.asarray(value) for i, value in enumerate(values)}
    return found


def test_plain_python_gives_the_same_numbers(tmp_path):
    path, here = tmp_path / "plain.npz", Path(__file__)
    paths = [str(here.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-W", "error", str(here), str(path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    wanted = results()
    with np.load(path) as plain:
        assert not plain["compiled"]
        assert set(plain) == {*wanted, "compiled"}
        for name, value in wanted.items():
            np.testing.assert_allclose(value, plain[name], rtol=1e-11, atol=1e-11, err_msg=name)


def test_every_algorithm_is_among_the_cases():
    assert {name for name, *_ in SAMPLE} == set(ALGORITHMS)


@pytest.mark.compiled
def test_every_kernel_is_among_the_cases():
    """A new one must be compared with itself as well."""
    known = {
        id(kernel)
        for kernel in (
            run, gradient, rows, starts, row_tangents, prox, penalty_value, dual_projection,
            equilibrium.slopes, equilibrium.factor, equilibrium.substitute,
        )
    }  # fmt: skip
    rooms = ("losses", "penalties", "designs", "algorithms")
    for room in rooms:
        package = import_module(f"fastpiggy.{room}")
        for module in iter_modules(package.__path__):
            for name, value in vars(import_module(f"{package.__name__}.{module.name}")).items():
                if hasattr(value, "signatures") and not hasattr(value, "_role"):
                    assert id(value) in known, f"{room}.{module.name}.{name}"


if __name__ == "__main__":
    np.savez(sys.argv[1], compiled=COMPILED, **results())
