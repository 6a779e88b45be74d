"""The algorithm on a Lasso, driven by the engine, against the derivative of `fastpiggy.solve`."""

import numpy as np
from inertial import Inertial

import fastpiggy as fp
from fastpiggy.algorithms import engine
from fastpiggy.algorithms.composite import Composite, CompositeDirections
from fastpiggy.algorithms.protocol import iterate
from fastpiggy.designs import Fixed, Rows
from fastpiggy.losses import Constant, LeastSquares
from fastpiggy.penalties import L1

rng = np.random.default_rng(0)
n, p, m = 60, 100, 1
X = rng.standard_normal((n, p))
y = X[:, :5] @ [3.0, -2.0, 2.0, -1.0, 1.0] + 0.5 * rng.standard_normal(n)

# The problem, and the direction of each of its records: alpha moves, nothing else does.
loss, penalty = LeastSquares(y, np.full(n, 1 / n)), L1(0.2, np.ones(p))
problem = Composite(Rows(X), loss, penalty, selection=np.zeros(p))
d = CompositeDirections(Fixed(), Constant(), L1(np.ones(m), np.zeros((m, p))), step=np.zeros(m))


def run(b, most=5000):
    """Iterations, the last iterate and its tangent for one momentum."""
    steps = np.full(p, 1.0 / np.linalg.norm(X, 2) ** 2 * n)
    state, trace = iterate(n, p, m), np.empty((most, 5))
    algorithm = Inertial(steps, b, np.zeros(p), np.zeros((m, p)))
    policy = engine.Policy(steps=most, tol=1e-10, tangent_tol=1e-10, patience=0, moving=True)
    progress = engine.Progress.start()
    code, done = engine.run(algorithm, problem, d, state, m, policy, progress, trace)
    assert code == engine.CONVERGED
    return done, state.x, state.J[0]


plain, _, _ = run(0.0)
iterations, x, J = run(0.7)
reference = fp.solve(fp.Problem(loss, penalty, X), wrt="alpha", x0=x)
error = np.linalg.norm(J - reference.jacobian["alpha"]) / np.linalg.norm(J)

if __name__ == "__main__":
    print(f"{plain} iterations without momentum, {iterations} with it")
    print(f"largest difference of x {abs(x - reference.x).max():.1e}")
    print(f"relative error of the tangent {error:.1e}")
