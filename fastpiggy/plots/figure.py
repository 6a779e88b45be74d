"""Where displays draw when no axes are given."""

from __future__ import annotations

from typing import Any


def new_axes(rows: int = 1) -> Any:
    """Axes of a new figure, an array where there are several rows."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        message = 'plots need matplotlib: pip install "fastpiggy[plot]"'
        raise ImportError(message) from error
    return pyplot.subplots(rows, sharex=True)[1]
