"""How far a long run is."""

import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple


class Progress(NamedTuple):
    """How far a run over targets is.

    Parameters
    ----------
    done, total : int
        Targets, those that were found in a store included.
    seconds : float
        Since the beginning of this call.
    rate : float
        Targets a second in this call.
    left : float
        Seconds that the others will take at this rate.
    """

    done: int
    total: int
    seconds: float
    rate: float
    left: float

    def __str__(self) -> str:
        return (
            f"{self.done} of {self.total} targets, {self.rate:.3g} a second, "
            f"{_time(self.left)} left"
        )


class Reporter:
    """Counts targets, and tells whoever wants to know.

    Parameters
    ----------
    told : bool or callable
    total, done : int
    """

    def __init__(self, told: bool | Callable[[Progress], Any], total: int, done: int) -> None:
        if not callable(told) and not isinstance(told, bool):
            raise TypeError(f"progress must be a bool or a callable, got {told!r}")
        self.told, self.total, self.before, self.done = told, total, done, done
        self.begin = time.perf_counter()

    def add(self, count: int) -> None:
        """So many more are done."""
        self.done += count
        if self.told is False:
            return
        seconds = time.perf_counter() - self.begin
        rate = (self.done - self.before) / max(seconds, 1e-9)
        found = Progress(self.done, self.total, seconds, rate, (self.total - self.done) / rate)
        if self.told is True:
            print(f"\r{found}   ", end="", file=sys.stderr, flush=True)
        else:
            self.told(found)

    def end(self) -> None:
        """End the line."""
        if self.told is True:
            print(file=sys.stderr, flush=True)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
