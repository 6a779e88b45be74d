"""The numbers of the pages on equilibrium layers and on where implicit differentiation breaks."""

import runpy
from pathlib import Path

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
FIGURES = Path(__file__).resolve().parents[2] / "docs" / "figures"


@pytest.fixture
def drawn():
    from matplotlib import pyplot

    yield lambda name: runpy.run_path(str(FIGURES / name))
    pyplot.close("all")


def test_cycle(drawn):
    found = drawn("cyclic.py")
    assert found["period"] == pytest.approx(1.2296, rel=0.02)
    assert found["least_norm"] > 1.3 and found["least_value"] > 0.4
    # It turns at the two points that the dynamics of continuous time have.
    late = found["path"][[k for k in found["switches"] if k > found["COUNT"] // 2]]
    ends = np.array([[2.321236, 4.963709], [0.678764, 0.036291]])
    near = np.abs(late[:, None] - ends).max(axis=2).min(axis=1)
    assert near.max() < 0.05


def test_lorenz(drawn):
    found = drawn("lorenz.py")
    assert 0.85 < found["exponent"] < 0.95
    x, _, z = found["path"][found["BURN"] :].T
    assert np.sum(np.diff(np.sign(x)) != 0) > 50 and 17 < x.max() < 19 and 40 < z.max() < 48


def test_digits_learn(drawn, monkeypatch):
    monkeypatch.delenv("EPOCHS", raising=False)
    found = drawn("digits.py")
    assert found["losses"][-1] < 0.5 * found["losses"][0]
    assert found["right"][-1] > 0.85
