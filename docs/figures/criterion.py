"""The curve of 5-fold cross-validation, and what the search saw of it."""

import numpy as np

import fastpiggy as fp

data = fp.datasets.load_diabetes(degree=2)
criterion = fp.CrossVal(fp.lasso(data.X, data.y, alpha=1.0, fit_intercept=True), cv=5)
result = fp.tune(criterion, wrt="alpha")

ax = fp.plots.CriterionDisplay.from_result(result).ax_
alphas = np.geomspace(result.bounds["alpha"][1], result.curve.knots[-1], 200)
curve = [criterion.evaluate_quietly(alpha=alpha).value for alpha in alphas]
ax.plot(alphas, curve, color="0.8", linewidth=3, zorder=0, label="200 evaluations")
ax.set(ylabel="5-fold CV loss", xlim=(alphas[-1] / 1.2, 14.0), ylim=(2930.0, 3500.0))
ax.legend()
