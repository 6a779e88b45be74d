"""The Lasso as a map of one's own: dual numbers, identification near knots, random parameters."""

from typing import NamedTuple

import numpy as np
import pytest
from sklearn.linear_model import lars_path

import fastpiggy as fp


class Dual(NamedTuple):
    """A number with its derivative, for programs that add, multiply and compare."""

    v: np.ndarray
    d: np.ndarray

    def __add__(self, o):
        return Dual(self.v + o.v, self.d + o.d)

    def __sub__(self, o):
        return Dual(self.v - o.v, self.d - o.d)

    def __mul__(self, o):
        return Dual(self.v * o.v, self.d * o.v + self.v * o.d)

    def __rmatmul__(self, A):
        return Dual(A @ self.v, A @ self.d)

    __array_ufunc__ = None


class Lasso:
    """Forward-backward with its tangent, and the same program in any arithmetic."""

    def __init__(self, n=60, p=120, seed=0):
        rng = np.random.default_rng(seed)
        self.X = rng.standard_normal((n, p))
        self.y = self.X[:, :8] @ rng.choice([-1.0, 1.0], 8) + 0.5 * rng.standard_normal(n)
        self.H, self.c = self.X.T @ self.X / n, self.X.T @ self.y / n
        self.a = 0.999 / np.linalg.eigvalsh(self.H)[-1]
        self.supports = []

    def step(self, x, alpha):
        u = x - self.a * (self.H @ x - self.c)
        self.supports.append(x != 0)
        return np.sign(u) * np.maximum(abs(u) - self.a * alpha, 0.0)

    def tangent(self, x, alpha, dx, dalpha):
        u = x - self.a * (self.H @ x - self.c)
        return (abs(u) > self.a * alpha) * (dx - self.a * (self.H @ dx + np.sign(u) * dalpha))

    def dual(self, alpha, steps):
        x, zero = Dual(np.zeros(120), np.zeros(120)), np.zeros(120)
        a, alpha = Dual(np.full(120, self.a), zero), Dual(np.full(120, alpha), np.ones(120))
        for _ in range(steps):
            u = x - a * (self.H @ x - Dual(self.c, zero))
            s, t = np.sign(u.v), a * alpha
            on = Dual(1.0 * (abs(u.v) > t.v), zero)
            x = on * (u - Dual(s, zero) * t)
        return x

    def run(self, alpha, **options):
        self.supports = []
        return fp.piggyback(self.step, np.zeros(120), alpha, step_tangent=self.tangent, **options)


@pytest.mark.parametrize("steps", [1, 5, 60, 400])
def test_tangents_are_those_of_dual_numbers(steps):
    """Also before the support has settled."""
    lasso = Lasso()
    wanted = lasso.dual(0.2, steps)
    with pytest.warns(fp.FastpiggyWarning):
        sol = lasso.run(0.2, tol=1e-30, max_iter=steps)
    assert sol.iterations == steps
    np.testing.assert_allclose(sol.x, wanted.v, rtol=1e-12, atol=1e-13)
    size = abs(wanted.d).max()
    np.testing.assert_allclose(sol.jacobian["theta"], wanted.d, rtol=1e-12, atol=1e-12 * size)


def test_identification_takes_as_long_as_a_knot_is_near():
    """A constant number of iterations a decade of distance, ``ln(10)/-ln(rate)``."""
    lasso = Lasso()
    alphas, _, coefs = lars_path(lasso.X, lasso.y, method="lasso")
    count = np.count_nonzero(abs(coefs) > 1e-12, axis=0)
    # A coordinate enters as alpha falls: above the knot it is inactive.
    knot = next(a for i, a in enumerate(alphas) if a < 0.2 * alphas[0] and count[i + 1] > count[i])
    times = []
    for distance in (1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
        sol = lasso.run(knot * (1 + distance), tol=1e-13, wrt=None, max_iter=20_000)
        end, seen = sol.x != 0, np.array(lasso.supports)
        times.append(1 + np.flatnonzero(np.any(seen[:-1] != end, axis=1))[-1])
    S = np.flatnonzero(end)
    rate = 1 - lasso.a * np.linalg.eigvalsh(lasso.H[np.ix_(S, S)])[0]
    wanted = np.log(10) / -np.log(rate)
    assert np.diff(times) == pytest.approx(np.full(4, wanted), abs=0.15 * wanted + 1)


def test_random_parameters_all_converge():
    """Almost every theta: 100 of them, each with the derivative of the support it ends on."""
    lasso, rng = Lasso(), np.random.default_rng(5)
    for alpha in abs(lasso.c).max() * 10 ** rng.uniform(-1.2, 0.05, 100):
        sol = lasso.run(alpha, tol=1e-10, max_iter=50_000)
        assert sol.certificate.status == "converged", sol.certificate.message
        S, wanted = np.flatnonzero(sol.x), np.zeros(120)
        if S.size:
            wanted[S] = -np.linalg.solve(lasso.H[np.ix_(S, S)], np.sign(sol.x[S]))
        error = np.linalg.norm(sol.jacobian["theta"] - wanted)
        assert error <= 1e-6 * max(np.linalg.norm(wanted), 1e-9)
