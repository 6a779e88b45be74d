"""The Lasso's path on the diabetes study: knots, Jacobian, and slopes on both sides of a knot."""

import warnings

import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

data = fp.datasets.load_diabetes()
X = (data.X - data.X.mean(axis=0)) / data.X.std(axis=0)
problem = fp.lasso(X, data.y - data.y.mean(), alpha=1.0)
top = problem.alpha_max()

# From knot to knot: the margin says how far alpha can go down.
knots, alpha = [top], top * (1 - 1e-9)
while alpha > 0.3:
    down, _ = fp.solve(problem.replace(alpha=alpha)).certificate.margin
    knots.append(alpha - down)
    alpha = knots[-1] * (1 - 1e-9)

alphas = np.geomspace(0.3, 1.15 * top, 400)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", fp.FastpiggyWarning)  # at_kink, at the knots
    found = [fp.solve(problem.replace(alpha=alpha), wrt="alpha") for alpha in alphas]
    sides = [fp.solve(problem.replace(alpha=knot)).one_sided("alpha") for knot in knots[:-1]]
x = np.array([sol.x for sol in found])
J = np.array([sol.jacobian["alpha"] for sol in found])

fig, (upper, lower) = plt.subplots(2, sharex=True, figsize=(6.4, 5.0))
for j in range(X.shape[1]):
    upper.semilogx(alphas, x[:, j], color=f"C{j}", linewidth=1)
    lower.semilogx(alphas, J[:, j], ".", color=f"C{j}", markersize=1.5)
for ax in (upper, lower):
    for knot in knots[:-1]:
        ax.axvline(knot, color="0.85", linewidth=0.7, zorder=0)
# At each knot the coefficient that enters or leaves there: its slope to the left and to the right.
for knot, side in zip(knots, sides, strict=False):
    left, right = side.left["alpha"], side.right["alpha"]
    for j in side.kinks:
        lower.plot(knot, left[j], "<", color=f"C{j}", markersize=5)
        lower.plot(knot, right[j], ">", color=f"C{j}", markersize=5)
        value = fp.solve(problem.replace(alpha=knot * 1.0001)).x[j]
        reach = 0.12 * knot
        upper.plot(
            [knot - reach, knot], [value - reach * left[j], value], color=f"C{j}", linewidth=3
        )
        upper.plot(
            [knot, knot + reach], [value, value + reach * right[j]], color=f"C{j}", linewidth=3
        )
upper.set_ylabel("coefficients")
lower.set(xlabel="alpha", ylabel="Jacobian", ylim=(-10, 10))
