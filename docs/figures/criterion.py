"""The curve of 5-fold cross-validation, and what the search saw of it."""

import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

data = fp.datasets.load_diabetes(degree=2)
criterion = fp.CrossVal(fp.lasso(data.X, data.y, alpha=1.0, fit_intercept=True), cv=5)
result = fp.tune(criterion, wrt="alpha")

low = result.curve.knots[-1]
alphas = np.geomspace(result.bounds["alpha"][1], low, 200)
curve = [criterion.evaluate_quietly(alpha=alpha).value for alpha in alphas]

fig, ax = plt.subplots()
ax.plot(alphas, curve, color="0.8", linewidth=3, label="200 evaluations")
fp.plots.plot_criterion(result, ax)
ax.set(ylabel="5-fold CV loss", xlim=(low / 1.2, 14.0), ylim=(2930.0, 3500.0))
