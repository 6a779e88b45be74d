"""Gradient descent on a quadratic whose inner solution is differentiated where it must not be."""

import math

import matplotlib.pyplot as plt
import numpy as np

STEP, COUNT, BURN = 1e-3, 200_000, 5000

x, y, z = 1.0, 1.0, 20.0
p, q, r = 1.0, 0.0, 0.0
growth, path = 0.0, np.empty((COUNT, 3))
for k in range(COUNT):
    # u+ = u - step (-v(u)), and its tangent, whose growth is the Lyapunov exponent.
    dp, dq, dr = 10 * (q - p), (28 - z) * p - q - x * r, y * p + x * q - 8 / 3 * r
    dx, dy, dz = 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z
    x, y, z = x + STEP * dx, y + STEP * dy, z + STEP * dz
    p, q, r = p + STEP * dp, q + STEP * dq, r + STEP * dr
    size = math.sqrt(p * p + q * q + r * r)
    p, q, r = p / size, q / size, r / size
    if k >= BURN:
        growth += math.log(size)
    path[k] = x, y, z

exponent = growth / (STEP * (COUNT - BURN))
objective = 10 * path[:, 0] ** 2 + path[:, 1] ** 2 + 8 / 3 * path[:, 2] ** 2
objective -= 38 * path[:, 0] * path[:, 1]

fig, (left, right) = plt.subplots(1, 2)
shown = slice(BURN, BURN + 40_000)
left.plot(path[shown, 0], path[shown, 2], lw=0.4)
left.set(xlabel="first coordinate of u", ylabel="third")
right.plot(STEP * np.arange(40_000), objective[shown], lw=0.6)
right.set(xlabel="time", ylabel="true objective")
