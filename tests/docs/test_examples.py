"""The examples run, stay short, and show what their pages say."""

import runpy
from pathlib import Path

import matplotlib
import numpy as np
import pytest

matplotlib.use("Agg")
EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


@pytest.fixture
def drawn():
    from matplotlib import pyplot

    yield lambda name: runpy.run_path(str(EXAMPLES / f"{name}.py"))
    pyplot.close("all")


def test_each_is_short_and_on_the_page():
    page = (EXAMPLES.parent / "examples.rst").read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert f".. plot:: examples/{path.name}\n" in page
        assert len(path.read_text(encoding="utf-8").splitlines()) < 60


def test_tuning(drawn):
    found = drawn("tuning")
    assert found["lasso"].method == "path" and found["net"].method == "slopes"
    assert found["sparser"] > found["lasso"].params["alpha"]


def test_many_targets(drawn):
    found = drawn("many_targets")
    assert set(map(str, found["result"].statuses)) == {"converged"}
    # Alpha grows with the noise, and one for all is worse.
    assert np.corrcoef(np.log(found["noise"]), np.log(found["result"].alphas))[0, 1] > 0.8
    assert found["own"].mean() < found["best"].mean()


def test_weights_per_block(drawn):
    found = drawn("weights_per_block")
    weights = found["weights"]
    assert weights[0] < weights[1] < 1.0 < min(weights[2:])
    assert found["error"](found["four"]) < found["error"](found["one"])


def test_sure(drawn):
    found = drawn("sure")
    assert 0.8 < found["estimated"] < 1.2
    at = np.argmin(np.abs(found["places"] - found["result"].params["alpha"]))
    assert found["truth"][at] < 1.3 * min(found["truth"])
