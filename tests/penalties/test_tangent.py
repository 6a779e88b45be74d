"""The tangent of every prox of the table: differences, and the selection at kinks.

All directions move u and every parameter at once, with random signs.
"""

import naive
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tables import PENALTIES, PenaltyCase, apply_prox, directions, moved, zeros

from fastpiggy.compile import roles
from fastpiggy.penalties import CoordinatePenalty

EXAMPLES = 15
P, M = 6, 3
H = 1e-5

#: Of these each case takes as many entries as it has coordinates.
vectors = arrays(float, 15, elements=st.floats(-4, 4, width=32))
seeds = st.integers(0, 2**32 - 1)
names = pytest.mark.parametrize("name", PENALTIES)
papers = pytest.mark.parametrize("name", naive.PENALTIES)
KINKED = [name for name, case in PENALTIES.items() if case.kinks is not PenaltyCase.kinks]
kinked = pytest.mark.parametrize("name", KINKED)


def along(penalty, u, step, du, d, k, e):
    """The prox at a point moved by e along direction k."""
    return apply_prox(moved(penalty, d, k, e), u + e * du[k], step)


def at_kinks(name, seed=0):
    """Penalty, step, and points that have one kink each."""
    rng, p = np.random.default_rng(seed), PENALTIES[name].kink_size
    penalty = PENALTIES[name].make(rng, p)
    for step in (0.5, 1.0, 2.0):
        for u in PENALTIES[name].kinks(penalty, 2 * rng.standard_normal(p), step):
            yield rng, penalty, step, u


@names
@settings(max_examples=EXAMPLES)
@given(u=vectors, step=st.floats(0.05, 2), seed=seeds)
@example(u=np.resize([0.0, 1.0, 0.0, 0.0, -1.0, 0.0], 15), step=1.0, seed=5239)
def test_tangent_is_the_difference_quotient(name, u, step, seed):
    rng, p = np.random.default_rng(seed), PENALTIES[name].size
    penalty, u = PENALTIES[name].make(rng, p), u[:p].copy()
    du, d = rng.standard_normal((M, p)), directions(penalty, rng, M)
    _, dz = apply_prox(penalty, u, step, du, d)
    for k in range(M):
        ends = [along(penalty, u, step, du, d, k, e)[0] for e in (H, -H)]
        # A kink in between, however small, shows in the tangents' second differences; then there is
        # no one derivative.
        for e in (H, 2 * H):
            sides = [
                apply_prox(moved(penalty, d, k, side), u + side * du[k], step, du, d)[1][k]
                for side in (e, -e)
            ]
            assume(abs(sides[0] + sides[1] - 2 * dz[k]).max() < 1e-6)
        np.testing.assert_allclose(dz[k], (ends[0] - ends[1]) / (2 * H), rtol=1e-6, atol=1e-6)


@papers
@settings(max_examples=EXAMPLES)
@given(u=vectors, step=st.floats(0.05, 2), seed=seeds, q=st.floats(0, 1))
def test_tangent_is_that_of_the_paper(name, u, step, seed, q):
    rng = np.random.default_rng(seed)
    penalty, u = PENALTIES[name].make(rng, P), u[:P].copy()
    du, d = rng.standard_normal((M, P)), directions(penalty, rng, M)
    _, dz = apply_prox(penalty, u, step, du, d, q)
    wanted = naive.PENALTIES[name].tangent(
        u, np.full(P, step), penalty._asdict(), du, d._asdict(), np.zeros(M), np.full(P, q)
    )
    np.testing.assert_allclose(dz, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in KINKED if name in naive.PENALTIES])
@pytest.mark.parametrize("q", [0.0, 0.25, 0.5, 1.0])
def test_selection_is_that_of_the_paper(name, q):
    for rng, penalty, step, u in at_kinks(name):
        du, d = rng.standard_normal((M, u.size)), directions(penalty, rng, M)
        _, dz = apply_prox(penalty, u, step, du, d, q)
        vector = np.ones(u.size)
        wanted = naive.PENALTIES[name].tangent(
            u, step * vector, penalty._asdict(), du, d._asdict(), np.zeros(M), q * vector
        )
        np.testing.assert_allclose(dz, wanted, rtol=1e-12, atol=1e-12)


@kinked
def test_extreme_selections_are_the_one_sided_derivatives(name):
    """q = 0 and q = 1 are the two sides, q = 1/2 their mean, and q between them linear."""
    crossed = 0
    for rng, penalty, step, u in at_kinks(name):
        du, d = rng.standard_normal((8, u.size)), directions(penalty, rng, 8)
        low, half, high, some = (
            apply_prox(penalty, u, step, du, d, q)[1] for q in (0.0, 0.5, 1.0, 0.3)
        )
        np.testing.assert_allclose(half, (low + high) / 2, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(some, 0.7 * low + 0.3 * high, rtol=1e-12, atol=1e-12)
        start = apply_prox(penalty, u, step)[0]
        for k in range(8):
            sides = []
            for sign in (1, -1):
                near, far = (along(penalty, u, step, du, d, k, sign * e)[0] for e in (H, 2 * H))
                sides.append(sign * (4 * near - far - 3 * start) / (2 * H))
            ends = low[k], high[k]
            matched = [
                {i for i in (0, 1) if np.allclose(side, ends[i], rtol=1e-5, atol=1e-5)}
                for side in sides
            ]
            assert all(matched), (u, sides, ends)
            crossed += matched in ([{0}, {1}], [{1}, {0}])
    assert crossed >= 20


@names
@settings(max_examples=EXAMPLES)
@given(u=vectors, step=st.floats(0.05, 2), seed=seeds, q=st.floats(0, 1))
def test_jacobian_is_symmetric(name, u, step, seed, q):
    p = PENALTIES[name].size
    check_jacobian(name, PENALTIES[name].make(np.random.default_rng(seed), p), u[:p], step, q)


@kinked
@pytest.mark.parametrize("q", [0.0, 0.4, 1.0])
def test_jacobian_is_symmetric_at_kinks(name, q):
    for _, penalty, step, u in at_kinks(name):
        check_jacobian(name, penalty, u, step, q)


def check_jacobian(name, penalty, u, step, q):
    _, A = apply_prox(penalty, u, step, np.eye(u.size), q=q)
    np.testing.assert_allclose(A, A.T, atol=1e-12)
    eigenvalues = np.linalg.eigvalsh(A)
    assert eigenvalues.min() >= -1e-12
    if PENALTIES[name].convex:
        assert eigenvalues.max() <= 1 + 1e-12


@names
def test_tangent_is_linear_and_each_its_own(name):
    rng, p = np.random.default_rng(6), PENALTIES[name].size
    penalty, u = PENALTIES[name].make(rng, p), rng.standard_normal(p)
    du, d = rng.standard_normal((M, p)), directions(penalty, rng, M)
    _, dz = apply_prox(penalty, u, 0.8, du, d)
    _, twice = apply_prox(penalty, u, 0.8, -2 * du, type(d)(*(-2 * field for field in d)))
    np.testing.assert_allclose(twice, -2 * dz, rtol=1e-13, atol=1e-13)
    for k in range(M):
        _, alone = apply_prox(
            penalty, u, 0.8, du[k : k + 1], type(d)(*(field[k : k + 1] for field in d))
        )
        np.testing.assert_allclose(alone[0], dz[k], rtol=1e-14, atol=1e-14)


@names
def test_zero_weight_has_the_derivative_of_growing_weights(name):
    """Weights, or alpha, at zero can only grow: there the tangent is the forward difference."""
    case, rng, p = PENALTIES[name], np.random.default_rng(7), PENALTIES[name].size
    penalty = case.off(rng, p) if case.off else case.make(rng, p)
    if not {"alpha", "weights"} & set(penalty._fields):
        pytest.skip("has no weights")
    u = 1.0 + rng.standard_normal(p) ** 2
    d = zeros(penalty, 1)
    if "alpha" in d._fields:
        d.alpha[:] = 0.7
    if "weights" in d._fields:
        d.weights[:] = rng.uniform(0.5, 1, d.weights.shape)
    du = rng.standard_normal((1, p))
    _, dz = apply_prox(penalty, u, 0.6, du, d)
    z = [along(penalty, u, 0.6, du, d, 0, e)[0] for e in (0.0, H, 2 * H)]
    forward = (4 * z[1] - z[2] - 3 * z[0]) / (2 * H)
    np.testing.assert_allclose(dz[0], forward, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        n
        for n, case in PENALTIES.items()
        if roles(case.make(np.random.default_rng(0), case.size))[0] != "Penalty"
    ],
)
@pytest.mark.parametrize("q", [0.0, 1.0])
def test_flat_only_where_all_is_zero(name, q):
    """Descent skips the pass that makes du there, so that a wrong True is a wrong derivative."""
    flats = 0
    points = [(penalty, step, u) for _, penalty, step, u in at_kinks(name)]
    rng = np.random.default_rng(8)
    penalty = points[0][0] if points else PENALTIES[name].make(rng, 4)
    points += [(penalty, 0.7, u) for u in (np.zeros(4), *rng.standard_normal((20, 4)))]
    for penalty, step, u in points:
        d, du = directions(penalty, rng, M), rng.standard_normal((M, 4))
        z, dz = apply_prox(penalty, u, step, du, d, q)
        for b in range(penalty.blocks(4)):
            lo, hi = penalty.block(b)
            members = [penalty.member(i) for i in range(lo, hi)]
            flat = penalty.flat_block(b, u[members], step, q)
            if roles(penalty)[0] == "CoordinatePenalty":
                assert flat == penalty.flat(b, u[b], step, q)
            if flat:
                flats += 1
                assert not z[members].any()
                assert not dz[:, members].any()
    # Bounds move, and what is smooth or has its kinks elsewhere has no zeros: never flat.
    own = getattr(type(penalty), "flat", None) is not CoordinatePenalty.flat
    assert flats > 0 or not own
