"""Four algorithms, their iterates and their derivatives: the figure of 2206.00457.

The pages are built with few repetitions; ``REPETITIONS=100 python docs/figures/paper.py`` draws
all of them into ``paper.svg``.
"""

import os
import warnings

import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

REPETITIONS = int(os.environ.get("REPETITIONS", "10"))


def ridge(rng):
    X = rng.standard_normal((50, 20))
    return fp.ridge(X, X @ rng.standard_normal(20) + rng.standard_normal(50), alpha=1 / 50)


def lasso(rng):
    X = rng.standard_normal((60, 120))
    y = X[:, :8] @ rng.choice([-2.0, 2.0], 8) + 0.5 * rng.standard_normal(60)
    problem = fp.lasso(X, y, alpha=1.0)
    return problem.replace(alpha=0.1 * problem.alpha_max())


def covariance(rng):
    precision = np.eye(20) + 0.4 * (np.eye(20, k=1) + np.eye(20, k=-1))
    rows = rng.multivariate_normal(np.zeros(20), np.linalg.inv(precision), 200)
    return fp.sparse_inverse_covariance(rows.T @ rows / 200, alpha=0.05)


def trend(rng):
    t = np.linspace(0, 1, 60)
    return fp.trend_filter(4 * np.abs(t - 0.5) + 0.15 * rng.standard_normal(60), alpha=0.5)


#: Problem, algorithm, iterations.
COLUMNS = {
    "ridge\nforward-backward": (ridge, "forward_backward", 400),
    "Lasso\nforward-backward": (lasso, "forward_backward", 800),
    "sparse inverse covariance\nDouglas-Rachford": (covariance, "douglas_rachford", 240),
    "trend filtering\nADMM": (trend, fp.ADMM(penalty_parameter=10.0), 400),
}


def errors(problem, algorithm, counts):
    """Relative distances of iterate and tangent to their limits after so many iterations."""
    limit = fp.solve(problem, wrt="alpha", tol=1e-13)
    x, J = limit.x, limit.jacobian["alpha"]
    found = []
    for k in counts:
        run = fp.solve(
            problem, wrt="alpha", algorithm=algorithm, derivative="piggyback", tol=1e-15,
            max_iter=int(k),
        )  # fmt: skip
        pairs = (run.x, x), (run.jacobian["alpha"], J)
        found.append([np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs])
    return np.transpose(found)


def column(title, repetitions, points=25):
    """Iteration counts, and errors by repetition, of iterate and tangent, by count."""
    make, algorithm, most = COLUMNS[title]
    counts = np.unique(np.linspace(1, most, points).astype(int))
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        # Runs that are cut short are what the picture is about.
        warnings.simplefilter("ignore", fp.FastpiggyWarning)
        found = [errors(make(rng), algorithm, counts) for _ in range(repetitions)]
    return counts, np.array(found)


fig, axes = plt.subplots(2, len(COLUMNS), sharex="col", sharey=True, figsize=(9.6, 4.4))
for title, (top, bottom) in zip(COLUMNS, axes.T, strict=True):
    counts, found = column(title, REPETITIONS)
    for k, (ax, color) in enumerate(((top, "C0"), (bottom, "C1"))):
        low, middle, high = np.quantile(np.maximum(found[:, k], 1e-17), [0.1, 0.5, 0.9], axis=0)
        ax.semilogy(counts, middle, color=color)
        ax.fill_between(counts, low, high, color=color, alpha=0.25, linewidth=0)
    top.set_title(title, fontsize=9)
    bottom.set_xlabel("iteration k")
axes[0, 0].set(ylabel="iterate", ylim=(1e-16, 1e2))
axes[1, 0].set_ylabel("derivative in alpha")

if "REPETITIONS" in os.environ:
    fig.savefig("paper.svg")
