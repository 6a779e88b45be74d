"""Every penalty of the table: its value, its prox, and what convexity makes of both."""

import naive
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tables import PENALTIES, apply_prox, directions

from fastpiggy.algorithms.composite import prox
from fastpiggy.compile import roles
from fastpiggy.penalties import L1, MCP, Simplex, SquaredL2, TotalVariation

EXAMPLES = 12
P = 6

#: Of these each case takes as many entries as it has coordinates.
vectors = arrays(float, 15, elements=st.floats(-4, 4, width=32))
seeds = st.integers(0, 2**32 - 1)
names = pytest.mark.parametrize("name", PENALTIES)
papers = pytest.mark.parametrize("name", naive.PENALTIES)
convex = pytest.mark.parametrize("name", [name for name in PENALTIES if PENALTIES[name].convex])


def make(name, seed=0, p=None):
    case = PENALTIES[name]
    return case.make(np.random.default_rng(seed), case.size if p is None else p)


def cut(name, *vectors):
    return [u[: PENALTIES[name].size].copy() for u in vectors]


@papers
@settings(max_examples=EXAMPLES)
@given(u=vectors, step=st.floats(0.01, 2), seed=seeds)
def test_prox_is_that_of_the_paper(name, u, step, seed):
    penalty, (u,) = make(name, seed), cut(name, u)
    z, _ = apply_prox(penalty, u, step)
    wanted = naive.PENALTIES[name].prox(u, np.full(P, step), penalty._asdict())
    np.testing.assert_allclose(z, wanted, rtol=0, atol=1e-12 * (1 + abs(u).max()))


@papers
@settings(max_examples=EXAMPLES)
@given(u=vectors, step=st.floats(0.01, 2), seed=seeds)
def test_value_is_that_of_the_paper(name, u, step, seed):
    penalty, (u,) = make(name, seed), cut(name, u)
    z, _ = apply_prox(penalty, u, step)
    for x in (z, u):
        wanted = naive.PENALTIES[name].value(x, penalty._asdict())
        assert penalty.value_all(x) == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("name", [name for name in PENALTIES if hasattr(make(name), "prox")])
def test_prox_minimises_what_the_value_says(name):
    """By bisection on the values alone, coordinate by coordinate."""
    penalty, rng = make(name), np.random.default_rng(1)
    for j in range(P):
        for u, step in zip(3 * rng.standard_normal(8), rng.uniform(0.1, 2, 8)):
            wanted = naive.prox_by_bisection(lambda x, j=j: penalty.value(j, x), u, step, 20.0)
            assert penalty.prox(j, u, step) == pytest.approx(wanted, abs=1e-6)


@names
@settings(max_examples=EXAMPLES)
@given(u=vectors, step=st.floats(0.05, 2), seed=seeds)
def test_no_point_nearby_is_better(name, u, step, seed):
    penalty, rng, (u,) = make(name, seed), np.random.default_rng(seed), cut(name, u)
    z, _ = apply_prox(penalty, u, step)

    def objective(x):
        return np.sum((x - u) ** 2) / 2 + step * penalty.value_all(x)

    best = objective(z)
    assert np.isfinite(best)
    for size in (1e-3, 0.1, 1.0):
        other = z + size * rng.standard_normal(u.size)
        # The prox brings any point into the set where the penalty is finite.
        feasible, _ = apply_prox(penalty, other, 1e-9)
        assert objective(feasible) >= best - 1e-12 * (1 + abs(best))


REFERENCES = [name for name, case in PENALTIES.items() if case.reference]


@pytest.mark.parametrize("name", REFERENCES)
@settings(max_examples=EXAMPLES)
@given(u=vectors, step=st.floats(0.01, 2), seed=seeds)
def test_prox_is_the_one_found_another_way(name, u, step, seed):
    penalty, (u,) = make(name, seed), cut(name, u)
    z, _ = apply_prox(penalty, u, step)
    wanted = PENALTIES[name].reference(penalty, u, step)
    np.testing.assert_allclose(z, wanted, rtol=0, atol=1e-11 * (1 + abs(u).max()))


@names
def test_compiled_and_plain_are_the_same(name):
    """Also where arrays are longer than the argument, as with an intercept, which is left alone."""
    case, rng = PENALTIES[name], np.random.default_rng(9)
    points = [(case.make(rng, case.size), 2 * rng.standard_normal(case.size)) for _ in range(3)]
    penalty = case.make(rng, case.kink_size)
    points += [(penalty, u) for u in case.kinks(penalty, rng.standard_normal(case.kink_size), 0.5)]
    points.append((penalty, np.zeros(case.kink_size)))
    for penalty, u in points:
        d, long = directions(penalty, rng, 2), np.append(u, 3.0)
        du, steps = rng.standard_normal((2, long.size)), np.full(long.size, 0.5)
        for q in (0.0, 0.5, 1.0):
            wanted = apply_prox(penalty, u, 0.5, du[:, :-1].copy(), d, q)
            z, dz = np.full(long.size, 9.0), np.full((2, long.size), 9.0)
            prox(penalty, long[:-1], steps, z, du, dz, d, 2, np.full(long.size, q))
            assert z[-1] == dz[0, -1] == dz[1, -1] == 9.0
            scale = 1e-13 * (1 + abs(u).max())
            np.testing.assert_allclose(z[:-1], wanted[0], rtol=1e-12, atol=scale)
            np.testing.assert_allclose(dz[:, :-1], wanted[1], rtol=1e-11, atol=1e-11)


@convex
@settings(max_examples=EXAMPLES)
@given(u=vectors, v=vectors, step=st.floats(0.01, 2), seed=seeds)
def test_convex_prox_is_firmly_nonexpansive(name, u, v, step, seed):
    penalty, (u, v) = make(name, seed), cut(name, u, v)
    moved = apply_prox(penalty, u, step)[0] - apply_prox(penalty, v, step)[0]
    assert moved @ moved <= moved @ (u - v) + 1e-12 * (1 + (u - v) @ (u - v))
    assert np.linalg.norm(moved) <= np.linalg.norm(u - v) * (1 + 1e-12) + 1e-12


@convex
@settings(max_examples=EXAMPLES)
@given(u=vectors, step=st.floats(0.05, 2), seed=seeds)
def test_moreau(name, u, step, seed):
    """``(u - z)/step`` is a subgradient at z: the prox of the conjugate, by Moreau's identity."""
    penalty, rng, (u,) = make(name, seed), np.random.default_rng(seed), cut(name, u)
    z, _ = apply_prox(penalty, u, step)
    g = (u - z) / step
    for size in (0.01, 1.0, 5.0):
        other, _ = apply_prox(penalty, z + size * rng.standard_normal(u.size), 0.3)
        risen = penalty.value_all(other) - penalty.value_all(z)
        assert risen >= g @ (other - z) - 1e-10 * (1 + np.linalg.norm(g))


def test_mcp_is_not_nonexpansive():
    penalty = MCP(1.0, 4.0, np.ones(2))
    u, v = np.array([1.5, 0.0]), np.array([2.5, 0.0])
    moved = apply_prox(penalty, u, 1.0)[0] - apply_prox(penalty, v, 1.0)[0]
    assert abs(moved[0]) == pytest.approx(4 / 3)


def test_mcp_steps_end_at_gamma():
    """Below gamma the prox is a function, and its slope grows without bound; so it is told."""
    penalty = MCP(1.0, 2.0, np.ones(1))
    assert penalty.largest_step() == 2.0
    for step in (1.0, 1.9, 1.999):
        low, high = (penalty.prox(0, u, step) for u in (step + 1e-9, 2.0))
        assert low == pytest.approx(0.0, abs=1e-5)
        assert high == pytest.approx(2.0)


@names
def test_nan_comes_through(name):
    penalty, rng, size = make(name), np.random.default_rng(2), PENALTIES[name].size
    for j in range(size):
        u = rng.standard_normal(size)
        u[j] = np.nan
        assert np.isnan(apply_prox(penalty, u, 0.5)[0][j])
    everywhere = apply_prox(penalty, np.full(size, np.nan), 0.5, np.ones((1, size)), q=0.5)[0]
    assert np.isnan(everywhere).all()


@pytest.mark.parametrize("name", [name for name in PENALTIES if PENALTIES[name].off])
def test_switched_off_the_prox_is_the_identity(name):
    rng = np.random.default_rng(3)
    penalty = PENALTIES[name].off(rng, P)
    # Zeros and equal neighbours: where the penalty, were it on, would have its kinks.
    for u in (np.zeros(P), np.array([1.0, 1.0, 0.0, 0.0, -2.0, 0.0])):
        du = rng.standard_normal((2, P))
        for q in (0.0, 0.5, 1.0):
            z, dz = apply_prox(penalty, u, 0.7, du, q=q)
            np.testing.assert_array_equal(z, u)
            np.testing.assert_allclose(dz, du, rtol=1e-14)


@pytest.mark.parametrize("name", ["L1", "ElasticNet", "MCP", "SCAD", "GroupL2"])
def test_what_has_no_weight_is_not_shrunk(name):
    penalty, rng = make(name, p=5), np.random.default_rng(4)
    last = penalty.order[-1] if name == "GroupL2" else 4
    scale = 1 + 0.7 * penalty.alpha * (1 - penalty.l1_ratio) if name == "ElasticNet" else 1.0
    for value in (0.0, 0.3, -1e-300):
        u, du = rng.standard_normal(5), rng.standard_normal((1, 5))
        u[last] = value
        z, dz = apply_prox(penalty, u, 0.7, du)
        assert z[last] == value / scale
        assert dz[0, last] == pytest.approx(du[0, last] / scale)


@pytest.mark.parametrize(
    "name",
    [name for name in PENALTIES if hasattr(make(name), "alpha_max") and name != "SquaredL2"],
)
def test_alpha_max_is_where_zero_stops_being_a_solution(name):
    rng = np.random.default_rng(5)
    penalty, g = make(name, p=5), rng.standard_normal(5)
    last = penalty.order[-1] if name == "GroupL2" else 4
    g[last] = 0.0  # unpenalised: fitted already
    top = penalty.alpha_max(g)
    step = 0.5
    assert not apply_prox(penalty._replace(alpha=top * (1 + 1e-12)), -step * g, step)[0].any()
    assert apply_prox(penalty._replace(alpha=0.999 * top), -step * g, step)[0].any()
    assert penalty.alpha_max(np.zeros(5)) == 0.0


def test_alpha_max_says_why_there_is_none():
    with pytest.raises(ValueError, match="squared l2 penalty"):
        SquaredL2(1.0).alpha_max(np.ones(2))
    with pytest.raises(ValueError, match="l1_ratio = 0"):
        make("ElasticNet")._replace(l1_ratio=0.0).alpha_max(np.ones(P))


@pytest.mark.parametrize("name", ["L1", "ElasticNet"])
def test_thresholds_are_where_a_gradient_moves_a_zero(name):
    penalty = make(name)
    t = penalty.alpha * penalty.thresholds()[:-1]
    for j, size in enumerate(t):
        assert penalty.prox(j, 0.999 * size, 1.0) == 0.0
        assert penalty.prox(j, 1.001 * size, 1.0) > 0.0


def test_roles_name_the_most_special_first():
    assert roles(L1)[0] == "CoordinatePenalty"
    assert roles(Simplex) == ("Penalty",)


@pytest.mark.parametrize("far", [0.0, 1e10, 1e16, -1e20])
def test_simplex_far_from_zero(far):
    """Of entries much larger than the radius only differences matter; nothing is lost."""
    gap = max(1.0, 4 * np.spacing(abs(far)))
    for u, wanted in (
        (far + gap * np.array([2.0, 0.0, -9.0]), [1.0, 0.0, 0.0]),
        (far + gap * np.array([0.0, -5.0, 0.0]), [0.5, 0.0, 0.5]),
    ):
        z, dz = apply_prox(Simplex(1.0), u, 1.0, np.zeros((1, 3)), Simplex(np.ones(1)))
        np.testing.assert_allclose(z, wanted, rtol=1e-12)
        np.testing.assert_allclose(dz[0], wanted, rtol=1e-12)


@pytest.mark.parametrize("p", [1, 2, 3, 40])
@pytest.mark.parametrize("kind", ["random", "ties"])
def test_total_variation_of_any_length(p, kind):
    rng = np.random.default_rng(p)
    for alpha in (0.125, 1.0, 30.0):
        u = rng.standard_normal(p) if kind == "random" else rng.integers(-2, 3, p).astype(float)
        z, _ = apply_prox(TotalVariation(alpha), u, 0.5)
        wanted = naive.PENALTIES["TotalVariation"].prox(u, np.full(p, 0.5), {"alpha": alpha})
        np.testing.assert_allclose(z, wanted, atol=1e-12)
