"""Cones, balls and their norms: duality, sizes of 1e-8 to 1e8, edges, and solutions with them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tables import PENALTIES, apply_prox, directions, moved

import fastpiggy as fp
from fastpiggy.compile.flags import COMPILED
from fastpiggy.penalties import (
    L1,
    Affine,
    CappedSimplex,
    ConeProduct,
    DualExponentialCone,
    ExponentialCone,
    GroupL2,
    L1Ball,
    L2Ball,
    LInf,
    LInfBall,
    LogDet,
    NonnegativeOrthant,
    NuclearNorm,
    PSDCone,
    SecondOrderCone,
    SortedL1,
    prox,
)

names = pytest.mark.parametrize("name", PENALTIES)
convex = pytest.mark.parametrize("name", [name for name in PENALTIES if PENALTIES[name].convex])
vectors = arrays(float, 9, elements=st.floats(-4, 4, width=32))
GROUP = GroupL2(1.0, np.ones(1), np.array([0, 9]), np.arange(9))
#: A norm and its dual ball, a cone and its dual: u is the sum of both proxes, up to signs.
PAIRS = {
    "L1, LInfBall": (L1(1.0, np.ones(9)), LInfBall, 1.0),
    "GroupL2, L2Ball": (GROUP, L2Ball, 1.0),
    "LInf, L1Ball": (LInf(1.0), L1Ball, 1.0),
    "orthant": (NonnegativeOrthant(9), NonnegativeOrthant(9), -1.0),
    "second order": (SecondOrderCone(9), SecondOrderCone(9), -1.0),
    "semidefinite": (PSDCone(3), PSDCone(3), -1.0),
    "exponential": (ExponentialCone(3), DualExponentialCone(3), -1.0),
}


@pytest.mark.parametrize("pair", PAIRS)
@settings(max_examples=15)
@given(u=vectors, step=st.floats(0.05, 2))
def test_moreau_with_the_prox_of_the_conjugate(pair, u, step):
    first, second, sign = PAIRS[pair]
    if pair == "semidefinite":
        u = (u.reshape(3, 3) + u.reshape(3, 3).T).ravel() / 2
    dual = second(step) if sign > 0 else second
    du = np.eye(9)
    (z, J), (y, K) = (
        apply_prox(first, u, step, du, q=0.5),
        apply_prox(dual, sign * u, 1.0, du, q=0.5),
    )
    np.testing.assert_allclose(z + sign * y, u, atol=1e-13)
    if sign < 0:
        assert abs(z @ y) <= 1e-13 * (1 + u @ u)
        # Each is in its cone, to the rounding of u.
        for cone, point in ((first, z), (second, y)):
            np.testing.assert_allclose(apply_prox(cone, point, 1.0)[0], point, atol=1e-13)
    identity = J + K
    if pair == "semidefinite":
        # On symmetric matrices: both are zero on the skew ones.
        identity = (
            identity + (np.eye(9) - np.eye(9).reshape(3, 3, 9).transpose(1, 0, 2).reshape(9, 9)) / 2
        )
    np.testing.assert_allclose(identity, np.eye(9), atol=1e-12)


@convex
@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_optimality_at_any_scale(name, scale):
    """``(u - z)/step`` is a subgradient at z, whatever the size of u; relative to it."""
    case, rng = PENALTIES[name], np.random.default_rng(10)
    for step in (0.3, 1.5):
        penalty, u = case.make(rng, case.size), scale * rng.standard_normal(case.size)
        z, dz = apply_prox(penalty, u, step, rng.standard_normal((2, u.size)))
        assert np.all(np.isfinite(z)) and np.all(np.isfinite(dz))
        assert np.isfinite(penalty.value_all(z))
        g, size = (u - z) / step, np.linalg.norm(u) + np.linalg.norm(z)
        for far in (0.01, 1.0):
            other, _ = apply_prox(penalty, z + far * size * rng.standard_normal(u.size), 0.3)
            low, high = penalty.value_all(z), penalty.value_all(other)
            rounding = 1e-9 * (np.linalg.norm(g) * size + abs(low) + abs(high))
            assert high - low >= g @ (other - z) - rounding


@pytest.mark.parametrize("name", [name for name in PENALTIES if PENALTIES[name].cone])
@pytest.mark.parametrize("scale", [2.0**-26, 2.0**26])
def test_cones_have_no_size(name, scale):
    """A power of two changes no bit of a projection; its derivative is that of the ray."""
    case, rng = PENALTIES[name], np.random.default_rng(11)
    penalty = case.make(rng, case.size)
    for _ in range(10):
        u, du = rng.standard_normal(case.size), rng.standard_normal((2, case.size))
        (z, dz), (y, dy) = apply_prox(penalty, u, 1.0, du), apply_prox(penalty, scale * u, 1.0, du)
        np.testing.assert_allclose(y, scale * z, rtol=1e-12, atol=1e-15 * scale)
        np.testing.assert_allclose(dy, dz, rtol=1e-10, atol=1e-12)


@names
def test_single_precision_and_one_coordinate(name):
    case, rng = PENALTIES[name], np.random.default_rng(12)
    penalty, u = case.make(rng, case.size), rng.standard_normal(case.size).astype(np.float32)
    wanted = apply_prox(penalty, u.astype(float), 0.5)[0]
    np.testing.assert_allclose(apply_prox(penalty, u, 0.5)[0], wanted, rtol=1e-5, atol=1e-5)
    if case.single:
        penalty, h = case.make(rng, 1), 1e-6
        d, du = directions(penalty, rng, 1), rng.standard_normal((1, 1))
        at = np.array([2.3])
        z, dz = apply_prox(penalty, at, 0.5, du, d)
        sides = [apply_prox(moved(penalty, d, 0, e), at + e * du[0], 0.5)[0] for e in (h, -h)]
        assert z.shape == (1,)
        np.testing.assert_allclose(dz[0], (sides[0] - sides[1]) / (2 * h), rtol=1e-6, atol=1e-8)


# ---- the exponential cone -------------------------------------------------------------------


def kkt_of_exponential(u):
    """How far the projection of one triple is from what defines it, over the size of u."""
    z, y = prox(ExponentialCone(1), u), prox(DualExponentialCone(1), -np.asarray(u))
    r, s, t = z
    size = abs(np.asarray(u)).max()
    inside = s >= 0 and t >= 0
    if s > 0:
        # In the direction of r, where the function of the cone is steep.
        gap = max(r - s * np.log(t / s), 0.0) if t > 0 else max(s * np.exp(r / s), 0.0)
        gap = min(gap, max(s * np.exp(min(r / s, 700.0)) - t, 0.0))
    else:
        gap = max(r, 0.0)
    a, b, c = y
    if a < 0:
        dual = max(-a * np.exp(min(b / a - 1.0, 700.0)) - c, 0.0)
        dual = min(dual, max(a * (1.0 + np.log(c / -a)) - b, 0.0)) if c > 0 else dual
    else:
        dual = max(-b, -c, 0.0)
    return max(gap, dual, abs(z @ y) / size, abs(z - y - u).max(), 0.0 if inside else 1.0) / size


@settings(max_examples=150)
@given(
    exponents=arrays(float, 3, elements=st.floats(-8, 8)),
    signs=arrays(int, 3, elements=st.sampled_from([-1, 1])),
)
def test_exponential_cone_over_sixteen_decades(exponents, signs):
    assert kkt_of_exponential(signs * 10.0**exponents) <= 2e-12


@pytest.mark.parametrize("shift", [0.0, 1e-14, -1e-14, 1e-9, -1e-9, 1e-5, -1e-5])
def test_exponential_cone_near_its_faces(shift):
    """On its border, the border of its polar cone, and the edges of what lies between."""
    for ratio in (-300.0, -30.0, -2.0, 0.0, 1.0, 2.0, 25.0):
        size = np.exp(-max(ratio, 0.0))
        ray = size * np.array([ratio, 1.0, np.exp(ratio)])
        normal = np.array([1.0, 1.0 - ratio, -np.exp(-ratio)]) / max(1.0, np.exp(-ratio))
        for u in (ray + shift * normal, normal + shift * ray, ray + 0.5 * normal):
            assert kkt_of_exponential(u) <= 1e-11, (ratio, u)
            _, D = prox(ExponentialCone(1), u, wrt="u")
            eigenvalues = np.linalg.eigvalsh(D)
            np.testing.assert_allclose(D, D.T, atol=1e-13)
            assert -1e-12 <= eigenvalues.min() and eigenvalues.max() <= 1 + 1e-12
            # Positive homogeneity: the projection is its own derivative along u.
            np.testing.assert_allclose(D @ u, prox(ExponentialCone(1), u), atol=1e-9)
    for u in ([-1, shift, 0.5], [-1, -1, shift], [-1, shift, -1], [shift, -1, 1], [shift, -1, -1]):
        assert kkt_of_exponential(np.array(u, dtype=float)) <= 1e-12, u


def test_exponential_cone_has_the_jacobian_of_diffcp():
    """The inverse of a 4 by 4 matrix (Agrawal et al. 2019), at projections on the curved part."""
    rng, seen = np.random.default_rng(13), 0
    while seen < 20:
        u = rng.standard_normal(3)
        (r, s, t), D = prox(ExponentialCone(1), u, wrt="u")
        l = t - u[2]
        if s < 1e-2 or l < 1e-3:
            continue
        al = np.exp(r / s)
        be = l * r * al / s**2
        M = np.array([
            [al, (s - r) * al / s, -1.0, 0.0], [1.0 + l * al / s, -be, 0.0, al],
            [-be, 1.0 + be * r / s, 0.0, (1.0 - r / s) * al], [0.0, 0.0, 1.0, -1.0],
        ])  # fmt: skip
        np.testing.assert_allclose(D, np.linalg.inv(M)[:3, 1:], rtol=1e-8, atol=1e-10)
        seen += 1


# ---- what has no one answer ------------------------------------------------------------------


@pytest.mark.parametrize(
    "cone, other",
    [(SecondOrderCone(3), 0.0), (ExponentialCone(1), 0.0), (DualExponentialCone(1), 1.0)],
)
def test_at_the_tip_the_selection_is_between_all_and_nothing(cone, other):
    for q in (0.0, 0.5, 1.0):
        keep = (1 - q) * (1 - other) + q * other
        _, D = prox(cone, np.zeros(3), wrt="u", selection=q)
        np.testing.assert_allclose(D, keep * np.eye(3), atol=1e-15)


def test_semidefinite_cone_at_zero():
    for q in (0.0, 0.5, 1.0):
        _, D = prox(PSDCone(2), np.zeros(4), wrt="u", selection=q)
        symmetric = np.array([1.0, 2.0, 2.0, -1.0])
        np.testing.assert_allclose(D @ symmetric, (1 - q) * symmetric, atol=1e-15)


def test_near_ties_of_eigenvalues_and_singular_values_lose_nothing():
    """Against a difference quotient, at gaps down to rounding."""
    rng, h = np.random.default_rng(14), 1e-6
    Q, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    for gap in (0.0, 1e-15, 1e-12, 1e-8, 1e-4):
        values = np.array([2.0, 2.0 + gap, 1.0])
        u, H = (Q * values @ Q.T).ravel(), rng.standard_normal((1, 9))
        for penalty in (LogDet(0.5, np.zeros(9)), NuclearNorm(0.5, 3)):
            _, dz = apply_prox(penalty, u, 1.0, H)
            high, low = (apply_prox(penalty, u + e * H[0], 1.0)[0] for e in (h, -h))
            np.testing.assert_allclose(dz[0], (high - low) / (2 * h), rtol=0, atol=2e-9)


def test_equal_magnitudes_with_equal_weights_are_no_cluster():
    """Then the sorted norm is the l1 norm, smooth there in u."""
    _, D = prox(SortedL1(0.5, np.ones(3)), [2.0, -2.0, 1.0], wrt="u")
    np.testing.assert_allclose(D, np.eye(3), atol=1e-15)


def test_capped_simplex_without_a_free_entry():
    z, dz = prox(CappedSimplex(2.0, 1.0), [5.0, 3.0, -4.0], wrt="u")
    np.testing.assert_array_equal(z, [1.0, 1.0, 0.0])
    np.testing.assert_allclose(dz, 0.0, atol=1e-15)


# ---- in problems -----------------------------------------------------------------------------

SOLVED = ["ExponentialCone", "Poisson"] if COMPILED else list(PENALTIES)


@pytest.mark.parametrize("name", SOLVED)
def test_problems_solve_with_it(name):
    """The certificate holds, and the derivative is the difference quotient."""
    case, rng = PENALTIES[name], np.random.default_rng(15)
    p = case.size
    X = rng.standard_normal((3 * p, p))
    penalty = case.make(rng, p)
    y = X @ apply_prox(penalty, 2 * rng.standard_normal(p), 0.5)[0] + rng.standard_normal(3 * p)
    if name in ("PSDCone", "LogDet"):
        # The loss then bends in symmetric directions alone, as the matrices do.
        X = (X.reshape(-1, 3, 3) + X.reshape(-1, 3, 3).transpose(0, 2, 1)).reshape(-1, 9) / 2
    loss = fp.losses.LeastSquares(y, np.full(y.size, 1 / y.size))
    problem = fp.Problem(loss, penalty, X)
    d = directions(penalty, rng, 1)
    wrt = {n: v[0] for n, v in zip(d._fields, d) if n in problem.parameters}
    if name == "LogDet":
        wrt["S"] = (wrt["S"].reshape(3, 3) + wrt["S"].reshape(3, 3).T).ravel()
    wrt["y"] = rng.standard_normal(y.size)
    sol = fp.solve(problem, wrt=wrt, tol=1e-11)
    assert str(sol.certificate.status) == "converged"
    assert np.isfinite(sol.objective)
    h = 1e-5
    for parameter, along in wrt.items():
        ends = [
            fp.solve(
                problem.replace(**{parameter: problem.parameters[parameter] + e * along}), tol=1e-11
            ).x
            for e in (h, -h)
        ]
        np.testing.assert_allclose(
            sol.jacobian[parameter], (ends[0] - ends[1]) / (2 * h), rtol=2e-6, atol=2e-6
        )


@pytest.mark.parametrize(
    "penalty, words",
    [
        (CappedSimplex(9.0, 1.0), "at most 4 times penalty.cap"),
        (Affine(np.ones((2, 4)), np.ones(2)), "independent rows"),
        (Affine(np.ones((2, 3)), np.ones(2)), "shape"),
        (SecondOrderCone(3), "penalty.size must be the integer 4"),
        (PSDCone(3), "penalty.rows must be the integer 2"),
        (ExponentialCone(1), "multiple of 3"),
        (NuclearNorm(1.0, 3), "divides the 4 columns"),
        (SortedL1(1.0, np.array([1.0, 2.0, 3.0, 4.0])), "not rise"),
        (LogDet(1.0, np.array([1.0, 2.0, 3.0, 4.0])), "symmetric"),
        (ConeProduct(1, 1, np.array([3]), np.array([], dtype=int), 0, 0), "got 5"),
        (L2Ball(0.0), "radius"),
    ],
)
def test_what_does_not_fit_is_said(penalty, words):
    loss = fp.losses.LeastSquares(np.ones(4), np.ones(4))
    with pytest.raises(ValueError, match=words):
        fp.Problem(loss, penalty, np.eye(4))


def test_prox_says_what_it_takes():
    for arguments, words in (
        (([[1.0]],), "vector"), (([1.0], 0.0), "step"), (([1.0], 1.0, "beta"), "wrt"),
        (([1.0], 1.0, "u", 2.0), "selection"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=words):
            prox(L1(1.0, np.ones(1)), *arguments)
