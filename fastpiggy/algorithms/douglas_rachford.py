"""Douglas-Rachford splitting for ``-logdet X + <S, X> + sum_ij alpha_ij abs(X_ij)``."""

from typing import NamedTuple

import numpy as np

from fastpiggy.algorithms.protocol import Algorithm, Directions, Move, Problem, State
from fastpiggy.compile import helper, record
from fastpiggy.compile.lapack import eigen, product, product_nt, product_tn


@record(Problem)
class Gaussian(NamedTuple):
    """A Gaussian likelihood of a precision matrix, with an l1 norm.

    Parameters
    ----------
    S : ndarray of shape (p, p)
        Symmetric.
    alpha : ndarray of shape (p, p)
        Symmetric; zero leaves an entry unpenalised.
    selection : ndarray of shape (p, p)
        The number q of each entry.
    """

    S: np.ndarray
    alpha: np.ndarray
    selection: np.ndarray


@record(Directions)
class GaussianDirections(NamedTuple):
    """m symmetric directions of S and alpha, and of the step.

    Parameters
    ----------
    S, alpha : ndarray of shape (m, p, p)
    step : ndarray of shape (m,)
    """

    S: np.ndarray
    alpha: np.ndarray
    step: np.ndarray


@record(State)
class Symmetric(NamedTuple):
    """The state Y with its shadow X: entry 0 of both is the iterate, m tangents follow."""

    x: np.ndarray  # (p p,) X[0]
    J: np.ndarray  # (m, p p) X[1:]
    X: np.ndarray  # (1 + m, p, p) the shadow
    Y: np.ndarray  # (1 + m, p, p) the state from which the next X is made
    Z: np.ndarray  # (p, p) the prox of the likelihood
    Q: np.ndarray  # (p, p) eigenvectors, by rows
    B: np.ndarray  # (p, p) work
    C: np.ndarray  # (p, p) work
    d: np.ndarray  # (p,) eigenvalues
    f: np.ndarray  # (p,) those of the prox


def symmetric(p: int, m: int) -> Symmetric:
    """A state of zeros for p variables and m tangents."""
    X, Y = np.zeros((1 + m, p, p)), np.zeros((1 + m, p, p))
    square = [np.zeros((p, p)) for _ in range(4)]
    return Symmetric(
        X[0].reshape(-1), X[1:].reshape(m, p * p), X, Y, *square, np.zeros(p), np.zeros(p),
    )  # fmt: skip


@helper
def _shrink(alpha, step, Y, X):
    """``X = prox_g(Y)``; returns the squared change and the entries that changed side."""
    change, moved = 0.0, 0
    for i in range(X.shape[0]):
        for j in range(X.shape[0]):
            top, y = step * alpha[i, j], Y[i, j]
            z = np.copysign(max(abs(y) - top, 0.0), y) if top > 0.0 else y
            moved += (z == 0.0) != (X[i, j] == 0.0)
            change += (z - X[i, j]) ** 2
            X[i, j] = z
    return change, moved


@helper
def _shrink_tangent(problem, alpha_, step, step_, Y, dY, dX):
    """The same along a tangent dY, ``alpha_`` and ``step_``; returns the squared change and size.

    At a kink q of the argument's and of the threshold's tangent are taken.
    """
    change, size = 0.0, 0.0
    alpha, q = problem.alpha, problem.selection
    for i in range(dX.shape[0]):
        for j in range(dX.shape[0]):
            top, y, z = step * alpha[i, j], Y[i, j], dY[i, j]
            if top > 0.0 or alpha_[i, j] != 0.0:
                share = 1.0 if abs(y) > top else q[i, j] if abs(y) == top else 0.0
                moves = step * alpha_[i, j] + step_ * alpha[i, j]
                z = share * (z - np.sign(y) * moves)
            change += (z - dX[i, j]) ** 2
            size += z * z
            dX[i, j] = z
    return change, size


@helper
def _spectral(Q, f, B, Z):
    """``Z = Q' diag(f) Q``."""
    for k in range(f.size):
        for j in range(f.size):
            B[k, j] = f[k] * Q[k, j]
    product_tn(Q, B, Z)


@record(Algorithm)
class DouglasRachford(NamedTuple):
    """Douglas-Rachford splitting, with its tangent::

        X  = prox_{a g}(Y)          dX  = G_v dY + G_theta
        Z  = prox_{a f}(2 X - Y)    dZ  = F_v (2 dX - dY) + F_theta
        Y+ = Y + r (Z - X)          dY+ = dY + r (dZ - dX)

    with f the likelihood and g the norm (Bolte, Pauwels, Vaiter, 2206.00457).  With
    ``2 X - Y - a S = Q' diag(d) Q`` the prox of f has the eigenvalues
    ``f_i = (d_i + sqrt(d_i^2 + 4 a)) / 2``, and its derivative along H is
    ``Q' (G o (Q H Q')) Q`` with ``G_ij = f_i f_j / (f_i f_j + a)``, which cancels nothing: one
    eigendecomposition serves the step and all tangents.  What is kept is the shadow X with dX.

    The residual is the largest entry of ``(X - Z)/a``, a gradient of f plus one of g.

    Parameters
    ----------
    gamma : float
        a, positive.
    relaxation : float
        r, in (0, 2).
    """

    gamma: float
    relaxation: float

    def step(self, problem, d, state, m, moving):
        a, r = self.gamma, self.relaxation
        X, Y, Z, Q, B, C, f = state.X, state.Y, state.Z, state.Q, state.B, state.C, state.f
        n = Z.shape[0]
        change, moved = _shrink(problem.alpha, a, Y[0], X[0])
        for i in range(n):
            for j in range(n):
                Q[i, j] = 2.0 * X[0, i, j] - Y[0, i, j] - a * problem.S[i, j]
        good = eigen(Q, state.d)
        for k in range(n):
            v = state.d[k]
            root = np.sqrt(v * v + 4.0 * a)
            # The larger of the two roots, each by the form that cancels nothing.
            f[k] = 0.5 * (v + root) if v > 0.0 else 2.0 * a / (root - v)
        _spectral(Q, f, B, Z)
        tangent_change, tangent_size = 0.0, 0.0
        for k in range(1, m + 1):
            da = d.step[k - 1]
            moves, size = _shrink_tangent(
                problem, d.alpha[k - 1], a, da, Y[0], Y[k], X[k],
            )  # fmt: skip
            tangent_change += moves
            tangent_size += size
            for i in range(n):
                for j in range(n):
                    B[i, j] = (
                        2.0 * X[k, i, j] - Y[k, i, j] - a * d.S[k - 1, i, j] - da * problem.S[i, j]
                    )
            product(Q, B, C)
            product_nt(C, Q, B)
            for i in range(n):
                for j in range(n):
                    both = f[i] * f[j]
                    B[i, j] *= both / (both + a)
                B[i, i] += da / np.sqrt(state.d[i] * state.d[i] + 4.0 * a)
            product(B, Q, C)
            product_tn(Q, C, B)
            for i in range(n):
                for j in range(n):
                    Y[k, i, j] += r * (B[i, j] - X[k, i, j])
        largest = 0.0 if good else np.inf
        for i in range(n):
            for j in range(n):
                apart = abs(Z[i, j] - X[0, i, j])
                # The negation lets NaN through.
                if not apart <= largest:
                    largest = apart
                if moving:
                    Y[0, i, j] += r * (Z[i, j] - X[0, i, j])
        return Move(change, tangent_change, tangent_size, largest / a, moved)
