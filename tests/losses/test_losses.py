"""Every loss of the table: derivatives against differences, against the papers, and far out."""

import naive
import numpy as np
import pytest
from tables import LABELLED, LOSSES, directions, moved

from fastpiggy.algorithms.composite import row_tangents, rows, starts
from fastpiggy.compile import kernel
from fastpiggy.losses import Constant, Huber, LeastSquares, Logistic
from fastpiggy.losses.protocol import moves

N, M, H = 12, 4, 1e-6
names = pytest.mark.parametrize("name", LOSSES)
#: States far out and at zero, without a tie to a knee.
STATES = np.array([0.0, -0.0, 1e-8, -1e-8, 0.3, -0.7, 2.5, -2.5, 40.0, -40.0, 1e3, -1e3])


def make(name, seed=0, n=N):
    rng = np.random.default_rng(seed)
    return LOSSES[name](rng, n), rng


def at(loss, z):
    """Slopes, curvatures and the sum of values."""
    r, h = np.empty_like(z), np.empty_like(z)
    return r, h, rows(loss, z, r, h)


def tangents(loss, d, z, m):
    Z, R = np.empty((m, z.size)), np.empty((m, z.size))
    row_tangents(loss, d, z, Z, R, m)
    return Z, R


def started(loss):
    z, h = np.empty(loss.y.size), np.empty(loss.y.size)
    starts(loss, z, h)
    return z, h


@names
@pytest.mark.parametrize("states", ["random", "extreme"])
def test_formulas_are_those_of_the_paper(name, states):
    loss, rng = make(name)
    z = STATES if states == "extreme" else 2 * rng.standard_normal(N)
    p, reference, d = loss._asdict(), naive.LOSSES[name], directions(loss, rng, M)
    slope, curvature, value = at(loss, z)
    start_tangent, slope_tangent = tangents(loss, d, z, M)
    np.testing.assert_allclose(slope, reference.slope(z, p), rtol=1e-13, atol=1e-300)
    np.testing.assert_allclose(curvature, reference.curvature(z, p), rtol=1e-13, atol=1e-300)
    assert value == pytest.approx(reference.value(z, p).sum(), rel=1e-13)
    np.testing.assert_array_equal(started(loss)[0], reference.start(p))
    np.testing.assert_array_equal(start_tangent, reference.dstart(p, d._asdict()))
    wanted = reference.dslope(z, p, d._asdict())
    np.testing.assert_allclose(slope_tangent, wanted, rtol=1e-13, atol=1e-300)


@names
def test_slope_is_the_difference_quotient_of_the_value(name):
    loss, rng = make(name)
    z = 2 * rng.standard_normal(N)
    slope, curvature, _ = at(loss, z)
    for i in range(N):
        e = np.zeros(N)
        e[i] = H
        rise = at(loss, z + e)[2] - at(loss, z - e)[2]
        assert slope[i] == pytest.approx(rise / (2 * H), abs=1e-8)
    rise = at(loss, z + H)[0] - at(loss, z - H)[0]
    np.testing.assert_allclose(curvature, rise / (2 * H), atol=1e-8)


@names
def test_tangents_are_difference_quotients_along_joint_directions(name):
    """The state and every parameter at once, with random signs."""
    loss, rng = make(name, seed=3)
    z, dz = 2 * rng.standard_normal(N), rng.standard_normal((M, N))
    d = directions(loss, rng, M)
    curvature = at(loss, z)[1]
    start_tangent, slope_tangent = tangents(loss, d, z, M)
    for k in range(M):
        low, high = moved(loss, d, k, -H), moved(loss, d, k, H)
        rise = at(high, z + H * dz[k])[0] - at(low, z - H * dz[k])[0]
        np.testing.assert_allclose(
            curvature * dz[k] + slope_tangent[k], rise / (2 * H), rtol=1e-7, atol=1e-8
        )
        rise = started(high)[0] - started(low)[0]
        np.testing.assert_allclose(start_tangent[k], rise / (2 * H), atol=1e-8)


@names
def test_bound_bounds_the_curvature_and_no_more(name):
    loss, _ = make(name)
    bound = started(loss)[1]
    top = np.max([at(loss, np.full(N, z))[1] for z in np.linspace(-8, 8, 401)], axis=0)
    assert np.all(top <= bound * (1 + 1e-14))
    np.testing.assert_allclose(top, bound, rtol=1e-12)


@names
def test_far_out_everything_is_finite_and_nan_comes_through(name):
    loss, rng = make(name)
    d = directions(loss, rng, M)
    for z in (1e3, -1e3, 1e6, -1e6, 1e150, -1e150):
        slope, curvature, value = at(loss, np.full(N, z))
        assert np.isfinite([*slope, *curvature]).all()
        assert np.isfinite(value) or abs(z) > 1e100
        assert np.isfinite(tangents(loss, d, np.full(N, z), M)[1]).all()
        assert np.all(curvature >= 0)
    slope, _, value = at(loss, np.full(N, np.nan))
    assert np.isnan([*slope, value]).all()


def test_logistic_is_linear_on_one_side_and_zero_on_the_other():
    loss = Logistic(np.array([-1.0, 1.0, -1.0, 1.0]), np.full(4, 0.25))
    slope, curvature, _ = at(loss, np.array([1e3, 1e3, -1e3, -1e3]))
    np.testing.assert_array_equal(slope, [0.25, -0.0, 0.0, -0.25])
    np.testing.assert_array_equal(curvature, np.zeros(4))
    assert loss.value(0, 1e3) == 250.0
    assert loss.value(1, 1e3) == 0.0
    # Where the exponential underflows against 1 the value still has all its digits.
    assert loss.value(1, 40.0) == pytest.approx(0.25 * np.exp(-40.0), rel=1e-13)


@pytest.mark.parametrize("name", LABELLED)
def test_labels_do_not_move(name):
    loss, rng = make(name)
    assert "y" in loss.held
    d = directions(loss, rng, M)
    assert not d.y.any()
    d.y[:] = 1.0
    assert not tangents(loss, d, STATES, M)[0].any()


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_hubers_selection_at_the_knee(sign):
    """q = 0 and q = 1 are the two one-sided derivatives, jointly in z and delta."""
    rng = np.random.default_rng(1)
    z, crossed = np.full(1, sign * 0.75), 0
    for _ in range(20):
        loss = Huber(np.zeros(1), np.full(1, 0.5), 0.75, 0.0)
        d, dz = directions(loss, rng, 1), rng.standard_normal(1)
        ends = []
        for q in (0.0, 0.25, 1.0):
            at_q = loss._replace(selection=q)
            ends.append(at(at_q, z)[1] * dz + tangents(at_q, d, z, 1)[1][0])
        np.testing.assert_allclose(ends[1], 0.75 * ends[0] + 0.25 * ends[2], rtol=1e-14)
        start = at(loss, z)[0]
        outward, inward = ((at(moved(loss, d, 0, e), z + e * dz)[0] - start) / e for e in (H, -H))
        # Along a direction that leaves the square, q = 0 is ahead and q = 1 behind.
        leaves = sign * dz[0] > d.delta[0]
        first, second = (ends[0], ends[2]) if leaves else (ends[2], ends[0])
        np.testing.assert_allclose(outward, first, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(inward, second, rtol=1e-5, atol=1e-5)
        crossed += abs(ends[0] - ends[2])[0] > 1e-3
    assert crossed > 10


def test_huber_is_least_squares_within_delta():
    loss, _ = make("Huber")
    wide = loss._replace(delta=1e6)
    squares = LeastSquares(loss.y, loss.sample_weight)
    for a, b in zip(at(wide, STATES), at(squares, STATES)):
        np.testing.assert_allclose(a, b, rtol=1e-14)


@kernel
def does_move(d):
    return moves(d)


@names
def test_what_does_not_move_has_no_tangents(name):
    loss, _ = make(name)
    Z, R = tangents(loss, Constant(), STATES, M)
    assert not Z.any()
    assert not R.any()
    assert not does_move(Constant())
    assert does_move(directions(loss, np.random.default_rng(0), M))


@names
def test_quadratic_losses_say_so(name):
    """Their slopes are carried along without states, so that a wrong True is a wrong slope."""
    loss, rng = make(name)
    states = 3 * rng.standard_normal((20, N))
    constant = np.ptp([at(loss, z)[1] for z in states], axis=0).max() == 0.0
    assert loss.quadratic() == constant


@pytest.mark.parametrize("name", ["LeastSquares", "Logistic"])
def test_roughness_bounds_how_fast_the_curvature_changes(name):
    """The Lipschitz constant of ``log f_i''``: no less than needed, and no more than by 1 %."""
    loss, _ = make(name)
    z = np.linspace(-12, 12, 2001)
    logs = np.log([loss.curvature(0, value) for value in z])
    steepest = abs(np.diff(logs) / np.diff(z)).max()
    assert 0.99 * loss.roughness() <= steepest <= loss.roughness() * (1 + 1e-9)
