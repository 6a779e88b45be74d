"""Iterations of a bound problem.

`c` binds one: dense A with its directions dA (m, n, p), loss, penalty, their parameters and
directions, `free` trailing unpenalised coordinates, selection q, dstep.
"""

from types import SimpleNamespace

import numpy as np


def gradient(c, x, J):
    """States, slopes and gradient of the loss at x, with their tangents."""
    s = c.loss.start(c.p_loss) + c.A @ x
    S = c.loss.dstart(c.p_loss, c.d_loss) + J @ c.A.T + c.dA @ x
    r = c.loss.slope(s, c.p_loss)
    R = c.loss.curvature(s, c.p_loss) * S + c.loss.dslope(s, c.p_loss, c.d_loss)
    g = c.A.T @ r
    G = R @ c.A + np.einsum("kij,i->kj", c.dA, r)
    return SimpleNamespace(s=s, S=S, r=r, R=R, g=g, G=G)


def backward(c, u, U, steps, dstep):
    """The prox of the penalised coordinates with its tangent; the free ones pass."""
    p = u.size - c.free
    z, Z = np.array(u), np.array(U)
    z[:p] = c.penalty.prox(u[:p], steps[:p], c.p_penalty)
    Z[:, :p] = c.penalty.tangent(
        u[:p], steps[:p], c.p_penalty, U[:, :p], c.d_penalty, dstep, c.q[:p]
    )
    return z, Z


def forward_backward(c, steps, x, J):
    """``x+ = prox(x - step grad f)``, ``J+ = P_v (J - step (H J + f_theta)) + P_theta``."""
    at = gradient(c, x, J)
    U = J - steps * at.G - np.multiply.outer(c.dstep, at.g)
    return backward(c, x - steps * at.g, U, steps, c.dstep)


def descent(c, blocks, steps, x, J, moving=True):
    """One sweep of proximal steps on blocks of coordinates; also the largest move over its step.

    Coordinate descent (Bertrand et al., 2105.01637) where the blocks are single coordinates.
    """
    x, J, largest = np.array(x), np.array(J), 0.0
    for members in blocks:
        at = gradient(c, x, J)
        u, U = x - steps * at.g, J - steps * at.G
        z, Z = backward(c, u, U, steps, 0 * c.dstep)
        largest = max(largest, np.max(abs(z - x)[members] / steps[members]))
        J[:, members] = Z[:, members]
        if moving:
            x[members] = z[members]
    return x, J, largest


def fixed_point(c, steps, x, iterations=20000, tol=1e-15):
    """Forward-backward to the end, without tangents."""
    p = x.size - c.free
    for _ in range(iterations):
        z = x - steps * (c.A.T @ c.loss.slope(c.loss.start(c.p_loss) + c.A @ x, c.p_loss))
        z[:p] = c.penalty.prox(z[:p], steps[:p], c.p_penalty)
        if np.max(abs(z - x)) <= tol * max(1.0, np.max(abs(x))):
            break
        x = z
    return z


def implicit(c, steps, x):
    """``J = (I - A)^-1 B``, [A, B] the selection of the forward-backward map at x."""
    zero = np.zeros((len(c.dstep), x.size))
    B = forward_backward(c, steps, x, zero)[1]
    still = SimpleNamespace(**vars(c))
    for name in ("d_loss", "d_penalty"):
        parts = getattr(c, name).items()
        setattr(still, name, {k: np.zeros((x.size, *np.shape(v)[1:])) for k, v in parts})
    still.dA, still.dstep = np.zeros((x.size, *c.A.shape)), np.zeros(x.size)
    # Row i: the image of the i-th unit vector, so this is A'.
    A = forward_backward(still, steps, x, np.eye(x.size))[1]
    return np.linalg.solve((np.eye(x.size) - A).T, B.T).T


def inertial(c, steps, b, ahead, x, J, x_before, J_before):
    """``x+ = prox(v - step grad f(w))``, ``v = x + b (x - x_before)``, w either of v and x."""
    v, V = x + b * (x - x_before), J + b * (J - J_before)
    at = gradient(c, v, V) if ahead else gradient(c, x, J)
    U = V - steps * at.G - np.multiply.outer(c.dstep, at.g)
    return backward(c, v - steps * at.g, U, steps, c.dstep)
