"""One penalty weight for each of four groups of measurements, all tuned together."""

import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

rng = np.random.default_rng(1)
blocks = np.repeat(np.arange(4), [5, 20, 40, 80])
p, n = blocks.size, 150
X = rng.standard_normal((n + 1000, p))
truth = np.zeros(p)
truth[:5] = 1.0  # the small block is all signal,
truth[5:25:4] = 0.7  # the next one a quarter, the others noise
y = X @ truth + rng.standard_normal(len(X))
X_test, y_test, X, y = X[n:], y[n:], X[:n], y[:n]

problem = fp.lasso(X, y, alpha=1.0, fit_intercept=True)
one = fp.tune(fp.CrossVal(problem, cv=5))
weighted = problem.replace(alpha=one.params["alpha"])
four = fp.tune(fp.CrossVal(weighted, cv=5), wrt="weights", tie=blocks)


def error(result):
    sol = result.solution
    return np.mean((y_test - X_test @ sol.x - sol.intercept) ** 2)


names = ["5, all signal", "20, a quarter", "40, noise", "80, noise"]
weights = four.params["weights"][np.searchsorted(blocks, np.arange(4))]
figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.2), width_ratios=[2, 1])
left.barh(names, weights)
left.axvline(1.0, color="0.6", linestyle=":")
left.set(xlabel="penalty weight", xscale="log")
left.invert_yaxis()
right.bar(["one alpha", "four weights"], [error(one), error(four)], color=["0.6", "C0"])
right.axhline(1.0, color="k", linestyle=":")
right.set(ylabel="squared error on 1000 new rows")
