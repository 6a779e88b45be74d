"""Alpha of the Lasso and of an elastic net: curve, minimum, and the one-standard-error rule."""

import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

data = fp.datasets.load_diabetes(degree=2)
X, y = data.X, data.y
figure, axes = plt.subplots(1, 2, figsize=(8.0, 3.2))

# The Lasso: along the exact paths of all folds.
lasso = fp.tune(fp.CrossVal(fp.lasso(X, y, alpha=1.0, fit_intercept=True), cv=5))
display = fp.plots.CriterionDisplay.from_result(lasso, ax=axes[0])
sparser = lasso.curve.one_standard_error()
display.ax_.axvline(sparser, color="0.6", linestyle=":", label="one standard error")
display.ax_.set(title=f"Lasso: {np.count_nonzero(lasso.solution.x)} of {X.shape[1]} columns",
                ylim=(2900, 3600))  # fmt: skip
display.ax_.legend(frameon=False, fontsize=7)

# The elastic net: its path is curved, so the search goes by slopes.
problem = fp.elastic_net(X, y, alpha=1.0, l1_ratio=0.5, fit_intercept=True)
net = fp.tune(fp.CrossVal(problem, cv=5))
display = fp.plots.CriterionDisplay.from_result(net, ax=axes[1])
display.ax_.set(title=f"elastic net: {len(net.history)} evaluations", ylabel="", ylim=(2900, 3600),
                xlim=(0.1, 5.0))  # fmt: skip
