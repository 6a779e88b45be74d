"""How long forward-backward needs to find the support, against the distance to a knot."""

import example
import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

problem, X = example.make()
alpha = problem.penalty.alpha
# Downwards to the first knot at which a coefficient enters.
while True:
    down, _ = fp.solve(problem).certificate.margin
    knot = problem.penalty.alpha - down
    above, below = (fp.solve(problem.replace(alpha=knot * f)).x for f in (1 + 1e-6, 1 - 1e-6))
    if np.count_nonzero(below) > np.count_nonzero(above):
        break
    problem = problem.replace(alpha=knot * (1 - 1e-6))


def identified(distance):
    """The first iteration from which on the support is that of the solution."""
    near = problem.replace(alpha=knot * (1 + distance))
    support = fp.solve(near).x != 0

    def right(k):
        return np.array_equal(example.after(near, k, derivative="none").x != 0, support)

    high = 64
    while not all(right(k) for k in (high, high + 1, 2 * high)):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if right(middle) else (middle, high)
    return high


distances = np.geomspace(1e-1, 1e-7, 13)
times = [identified(distance) for distance in distances]
support = np.flatnonzero(above)
H = X.T @ X / len(X)
rate = 1.0 - np.linalg.eigvalsh(H[np.ix_(support, support)])[0] / np.linalg.eigvalsh(H)[-1]
decade = -np.log(10) / np.log(rate)

fig, ax = plt.subplots()
ax.semilogx(distances, times, "o-", label="measured")
line = times[6] + decade * np.log10(distances[6] / distances)
ax.semilogx(distances, line, ":", color="0.4", label=f"slope of the rate: {decade:.0f} a decade")
ax.invert_xaxis()
ax.set(
    xlabel="relative distance of alpha to the knot", ylabel="iterations until the support stands"
)
ax.legend()
