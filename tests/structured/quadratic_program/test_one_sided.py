"""One-sided derivatives of quadratic programs against differences, several kinks at once."""

import warnings

import numpy as np
import pytest

import fastpiggy as fp


def silent(problem, **arguments):
    with warnings.catch_warnings(action="ignore", category=fp.FastpiggyWarning):
        return fp.solve(problem, **arguments)


def weak(seed, n=6, strong=2, weak=3, units=None):
    """A program whose solution meets `weak` rows with multipliers of zero."""
    rng = np.random.default_rng(seed)
    M = rng.standard_normal((n, n))
    P, G, x = (
        M @ M.T + np.eye(n),
        rng.standard_normal((strong + weak + 2, n)),
        rng.standard_normal(n),
    )
    h = G @ x
    h[-2:] += 1.0
    z = np.zeros(len(h))
    z[:strong] = rng.uniform(0.5, 1.0, strong)
    S = np.ones(n) if units is None else 10 ** rng.uniform(-units, units, n)
    return fp.quadratic_program(S[:, None] * P * S, S * -(P @ x + G.T @ z), G=G * S, h=h), S


def differences(problem, name, D, x, step=1e-6):
    ends = [silent(problem.replace(**{name: problem.parameters[name] + s * step * D})).x
            for s in (-1.0, 1.0)]  # fmt: skip
    return (x - ends[0]) / step, (ends[1] - x) / step


@pytest.mark.parametrize("name", ["q", "h", "P", "G"])
@pytest.mark.parametrize("seed", range(4))
def test_differences_on_either_side(seed, name):
    problem, _ = weak(seed)
    sol = silent(problem)
    assert sol.certificate.status == "at_kink" and sol.certificate.kinks.size == 3
    D = np.random.default_rng(seed + 50).standard_normal(problem.parameters[name].shape)
    D = D + D.T if name == "P" else D
    sides = sol.one_sided({name: D})
    left, right = differences(problem, name, D, sol.x)
    np.testing.assert_allclose(sides.left[name], left, atol=1e-4)
    np.testing.assert_allclose(sides.right[name], right, atol=1e-4)
    assert list(sides.kinks) == list(sol.certificate.kinks)
    assert np.abs(sides.left[name] - sides.right[name]).max() > 1e-3


def test_one_variable_at_its_bound():
    problem = fp.quadratic_program([[1.0]], [-1.0], G=[[1.0]], h=[1.0])
    sides = silent(problem).one_sided(["q", "h"])
    # Larger q: x falls with it.  Smaller q, or larger h: the bound holds, or does not matter.
    assert sides.right["q"] == -1.0 and sides.left["q"] == 0.0
    assert sides.right["h"] == 0.0 and sides.left["h"] == 1.0


def test_units_and_many_programs():
    problem, S = weak(2, units=4)
    plain, _ = weak(2)
    one, two = silent(plain).one_sided("h"), silent(problem).one_sided("h")
    np.testing.assert_allclose(S[:, None] * two.right["h"], one.right["h"], atol=1e-7)
    many = fp.quadratic_program(plain.P, np.stack([plain.q, plain.q + 1.0]), G=plain.G, h=plain.h)
    sides = silent(many).one_sided("h")
    np.testing.assert_allclose(sides.right["h"][0], one.right["h"], atol=1e-9)
    alone = silent(plain.replace(q=plain.q + 1.0)).one_sided("h")
    np.testing.assert_allclose(sides.left["h"][1], alone.left["h"], atol=1e-9)


def test_off_kinks_both_are_the_derivative():
    problem, _ = weak(1, weak=0)
    sol = fp.solve(problem, wrt="h")
    sides = sol.one_sided("h")
    np.testing.assert_allclose(sides.left["h"], sol.jacobian["h"], atol=1e-12)
    np.testing.assert_allclose(sides.right["h"], sol.jacobian["h"], atol=1e-12)


def test_what_has_no_one_sided_derivative():
    twice = fp.quadratic_program(np.eye(2), [-4.0, -1.0], G=[[1, 0], [1, 0]], h=[1.0, 1.0])
    with pytest.raises(np.linalg.LinAlgError, match="singular_active_set"):
        silent(twice).one_sided("h")
    none = fp.quadratic_program(np.eye(1), [0.0], G=[[1.0], [-1.0]], h=[-1.0, 0.0])
    with pytest.raises(ValueError, match=r"no solution|needs a solution"):
        silent(none).one_sided("h")
    cone = fp.cone_program([[-1.0]], [0.0], [1.0], {"l": 1})
    with pytest.raises(ValueError, match="not offered for ConeProgram"):
        fp.solve(cone).one_sided("b")
