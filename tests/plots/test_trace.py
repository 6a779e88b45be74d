"""Steps of a run, and its certificate."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import fastpiggy as fp
from fastpiggy.plots import TraceDisplay

rng = np.random.default_rng(0)
problem = fp.lasso(rng.standard_normal((40, 10)), rng.standard_normal(40), alpha=0.1)


def solved(derivative, **options):
    return fp.solve(
        problem, wrt="alpha", algorithm="forward_backward", derivative=derivative, **options
    )


def test_steps_rate_and_certificate():
    sol = solved("piggyback", trace=True)
    axes = Figure().subplots()
    display = TraceDisplay.from_solution(sol, ax=axes)
    assert display.ax_ is axes and display.figure_ is axes.figure
    x, change = display.change_.get_data()
    np.testing.assert_array_equal(x, 1 + np.arange(len(sol.trace)))
    np.testing.assert_array_equal(change, sol.trace.change)
    np.testing.assert_array_equal(display.tangent_.get_ydata(), sol.trace.tangent_change)
    np.testing.assert_array_equal(display.residual_.get_ydata(), sol.trace.residual)
    x, line = display.rate_.get_data()
    np.testing.assert_allclose(np.diff(np.log(line)) / np.diff(x), np.log(sol.certificate.rate))
    title = axes.get_title()
    assert title.startswith("forward_backward, converged, optimality")
    assert f"at most {sol.certificate.tangent_error:.1e}" in title


def test_a_late_tangent_is_drawn_from_where_it_starts():
    sol = solved("late", trace=True)
    on = sol.trace.tangents > 0
    x = TraceDisplay.from_solution(sol).tangent_.get_xdata()
    np.testing.assert_array_equal(x, 1 + np.flatnonzero(on & (sol.trace.tangent_change > 0)))
    assert x[0] > 1


def test_without_tangent_rate_or_certificate():
    display = TraceDisplay.from_solution(solved("implicit", trace=True))
    assert display.tangent_ is None
    bare = TraceDisplay(trace=display.trace).plot()
    assert bare.rate_ is None and bare.ax_.get_title() == "" and bare.plot() is bare


def test_no_trace():
    with pytest.raises(ValueError, match="trace=True"):
        TraceDisplay.from_solution(solved("piggyback"))
