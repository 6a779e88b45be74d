"""Train an equilibrium layer on scikit-learn's digits with Adam in plain NumPy.

The pages are built with few epochs; ``EPOCHS=60 python docs/figures/digits.py`` takes all, prints
the test accuracy and draws ``digits.svg``.
"""

import os
import time

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import fastpiggy as fp

EPOCHS = int(os.environ.get("EPOCHS", "5"))
UNITS, BATCH, RATE = 80, 100, 3e-3

X, labels = load_digits(return_X_y=True)
split = train_test_split(X / 16, labels, test_size=0.2, random_state=0, stratify=labels)
X_train, X_test, y_train, y_test = split

rng = np.random.default_rng(0)
small = np.sqrt(1 / UNITS)
theta = {
    "P": small * rng.standard_normal((UNITS, UNITS)),
    "R": small * rng.standard_normal((UNITS, UNITS)),
    "U": rng.standard_normal((UNITS, 64)) / 8, "b": np.zeros(UNITS),
    "C": small * rng.standard_normal((10, UNITS)), "e": np.zeros(10),
}  # fmt: skip


def layer(x):
    weights = fp.monotone_weights(theta["P"], theta["R"], m=1.0)
    return fp.solve(fp.equilibrium(weights, theta["U"], theta["b"], x), tol=1e-6)


def gradients(x, y):
    """Mean cross-entropy of ``softmax(C z + e)`` and its gradient in all parameters."""
    sol = layer(x)
    scores = sol.x @ theta["C"].T + theta["e"]
    scores -= scores.max(axis=1, keepdims=True)
    chance = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    slope = chance.copy()
    slope[rows, y] -= 1.0
    slope /= len(y)
    found = sol.vjp(slope @ theta["C"], wrt=["P", "R", "U", "b"])
    found |= {"C": slope.T @ sol.x, "e": slope.sum(axis=0)}
    return -np.log(chance[rows, y]).mean(), found


def accuracy(x, y):
    return np.mean((layer(x).x @ theta["C"].T + theta["e"]).argmax(axis=1) == y)


first = {name: np.zeros_like(value) for name, value in theta.items()}
second = {name: np.zeros_like(value) for name, value in theta.items()}
losses, right, step, begin = [], [], 0, time.perf_counter()
for epoch in range(EPOCHS):
    rate = 0.5 * RATE * (1 + np.cos(np.pi * epoch / EPOCHS))
    total = 0.0
    for rows in np.array_split(rng.permutation(len(y_train)), len(y_train) // BATCH):
        value, found = gradients(X_train[rows], y_train[rows])
        step += 1
        total += value * len(rows)
        for name, g in found.items():
            first[name] = 0.9 * first[name] + 0.1 * g
            second[name] = 0.999 * second[name] + 0.001 * g * g
            scaled = first[name] / (1 - 0.9**step)
            scaled /= np.sqrt(second[name] / (1 - 0.999**step)) + 1e-8
            theta[name] = theta[name] - rate * scaled
    losses.append(total / len(y_train))
    right.append(accuracy(X_test, y_test))

fig, (left, other) = plt.subplots(1, 2)
left.semilogy(1 + np.arange(EPOCHS), losses)
left.set(xlabel="epoch", ylabel="cross-entropy, training")
other.plot(1 + np.arange(EPOCHS), right)
other.set(xlabel="epoch", ylabel="accuracy, test")

if "EPOCHS" in os.environ:
    fig.savefig("digits.svg")
    print(f"accuracy {right[-1]:.4f} after {time.perf_counter() - begin:.0f} s")
