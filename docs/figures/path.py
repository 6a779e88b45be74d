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
knots = [top]
while knots[-1] > 0.3:
    alpha = knots[-1] * (1 - 1e-6)
    knots.append(alpha - fp.solve(problem.replace(alpha=alpha)).certificate.margin[0])
knots = np.array(knots[:-1])

alphas = np.geomspace(0.3, 1.15 * top, 400)
found = [fp.solve(problem.replace(alpha=alpha), wrt="alpha") for alpha in alphas]
x = np.array([sol.x for sol in found])
J = np.array([sol.jacobian["alpha"] for sol in found])

fig, (upper, lower) = plt.subplots(2, sharex=True, figsize=(6.4, 5.0))
for j in range(X.shape[1]):
    upper.semilogx(alphas, x[:, j], color=f"C{j}", linewidth=1)
    lower.semilogx(alphas, J[:, j], ".", color=f"C{j}", markersize=1.5)
for ax in (upper, lower):
    ax.vlines(knots, 0, 1, transform=ax.get_xaxis_transform(), color="0.88", linewidth=0.7)
for knot in knots:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FastpiggyWarning)  # at_kink: that is the point
        sol = fp.solve(problem.replace(alpha=knot))
    sides = sol.one_sided("alpha")
    # What enters or leaves here, its slope to the left and to the right.
    for j in sides.kinks:
        left, right, reach = sides.left["alpha"][j], sides.right["alpha"][j], 0.12 * knot
        ends = [knot - reach, knot, knot + reach]
        slopes = [sol.x[j] - reach * left, sol.x[j], sol.x[j] + reach * right]
        upper.plot(ends, slopes, color=f"C{j}", linewidth=3, alpha=0.5)
        lower.plot(knot, left, "<", color=f"C{j}", markersize=5)
        lower.plot(knot, right, ">", color=f"C{j}", markersize=5)
upper.set_ylabel("coefficients")
lower.set(xlabel="alpha", ylabel="Jacobian", ylim=(-12, 12))
