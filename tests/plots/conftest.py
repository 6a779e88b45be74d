"""Pictures without a screen."""

import matplotlib
import pytest

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def closed():
    from matplotlib import pyplot

    yield
    pyplot.close("all")
