"""How long forward-backward needs to find the support, against the distance to a knot."""

import example
import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

problem, X = example.make()


def entering(problem):
    """The next alpha below at which a coefficient enters."""
    alpha = problem.penalty.alpha
    while True:
        knot = alpha - fp.solve(problem.replace(alpha=alpha)).certificate.margin[0]
        alpha = knot * (1 - 1e-6)
        above, below = (fp.solve(problem.replace(alpha=knot * (1 + s))).x for s in (1e-6, -1e-6))
        if np.count_nonzero(below) > np.count_nonzero(above):
            # Until it has left, the coefficient in question takes part.
            return knot, np.flatnonzero(below)


def identified(near):
    """The iteration from which on the support is that of the solution."""
    support = fp.solve(near).x != 0

    def right(middle):
        # A support that is right may be left again.
        runs = (example.after(near, k, derivative="piggyback").x for k in range(middle, middle + 4))
        return all(np.array_equal(x != 0, support) for x in runs)

    low, high = 0, 1024
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if right(middle) else (middle, high)
    return high


knot, support = entering(problem)
distances = np.geomspace(1e-1, 1e-7, 13)
times = [identified(problem.replace(alpha=knot * (1 + d))) for d in distances]
H = X.T @ X / len(X)
rate = 1.0 - np.linalg.eigvalsh(H[np.ix_(support, support)])[0] / np.linalg.eigvalsh(H)[-1]
decade = -np.log(10) / np.log(rate)

if __name__ == "__main__":
    fig, ax = plt.subplots()
    ax.semilogx(distances, times, "o-", label="measured")
    line = times[-1] + decade * np.log10(distances[-1] / distances)
    ax.semilogx(distances, line, ":", color="0.4", label=f"{decade:.0f} a decade: the rate's own")
    ax.invert_xaxis()
    ax.set(xlabel="relative distance of alpha to the knot", ylabel="iterations to the support")
    ax.legend()
