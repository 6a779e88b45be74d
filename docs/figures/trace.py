"""Iterates and tangents of forward-backward on the Lasso, against the exact ones."""

import example
import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

problem, X = example.make()
exact = fp.solve(problem, wrt="alpha")
counts = np.arange(1, 301, 2)
x_error, J_error = [], []
for k in counts:
    found = example.after(problem, int(k), derivative="piggyback")
    x_error.append(np.linalg.norm(found.x - exact.x))
    J_error.append(np.linalg.norm(found.jacobian["alpha"] - exact.jacobian["alpha"]))

support = np.flatnonzero(exact.x)
H = X.T @ X / len(X)
rate = 1.0 - np.linalg.eigvalsh(H[np.ix_(support, support)])[0] / np.linalg.eigvalsh(H)[-1]

fig, ax = plt.subplots()
ax.semilogy(counts, x_error, label="iterate: norm(x_k - x)")
ax.semilogy(counts, J_error, label="tangent: norm(J_k - J)")
line = x_error[len(counts) // 2] * rate ** (counts - counts[len(counts) // 2])
ax.semilogy(counts, line, ":", color="0.4", label="slope 1 - step * lambda_min on the support")
ax.set(xlabel="iteration k", ylabel="distance to the solution's", ylim=(1e-10, 1e2))
ax.legend()
