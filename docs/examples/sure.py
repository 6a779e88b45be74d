"""SURE beside the true error: a criterion that needs no held-out rows, and jumps at knots."""

import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

rng = np.random.default_rng(0)
n, p, sigma = 100, 40, 1.0
X = rng.standard_normal((n, p))
signal = X[:, :6] @ [2.0, -1.5, 1.0, 1.0, -0.5, 0.5]
y = signal + sigma * rng.standard_normal(n)

problem = fp.lasso(X, y, alpha=1.0)
estimated = fp.noise_level(problem)
# Slopes say nothing where a criterion jumps: all knots of the path are compared.
result = fp.tune(fp.Sure(problem, sigma=estimated), wrt="alpha")
curve = result.curve

alphas = np.geomspace(curve.knots[-1], curve.knots[0], 2000)
places = np.geomspace(alphas[0], 0.999 * alphas[-1], 60)
fits = [X @ sol.x for sol in fp.solve_many([problem.replace(alpha=a) for a in places])]
truth = [np.mean((fit - signal) ** 2) for fit in fits]

figure, ax = plt.subplots()
ax.plot(alphas, curve(alphas), lw=1, label=f"SURE, sigma {estimated:.2f}")
ax.plot(places, truth, color="C2", label="error of the fit, from the truth")
ax.plot(result.params["alpha"], result.value, "*", color="C3", ms=12, label="least SURE")
ax.set(xscale="log", xlabel="alpha", ylabel="mean squared error", ylim=(0.0, 0.8))
ax.legend()
