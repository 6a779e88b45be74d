"""Gradient descent through the solution of a linear program: a cycle where nothing is critical."""

import matplotlib.pyplot as plt
import numpy as np

STEP, COUNT = 1e-3, 8000


def solution(x, y):
    """The maximiser of ``(a + b)(-3 x + y + 2)`` over [0, 3] x [0, 5]."""
    return (3.0, 5.0) if -3 * x + y + 2 > 0 else (0.0, 0.0)


x, y = 1.0, 1.0
path, values, norms, switches = [], [], [], []
before = solution(x, y)
for k in range(COUNT):
    s = solution(x, y)
    if s != before:
        switches.append(k)
    before = s
    g = 2 * (x - s[0]), 8 * (y - s[1])  # the formal gradient: ds is zero almost everywhere
    path.append((x, y))
    values.append((x - s[0]) ** 2 + 4 * (y - s[1]) ** 2)
    norms.append(np.hypot(*g))
    x, y = x - STEP * g[0], y - STEP * g[1]

path = np.array(path)
late = [k for k in switches if k > COUNT // 2]
period = STEP * np.mean(np.diff(late[::2]))
cycle = slice(late[0], late[-1])
least_norm, least_value = min(norms[cycle]), min(values[cycle])

fig, (left, right) = plt.subplots(1, 2)
left.plot(*path[: late[0]].T, color="0.7", lw=1)
left.plot(*path[cycle].T, color="C0")
line = np.array([0.3, 2.6])
left.plot(line, 3 * line - 2, ":", color="0.4")
left.plot([3, 0], [5, 0], "k.")
left.set(xlabel="x", ylabel="y", xlim=(-0.2, 3.2), ylim=(-0.5, 5.5))
left.text(1.55, 2.0, "-3x + y + 2 = 0", rotation=0, fontsize=7)
right.plot(STEP * np.arange(COUNT), values, label="value")
right.plot(STEP * np.arange(COUNT), norms, label="norm of the formal gradient")
right.axhline(0, color="0.4", ls=":", label="minimum")
right.set(xlabel="time", ylim=(-2, 25))
right.legend(fontsize=7)
