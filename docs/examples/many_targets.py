"""A hundred targets that share X, each with an alpha of its own."""

import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

rng = np.random.default_rng(0)
n, p, q = 120, 60, 100
X = rng.standard_normal((n, p))
noise = np.geomspace(0.3, 3.0, q)  # from clear to hopeless
truth = np.zeros((q, p))
truth[:, :5] = rng.choice([-1.0, 1.0], (q, 5))
Y = X @ truth.T + noise * rng.standard_normal((n, q))

# X, the penalty and the intercept come with the problem; its own target is not looked at.
problem = fp.lasso(X, Y[:, 0], alpha=1.0, fit_intercept=True)
result = fp.tune_many(problem, Y, cv=5)

# One alpha for all, the best on average, in its place.
alphas = np.geomspace(0.02, 1.0, 15)
shared = [fp.solve_many([problem.replace(y=y, alpha=a) for y in Y.T]).x for a in alphas]
off = [np.sqrt(np.sum((x - truth) ** 2, axis=1)) for x in shared]
best = off[int(np.argmin(np.mean(off, axis=1)))]
own = np.sqrt(np.sum((result.coefficients - truth) ** 2, axis=1))

figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.2))
left.semilogy(noise, result.alphas, ".")
left.set(xlabel="noise", ylabel="alpha, tuned for each target")
right.plot(noise, best, ".", color="0.6", label="the best alpha for all")
right.plot(noise, own, ".", label="its own alpha")
right.set(xlabel="noise", ylabel="distance to the truth")
right.legend()
