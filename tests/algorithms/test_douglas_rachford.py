"""Douglas-Rachford on a precision matrix: a step and its tangents against NumPy and differences."""

import numpy as np

from fastpiggy.algorithms.douglas_rachford import (
    DouglasRachford,
    Gaussian,
    GaussianDirections,
    symmetric,
)
from fastpiggy.algorithms.engine import Policy, Progress, run

P = 4


def matrix(rng):
    A = rng.standard_normal((P, P))
    return A + A.T


def data(seed=0):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((12, P))
    alpha = np.full((P, P), 0.2)
    np.fill_diagonal(alpha, 0.0)
    return rows.T @ rows / 12, alpha, rng


def steps(S, alpha, a, r, Y, count):
    """The recursion as it is written down."""
    for _ in range(count):
        X = np.sign(Y) * np.maximum(np.abs(Y) - a * alpha, 0.0)
        d, Q = np.linalg.eigh(2 * X - Y - a * S)
        Y = Y + r * ((Q * (d + np.sqrt(d * d + 4 * a)) / 2) @ Q.T - X)
    return X, Y


def test_steps_and_tangents():
    S, alpha, rng = data()
    dS, dA = [matrix(rng) for _ in range(3)], np.abs(alpha) * 0.5
    d = GaussianDirections(
        np.array([dS[0], 0 * S, 0 * S, 0 * S]), np.array([0 * S, dA, 0 * S, 0 * S]),
        np.array([0.0, 0.0, 1.0, 0.0]),
    )  # fmt: skip
    state = symmetric(P, 4)
    state.Y[0], state.Y[4] = np.eye(P), dS[1]
    a, r, count = 0.7, 1.3, 6
    problem = Gaussian(S, alpha, np.zeros((P, P)))
    policy = Policy(count, 0.0, 0.0, 0, True)
    table = np.empty((count, 5))
    run(DouglasRachford(a, r), problem, d, state, 4, policy, Progress.start(), table)
    X, Y = steps(S, alpha, a, r, np.eye(P), count)
    np.testing.assert_allclose(state.X[0], X, atol=1e-13)
    np.testing.assert_allclose(state.Y[0], Y, atol=1e-13)
    h = 1e-6
    moved = [
        lambda e: steps(S + e * dS[0], alpha, a, r, np.eye(P), count),
        lambda e: steps(S, alpha + e * dA, a, r, np.eye(P), count),
        lambda e: steps(S, alpha, a + e, r, np.eye(P), count),
        lambda e: steps(S, alpha, a, r, np.eye(P) + e * dS[1], count),
    ]
    for k, at in enumerate(moved):
        for found, up, down in zip((state.X, state.Y), at(h), at(-h)):
            np.testing.assert_allclose(found[1 + k], (up - down) / (2 * h), atol=1e-7)


def test_the_selection_at_a_kink():
    S, alpha, rng = data()
    Y = np.eye(P)
    Y[0, 1] = Y[1, 0] = 0.5 * alpha[0, 1]
    along = matrix(rng)
    for q in (0.0, 0.25, 1.0):
        state = symmetric(P, 1)
        state.Y[0], state.Y[1] = Y, along
        d = GaussianDirections(np.zeros((1, P, P)), alpha[None], np.zeros(1))
        problem = Gaussian(S, alpha, np.full((P, P), q))
        policy = Policy(1, 0.0, 0.0, 0, True)
        run(DouglasRachford(0.5, 1.0), problem, d, state, 1, policy, Progress.start(),
            np.empty((1, 5)))  # fmt: skip
        wanted = q * (along[0, 1] - 0.5 * alpha[0, 1])
        np.testing.assert_allclose(state.X[1, 0, 1], wanted, rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(state.X[1, 2, 2], along[2, 2], rtol=1e-12)
