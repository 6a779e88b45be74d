"""Tangents that start at once, late, or after the iterate has converged; and one step."""

import example
import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

problem, X = example.make()
exact = fp.solve(problem, wrt="alpha").jacobian["alpha"]

fig, ax = plt.subplots()
for mode in ("piggyback", "late", "frozen"):
    found = fp.solve(
        problem, wrt="alpha", algorithm="forward_backward", derivative=mode, trace=True
    )
    ran = np.flatnonzero(found.trace.tangents) + 1
    change = found.trace.tangent_change[ran - 1]
    ax.semilogy(ran, change, label=f"{mode}: norm(J_k+1 - J_k)")
once = fp.solve(problem, wrt="alpha", algorithm="forward_backward", derivative="one_step")
error = np.linalg.norm(once.jacobian["alpha"] - exact)
ax.axhline(error, color="C3", linestyle="--", label="one step: norm(J - exact)")
ax.set(xlabel="iteration", ylabel="change of the tangent")
ax.legend()
