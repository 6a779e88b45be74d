"""The Lasso's path on the diabetes study: knots, Jacobian, and slopes on both sides of a knot."""

import warnings

import numpy as np

import fastpiggy as fp

data = fp.datasets.load_diabetes()
X = (data.X - data.X.mean(axis=0)) / data.X.std(axis=0)
problem = fp.lasso(X, data.y - data.y.mean(), alpha=1.0)
alphas = np.geomspace(0.3, 1.15 * problem.alpha_max(), 100)
display = fp.plots.PathDisplay.from_problem(problem, alphas=alphas, names=data.feature_names)

for knot in display.knots:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FastpiggyWarning)  # at_kink: that is the point
        sol = fp.solve(problem.replace(alpha=knot))
    sides = sol.one_sided("alpha")
    # What enters or leaves here, its slope to the left and to the right.
    for j in sides.kinks:
        left, right, reach = sides.left["alpha"][j], sides.right["alpha"][j], 0.12 * knot
        ends = [knot - reach, knot, knot + reach]
        slopes = [sol.x[j] - reach * left, sol.x[j], sol.x[j] + reach * right]
        display.ax_.plot(ends, slopes, color=f"C{j}", linewidth=3, alpha=0.5)
        display.jacobian_ax_.plot(knot, left, "<", color=f"C{j}", markersize=5)
        display.jacobian_ax_.plot(knot, right, ">", color=f"C{j}", markersize=5)
display.figure_.set_size_inches(6.4, 5.0)
