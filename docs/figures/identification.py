"""When the support stops moving, and what the tangents do from then on."""

import example
import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

problem, X = example.make()
exact = fp.solve(problem, wrt="alpha")
counts = np.arange(1, 121)
wrong, J_error = [], []
for k in counts:
    found = example.after(problem, int(k), derivative="piggyback")
    wrong.append(np.count_nonzero((found.x != 0) != (exact.x != 0)))
    J_error.append(np.linalg.norm(found.jacobian["alpha"] - exact.jacobian["alpha"]))
settled = counts[np.flatnonzero(wrong)[-1]] + 1

fig, (top, bottom) = plt.subplots(2, sharex=True, figsize=(6.4, 4.2))
top.step(counts, wrong, where="mid", color="C2")
top.set_ylabel("coordinates on the\nwrong side of zero")
bottom.semilogy(counts, J_error, color="C1")
bottom.set(xlabel="iteration k", ylabel="norm(J_k - J)")
for ax in (top, bottom):
    ax.axvline(settled, color="0.6", linewidth=1)
top.annotate(f"settled at iteration {settled}", (settled, max(wrong)), (6, -10),
             textcoords="offset points")  # fmt: skip
