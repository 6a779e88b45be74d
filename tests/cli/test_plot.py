"""The curve of the criterion with its tangents."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from fastpiggy.plots import plot_criterion
from fastpiggy.plots.criterion import criterion_points, hermite_curve


def drawn(result, **kwargs):
    axes = Figure().subplots()
    assert plot_criterion(result, axes, **kwargs) is axes
    return {line.get_label(): line.get_xydata() for line in axes.lines}, axes


def test_points_tangents_and_best(result):
    lines, axes = drawn(result)
    np.testing.assert_allclose(lines["evaluated"][:, 0], [0.03, 0.1, 0.3, 1.0])
    np.testing.assert_allclose(lines["best"], [[0.1, 5.0]])
    assert axes.get_xscale() == "log" and axes.get_xlabel() == "alpha"
    # Curve, four tangents, evaluations, best.
    assert len(axes.lines) == 7


def test_tangents_touch_the_curve_with_its_slope(result):
    _, axes = drawn(result)
    for line, alpha in zip(axes.lines[1:5], [0.03, 0.1, 0.3, 1.0], strict=True):
        (x0, y0), (x1, y1) = line.get_xydata()
        slope = (y1 - y0) / np.log(x1 / x0)
        np.testing.assert_allclose(slope, 2 * np.log(alpha / 0.1), atol=1e-12)
        np.testing.assert_allclose((y0 + y1) / 2, 5 + np.log(alpha / 0.1) ** 2)


def test_curve_is_exact_for_a_parabola(result):
    fine, values = hermite_curve(*criterion_points(result, "alpha"))
    np.testing.assert_allclose(values, 5 + (fine - np.log(0.1)) ** 2, rtol=1e-12)


def test_repeated_and_single_evaluations(result):
    result.history = result.history + result.history[:1]
    assert criterion_points(result, "alpha")[0].size == 4
    result.history = result.history[:1]
    lines, _ = drawn(result)
    assert len(lines["evaluated"]) == 1


def test_what_cannot_be_drawn(result):
    with pytest.raises(ValueError, match="must be one of"):
        drawn(result, parameter="beta")
    result.params = {"alpha": 0.1, "l1_ratio": 0.5}
    with pytest.raises(ValueError, match="say which parameter"):
        drawn(result)
    assert drawn(result, parameter="alpha")[1].get_xlabel() == "alpha"
    result.params = {"alpha": np.ones(3)}
    with pytest.raises(ValueError, match="not a scalar"):
        drawn(result)
    result.history = ()
    with pytest.raises(ValueError, match="history is empty"):
        drawn(result)


def test_current_axes_are_the_default(result):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    try:
        assert plot_criterion(result) is pyplot.gca()
    finally:
        pyplot.close("all")
