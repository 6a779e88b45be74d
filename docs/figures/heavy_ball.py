"""Heavy ball on the function with one kink: the iterates stand, the derivative depends."""

import warnings

import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

CASES = {
    "heavy ball, start 0, alternating": {},
    "heavy ball, start 0, strict": {"ties": "strict"},
    "heavy ball, start 1": {"start": 1.0},
    "heavy ball, start 0, momentum 0.52": {"momentum": 0.52},
    "gradient descent, start 0": {"momentum": 0.0},
}
fig, ax = plt.subplots()
for label, options in CASES.items():
    problem = fp.heavy_ball_counterexample(**options)
    with warnings.catch_warnings(action="ignore"):
        sol = fp.solve(
            problem, wrt={"x0": [1.0, 1.0]}, derivative="piggyback", max_iter=200, tol=1e-40,
            trace=True,
        )  # fmt: skip
    size = sol.trace.tangent_size
    ax.semilogy(np.arange(1, len(size) + 1), np.where(size > 0, size, np.nan), label=label)
k = np.arange(200)
ax.semilogy(k, 1.125 ** (k / 4), ":", color="0.4", label="(9/8)^(k/4)")
ax.set(xlabel="iteration k", ylabel="norm of (J_k, J_k-1)", ylim=(1e-14, 1e4))
ax.legend(fontsize=7)
