"""What a layer does around PyTorch, without it: a batch forward, and the way back."""

import numpy as np

import fastpiggy as fp
from fastpiggy.layers import _Run

RNG = np.random.default_rng(3)
X, Y = RNG.standard_normal((30, 8)), RNG.standard_normal((3, 30))


def run(Y, alpha):
    values = {"X": X, "y": Y, "alpha": alpha, "fit_intercept": True}
    return _Run(fp.lasso, values, ("y",), 1e-11, 0.0, 1)


def test_gradients_of_a_batch_are_those_of_differences():
    v, b = RNG.standard_normal((3, 8)), RNG.standard_normal(3)
    along, h = RNG.standard_normal(Y.shape), 1e-6
    found = run(Y, 0.1).back(v, b, ["y", "alpha"])

    def value(Y, alpha):
        made = run(Y, alpha)
        return np.sum(v * made.x) + b @ made.intercept, made.x != 0

    for gradient, ends in (
        (np.sum(found["y"] * along), [value(Y + side * h * along, 0.1) for side in (1, -1)]),
        (found["alpha"], [value(Y, 0.1 + side * h) for side in (1, -1)]),
    ):
        assert np.array_equal(ends[0][1], ends[1][1])
        difference = (ends[0][0] - ends[1][0]) / (2 * h)
        assert abs(difference) > 1e-2
        np.testing.assert_allclose(gradient, difference, rtol=1e-6)
